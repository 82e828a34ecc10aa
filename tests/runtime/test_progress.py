"""A mission shows itself as a live table, or as plain lines where nobody looks."""

from __future__ import annotations

import io

from rich.console import Console

from kit.events import Action, Motion
from kit.runtime.progress import LiveTable, line, render, terminal_display
from kit.runtime.view import View

VIEW = View(
    phase="Under way",
    services={"capture": "online", "control": "starting"},
    elapsed_s=12.0,
    seconds=60.0,
    frames=120,
    fps=9.97,
    latency_ms=34.6,
    action=Action.STOP,
    reason="DangerAhead in 3 of 5 frames",
    motion=Motion.STOPPING,
    speed_mps=0.31,
    distance_m=1.25,
    memory_mb=812.0,
    console_url="http://127.0.0.1:8080",
)


def plain() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, force_terminal=False, width=200), file


def test_without_a_terminal_there_are_plain_lines() -> None:
    console, file = plain()

    with terminal_display(console) as display:
        display.show(VIEW)

    assert file.getvalue() == f"The console is at {VIEW.console_url}\n{line(VIEW)}\n"


def test_a_line_tells_frames_latency_decision_and_danger() -> None:
    assert line(VIEW) == (
        "Under way | 120 frames, 10.0/s | 35 ms | stop: DangerAhead in 3 of 5 frames"
        " | train stopping | 1.25 m to the danger"
    )


def test_a_line_is_not_repeated_while_nothing_changes() -> None:
    console, file = plain()

    with terminal_display(console) as display:
        display.show(VIEW)
        display.show(VIEW)

    assert file.getvalue().count(line(VIEW)) == 1
    assert file.getvalue().count("The console is at") == 1


def test_a_new_phase_is_a_new_line() -> None:
    console, file = plain()

    with terminal_display(console) as display:
        display.show(View(phase="Briefing"))
        display.show(View(phase="Under way"))

    assert file.getvalue().splitlines() == ["Briefing", "Under way"]


def test_in_a_terminal_there_is_a_live_table() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)

    with terminal_display(console) as display:
        assert isinstance(display, LiveTable)
        display.show(VIEW)


def test_the_table_shows_everything_that_is_known() -> None:
    console, file = plain()

    console.print(render(VIEW))

    text = file.getvalue()
    for part in ("capture", "STOP", "stopping", "0.31 m/s", "1.25 m", "812 MB", "127.0.0.1:8080"):
        assert part in text


def test_a_phase_without_numbers_asks_for_patience() -> None:
    console, file = plain()

    console.print(render(View(phase="Starting the brokers")))

    assert "some seconds" in file.getvalue()

"""A mission in the terminal: a live table for people, plain lines for logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kit.events import Action, Motion
from kit.runtime.view import Display, View

LINE_EVERY_S = 5.0
"""Time between two plain lines when nothing changes, seconds."""

_STATUS_STYLES = {"online": "green", "offline": "dim", "starting": "yellow"}
_ACTION_STYLES = {
    Action.STOP: "bold red",
    Action.EMERGENCY_STOP: "bold red",
    Action.SLOW: "bold yellow",
    Action.CRUISE: "bold green",
}


@contextmanager
def terminal_display(console: Console | None = None) -> Iterator[Display]:
    """Show a mission in the terminal while the block runs.

    Args:
        console: Where; standard error if None.

    Yields:
        A live table if a person looks, else one that writes plain lines.
    """
    console = console or Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield LiveTable(live)


class LiveTable:
    """Redraws one panel in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, view: View) -> None:
        """Show one moment."""
        self._live.update(render(view), refresh=True)


class Lines:
    """Writes a line when something changes, and every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[object, ...] = ()
        self._last_s = 0.0
        self._console_told = False

    def show(self, view: View) -> None:
        """Write a line, unless it would say what the one before said."""
        if view.console_url and not self._console_told:  # once, whatever phase comes first
            self._console_told = True
            self._console.print(
                f"The console is at {view.console_url}", soft_wrap=True, markup=False
            )
        news = (view.phase, view.action, view.motion, view.console_url)
        now_s = time.monotonic()
        if news == self._last and now_s - self._last_s < LINE_EVERY_S:
            return
        self._last, self._last_s = news, now_s
        self._console.print(line(view), soft_wrap=True, markup=False)


def line(view: View) -> str:
    """Return one moment as one line of text."""
    parts = [view.phase]
    if view.frames:
        parts.append(f"{view.frames} frames, {view.fps:.1f}/s")
    if view.latency_ms is not None:
        parts.append(f"{view.latency_ms:.0f} ms")
    if view.action is not None:
        parts.append(f"{view.action}: {view.reason}")
    if view.motion is not None:
        parts.append(f"train {view.motion}")
    if view.distance_m is not None:
        parts.append(f"{view.distance_m:.2f} m to the danger")
    return " | ".join(parts)


def render(view: View) -> Panel:
    """Return one moment as a panel."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", min_width=10)
    rows.add_column(min_width=44)
    for name, value in _rows(view):
        rows.add_row(name, value)
    services = Text("  ").join(
        Text.assemble(("● ", _STATUS_STYLES[status]), name)
        for name, status in view.services.items()
    )
    body = Group(services, Text(), rows) if view.services else Group(rows)
    return Panel(body, title=f"[bold]{view.phase}", border_style="cyan", expand=False)


def _rows(view: View) -> Iterator[tuple[str, Text]]:
    if view.elapsed_s:
        yield "time", Text(f"{view.elapsed_s:.0f} of {view.seconds:.0f} s")
    if view.frames:
        yield "frames", Text(f"{view.frames}   {view.fps:.1f} a second")
    if view.latency_ms is not None:
        yield "latency", Text(f"{view.latency_ms:.0f} ms from capture to action")
    if view.action is not None:
        yield (
            "decision",
            Text.assemble(
                (view.action.upper(), _ACTION_STYLES.get(view.action, "")), f"  {view.reason}"
            ),
        )
    if view.motion is not None:
        moving = view.motion in {Motion.CRUISING, Motion.SLOWED}
        speed = "" if view.speed_mps is None else f"   {view.speed_mps:.2f} m/s"
        yield "train", Text(f"{view.motion}{speed}", style="green" if moving else "")
    if view.distance_m is not None:
        yield "danger", Text(f"in {max(view.distance_m, 0.0):.2f} m")
    if view.memory_mb:
        yield "memory", Text(f"{view.memory_mb:.0f} MB")
    if view.console_url:
        yield "console", Text(view.console_url, style="underline cyan")
    if not (view.frames or view.console_url):
        yield "", Text("this takes some seconds …", style="dim")

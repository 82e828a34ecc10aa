"""The means of breaking things, on processes of the tests' own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from kit.chaos import run
from kit.chaos.catalogue import all_faults
from kit.chaos.fault import Effect, Where
from kit.chaos.faults import halted, no_disk, throttled
from kit.chaos.run import choose, result_json
from kit.chaos.table import cells, markdown_table, verdict, write_page
from kit.chaos.trial import Trial
from kit.errors import ConfigError
from tests.chaos.make import braking, facts, fault
from tests.waiting import wait_until

WRITER = """
import sys, time
path, step = sys.argv[1], 0
while True:
    try:
        with open(path, "a") as file:
            file.write("a line\\n")
        print("ok", flush=True)
    except OSError as error:
        print(error.errno, flush=True)
    time.sleep(0.002)
"""


class Writer:
    """A process that appends to a file, and says whether it could."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def says(self, wanted: str) -> bool:
        """Read until it says something; it ends with the tests' own time limit."""
        assert self.process.stdout is not None
        return any(line.strip() == wanted for line in self.process.stdout)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "file")
    yield writer
    writer.process.send_signal(signal.SIGCONT)
    writer.process.kill()
    writer.process.communicate()


@pytest.fixture
def stage(writer: Writer) -> Any:
    return SimpleNamespace(
        pid=lambda _name: writer.pid, signal=lambda _name, n: os.kill(writer.pid, n)
    )


def state(pid: int) -> str:
    return psutil.Process(pid).status()


def wait_for_state(pid: int, *wanted: str) -> None:
    wait_until(lambda: state(pid) in wanted, wanted.__repr__, pause_s=0.001)


def test_a_process_without_a_disk_fails_to_write_and_writes_again(
    writer: Writer, stage: Any
) -> None:
    assert writer.says("ok")
    with no_disk(stage, names=("it",)):
        assert writer.says("27")  # EFBIG
    assert writer.says("ok")


def test_a_halted_process_stands_and_goes_on(writer: Writer, stage: Any) -> None:
    assert writer.says("ok")
    with halted(stage, name="it"):
        wait_for_state(writer.pid, psutil.STATUS_STOPPED)
    wait_for_state(writer.pid, psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)
    assert writer.says("ok")


def test_a_throttled_process_stands_again_and_again_and_goes_on(writer: Writer, stage: Any) -> None:
    with throttled(stage, name="it"):
        for _ in range(3):
            wait_for_state(writer.pid, psutil.STATUS_STOPPED)
            wait_for_state(writer.pid, psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)
    wait_for_state(writer.pid, psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)


def test_every_fault_has_a_name_of_its_own_and_says_what_is_expected() -> None:
    faults = all_faults()
    assert len({f.name for f in faults}) == len(faults)
    for each in faults:
        start = {
            Effect.STOPS: ("Stops", "Runs on", "Rolls out"),
            Effect.STAYS: ("Stays latched",),
            Effect.DRIVES_ON: ("Drives on",),
            Effect.NEVER_BLIND: ("Stops or",),
        }[each.effect]
        assert each.expected.startswith(start)
        assert each.what
        assert each.demo


def test_faults_of_one_stage_stand_together() -> None:
    order = [f.where for f in all_faults()]
    assert [w for w, before in zip(order, [None, *order], strict=False) if w is not before] == [
        Where.SHARED,
        Where.CLOCK,
        Where.BLUEZ,
        Where.SUPERVISED,
    ]


def test_faults_are_chosen_by_name_and_by_pattern() -> None:
    assert [f.name for f in choose(["hub-off", "camera-*"])] == [
        "camera-frozen",
        "camera-silent",
        "camera-black",
        "camera-unplugged",
        "hub-off",
    ]
    assert len(choose([])) == len(all_faults())
    with pytest.raises(ConfigError, match="There is no such fault"):
        choose(["camera-melted"])


def tried(*, cruise_ms: float = 400, **changes: Any) -> Trial:
    from kit.chaos.fault import judge

    stops = fault(Effect.STOPS)
    seen = facts(braking(cruise_ms=cruise_ms), **changes)
    return Trial(stops, judge(stops, seen), seconds=3.2)


def test_the_result_tells_the_worst_of_all_rounds() -> None:
    result = result_json([[tried()], [tried(cruise_ms=600)], [tried(cruise_ms=500)]])
    assert result["ok"]
    assert (result["tried"], result["as_expected"], result["rounds"]) == (1, 1, 3)
    (one,) = result["faults"]
    assert one["name"] == "something-broken"
    assert one["expected"] == "What must come."
    assert one["stopped_in_ms"] == 950
    assert [each["stopped_in_ms"] for each in one["rounds"]] == [750, 950, 850]


def test_one_failure_in_any_round_is_a_failure() -> None:
    result = result_json([[tried()], [tried(drove_again=False)]])
    assert not result["ok"]
    assert result["failed"] == ["something-broken"]
    assert "did not drive again" in verdict(result["faults"][0])


def test_what_cannot_be_tried_here_is_told_and_is_no_failure(tmp_path: Path) -> None:
    skipped = Trial(fault(Effect.STOPS), None, trouble="install faketime", skipped=True)
    broken = Trial(fault(Effect.STOPS), None, trouble="the stage fell down")
    result = result_json([[skipped]])
    assert result["ok"]
    assert result["skipped"] == ["something-broken"]
    assert result["tried"] == 0
    assert cells(result["faults"][0])[0] == "not tried"
    assert "install faketime" in write_page(result, tmp_path).read_text()
    assert not result_json([[broken]])["ok"]


def test_a_stage_that_does_not_stand_is_a_failure_unless_it_needs_more_than_this_machine_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @contextmanager
    def no_stage(_where: Where, _ground: object) -> Iterator[None]:
        raise ConfigError("It is not installed", fix="run: apt install it")
        yield

    monkeypatch.setattr("kit.chaos.run.stage_for", no_stage)
    ground: Any = None
    shared, clock = fault(Effect.STOPS), fault(Effect.STOPS, where=Where.CLOCK)
    (failed,) = run._try_group(ground, [shared])
    (skipped,) = run._try_group(ground, [clock])
    assert not failed.ok
    assert skipped.ok
    assert skipped.skipped
    assert "apt install it" in skipped.trouble


def test_the_page_needs_nothing_from_outside_and_tells_each_fault(tmp_path: Path) -> None:
    page = write_page(result_json([[tried()], [tried()]]), tmp_path).read_text()
    for part in ("something-broken", "750 ms", "400 ms", "0.8 s", "tried 2 times", "1 of 1 faults"):
        assert part in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_table_of_the_documentation_has_a_row_a_fault() -> None:
    text = markdown_table(result_json([[tried()]]), {"something-broken": "Nothing."})
    row = ("`something-broken`", "something breaks", "What must come.", "400 ms", "750 ms", "0.8 s")
    assert f"| {' | '.join(row)} | Nothing. |" in text.splitlines()


def test_the_documentation_tells_every_fault_as_the_command_does() -> None:
    text = (Path(__file__).parents[2] / "docs" / "chaos.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(all_faults())
    for each, row in zip(all_faults(), rows, strict=True):
        assert row.startswith(f"| `{each.name}` | {each.what} | {each.expected} | ")
        assert row.endswith(f" | {each.demo} |")


def test_without_faketime_the_clock_is_not_stepped_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kit.chaos.wirings import stage_for

    monkeypatch.setattr("shutil.which", lambda _program: None)
    ground: Any = SimpleNamespace(folder=tmp_path)
    with (
        pytest.raises(ConfigError, match="cannot be stepped here") as refused,
        stage_for(Where.CLOCK, ground),
    ):
        pass
    assert "apt install faketime" in str(refused.value)

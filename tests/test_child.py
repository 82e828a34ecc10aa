"""Child processes that never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kit.child import Child
from kit.errors import MissionError
from tests.waiting import PATIENCE_S, wait_until

READY = """
import threading
from kit.child import announce_ready, exit_with_parent
exit_with_parent()
announce_ready(port=5, name="x")
threading.Event().wait()
"""
PARENT = """
import sys, threading
from kit.child import Child
with Child({argv!r}, name="child") as child:
    print(child.pid, flush=True)
    threading.Event().wait()
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a child on a busy machine take its time to end cleanly."""
    monkeypatch.setitem(Child.stop.__kwdefaults__, "timeout_s", PATIENCE_S)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kept(child: Child) -> int:
    """Return the process id of the program that a keeper keeps."""
    keeper = psutil.Process(child.pid)
    wait_until(keeper.children, "the program runs")
    return keeper.children()[0].pid


def test_a_child_tells_its_facts_when_it_is_ready() -> None:
    with Child(python(READY), name="child") as child:
        assert child.ready(timeout_s=PATIENCE_S) == {"port": 5, "name": "x"}
        assert child.alive


def test_a_child_ends_with_the_context() -> None:
    with Child(python(READY), name="child") as child:
        child.ready(timeout_s=PATIENCE_S)
    assert not child.alive
    assert child.exit_code == -signal.SIGTERM


def test_a_child_can_be_stopped_twice() -> None:
    child = Child(python(READY), name="child")
    child.ready(timeout_s=PATIENCE_S)
    assert child.stop() == child.stop() == -signal.SIGTERM


def test_a_child_that_ends_before_it_is_ready_is_told_with_its_exit_code() -> None:
    with pytest.raises(MissionError, match=r"'early' .* exit code 7"):
        Child(python("raise SystemExit(7)"), name="early").ready(timeout_s=PATIENCE_S)


def test_a_child_that_says_something_else_is_told_with_it() -> None:
    child = Child(python("print('hello'); input()"), name="wrong")
    with pytest.raises(MissionError, match="hello"):
        child.ready(timeout_s=PATIENCE_S)
    assert not child.alive


def test_a_child_that_keeps_silent_is_stopped() -> None:
    child = Child(python("import sys; sys.stdin.read()"), name="silent")
    with pytest.raises(MissionError, match="said nothing"):
        child.ready(timeout_s=0.05)
    assert not child.alive


def test_a_child_that_will_not_end_is_killed() -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True)"
    child = Child(python(f"{code}\nimport threading; threading.Event().wait()"), name="stubborn")
    assert child.ready(timeout_s=PATIENCE_S) == {}
    assert child.stop(timeout_s=0.05) == -signal.SIGKILL


def test_a_child_may_talk_on_after_it_is_ready() -> None:
    code = "print('{}', flush=True); print('x' * 1_000_000, flush=True)"
    with Child(python(code), name="talker") as child:
        child.ready(timeout_s=PATIENCE_S)
        wait_until(lambda: not child.alive, "it has said all of it")
        assert child.exit_code == 0


def test_messages_of_a_child_go_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import sys; sys.stderr.write('trouble')"
    with Child(python(code), name="child", log=log) as child:
        wait_until(lambda: not child.alive, "it has ended")
    assert log.read_text() == "trouble"


def test_a_child_gets_variables_on_top_of_ours() -> None:
    code = "import json, os; print(json.dumps({n: os.environ.get(n) for n in ('KIT_X', 'PATH')}))"
    with Child(python(code), name="child", env={"KIT_X": "5"}) as child:
        assert child.ready(timeout_s=PATIENCE_S) == {"KIT_X": "5", "PATH": os.environ["PATH"]}


def test_a_child_dies_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        python(PARENT.format(argv=python(READY))), stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
    wait_until(lambda: gone(pid), "the child is gone")


def test_a_kept_program_dies_when_the_parent_is_killed() -> None:
    keeper = [sys.executable, "-m", "kit.child", "--", "sleep", "1000"]
    with subprocess.Popen(python(PARENT.format(argv=keeper)), stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        wait_until(child.children, "the program runs")
        program = child.children()[0].pid
        parent.kill()
    wait_until(lambda: gone(program), "the program is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its parent")
def test_a_kept_program_dies_when_its_keeper_is_killed() -> None:
    with Child.program("sleep", "1000", name="sleep") as child:
        program = kept(child)
        child.signal(signal.SIGKILL)
        wait_until(lambda: gone(program), "the program is gone")


def test_a_kept_program_ends_with_the_context() -> None:
    with Child.program("sleep", "1000", name="sleep") as child:
        program = kept(child)
    assert gone(program)


def test_a_kept_program_that_will_not_end_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while true; do sleep 0.1; done"
    with Child.program("sh", "-c", script, name="stubborn") as child:
        program = kept(child)
        wait_until(ready.exists, "it ignores SIGTERM")
        child.stop(timeout_s=0.05)
    wait_until(lambda: gone(program), "the program is gone")


def test_the_exit_code_of_a_kept_program_is_handed_on() -> None:
    with Child.program("sh", "-c", "exit 3", name="three") as child:
        wait_until(lambda: not child.alive, "it has ended")
        assert child.exit_code == 3


def test_the_output_of_a_kept_program_goes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Child.program("sh", "-c", "echo out; echo err >&2", name="c", log=log) as child:
        wait_until(lambda: not child.alive, "it has ended")
    assert log.read_text().split() == ["out", "err"]


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Child.program("no-such-program", name="none", log=log) as child:
        wait_until(lambda: not child.alive, "it has given up")
        assert child.exit_code == 127
    assert "no-such-program cannot be started" in log.read_text()


def test_a_program_started_by_a_person_does_not_watch_its_input() -> None:
    code = "from kit.child import exit_with_parent; exit_with_parent(); import threading as t;"
    code += "print([x.name for x in t.enumerate()])"
    told = subprocess.run(
        python(code), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    assert "exit-with-parent" not in told.stdout


def test_ctrl_c_at_the_parent_is_not_for_the_child() -> None:
    with Child(python(READY), name="child") as child:
        child.ready(timeout_s=PATIENCE_S)
        assert os.getpgid(child.pid) != os.getpgid(0)

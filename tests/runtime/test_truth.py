"""The virtual set's file is followed while it is written."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from kit.runtime.truth import Truth
from tests.waiting import PATIENCE_S


def physics(speed_mps: float) -> str:
    line = {
        "kind": "physics",
        "t_ns": 1,
        "position_m": 2.0,
        "speed_mps": speed_mps,
        "power_percent": 60,
        "braking": False,
        "distance_to_danger_m": None,
    }
    return json.dumps(line) + "\n"


class Changes:
    """Lets a test wait for the reader."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.truth: Truth | None = None

    def __call__(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until(self, happened) -> bool:
        with self._changed:
            return self._changed.wait_for(happened, PATIENCE_S)


def test_a_file_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    changes, path = Changes(), tmp_path / "truth.jsonl"

    with Truth(path, on_change=changes) as truth:
        path.write_text(physics(0.5))

        assert changes.until(lambda: truth.physics is not None)
        assert not truth.stands


def test_a_line_that_is_written_in_two_parts_is_read_whole(tmp_path: Path) -> None:
    changes, path = Changes(), tmp_path / "truth.jsonl"
    line = physics(0.0)

    with Truth(path, on_change=changes) as truth, path.open("w") as file:
        file.write(physics(0.5) + line[:20])
        file.flush()
        assert changes.until(lambda: truth.physics is not None)
        file.write(line[20:])
        file.flush()

        assert changes.until(lambda: truth.stands)


def test_a_derailment_is_known_with_its_reason(tmp_path: Path) -> None:
    changes, path = Changes(), tmp_path / "truth.jsonl"

    with Truth(path, on_change=changes) as truth:
        path.write_text('{"kind": "derailed", "t_ns": 1, "reason": "too fast"}\n')

        assert changes.until(lambda: truth.derailed == "too fast")


def test_what_was_written_last_is_read_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text(physics(0.5) + physics(0.0))

    with Truth(path, on_change=lambda: None) as truth:
        pass

    assert truth.physics is None or truth.stands


def test_a_file_that_never_comes_holds_nobody_up(tmp_path: Path) -> None:
    with Truth(tmp_path / "never", on_change=lambda: None) as truth:
        pass

    assert truth.physics is None

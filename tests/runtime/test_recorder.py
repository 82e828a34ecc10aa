"""The recorder keeps every event and a bounded number of pictures."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from kit.errors import MissionError
from kit.events import Action, Command, Frame, FrameStamp, Origin
from kit.recording.reader import Record, Recording
from kit.recording.writer import RECORDING
from kit.runtime import recorder as module
from kit.runtime.recorder import DECIDING, FRAMES, Recorder
from tests.runtime.runs import ARMED_NS, BEGAN_AT, FRAME_NS, jpeg
from tests.waiting import PATIENCE_S


def never(error: MissionError) -> None:
    raise AssertionError(error)


def frame(sequence: int) -> Frame:
    captured_ns = ARMED_NS + sequence * FRAME_NS
    stamp = FrameStamp.new(
        sequence=sequence,
        captured_ns=captured_ns,
        captured_at=BEGAN_AT + timedelta(seconds=sequence / 10),
    )
    return Frame(train_id="t", frame=stamp, encoded_ns=captured_ns, image=jpeg())


def command(of: Frame, action: Action) -> Command:
    return Command(train_id="t", action=action, reason="because", frame=of.frame)


def records(folder: Path) -> list[Record]:
    recording = Recording(folder)
    found = list(recording)
    assert recording.damage == []
    return found


def pictures(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / FRAMES).iterdir())


def test_events_are_written_in_order_with_their_reception(tmp_path: Path) -> None:
    seen = frame(0)

    with Recorder(tmp_path, on_failure=never) as recorder:
        recorder.receive(seen, 11)
        recorder.receive(command(seen, Action.CRUISE), 12)

    assert [(record.received_ns, record.type) for record in records(tmp_path)] == [
        (11, "kit.train.frame.v1"),
        (12, "kit.train.command.v1"),
    ]


def test_a_frame_is_recorded_with_its_picture(tmp_path: Path) -> None:
    with Recorder(tmp_path, on_failure=never) as recorder:
        recorder.receive(seen := frame(0), 11)

    assert records(tmp_path)[0].event() == seen


def test_where_no_pictures_are_wanted_the_frame_is_recorded_without(tmp_path: Path) -> None:
    with Recorder(tmp_path, on_failure=never, pictures=False) as recorder:
        recorder.receive(seen := frame(0), 11)

    (record,) = records(tmp_path)
    assert record.type == "kit.train.frame.v1"
    assert record.fields["frame"]["sequence"] == seen.frame.sequence
    assert record.picture == ""
    assert pictures(tmp_path) == ["000000"]


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_PICTURE_BYTES", 1), ("PICTURES_NEED_BYTES", 10**18)]
)
def test_pictures_are_left_out_before_they_fill_the_disk_and_events_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(module, limit, value)

    with Recorder(tmp_path, on_failure=never) as recorder:
        for sequence in range(3):
            recorder.receive(frame(sequence), 0)

    found = records(tmp_path)
    assert [record.fields["frame"]["sequence"] for record in found] == [0, 1, 2]
    assert found[-1].picture == ""
    assert recorder.left_out == 0


def test_notes_stand_among_the_events(tmp_path: Path) -> None:
    with Recorder(tmp_path, on_failure=never) as recorder:
        recorder.note("armed", by="operator")

    (record,) = records(tmp_path)
    assert (record.note, record.fields) == ("armed", {"by": "operator"})


def test_one_picture_a_second_is_kept(tmp_path: Path) -> None:
    with Recorder(tmp_path, on_failure=never) as recorder:
        for sequence in range(30):
            recorder.receive(frame(sequence), 0)

    assert pictures(tmp_path) == ["000000", "000010", "000020"]


def test_of_a_long_run_the_newest_pictures_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PICTURES", 2)

    with Recorder(tmp_path, on_failure=never) as recorder:
        for sequence in range(0, 50, 10):
            recorder.receive(frame(sequence), 0)

    assert pictures(tmp_path) == ["000030", "000040"]


def test_the_frame_that_was_decided_on_is_kept(tmp_path: Path) -> None:
    first, second, third = frame(1), frame(2), frame(3)

    with Recorder(tmp_path, on_failure=never) as recorder:
        for seen in (first, second, third):
            recorder.receive(seen, 0)
        recorder.receive(command(second, Action.STOP), 0)
        recorder.receive(command(third, Action.STOP), 0)

    assert (tmp_path / FRAMES / f"{DECIDING}.jpg").read_bytes() == second.image


def test_an_operators_stop_decides_on_no_frame(tmp_path: Path) -> None:
    stop = Command(
        train_id="t", action=Action.EMERGENCY_STOP, reason="help", origin=Origin.OPERATOR
    )

    with Recorder(tmp_path, on_failure=never) as recorder:
        recorder.receive(stop, 0)

    assert pictures(tmp_path) == []


def test_events_beyond_the_limit_are_counted_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EVENT_BYTES", 250)

    with Recorder(tmp_path, on_failure=never) as recorder:
        for number in range(10):
            recorder.note("tick", number=number)

    assert 0 < len(records(tmp_path)) < 10
    assert len(records(tmp_path)) + recorder.left_out == 10


def test_a_disk_that_is_full_is_told_once_and_blocks_nobody(tmp_path: Path) -> None:
    failures: list[MissionError] = []
    told = threading.Event()

    def fail(error: MissionError) -> None:
        failures.append(error)
        told.set()

    (tmp_path / RECORDING).symlink_to("/dev/full")
    with Recorder(tmp_path, on_failure=fail) as recorder:
        recorder.note("first")
        assert told.wait(PATIENCE_S)
        for number in range(100):
            recorder.note("more", number=number)

    assert len(failures) == 1
    assert "No space left on device" in str(failures[0])

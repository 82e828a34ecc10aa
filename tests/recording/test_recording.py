"""What is recorded is read again; of a damaged recording, whatever can be read."""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from kit.errors import ConfigError, EventError
from kit.events import EVENT_TYPES, Command, Event, Frame, Prediction
from kit.recording.reader import Record, Recording
from kit.recording.schemas import BOXES_SCHEMA, PICTURE_SCHEMA
from kit.recording.shrink import main as shrink_main
from kit.recording.writer import WITHHELD, RecordingWriter
from kit.vision.frames import decode_jpeg
from tests import event_strategies
from tests.recording.made import BEGAN_NS, SECOND_NS, all_events, foxglove_reads, jpeg, write

FRAMES = 20


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole recording of two seconds."""
    return write(tmp_path_factory.mktemp("recorded") / "run.mcap", all_events(FRAMES))


@pytest.fixture
def copy(recorded: Path, tmp_path: Path) -> Path:
    """One to be damaged."""
    path = tmp_path / "run.mcap"
    path.write_bytes(recorded.read_bytes())
    return path


def read(path: Path) -> tuple[list[Record], list[str]]:
    recording = Recording(path)
    return list(recording), recording.damage


def without_proof(event: Event) -> Event:
    proven = isinstance(event, Command) and event.proof
    return event.model_copy(update={"proof": WITHHELD}) if proven else event


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    events=st.lists(event_strategies.events, min_size=1, max_size=5), at_ns=st.integers(0, 2**60)
)
def test_events_of_any_kind_come_back_as_they_were(
    tmp_path: Path, events: list[Event], at_ns: int
) -> None:
    writer = RecordingWriter(tmp_path / "any.mcap")
    for event in events:
        writer.add_event(event, at_ns)
    writer.close()
    records, damage = read(tmp_path / "any.mcap")
    assert [record.event() for record in records] == [without_proof(event) for event in events]
    assert {record.received_ns for record in records} == {at_ns}
    assert damage == []


def test_notes_stand_among_the_events(recorded: Path) -> None:
    records, _ = read(recorded)
    notes = [(record.note, record.fields, record.received_ns) for record in records if record.note]
    assert notes == [
        ("planned", {"fps": 10.0}, BEGAN_NS - SECOND_NS),
        ("ended", {"error": None}, BEGAN_NS + 60 * SECOND_NS),
    ]


def test_a_note_is_no_event(recorded: Path) -> None:
    with pytest.raises(EventError, match="no event to play"):
        read(recorded)[0][0].event()


def test_the_proof_that_arms_a_train_is_not_recorded(recorded: Path) -> None:
    with recorded.open("rb") as file:
        messages = [message.data for _, _, message in make_reader(file).iter_messages()]
    assert not any(b"5ec4e7" in data for data in messages)
    assert any(WITHHELD.encode() in data for data in messages)


def test_foxglove_finds_schemas_that_it_can_read_and_messages_that_fit(recorded: Path) -> None:
    with recorded.open("rb") as file:
        found = list(make_reader(file).iter_messages())
    assert len(found) > 4 * FRAMES
    for schema, channel, message in found:
        assert schema is not None
        assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
        foxglove_reads(json.loads(schema.data), json.loads(message.data))


def test_foxglove_shows_each_picture_with_its_boxes(recorded: Path) -> None:
    with recorded.open("rb") as file:
        found = [(s.name, json.loads(m.data)) for s, _, m in make_reader(file).iter_messages() if s]
    pictures = [message for name, message in found if name == PICTURE_SCHEMA]
    boxes = [message for name, message in found if name == BOXES_SCHEMA]
    assert len(pictures) == len(boxes) == FRAMES
    assert base64.b64decode(pictures[7]["data"]) == jpeg(7)
    assert pictures[7]["format"] == "jpeg"
    (outline,), (caption,) = boxes[7]["points"], boxes[7]["texts"]
    assert outline["timestamp"] == pictures[7]["timestamp"]
    assert outline["points"][2] == {"x": 260.5, "y": 180.0}
    assert caption["text"] == "Stop 90%"


@pytest.mark.parametrize("model", EVENT_TYPES.values(), ids=lambda model: model.kind)
def test_the_schema_of_an_event_names_all_its_fields(model: type[Event]) -> None:
    from kit.recording.schemas import event_schema

    assert set(event_schema(model)["properties"]) == set(model.model_fields) - {"image"}


def test_of_a_file_that_breaks_off_the_part_before_is_read(copy: Path) -> None:
    whole, _ = read(copy)
    os.truncate(copy, copy.stat().st_size // 2)
    records, damage = read(copy)
    assert 0 < len(records) < len(whole)
    assert records == whole[: len(records)]
    assert len(damage) == 1
    assert "breaks off at byte" in damage[0]


def test_wherever_a_file_breaks_off_it_is_read_up_to_there(copy: Path) -> None:
    whole, _ = read(copy)
    content = copy.read_bytes()
    for length in range(8, len(content), len(content) // 40):
        copy.write_bytes(content[:length])
        records, damage = read(copy)
        assert records == whole[: len(records)]
        # The last eight bytes say only that this was the end.
        assert damage or (records == whole and length >= len(content) - 8)


@pytest.mark.parametrize("damaged", [range(1, 9), range(200, 240)], ids=["length", "content"])
def test_a_damaged_part_takes_no_other_along(copy: Path, damaged: range) -> None:
    whole, _ = read(copy)
    content = bytearray(copy.read_bytes())
    with copy.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    first = min(summary.chunk_indexes, key=lambda index: index.chunk_start_offset)
    for at in damaged:  # of the part in which the channels are told
        content[first.chunk_start_offset + at] ^= 0xFF
    copy.write_bytes(bytes(content))
    records, damage = read(copy)
    lost = len(whole) - len(records)
    assert 0 < lost < len(whole) // 2
    assert records == whole[lost:]
    assert len(damage) == 1
    assert "a part of it is damaged" in damage[0]


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_damage_makes_the_reader_fail_or_invent_an_event(
    copy: Path, data: st.DataObject
) -> None:
    whole = {(r.received_ns, r.type, json.dumps(r.fields)) for r in read(copy)[0]}
    original = copy.read_bytes()
    content = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    copy.write_bytes(bytes(content))
    try:
        records, _ = read(copy)
    finally:
        copy.write_bytes(original)
    fields = {(r.type, json.dumps(r.fields)) for r in records}
    assert fields <= {(kind, text) for _, kind, text in whole}


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "an empty file"), (b"{}\n", "begins with"), (None, "No such file")]
)
def test_what_is_no_recording_is_refused_with_what_it_is(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "run.mcap"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        Recording(path)


def test_a_folder_of_a_run_stands_for_its_recording(recorded: Path) -> None:
    assert Recording(recorded.parent).path == recorded


def test_a_process_that_is_killed_leaves_a_recording_that_can_be_read(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from kit.recording import writer
from tests.recording.made import all_events
writer.FLUSH_EVERY_S = 0
it = writer.RecordingWriter(Path(sys.argv[1]))
for event, at_ns in all_events(20):
    it.add_event(event, at_ns)
print("written", flush=True)
time.sleep(60)
"""
    path = tmp_path / "killed.mcap"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        child.send_signal(signal.SIGKILL)
    records, damage = read(path)
    assert len(records) == len(all_events(20))
    assert "breaks off" in damage[0]


@pytest.fixture
def little_room() -> Iterator[int]:
    """Let no file of this process grow beyond a limit, as on a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    yield 60_000
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_on_a_disk_that_fills_up_what_was_written_before_is_read(
    tmp_path: Path, little_room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.recording.writer.FLUSH_EVERY_S", 0)
    path = tmp_path / "run.mcap"
    writer = RecordingWriter(path)
    events = all_events(200)

    def write_all() -> None:
        for event, at_ns in events:
            writer.add_event(event, at_ns)

    with pytest.raises(OSError, match="File too large"):
        write_all()
    writer.abandon()
    records, damage = read(path)
    assert path.stat().st_size <= little_room
    assert [r.event() for r in records] == [without_proof(e) for e, _ in events[: len(records)]]
    assert 20 < len(records) < len(events)
    assert damage


def test_a_shrunk_copy_differs_in_its_pictures_only(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.mcap"
    assert shrink_main([str(recorded), "--out", str(out), "--quality", "1"]) == 0
    (before, _), (after, damage) = read(recorded), read(out)
    assert damage == []
    assert [(r.received_ns, r.type, r.fields) for r in after] == [
        (r.received_ns, r.type, r.fields) for r in before
    ]
    assert Recording(out).wall_offset_ns == Recording(recorded).wall_offset_ns
    pictures = [r.event() for r in after if r.picture]
    assert all(
        isinstance(f, Frame) and decode_jpeg(f.image).shape == (400, 600, 3) for f in pictures
    )
    assert out.stat().st_size < recorded.stat().st_size


def test_shrinking_what_is_not_there_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shrink_main([str(tmp_path / "no.mcap"), "--out", str(tmp_path / "out.mcap")]) == 1
    assert "There is no such recording" in capsys.readouterr().err


def test_predictions_keep_every_detection(recorded: Path) -> None:
    records, _ = read(recorded)
    events = [r.event() for r in records if r.type == Prediction.type_name()]
    assert all(isinstance(event, Prediction) and len(event.detections) == 1 for event in events)

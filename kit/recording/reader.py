"""Reads a recording, and of a damaged one whatever can be read."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, Footer, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, breakup_chunk

from kit.errors import ConfigError, EventError
from kit.events import EVENT_TYPES, Event, Frame
from kit.recording.schemas import NOTE_SCHEMA, PICTURE_SCHEMA
from kit.recording.writer import METADATA, RECORDING, WALL_OFFSET

NOTE_PREFIX = "kit.mission."
"""What the types of the runtime's own notes begin with."""

MOST_CHUNK_BYTES = 100_000_000
"""A record that claims to be longer is damaged; chunks have about a megabyte."""

_FIRST_RECORDS = 2
_Unreadable = (McapError, ValueError, struct.error, EOFError, MemoryError, KeyError)


@dataclass(frozen=True)
class Record:
    """One line of a recording.

    Attributes:
        received_ns: When it was received or noted, monotonic nanoseconds of the run's machine.
        type: Such as ``kit.train.frame.v1``, or ``kit.mission.armed`` for a note.
        fields: The event's fields but its image, or the note's facts.
        picture: A frame's JPEG in base64; empty if there is none.
    """

    received_ns: int
    type: str
    fields: dict[str, Any]
    picture: str = ""

    @property
    def note(self) -> str:
        """What the runtime noted, such as ``armed``; empty if this is an event."""
        return self.type.removeprefix(NOTE_PREFIX) if self.type.startswith(NOTE_PREFIX) else ""

    def event(self) -> Event:
        """Return the event, as it was.

        Raises:
            EventError: If it is a note, a frame without its picture, or no event of this version.
        """
        model = EVENT_TYPES.get(self.type)
        if model is None or (model is Frame and not self.picture):
            raise EventError("This line of a recording holds no event to play", got=self.type)
        image = {"image": base64.b64decode(self.picture)} if model is Frame else {}
        try:
            return model.model_validate(self.fields | image)
        except ValueError as error:
            raise EventError(
                f"A recorded '{self.type}' does not fit its schema",
                got=str(error)[:300],
                fix="play it with the version of the kit that recorded it",
            ) from error


class Recording:
    """A recording on disk; iterate over its records in the order in which they were written.

    Args:
        path: The file, or a run's folder.

    Attributes:
        path: The file.
        wall_offset_ns: From the events' monotonic time to that of the wall clock, nanoseconds.
        damage: What could not be read so far, in words; empty if nothing was lost.

    Raises:
        ConfigError: If there is no such file, or it is no MCAP file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path / RECORDING if path.is_dir() else path
        self.damage: list[str] = []
        self.wall_offset_ns = 0
        self._channels: dict[int, Channel] = {}
        self._schemas: dict[int, str] = {}
        self._chunks_at: list[int] = []
        try:
            with self.path.open("rb") as file:
                magic = file.read(8)
        except OSError as error:
            raise ConfigError(
                "There is no such recording", got=f"{self.path}: {error.strerror}"
            ) from error
        if magic != b"\x89MCAP0\r\n":
            raise ConfigError(
                f"'{self.path}' is no recording",
                expected="an MCAP file",
                got=f"a file that begins with {magic!r}" if magic else "an empty file",
                fix="name the run.mcap of a run's folder",
            )
        self._learn_clock()

    def __iter__(self) -> Iterator[Record]:
        """Read from the start."""
        self.damage = []
        self._learn_contents()
        for message in self._messages():
            record = self._decode(message)
            if record is not None:
                yield record

    def _learn_clock(self) -> None:
        with self.path.open("rb") as file:
            try:
                reader = StreamReader(file, emit_chunks=True, record_size_limit=MOST_CHUNK_BYTES)
                for record in islice(reader.records, _FIRST_RECORDS):
                    if isinstance(record, Metadata) and record.name == METADATA:
                        self.wall_offset_ns = int(record.metadata[WALL_OFFSET])
            except _Unreadable:
                return  # the reading will tell

    def _learn_contents(self) -> None:
        """Take channels and places from the file's end: then no damage takes others along."""
        self._chunks_at = []
        try:
            with self.path.open("rb") as file:
                summary = make_reader(file).get_summary()
        except (*_Unreadable, OSError):
            return  # there is no end; the reading will tell
        if summary is not None:
            self._channels |= summary.channels
            self._schemas |= {known.id: known.name for known in summary.schemas.values()}
            self._chunks_at = sorted(index.chunk_start_offset for index in summary.chunk_indexes)

    def _messages(self) -> Iterator[Message]:
        with self.path.open("rb") as file:
            if not self._chunks_at:
                yield from self._read_on(file)
            for offset in self._chunks_at:
                file.seek(offset)
                yield from self._read_on(file, one_record=True)

    def _read_on(self, file: BufferedReader, *, one_record: bool = False) -> Iterator[Message]:
        """Read from where the file is, to its end or one record; tell where it breaks off."""
        reader = StreamReader(
            file, skip_magic=one_record, emit_chunks=True, record_size_limit=MOST_CHUNK_BYTES
        )
        ended = False
        try:
            for record in islice(reader.records, 1 if one_record else None):
                ended = ended or isinstance(record, Footer)
                yield from self._take(record)
        except _Unreadable as error:
            if one_record:
                self.damage.append(f"a part of it is damaged ({_brief(error)})")
            elif not ended:
                self.damage.append(f"it breaks off at byte {file.tell()} ({_brief(error)})")

    def _take(self, record: McapRecord) -> Iterator[Message]:
        if isinstance(record, Chunk):
            try:
                inner = breakup_chunk(record, validate_crc=True)
            except Exception as error:  # noqa: BLE001  # each decompressor has errors of its own
                self.damage.append(f"a part of it is damaged ({_brief(error)})")
                return
            for found in inner:
                yield from self._take(found)
        elif isinstance(record, Message):
            yield record
        elif isinstance(record, Channel):
            self._channels[record.id] = record
        elif isinstance(record, Schema):
            self._schemas[record.id] = record.name

    def _decode(self, message: Message) -> Record | None:
        """Return what a message says; None if it is only for people to look at."""
        channel = self._channels.get(message.channel_id)
        if channel is None:
            self.damage.append(f"nothing tells what channel {message.channel_id} was")
            return None
        schema = self._schemas.get(channel.schema_id, "")
        at_ns = message.log_time - self.wall_offset_ns
        if schema not in EVENT_TYPES and schema not in {PICTURE_SCHEMA, NOTE_SCHEMA}:
            return None
        try:
            content = json.loads(message.data)
            if schema == NOTE_SCHEMA:
                return Record(at_ns, NOTE_PREFIX + content["what"], content["facts"])
            if schema == PICTURE_SCHEMA:
                return Record(at_ns, Frame.type_name(), content["event"], content["data"])
        except (ValueError, KeyError, TypeError) as error:
            self.damage.append(f"a message on {channel.topic} is damaged ({_brief(error)})")
            return None
        return Record(at_ns, schema, content)


def _brief(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]

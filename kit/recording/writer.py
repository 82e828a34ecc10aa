"""Writes a recording: every event of a run, its pictures and the runtime's notes, as MCAP.

Times in the file are of the wall clock, as viewers expect; one number in its metadata leads back
to the monotonic clock that the events are timed by. What is written is safe after a second at
the latest: a file without an end, of a process that was killed, is read up to there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO, Any, cast

from mcap.writer import Writer

from kit import __version__
from kit.events import Command, Event, Frame, Prediction
from kit.recording.foxglove import boxes_message, picture_message
from kit.recording.schemas import (
    BOXES_SCHEMA,
    NOTE_SCHEMA,
    PICTURE_SCHEMA,
    boxes_schema,
    event_schema,
    note_schema,
    picture_schema,
)

RECORDING = "run.mcap"
"""Name of the recording in a run's folder."""

NOTES_TOPIC = "/mission"
"""Topic of the runtime's notes."""

METADATA = "kit.recording"
"""Name of the metadata that a recording begins with."""

WALL_OFFSET = "wall_minus_monotonic_ns"
"""Key of the metadata that leads from the file's times to monotonic ones, nanoseconds."""

FLUSH_EVERY_S = 1.0
"""After how long what was told is in the file, seconds."""

WITHHELD = "withheld"
"""Stands for the proof of an ``arm`` command, which is made with a secret and not recorded."""

_CHUNK_BYTES = 1_000_000
_JSON = "json"
_JSON_SCHEMA = "jsonschema"


class RecordingWriter:
    """Writes one recording; call :meth:`close` at its end.

    Args:
        path: The file; one that is there is overwritten.
        wall_offset_ns: From monotonic to wall-clock time, nanoseconds; that of now if None.

    Raises:
        OSError: If it cannot be written; so do all methods. The file ends there.
    """

    def __init__(self, path: Path, *, wall_offset_ns: int | None = None) -> None:
        now_ns = time.time_ns() - time.monotonic_ns()
        self._offset_ns = now_ns if wall_offset_ns is None else wall_offset_ns
        self._file = _Unbuffered(path)
        self._writer = Writer(cast("IO[bytes]", self._file), chunk_size=_CHUNK_BYTES)
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._flushed_s = time.monotonic()
        try:
            self._writer.start(library=f"runaway-train-kit {__version__}")
            self._writer.add_metadata(METADATA, {"version": "1", WALL_OFFSET: str(self._offset_ns)})
        except OSError:
            self.abandon()
            raise

    def add_event(self, event: Event, received_ns: int, *, picture: bool = True) -> int:
        """Write an event.

        Args:
            event: The event.
            received_ns: Monotonic time of its reception, nanoseconds.
            picture: Whether a frame's picture is written as well.

        Returns:
            How much that was before compression, bytes.
        """
        if isinstance(event, Command) and event.proof:
            event = event.model_copy(update={"proof": WITHHELD})
        fields = event.model_dump(mode="json", exclude_none=True, exclude={"image"})
        topic = f"/{event.topic}"
        if isinstance(event, Frame) and picture:
            message = picture_message(event, event=fields)
            channel = self._channel(topic, PICTURE_SCHEMA, picture_schema)
        else:
            # A channel has one schema, so frames without pictures have one of their own.
            topic += "/unpictured" if isinstance(event, Frame) else ""
            model = type(event)
            message, name = fields, model.type_name()
            channel = self._channel(topic, name, lambda: event_schema(model))
        size = self._write(channel, message, received_ns)
        if isinstance(event, Prediction):
            channel = self._channel(f"/train/{event.train_id}/boxes", BOXES_SCHEMA, boxes_schema)
            size += self._write(channel, boxes_message(event), received_ns)
        return size

    def add_note(self, what: str, facts: dict[str, Any], noted_ns: int) -> int:
        """Write down something that the runtime itself did or saw.

        Args:
            what: Such as ``armed``.
            facts: Whatever JSON can hold.
            noted_ns: When, monotonic nanoseconds.

        Returns:
            How much that was before compression, bytes.
        """
        channel = self._channel(NOTES_TOPIC, NOTE_SCHEMA, note_schema)
        return self._write(channel, {"what": what, "facts": facts}, noted_ns)

    def flush(self) -> None:
        """Have in the file what was told so far; done by itself every second."""
        self._writer.flush()
        self._flushed_s = time.monotonic()

    def close(self) -> None:
        """Write the end of the recording, which makes it quick to open, and close it."""
        try:
            self._writer.finish()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, without an end: for when the disk does not take it."""
        self._file.close()

    def _channel(self, topic: str, schema: str, make: Any) -> int:
        if topic not in self._channels:
            if schema not in self._schemas:
                data = json.dumps(make()).encode()
                self._schemas[schema] = self._writer.register_schema(schema, _JSON_SCHEMA, data)
            self._channels[topic] = self._writer.register_channel(
                topic, _JSON, self._schemas[schema]
            )
        return self._channels[topic]

    def _write(self, channel: int, message: dict[str, Any], at_ns: int) -> int:
        data = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        at_wall_ns = max(0, at_ns + self._offset_ns)
        self._writer.add_message(channel, at_wall_ns, data, at_wall_ns)
        if time.monotonic() - self._flushed_s >= FLUSH_EVERY_S:
            self.flush()
        return len(data)


class _Unbuffered:
    """A file that takes all or raises, and keeps nothing back that could fail once more later."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("wb", buffering=0)
        self._at = 0

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while view:
            view = view[self._raw.write(view) :]
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Do nothing: all is written."""

    def close(self) -> None:
        self._raw.close()

"""Keeps what happened: every event in one recording, and pictures for the report."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from kit.errors import MissionError
from kit.events import Action, Command, Event, Frame, Origin
from kit.reasons import Reason
from kit.recording.writer import RECORDING, RecordingWriter

FRAMES = "frames"
"""Name of the folder of pictures in a run's folder."""

MAX_EVENT_BYTES = 200_000_000
"""Events are left out, and counted, once there are this many bytes of them as JSON."""

MAX_PICTURE_BYTES = 600_000_000
"""The recording has the frames' pictures until there are this many bytes of them as JSON."""

PICTURES_NEED_BYTES = 500_000_000
"""It has them only while this much of the disk is free: they must never be what fills it up."""

MAX_PICTURES = 120
"""Pictures kept of one run; of a longer one, the oldest make room."""

PICTURE_EVERY_S = 1.0
"""Time between two pictures that are kept, seconds."""

KEPT_FRAMES = 60
"""Frames held in memory until it is known whether one was decided on."""

DECIDING = "deciding"
"""Name of the picture that led to the stop, without its ending."""


class Recorder:
    """Writes a run's events and pictures; a context manager.

    Events are taken in on the network's thread and written on one of the recorder's own.

    Args:
        run_dir: Folder of the run.
        on_failure: Called once, in the recorder's thread, when it cannot write any more.
        pictures: Whether the recording gets the pictures of the frames as well.

    Attributes:
        left_out: How many events and notes were not recorded.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        on_failure: Callable[[MissionError], None],
        pictures: bool = True,
    ) -> None:
        self._run_dir = run_dir
        self._on_failure = on_failure
        self._with_pictures = pictures
        self._queue: queue.SimpleQueue[tuple[Event, int] | _Note | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._frames: OrderedDict[str, Frame] = OrderedDict()
        self._pictures: list[Path] = []
        self._picture_ns = 0
        self._decided = False
        self._ended = False
        self._event_bytes = 0
        self._picture_bytes = 0
        self.left_out = 0

    def receive(self, event: Event, received_ns: int) -> None:
        """Take in one event; quick, for the network's thread."""
        self._queue.put((event, received_ns))

    def note(self, what: str, **facts: Any) -> None:
        """Write down something that the runtime itself did or saw.

        Args:
            what: Such as ``armed``.
            **facts: Whatever JSON can hold.
        """
        self._queue.put(_Note(time.monotonic_ns(), what, facts))

    def __enter__(self) -> Self:
        (self._run_dir / FRAMES).mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._record()
        except OSError as error:
            self._on_failure(
                MissionError(
                    Reason.NOT_RECORDED,
                    got=str(error),
                    fix="make room on the disk, or name another folder with --out",
                )
            )
            while self._next() is not None:  # what comes now has nowhere to go
                self.left_out += 1

    def _record(self) -> None:
        writer = RecordingWriter(self._run_dir / RECORDING)
        try:
            while (item := self._next()) is not None:
                self._take(writer, item)
        except OSError:
            writer.abandon()
            raise
        writer.close()

    def _next(self) -> tuple[Event, int] | _Note | None:
        """Return what came next; None from the end on, however often it is asked for."""
        if not self._ended:
            item = self._queue.get()
            self._ended = item is None
            return item
        return None

    def _take(self, writer: RecordingWriter, item: tuple[Event, int] | _Note) -> None:
        if isinstance(item, tuple) and isinstance(item[0], Frame):
            self._keep_frame(item[0])
        elif isinstance(item, tuple) and isinstance(item[0], Command):
            self._keep_deciding(item[0])
        if self._event_bytes > MAX_EVENT_BYTES:
            self.left_out += 1
        elif isinstance(item, _Note):
            self._event_bytes += writer.add_note(item.what, item.facts, item.noted_ns)
        elif isinstance(item[0], Frame) and self._room_for_picture():
            self._picture_bytes += writer.add_event(*item)
        else:
            self._event_bytes += writer.add_event(*item, picture=False)

    def _room_for_picture(self) -> bool:
        return (
            self._with_pictures
            and self._picture_bytes < MAX_PICTURE_BYTES
            and shutil.disk_usage(self._run_dir).free > PICTURES_NEED_BYTES
        )

    def _keep_frame(self, frame: Frame) -> None:
        self._frames[frame.frame.frame_id] = frame
        if len(self._frames) > KEPT_FRAMES:
            self._frames.popitem(last=False)
        if frame.frame.captured_ns - self._picture_ns >= PICTURE_EVERY_S * 1e9:
            self._picture_ns = frame.frame.captured_ns
            self._save(frame, f"{frame.frame.sequence:06d}")

    def _keep_deciding(self, command: Command) -> None:
        is_stop = command.action is Action.STOP and command.origin is Origin.DECISION
        if not is_stop or self._decided or command.frame is None:
            return
        frame = self._frames.get(command.frame.frame_id)
        if frame is not None:
            self._decided = True
            (self._run_dir / FRAMES / f"{DECIDING}.jpg").write_bytes(frame.image)

    def _save(self, frame: Frame, name: str) -> None:
        path = self._run_dir / FRAMES / f"{name}.jpg"
        path.write_bytes(frame.image)
        self._pictures.append(path)
        if len(self._pictures) > MAX_PICTURES:
            self._pictures.pop(0).unlink(missing_ok=True)


class _Note(NamedTuple):
    """What the runtime itself did or saw."""

    noted_ns: int
    what: str
    facts: dict[str, Any]

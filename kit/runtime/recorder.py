"""Keeps what happened: every event as a line of JSON, and a bounded number of pictures."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from kit.errors import MissionError
from kit.events import Action, Command, Event, Frame, Origin

EVENTS = "events.jsonl"
"""Name of the file of events in a run's folder."""

FRAMES = "frames"
"""Name of the folder of pictures in a run's folder."""

MAX_EVENT_BYTES = 200_000_000
"""Events are left out, and counted, once their file is this large."""

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
    """

    def __init__(self, run_dir: Path, *, on_failure: Callable[[MissionError], None]) -> None:
        self._run_dir = run_dir
        self._on_failure = on_failure
        self._queue: queue.SimpleQueue[tuple[Event, int] | dict[str, Any] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._frames: OrderedDict[str, Frame] = OrderedDict()
        self._pictures: list[Path] = []
        self._picture_ns = 0
        self._decided = False
        self._ended = False
        self._bytes = 0
        self.left_out = 0

    def receive(self, event: Event, received_ns: int) -> None:
        """Take in one event; quick, for the network's thread."""
        self._queue.put((event, received_ns))

    def note(self, what: str, **facts: Any) -> None:
        """Write down something that the runtime itself did or saw.

        Args:
            what: Such as ``armed``; becomes the type ``kit.mission.armed``.
            **facts: Whatever JSON can hold.
        """
        line = {"received_ns": time.monotonic_ns(), "type": f"kit.mission.{what}", "event": facts}
        self._queue.put(line)

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
            with (self._run_dir / EVENTS).open("a", encoding="utf-8") as file:
                self._write_all(file)
        except OSError as error:
            self._on_failure(
                MissionError(
                    "The run cannot be recorded any more",
                    got=str(error),
                    fix="make room on the disk, or name another folder with --out",
                )
            )
            while self._next() is not None:  # what comes now has nowhere to go
                self.left_out += 1

    def _next(self) -> tuple[Event, int] | dict[str, Any] | None:
        """Return what came next; None from the end on, however often it is asked for."""
        if not self._ended:
            item = self._queue.get()
            self._ended = item is None
            return item
        return None

    def _write_all(self, file: TextIO) -> None:
        while (item := self._next()) is not None:
            if isinstance(item, dict):
                self._write_line(file, item)
            else:
                self._write_event(file, *item)
            if self._queue.empty():
                file.flush()

    def _write_event(self, file: TextIO, event: Event, received_ns: int) -> None:
        if isinstance(event, Frame):
            self._keep_frame(event)
        elif isinstance(event, Command):
            self._keep_deciding(event)
        self._write_line(file, _line(event, received_ns))

    def _write_line(self, file: TextIO, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        if self._bytes + len(text) > MAX_EVENT_BYTES:
            self.left_out += 1
            return
        self._bytes += len(text)
        file.write(text)

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


def _line(event: Event, received_ns: int) -> dict[str, Any]:
    fields = event.model_dump(mode="json", exclude_none=True, exclude={"image"})
    if isinstance(event, Frame):
        fields["bytes"] = len(event.image)
    return {"received_ns": received_ns, "type": event.type_name(), "event": fields}

"""A run's folder, read back: what was sent, what really happened, what it took."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.config import Settings, share_path
from kit.errors import ConfigError
from kit.events import (
    Action,
    Alive,
    Command,
    Detection,
    Event,
    Frame,
    Motion,
    Origin,
    Prediction,
    Stage,
    TrainState,
)
from kit.recording.reader import Record, Recording
from kit.recording.writer import RECORDING
from kit.runtime.truth import Physics

TRUTH = "truth.jsonl"
"""Name of the virtual set's file in a run's folder."""

MISSION = "mission.json"
"""Name of the file of results in a run's folder."""

REPORT = "report.html"
"""Name of the report in a run's folder."""


@dataclass(frozen=True)
class Order:
    """One command.

    Attributes:
        received_ns: Monotonic time at which the recorder got it, nanoseconds.
        action: What to do.
        origin: Who asked.
        reason: Why.
        label: The sign that led to it, if one did.
        sequence: The frame it was decided on; None for an operator's.
        captured_ns: When that frame was captured; None for an operator's.
    """

    received_ns: int
    action: Action
    origin: Origin
    reason: str
    label: str | None
    sequence: int | None
    captured_ns: int | None


@dataclass(frozen=True)
class Acted:
    """What the controller did on one frame's command.

    Attributes:
        sequence: The frame.
        captured_ns: When it was captured, monotonic nanoseconds.
        marks: When it passed each stage, monotonic nanoseconds.
    """

    sequence: int
    captured_ns: int
    marks: dict[Stage, int]

    @property
    def latency_ms(self) -> float:
        """Capture to action, milliseconds."""
        return (self.marks[Stage.ACTED] - self.captured_ns) / 1e6


@dataclass(frozen=True)
class Standing:
    """One state of the controller.

    Attributes:
        received_ns: Monotonic time at which the recorder got it, nanoseconds.
        motion: What the train does.
        reason: Why.
        latched: Whether it stands until it is armed.
        power_percent: Motor power.
    """

    received_ns: int
    motion: Motion
    reason: str
    latched: bool
    power_percent: int


@dataclass
class Run:
    """All that a run's folder tells.

    Attributes:
        folder: The folder.
        frames: Capture times of the frames that came by, by sequence number, monotonic
            nanoseconds.
        detections: What the model saw, by the frame's sequence number; only where it saw signs.
        model: Version of the model and the provider that ran it.
        orders: Commands.
        acted: One entry a frame that the controller acted on.
        states: States of the controller.
        services: Last words of each service: counters and detail.
        memory: Samples: monotonic nanoseconds, millions of bytes of all processes.
        notes: What the runtime noted, by name: monotonic nanoseconds and facts.
        physics: What the virtual set says the train did.
        brakes: When the virtual hub was told to brake, monotonic nanoseconds.
        visible: Labels of the signs that stood in a picture, by its capture time; only the
            virtual set knows.
        derailed: When and why the train derailed; None if it did not.
        damage: What of the recording could not be read, in words.
    """

    folder: Path
    frames: dict[int, int] = field(default_factory=dict)
    detections: dict[int, tuple[Detection, ...]] = field(default_factory=dict)
    model: tuple[str, str] = ("", "")
    orders: list[Order] = field(default_factory=list)
    acted: list[Acted] = field(default_factory=list)
    states: list[Standing] = field(default_factory=list)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    memory: list[tuple[int, float]] = field(default_factory=list)
    notes: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    physics: list[Physics] = field(default_factory=list)
    brakes: list[int] = field(default_factory=list)
    visible: dict[int, frozenset[str]] = field(default_factory=dict)
    derailed: tuple[int, str] | None = None
    damage: tuple[str, ...] = ()

    def when(self, note: str) -> int | None:
        """Return when the runtime noted something, monotonic nanoseconds; None if never."""
        found = self.notes.get(note)
        return found[0] if found else None

    def facts(self, note: str) -> dict[str, Any]:
        """Return the facts of one of the runtime's notes; empty if there is none."""
        found = self.notes.get(note)
        return found[1] if found else {}


def find_run(name: str = "") -> Path:
    """Find a run's folder.

    Args:
        name: Its path; if empty, the newest one of the settings' ``runs_dir``, or else the
            short run that comes with the kit.

    Raises:
        ConfigError: If there is no such folder.
    """
    if name:
        if not Path(name).is_dir():
            raise ConfigError("There is no such run", got=name, fix="name a folder of 'runs'")
        return Path(name)
    runs = sorted(path.parent for path in Settings.load().runs_dir.glob(f"*/{RECORDING}"))
    return runs[-1] if runs else share_path("datasets/runs/standard")


def read_run(folder: Path) -> Run:
    """Read a run's folder.

    Args:
        folder: Such as ``runs/20261123-164500``.

    Returns:
        What it tells; files that the run did not come to write count as empty, and of a
        damaged one what can be read counts.

    Raises:
        ConfigError: If there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError("There is no such run", got=str(folder), fix="name a folder of 'runs'")
    run = Run(folder)
    path = folder / RECORDING
    if path.exists() and path.stat().st_size:  # it is made before its first byte is written
        recording = Recording(folder)
        for record in recording:
            _take_record(run, record)
        run.damage = tuple(recording.damage)
    for line in _lines(folder / TRUTH):
        _take_truth(run, line)
    return run


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each line of a file; one that a crash or a full disk has torn is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for text in file:
            try:
                yield json.loads(text)
            except json.JSONDecodeError:
                continue


def _take_record(run: Run, record: Record) -> None:
    at_ns, fields = record.received_ns, record.fields
    if record.note == "memory":
        run.memory.append((at_ns, fields["total_mb"]))
    elif record.note:
        run.notes[record.note] = (at_ns, fields)
    elif taker := _TAKERS.get(record.type):
        taker(run, fields, at_ns)


def _take_frame(run: Run, event: dict[str, Any], _at_ns: int) -> None:
    run.frames[event["frame"]["sequence"]] = event["frame"]["captured_ns"]


def _take_prediction(run: Run, event: dict[str, Any], _at_ns: int) -> None:
    run.model = (event["model"], event["provider"])
    if event["detections"]:
        run.detections[event["frame"]["sequence"]] = tuple(
            Detection.model_validate(found) for found in event["detections"]
        )


def _take_command(run: Run, event: dict[str, Any], at_ns: int) -> None:
    frame = event.get("frame", {})
    run.orders.append(
        Order(
            received_ns=at_ns,
            action=Action(event["action"]),
            origin=Origin(event["origin"]),
            reason=event["reason"],
            label=event.get("label"),
            sequence=frame.get("sequence"),
            captured_ns=frame.get("captured_ns"),
        )
    )


def _take_state(run: Run, event: dict[str, Any], at_ns: int) -> None:
    run.states.append(
        Standing(
            received_ns=at_ns,
            motion=Motion(event["motion"]),
            reason=event["reason"],
            latched=event["latched"],
            power_percent=event["power_percent"],
        )
    )
    frame, marks = event.get("frame"), event.get("marks", {})
    if frame is None or Stage.ACTED not in marks:
        return
    if run.acted and run.acted[-1].captured_ns == frame["captured_ns"]:
        return  # the first state of a frame tells when it was acted on
    run.acted.append(
        Acted(
            sequence=frame["sequence"],
            captured_ns=frame["captured_ns"],
            marks={Stage(name): at for name, at in marks.items()},
        )
    )


def _take_alive(run: Run, event: dict[str, Any], _at_ns: int) -> None:
    known = run.services.setdefault(event["service"], {"counters": {}, "detail": "", "pid": None})
    known["counters"] |= event.get("counters", {})
    known["detail"] = event.get("detail", "")
    known["pid"] = event.get("pid", known["pid"])


_TAKERS = {
    model.type_name(): taker
    for model, taker in (
        (Frame, _take_frame),
        (Prediction, _take_prediction),
        (Command, _take_command),
        (TrainState, _take_state),
        (Alive, _take_alive),
    )
    if issubclass(model, Event)
}


def _take_truth(run: Run, line: dict[str, Any]) -> None:
    if line["kind"] == "physics":
        run.physics.append(Physics.of(line))
    elif line["kind"] == "brake":
        run.brakes.append(line["t_ns"])
    elif line["kind"] == "frame":
        labels = frozenset(sign["label"] for sign in line["truth"] if sign["label"])
        run.visible[line["captured_ns"]] = labels
    elif line["kind"] == "derailed" and run.derailed is None:
        run.derailed = (line["t_ns"], line["reason"])

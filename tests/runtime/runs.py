"""Builds folders of runs, as missions write them, with round numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kit.events import (
    Action,
    Alive,
    Box,
    Command,
    Detection,
    Event,
    Frame,
    FrameStamp,
    Label,
    Motion,
    Prediction,
    Stage,
    TrainState,
)
from kit.recording.writer import RECORDING, RecordingWriter
from kit.runtime.recorder import DECIDING, FRAMES

SECOND_NS = 1_000_000_000
MS_NS = 1_000_000
BEGAN_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ARMED_NS = 100 * SECOND_NS
FRAME_NS = SECOND_NS // 10
STEP_NS = 5 * MS_NS
"""Every stage of every frame takes this long, so that a frame's latency is 40 ms."""


def jpeg() -> bytes:
    """A small picture of 600 x 400."""
    image = np.full((400, 600, 3), 90, np.uint8)
    cv2.circle(image, (300, 180), 40, (40, 40, 200), -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


class RunFolder:
    """Writes a run's folder event by event."""

    def __init__(self, folder: Path, **planned: Any) -> None:
        self.folder = folder
        (folder / FRAMES).mkdir(parents=True)
        (folder / "logs").mkdir()
        self._writer = RecordingWriter(folder / RECORDING)
        self._truth: list[dict[str, Any]] = []
        facts = {
            "on_track": True,
            "scenario": "standard",
            "title": "A broken rail",
            "expect": "stop",
            "source": None,
            "seed": 7,
            "fps": 10.0,
            "runtime": "processes",
        }
        self.note("planned", ARMED_NS - SECOND_NS, **(facts | planned))

    def note(self, what: str, at_ns: int, **facts: Any) -> None:
        """Add a note of the runtime."""
        self._writer.add_note(what, facts, at_ns)

    def event(self, event: Event, at_ns: int) -> None:
        """Add an event."""
        self._writer.add_event(event, at_ns)

    def truth(self, **line: Any) -> None:
        """Add a line of the virtual set."""
        self._truth.append(line)

    def physics(self, at_ns: int, *, speed_mps: float, danger_m: float | None) -> None:
        """Add a moment of the train on its track."""
        self.truth(
            kind="physics",
            t_ns=at_ns,
            position_m=1.0,
            speed_mps=speed_mps,
            power_percent=60 if speed_mps else 0,
            braking=not speed_mps,
            voltage_v=8.9,
            distance_to_danger_m=danger_m,
        )

    def frame(self, sequence: int, action: Action, motion: Motion, *, latched: bool = False) -> int:
        """Add one frame's way through all services; return when it was acted on."""
        captured_ns = ARMED_NS + sequence * FRAME_NS
        stamp = FrameStamp.new(
            sequence=sequence,
            captured_ns=captured_ns,
            captured_at=BEGAN_AT + timedelta(seconds=sequence / 10),
        )
        marks = {stage: captured_ns + (i + 1) * STEP_NS for i, stage in enumerate(Stage)}
        acted_ns = marks[Stage.ACTED]
        seen = action is Action.STOP
        found = Detection(label=Label.DANGER_AHEAD, confidence=0.9, box=Box(260, 140, 80, 80))
        image = jpeg()
        self.event(
            Frame(train_id="t", frame=stamp, encoded_ns=marks[Stage.ENCODED], image=image),
            captured_ns + STEP_NS,
        )
        self.event(
            Prediction(
                train_id="t",
                frame=stamp,
                detections=(found,) if seen else (),
                model="signs-1",
                provider="CPUExecutionProvider",
            ),
            captured_ns + 4 * STEP_NS,
        )
        self.event(
            Command(
                train_id="t",
                action=action,
                reason="DangerAhead in 3 of 5 frames" if seen else "no sign",
                label=Label.DANGER_AHEAD if seen else None,
                frame=stamp,
            ),
            captured_ns + 7 * STEP_NS,
        )
        self.event(
            TrainState(
                train_id="t",
                motion=motion,
                reason="as decided",
                latched=latched,
                power_percent=60 if motion is Motion.CRUISING else 0,
                frame=stamp,
                marks=marks,
            ),
            acted_ns,
        )
        if sequence % 5 == 0:
            (self.folder / FRAMES / f"{sequence:06d}.jpg").write_bytes(image)
        if seen and not (self.folder / FRAMES / f"{DECIDING}.jpg").exists():
            (self.folder / FRAMES / f"{DECIDING}.jpg").write_bytes(image)
        return acted_ns

    def service(self, name: str, **counters: int) -> None:
        """Add a service's last words."""
        alive = Alive(
            train_id="t",
            service=name,
            status="offline",
            pid=1234,
            counters=counters,
            detail="ended by signal",
        )
        self.event(alive, ARMED_NS + 10 * SECOND_NS)

    def write(self) -> Path:
        """Write all that was added."""
        self._writer.close()
        text = "".join(json.dumps(line) + "\n" for line in self._truth)
        (self.folder / "truth.jsonl").write_text(text)
        return self.folder


def good_run(folder: Path, **planned: Any) -> RunFolder:
    """A train that cruises for two seconds, sees the sign, and stands 0.42 m before the danger."""
    run = RunFolder(folder, **planned)
    run.note("armed", ARMED_NS)
    for sequence in range(20):
        run.frame(sequence, Action.CRUISE, Motion.CRUISING)
    acted_ns = run.frame(20, Action.STOP, Motion.STOPPING)
    run.frame(21, Action.STOP, Motion.STOPPED, latched=True)
    for tick in range(40):
        run.physics(ARMED_NS + tick * 50 * MS_NS, speed_mps=0.5, danger_m=1.6 - tick * 0.025)
    run.truth(kind="brake", t_ns=acted_ns + 2 * MS_NS)
    run.physics(acted_ns + 400 * MS_NS, speed_mps=0.0, danger_m=0.42)
    run.service("capture", frames=22)
    run.service("inference", predictions=22, dropped=3)
    run.service("decision", commands=22, dropped=1)
    for tick in range(5):
        run.note("memory", ARMED_NS + tick * SECOND_NS, total_mb=700.0 + tick, processes=9)
    run.note("ended", ARMED_NS + 4 * SECOND_NS, ended_by="stopped", error=None)
    return run


def was_held_up(result: Mapping[str, Any]) -> bool:
    """Tell whether a train stopped only because decisions came too late: a busy machine's fault.

    That is what it should do then, and other tests see that it does.
    """
    return "no fresh decision" in (result["error"] or "")

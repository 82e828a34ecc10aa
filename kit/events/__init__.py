"""The events of the kit, as frozen models; ``kit.envelope`` makes them CloudEvents.

A ``Frame`` is made by capture; a ``Prediction``, a ``Command`` and a ``TrainState`` follow
from it and carry its ``FrameStamp`` on, so that every stage can be traced back to the moment
of capture. ``Alive`` says that a service is there, ``ModelChange`` which model a train runs;
``CaptureSwitch`` asks for pictures, or for none.

Times named ``_ns`` are nanoseconds of the system-wide monotonic clock (``time.monotonic_ns``):
they compare across the processes of one machine, and no step of the wall clock moves them.
"""

from __future__ import annotations

from kit.events.base import MAX_TEXT, REPLAY_PREFIX, Box, Detection, Event, FrameStamp
from kit.events.driving import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    LEASE_MS,
    Command,
    Frame,
    Prediction,
    TrainState,
    arm_proof,
)
from kit.events.upkeep import Alive, CaptureSwitch, ModelChange, PictureQuality
from kit.events.vocabulary import LABELS, Action, Label, ModelStatus, Motion, Origin, Stage

__all__ = [
    "EVENT_TYPES",
    "FRAME_HEIGHT",
    "FRAME_WIDTH",
    "LABELS",
    "LEASE_MS",
    "MAX_TEXT",
    "REPLAY_PREFIX",
    "Action",
    "Alive",
    "Box",
    "CaptureSwitch",
    "Command",
    "Detection",
    "Event",
    "Frame",
    "FrameStamp",
    "Label",
    "ModelChange",
    "ModelStatus",
    "Motion",
    "Origin",
    "PictureQuality",
    "Prediction",
    "Stage",
    "TrainState",
    "arm_proof",
]

EVENT_TYPES: dict[str, type[Event]] = {
    model.type_name(): model
    for model in (Frame, Prediction, Command, TrainState, Alive, ModelChange, CaptureSwitch)
}
"""Event classes by their CloudEvents type."""

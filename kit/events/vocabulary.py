"""The words that events are made of."""

from __future__ import annotations

from enum import StrEnum


class Label(StrEnum):
    """What the model can tell apart; the order of the members is the class id."""

    SPEED_LIMIT = "SpeedLimit"
    DANGER_AHEAD = "DangerAhead"
    STOP = "Stop"


LABELS: tuple[Label, ...] = tuple(Label)
"""Labels by class id: 0 SpeedLimit, 1 DangerAhead, 2 Stop."""


class Action(StrEnum):
    """What a command asks of the train."""

    STOP = "stop"
    SLOW = "slow"
    CRUISE = "cruise"
    EMERGENCY_STOP = "emergency_stop"
    ARM = "arm"


class Origin(StrEnum):
    """Who asks."""

    DECISION = "decision"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"


class Motion(StrEnum):
    """States of the controller."""

    DISCONNECTED = "disconnected"
    STOPPED = "stopped"
    CRUISING = "cruising"
    SLOWED = "slowed"
    STOPPING = "stopping"
    FAULT = "fault"


class ModelStatus(StrEnum):
    """What happened to a model."""

    PROMOTED = "promoted"
    RUNNING = "running"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"


class Stage(StrEnum):
    """Moments in a frame's life after its capture, in order."""

    ENCODED = "encoded"
    FRAME_RECEIVED = "frame_received"
    DECODED = "decoded"
    INFERRED = "inferred"
    PREDICTION_RECEIVED = "prediction_received"
    DECIDED = "decided"
    COMMAND_RECEIVED = "command_received"
    ACTED = "acted"

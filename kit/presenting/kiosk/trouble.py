"""Why a mission was broken off: a kind for visitors, a sentence for who wants to know; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kit.reasons import Reading, Reason, read


class Kind(StrEnum):
    """What went wrong; the page has a text for each."""

    LATE = "late"
    """No decision came in time: a machine that is too busy, or a camera that gives nothing."""
    SERVICE = "service"
    """One of the mission's programs ended."""
    BROKER = "broker"
    """The programs could not talk to each other."""
    RADIO = "radio"
    """The Bluetooth link was lost."""
    BUTTON = "button"
    """Somebody pressed the hub's own button."""
    HUB = "hub"
    """The hub warns, or does not do what it is told."""
    START = "start"
    """Not everything was ready in time."""
    OTHER = "other"
    """Something else."""


_KINDS = {
    Reason.NO_DECISION: Kind.LATE,
    Reason.ARM_EXPIRED: Kind.LATE,
    Reason.SERVICE_GONE: Kind.SERVICE,
    Reason.SERVICE_ENDED: Kind.SERVICE,
    Reason.NOTEBOOK_FAILED: Kind.SERVICE,
    Reason.BROKER_LOST: Kind.BROKER,
    Reason.BROKER_AWAY: Kind.BROKER,
    Reason.LINK_LOST: Kind.RADIO,
    Reason.HUB_BACK: Kind.RADIO,
    Reason.HUB_GOES: Kind.RADIO,
    Reason.AND_OUT_OF_REACH: Kind.RADIO,
    Reason.HUB_BUTTON: Kind.BUTTON,
    Reason.HUB_REFUSED: Kind.HUB,
    Reason.HUB_WARNS: Kind.HUB,
    Reason.MOTOR_UNPLUGGED: Kind.HUB,
    Reason.DRIVING_FAILED: Kind.HUB,
    Reason.UNCONFIRMED: Kind.HUB,
    Reason.AND_UNCONFIRMED: Kind.HUB,
    Reason.NOT_AT_WORK: Kind.START,
    Reason.TRAIN_SILENT: Kind.START,
    Reason.STOPPED_WHILE_ARMING: Kind.START,
}


@dataclass(frozen=True)
class Trouble:
    """Why a mission was broken off.

    Attributes:
        kind: What it was, for the page to put into words.
        sentence: The same as the runtime or the train has it, in English.
    """

    kind: Kind
    sentence: str


def trouble(error: str) -> Trouble:
    """Tell why a mission was broken off.

    Args:
        error: The ``error`` of its result.
    """
    sentence = _sentence(error)
    return Trouble(_kind(sentence), sentence)


def _sentence(error: str) -> str:
    """Return the problem alone; for a train that stopped by itself, the train's own reason."""
    values = _values(read(error))
    problem = values.get("problem", error)
    return values.get("got", problem) if problem == Reason.HALTED else problem


def _kind(sentence: str) -> Kind:
    reading = read(sentence)
    if reading is None:
        return Kind.OTHER
    if reading == (Reason.SERVICE_GONE, {"service": "broker"}):
        return Kind.BROKER
    within = (_kind(value) for value in reading.values.values())
    return _KINDS.get(reading.reason) or next(
        (kind for kind in within if kind is not Kind.OTHER), Kind.OTHER
    )


def _values(reading: Reading | None) -> dict[str, str]:
    return reading.values if reading else {}

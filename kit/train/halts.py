"""Why the train stops: every cause there is, on one page. Pure.

The controller hands each halt to :mod:`kit.train.stopping`, which brakes and latches at once,
whatever is under way. Only the end of the controller is no halt: it is the last stop of all.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.reasons import Reason
from kit.train.hub_facts import HubEvent, HubEventKind, HubFacts
from kit.train.lwp3.enums import IoType


@dataclass(frozen=True)
class Halt:
    """A stop, and how it is told.

    Attributes:
        reason: Why, in words for people.
        fault: Whether it lasts until its cause is mended.
        again: Whether a train that is latched already gets a new challenge, so that an arming
            under way fails.
    """

    reason: str
    fault: bool = False
    again: bool = False


# What people and decisions ask for.

AT_START = Halt(Reason.LATCHED_AT_START, again=True)
"""The controller begins: the train comes up standing and latched."""

HAND_AT_ZERO = Halt(Reason.STOPPED_BY_HAND)
"""The hand that drives has let go of the throttle."""


def decided(reason: str) -> Halt:
    """Return the halt for a ``stop`` command, with the reason that it gives."""
    return Halt(reason)


def emergency(reason: str) -> Halt:
    """Return the halt for an emergency stop, by whoever asks."""
    return Halt(reason, again=True)


# What falls silent or goes.


def silence(*, by_hand: bool, refused: str) -> Halt:
    """Return the halt for a lease that nobody renewed.

    Args:
        by_hand: Whether a hand drives, and not the decisions.
        refused: Why the latest decision was refused; empty if it was not.
    """
    return Halt(_silent(Reason.SILENCE_STOPS, by_hand=by_hand, refused=refused))


def arm_expired(*, by_hand: bool, refused: str) -> Halt:
    """Return the halt for an armed train that nobody moved; see :func:`silence`."""
    then = Reason.ARM_EXPIRED_HAND if by_hand else Reason.ARM_EXPIRED
    return Halt(_silent(then, by_hand=by_hand, refused=refused))


def why_slower(*, by_hand: bool, refused: str) -> str:
    """Return why a silence slows the train before it stops it; see :func:`silence`."""
    return _silent(Reason.SILENCE_SLOWS, by_hand=by_hand, refused=refused)


def _silent(then: Reason, *, by_hand: bool, refused: str) -> str:
    reason = then.say(silence=Reason.NO_HAND if by_hand else Reason.NO_DECISION)
    return Reason.REFUSED.say(reason=reason, refusal=refused) if refused else reason


def service_gone(name: str) -> Halt:
    """Return the halt for a service that is gone, such as ``inference`` or the broker."""
    return Halt(Reason.SERVICE_GONE.say(service=name))


def driving_failed(reason: str) -> Halt:
    """Return the halt for a write to the motor that failed."""
    return Halt(reason, fault=True)


# What happens to the hub.

_HUB_HALTS = {
    HubEventKind.DISCONNECTED: Halt(Reason.LINK_LOST, again=True),
    HubEventKind.CONNECTED: Halt(Reason.HUB_BACK, again=True),
    HubEventKind.BUTTON_PRESSED: Halt(Reason.HUB_BUTTON, again=True),
}


def at_hub(event: HubEvent, facts: HubFacts) -> Halt | None:
    """Return the halt for an event of the hub, or None if the train may go on.

    Args:
        event: What happened.
        facts: What is known of the hub, the event included.
    """
    if event.kind in {HubEventKind.ALERT, HubEventKind.DETACHED}:
        reason = hindrance(facts)
        return Halt(reason, fault=True) if reason else None
    if event.kind is HubEventKind.REFUSED and "overcurrent" in event.detail:
        return Halt(Reason.HUB_REFUSED.say(what=event.detail), fault=True)
    if event.kind is HubEventKind.GOING:
        return Halt(Reason.HUB_GOES.say(what=event.detail), again=True)
    return _HUB_HALTS.get(event.kind)


def hindrance(facts: HubFacts) -> str | None:
    """Return what keeps a train from moving safely, such as an alert, or None."""
    if facts.port_of(IoType.TRAIN_MOTOR) is None:
        return Reason.MOTOR_UNPLUGGED
    names = sorted(alert.name.lower().replace("_", " ") for alert in facts.alerts)
    return Reason.HUB_WARNS.say(what=", ".join(names)) if names else None

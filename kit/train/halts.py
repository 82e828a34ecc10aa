"""What the controller does about something that happened to the hub: pure."""

from __future__ import annotations

from dataclasses import dataclass

from kit.reasons import Reason
from kit.train.hub_facts import HubEvent, HubEventKind, HubFacts
from kit.train.lwp3.enums import IoType


@dataclass(frozen=True)
class Halt:
    """A stop that the hub brings about.

    Attributes:
        reason: Why, in words for people.
        fault: Whether it lasts until its cause is mended.
        again: Whether a train that is latched already gets a new challenge, so that an arming
            under way fails.
    """

    reason: str
    fault: bool = False
    again: bool = False


_HALTS = {
    HubEventKind.DISCONNECTED: Halt(Reason.LINK_LOST, again=True),
    HubEventKind.CONNECTED: Halt(Reason.HUB_BACK, again=True),
    HubEventKind.BUTTON_PRESSED: Halt(Reason.HUB_BUTTON, again=True),
}


def halt_for(event: HubEvent, facts: HubFacts) -> Halt | None:
    """Return how a train must be stopped for an event of its hub, or None.

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
    return _HALTS.get(event.kind)


def hindrance(facts: HubFacts) -> str | None:
    """Return what keeps a train from moving safely, such as an alert, or None."""
    if facts.port_of(IoType.TRAIN_MOTOR) is None:
        return Reason.MOTOR_UNPLUGGED
    names = sorted(alert.name.lower().replace("_", " ") for alert in facts.alerts)
    return Reason.HUB_WARNS.say(what=", ".join(names)) if names else None

"""What a fault is, and how it is judged: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from kit.chaos.witness import Ride
from kit.labels import say

if TYPE_CHECKING:
    from kit.chaos.stage import Stage

MAX_AGE_MS = 300.0
"""No train moves on a frame older than this, milliseconds."""


class Effect(StrEnum):
    """What a fault must do to the train."""

    STOPS = "stops"
    """It comes to a stand and stays so until it is armed again."""
    DRIVES_ON = "drives on"
    """It keeps moving: the fault concerns nothing that keeps it safe."""
    STAYS = "stays"
    """It stood, latched, and does not move."""
    NEVER_BLIND = "never blind"
    """It may stand or move, but moves only on fresh frames."""


class Where(StrEnum):
    """On which stage a fault is tried."""

    SHARED = "shared"
    CLOCK = "clock"
    BLUEZ = "bluez"
    SUPERVISED = "supervised"


@dataclass(frozen=True)
class Fault:
    """Something that breaks.

    Attributes:
        name: Short, with hyphens.
        what: What is done, in words.
        effect: What must come of it.
        expected: The same in words, with the reason.
        inject: Breaks it on entering and mends it on leaving; gets the stage.
        demo: What ``kit demo`` does about it.
        stand_within_ms: For ``STOPS``: how long the train may take to a stand.
        from_mending: For ``STOPS``: the time counts from the mending, since before nobody can
            reach the train.
        lasts_s: How long it lasts if the train does not stop, seconds.
        where: On which stage it is tried.
    """

    name: str
    what: str
    effect: Effect
    expected: str
    inject: Callable[[Stage], AbstractContextManager[None]]
    demo: str
    stand_within_ms: float = 2000.0
    from_mending: bool = False
    lasts_s: float = 2.5
    where: Where = Where.SHARED


@dataclass(frozen=True)
class Facts:
    """What was seen and heard while a fault was tried.

    Attributes:
        injected_ns: When it was injected, monotonic nanoseconds.
        mended_ns: When it was mended.
        armed_ns: When the train was armed again, or the trial ended.
        ride: What the train did from the injection on.
        recovered_ms: From the mending until all services worked; None if they never did.
        drove_again: Whether the train moved once it was armed again.
        oldest_ms: Age of the oldest frame that the train moved on; None without any.
    """

    injected_ns: int
    mended_ns: int
    armed_ns: int
    ride: Ride
    recovered_ms: float | None
    drove_again: bool
    oldest_ms: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of a fault.

    Attributes:
        ok: Whether it ended as expected.
        problems: What did not, in words.
        stopped_in_ms: From the fault (or its mending) to a stand; None if it did not stand, or
            stood before.
        braked_in_ms: From there until the hub braked the motor; None if it stood by then.
        stayed: Whether it stood from then on until it was armed; None if it did not stand.
        ran_on_m: Way from the fault to the stand, or to the mending, metres.
        recovered_ms: From the mending until all services worked.
        drove_again: Whether it moved once it was armed again.
    """

    ok: bool
    problems: tuple[str, ...]
    stopped_in_ms: float | None
    braked_in_ms: float | None
    stayed: bool | None
    ran_on_m: float
    recovered_ms: float | None
    drove_again: bool


class _Stand(NamedTuple):
    """From the fault to a stand, and whether the train stayed there; None if it did not stand."""

    after_ms: float | None
    stayed: bool | None


def judge(fault: Fault, facts: Facts) -> Verdict:
    """Judge what came of a fault.

    Args:
        fault: The fault.
        facts: What was seen.

    Returns:
        The verdict, with every problem and not only the first.
    """
    since_ns = facts.mended_ns if fault.from_mending else facts.injected_ns
    # What a train does after the mending of a fault that it drove through is another story.
    last_ns = facts.mended_ns if fault.effect is Effect.DRIVES_ON else facts.armed_ns
    until_armed = facts.ride.between(since_ns, last_ns)
    stood_ns = until_armed.stood_ns
    stand = _Stand(None, None)
    if stood_ns is not None:
        stayed = not facts.ride.between(stood_ns, facts.armed_ns).moved
        stand = _Stand((stood_ns - since_ns) / 1e6, stayed)
    end_ns = stood_ns if stood_ns is not None else facts.mended_ns
    problems = (*_EFFECTS[fault.effect](fault, facts, stand), *_recovery(facts))
    braking = until_armed.between(since_ns, end_ns).brakes_ns
    return Verdict(
        ok=not problems,
        problems=problems,
        stopped_in_ms=None if fault.effect is Effect.STAYS else stand.after_ms,
        braked_in_ms=(braking[0] - since_ns) / 1e6 if braking else None,
        stayed=stand.stayed,
        ran_on_m=facts.ride.between(facts.injected_ns, end_ns).length_m,
        recovered_ms=facts.recovered_ms,
        drove_again=facts.drove_again,
    )


def _stops(fault: Fault, _facts: Facts, stand: _Stand) -> Iterator[str]:
    if stand.after_ms is None:
        yield say("the train ran on")
    elif stand.after_ms > fault.stand_within_ms:
        yield say(
            "it took {after:.0f} ms to a stand, more than {most:.0f}",
            after=stand.after_ms,
            most=fault.stand_within_ms,
        )
    yield from _moved_unasked(stand)


def _drives_on(_fault: Fault, facts: Facts, _stand: _Stand) -> Iterator[str]:
    if not facts.ride.between(facts.injected_ns, facts.mended_ns).always_moved:
        yield say("the train did not drive on")


def _stays(_fault: Fault, facts: Facts, _stand: _Stand) -> Iterator[str]:
    if facts.ride.between(facts.injected_ns, facts.armed_ns).moved:
        yield say("the latched train moved")


def _never_blind(_fault: Fault, facts: Facts, stand: _Stand) -> Iterator[str]:
    if facts.oldest_ms is not None and facts.oldest_ms > MAX_AGE_MS:
        yield say("the train moved on a frame {age:.0f} ms old", age=facts.oldest_ms)
    yield from _moved_unasked(stand)


def _moved_unasked(stand: _Stand) -> Iterator[str]:
    if stand.stayed is False:
        yield say("the train moved again before anyone armed it")


def _recovery(facts: Facts) -> Iterator[str]:
    if facts.recovered_ms is None:
        yield say("the services did not work again")
    if not facts.drove_again:
        yield say("the train did not drive again when it was armed")


_EFFECTS = {
    Effect.STOPS: _stops,
    Effect.DRIVES_ON: _drives_on,
    Effect.STAYS: _stays,
    Effect.NEVER_BLIND: _never_blind,
}

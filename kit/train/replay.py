"""A recorded run decided anew, with other parameters: pure.

The same predictions go through the same function that decided while the train ran. What the
train would have done afterwards no recording knows: a train that stops later sees other
pictures. So a replay tells when and why a decision would have changed, not where a train would
have come to stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.events import Prediction
from kit.train.decision import Decision, DecisionParameters, Memory, decide


@dataclass(frozen=True)
class Moment:
    """What the decision knew when it decided.

    Attributes:
        prediction: What the model saw in one frame.
        now_ns: When it was decided on, monotonic nanoseconds; tells how old the frame was.
        latched: Whether the train stood and waited to be armed.
    """

    prediction: Prediction
    now_ns: int
    latched: bool


@dataclass(frozen=True)
class Turn:
    """A moment at which the decision changed.

    Attributes:
        index: Which moment, from 0.
        captured_ns: When its frame was captured, monotonic nanoseconds.
        decision: What was decided from then on.
    """

    index: int
    captured_ns: int
    decision: Decision


def replay(moments: Iterable[Moment], parameters: DecisionParameters) -> list[Decision]:
    """Decide on each moment of a run.

    Args:
        moments: In order.
        parameters: The rules, those of the run or others.

    Returns:
        One decision a moment. With the rules of the run, those that were made while it ran.
    """
    memory, decisions = Memory(), []
    for moment in moments:
        memory, decision = decide(
            memory, moment.prediction, parameters, now_ns=moment.now_ns, latched=moment.latched
        )
        decisions.append(decision)
    return decisions


def turns(moments: Sequence[Moment], decisions: Sequence[Decision]) -> list[Turn]:
    """Return the moments at which another action was decided than before, the first included.

    Args:
        moments: In order.
        decisions: One a moment, from :func:`replay`.
    """
    found: list[Turn] = []
    for index, (moment, decision) in enumerate(zip(moments, decisions, strict=True)):
        if not found or decision.action is not found[-1].decision.action:
            found.append(Turn(index, moment.prediction.frame.captured_ns, decision))
    return found

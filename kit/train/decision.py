"""What the train should do about what the model saw: a pure function with a memory.

Nothing is read and nothing is sent here. The same predictions in the same order always give the
same decisions, since time is taken from the frames; the clock only tells how old a frame is.

A sign counts once enough recent frames agree on it (votes), and only if it is tall enough to
be near. STOP beats SLOW beats CRUISE, whatever the confidence. A sign that was obeyed is not
obeyed again until it has been out of sight for a while, so that a train that was released in
front of it can leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kit.events import Action, Label, Prediction
from kit.reasons import Reason

MAX_FRAMES = 64
"""Most frames that the memory keeps: more than a second at 60 frames a second."""

_MS = 1_000_000
_STOPS = (Label.DANGER_AHEAD, Label.STOP)
_Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class DecisionParameters(BaseModel):
    """How sure is sure, how near is near, how long is long.

    Attributes:
        votes: Frames that must agree on a sign.
        of: Frames among which they must be: the latest ``of``, or those of the latest
            ``window_ms`` if these are more. The share ``votes / of`` must hold there too.
        window_ms: See ``of``; milliseconds between captures.
        span_ms: Least time between the first and the last vote, so that many frames a second
            do not make one glimpse a certainty, milliseconds.
        min_confidence: Detections below are not looked at, 0 to 1. Above the model's own
            threshold: what is near enough to act on is seen well, and what is not there is not.
        min_height_px: Least height of a sign's box by label, pixels of the 400-pixel frame.
        slow_hold_ms: How long to stay slow after a speed limit was last seen, milliseconds.
        stop_hold_ms: How long to go on saying STOP for one sign, milliseconds.
        cooldown_ms: How long an obeyed sign must be out of sight to count anew, milliseconds.
        same_sign_shrink: An obeyed sign that is suddenly smaller than this share of its height
            is another one, 0 to 1.
        max_age_ms: Frames captured longer ago are not acted on, milliseconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    votes: Annotated[int, Field(ge=1, le=20)] = 3
    of: Annotated[int, Field(ge=1, le=20)] = 5
    window_ms: _Milliseconds = 500
    span_ms: _Milliseconds = 100
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.65
    min_height_px: Mapping[Label, Annotated[float, Field(ge=0, le=400)]] = Field(
        default_factory=lambda: {
            Label.SPEED_LIMIT: 24.0,
            Label.DANGER_AHEAD: 32.0,
            Label.STOP: 32.0,
        }
    )
    slow_hold_ms: _Milliseconds = 4000
    stop_hold_ms: _Milliseconds = 3000
    cooldown_ms: _Milliseconds = 5000
    same_sign_shrink: Annotated[float, Field(ge=0, le=1)] = 0.6
    max_age_ms: _Milliseconds = 300

    @model_validator(mode="after")
    def _possible(self) -> DecisionParameters:
        if self.votes > self.of:
            msg = f"votes must be at most of, got {self.votes} of {self.of}"
            raise ValueError(msg)
        if missing := [label for label in Label if label not in self.min_height_px]:
            msg = f"min_height_px must name every label, misses {', '.join(missing)}"
            raise ValueError(msg)
        return self


@dataclass(frozen=True)
class Decision:
    """What the train should do.

    Attributes:
        action: ``STOP``, ``SLOW`` or ``CRUISE``.
        reason: Why, in words for people.
        label: The sign that led to it, if one did.
        fresh: Whether the frame was looked at; a frame too old or out of order is not.
    """

    action: Action
    reason: str
    label: Label | None = None
    fresh: bool = True


@dataclass(frozen=True)
class Glance:
    """What counted in one frame.

    Attributes:
        captured_ns: When it was captured, monotonic nanoseconds.
        heights: Height in pixels of the tallest sign near enough, by label.
    """

    captured_ns: int
    heights: Mapping[Label, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Obeyed:
    """A stopping sign that was obeyed.

    Attributes:
        since_ns: When STOP was first said for it, monotonic nanoseconds.
        seen_ns: When it was last seen.
        height_px: How tall it was then.
    """

    since_ns: int
    seen_ns: int
    height_px: float


@dataclass(frozen=True)
class Memory:
    """What is remembered from one prediction to the next; starts empty.

    Attributes:
        glances: The latest frames, oldest first.
        obeyed: Stopping signs that were obeyed, by label.
        slow_until_ns: Until when to stay slow, monotonic nanoseconds.
    """

    glances: tuple[Glance, ...] = ()
    obeyed: Mapping[Label, Obeyed] = field(default_factory=lambda: MappingProxyType({}))
    slow_until_ns: int = 0


def decide(
    memory: Memory,
    prediction: Prediction,
    parameters: DecisionParameters,
    *,
    now_ns: int,
    latched: bool = False,
) -> tuple[Memory, Decision]:
    """Decide what the train should do about a prediction.

    Args:
        memory: What the call before this one returned, or ``Memory()``.
        prediction: What the model saw in one frame.
        parameters: The rules.
        now_ns: Monotonic time now, nanoseconds; only tells how old the frame is.
        latched: Whether the train stands and waits to be armed. A stopping sign that comes into
            view then cannot be obeyed yet, so it goes on counting, and stops the train when it
            is armed in front of it.

    Returns:
        The new memory, and the decision with its reason.
    """
    captured_ns = prediction.frame.captured_ns
    if refusal := _refusal(memory, captured_ns, parameters, now_ns):
        return memory, refusal
    glance, too_small = _look(prediction, parameters)
    glances = (*memory.glances, glance)[-MAX_FRAMES:]
    memory = replace(memory, glances=_recent(glances, parameters))
    known = memory.obeyed
    memory, stop = _stopping(memory, glance, parameters)
    if latched:
        still = {label: sign for label, sign in memory.obeyed.items() if label in known}
        memory = replace(memory, obeyed=MappingProxyType(still))
    memory, slow = _slowing(memory, glance, parameters)
    return memory, stop or slow or Decision(Action.CRUISE, _why_cruise(memory, too_small))


def _refusal(
    memory: Memory, captured_ns: int, parameters: DecisionParameters, now_ns: int
) -> Decision | None:
    """Decide about a frame that must not be looked at: go on as before, but never faster."""
    age_ms = (now_ns - captured_ns) / _MS
    if age_ms > parameters.max_age_ms:
        why = Reason.FRAME_TOO_OLD.say(age=f"{age_ms:.0f}", limit=parameters.max_age_ms)
    elif age_ms < 0:
        why = Reason.FRAME_TOO_EARLY.say(ahead=f"{-age_ms:.0f}")
    elif memory.glances and captured_ns <= memory.glances[-1].captured_ns:
        why = Reason.FRAME_OUT_OF_ORDER
    else:
        return None
    hold_ns = parameters.stop_hold_ms * _MS
    stopping = [label for label, sign in memory.obeyed.items() if now_ns - sign.since_ns <= hold_ns]
    if stopping:
        still = Reason.STILL_STOPPING.say(why=why)
        return Decision(Action.STOP, still, stopping[0], fresh=False)
    return Decision(Action.SLOW, Reason.NOT_ACTED_ON.say(why=why), fresh=False)


def _look(
    prediction: Prediction, parameters: DecisionParameters
) -> tuple[Glance, Mapping[Label, float]]:
    """Sort the signs of one frame into those near enough and those too small, by label."""
    near: dict[Label, float] = {}
    far: dict[Label, float] = {}
    for detection in prediction.detections:
        if detection.confidence < parameters.min_confidence:
            continue
        height = detection.box.height
        group = near if height >= parameters.min_height_px[detection.label] else far
        group[detection.label] = max(height, group.get(detection.label, 0.0))
    return Glance(prediction.frame.captured_ns, MappingProxyType(near)), far


def _recent(glances: tuple[Glance, ...], parameters: DecisionParameters) -> tuple[Glance, ...]:
    newest = glances[-1].captured_ns
    in_window = sum(newest - g.captured_ns < parameters.window_ms * _MS for g in glances)
    return glances[-max(in_window, parameters.of) :]


def _votes(memory: Memory, label: Label, parameters: DecisionParameters) -> tuple[int, int] | None:
    """Return votes and frames since the first of them, if these confirm a sign."""
    seen = [label in glance.heights for glance in memory.glances]
    newest = memory.glances[-1].captured_ns
    for first, vote in enumerate(seen):
        votes, frames = sum(seen[first:]), len(seen) - first
        spanned = newest - memory.glances[first].captured_ns >= parameters.span_ms * _MS
        enough = votes >= parameters.votes and votes * parameters.of >= frames * parameters.votes
        if vote and enough and (spanned or parameters.votes == 1):
            return votes, frames
    return None


def _stopping(
    memory: Memory, glance: Glance, parameters: DecisionParameters
) -> tuple[Memory, Decision | None]:
    obeyed = dict(memory.obeyed)
    decision = None
    for label in _STOPS:
        height, now_ns = glance.heights.get(label), glance.captured_ns
        sign = _same_sign(obeyed.get(label), glance, label, parameters)
        reason = Reason.STILL_STOP.say(label=label)
        if height is not None and sign is None:
            confirmed = _votes(memory, label, parameters)
            if confirmed is None:
                continue
            sign = Obeyed(now_ns, now_ns, height)
            reason = Reason.CONFIRMED_STOP.say(confirmed=_seen(label, confirmed, height))
        if sign is None:
            continue
        obeyed[label] = sign
        if now_ns - sign.since_ns <= parameters.stop_hold_ms * _MS:
            decision = Decision(Action.STOP, reason, label)
    return replace(memory, obeyed=MappingProxyType(obeyed)), decision


def _same_sign(
    sign: Obeyed | None, glance: Glance, label: Label, parameters: DecisionParameters
) -> Obeyed | None:
    """Return the obeyed sign, updated, or None if what is seen now is none or another one."""
    if sign is None or glance.captured_ns - sign.seen_ns > parameters.cooldown_ms * _MS:
        return None
    height = glance.heights.get(label)
    if height is None:
        return sign
    if height < sign.height_px * parameters.same_sign_shrink:
        return None
    return replace(sign, seen_ns=glance.captured_ns, height_px=height)


def _slowing(
    memory: Memory, glance: Glance, parameters: DecisionParameters
) -> tuple[Memory, Decision | None]:
    label = Label.SPEED_LIMIT
    confirmed = _votes(memory, label, parameters)
    if label in glance.heights and confirmed:
        until_ns = glance.captured_ns + parameters.slow_hold_ms * _MS
        memory = replace(memory, slow_until_ns=until_ns)
        seen = _seen(label, confirmed, glance.heights[label])
        reason = Reason.CONFIRMED_SLOW.say(confirmed=seen)
        return memory, Decision(Action.SLOW, reason, label)
    left_ns = memory.slow_until_ns - glance.captured_ns
    if left_ns > 0:
        reason = Reason.STILL_SLOW.say(label=label, seconds=f"{left_ns / 1e9:.1f}")
        return memory, Decision(Action.SLOW, reason, label)
    return memory, None


def _why_cruise(memory: Memory, too_small: Mapping[Label, float]) -> str:
    seen = memory.glances[-1].heights
    if obeyed := [label for label in seen if label in memory.obeyed]:
        return Reason.OBEYED.say(label=obeyed[0])
    for label in seen:
        votes = sum(label in glance.heights for glance in memory.glances)
        few = Reason.FEW_VOTES if votes > 1 else Reason.ONE_VOTE
        return few.say(label=label, votes=votes)
    for label, height in too_small.items():
        return Reason.TOO_FAR.say(label=label, height=f"{height:.0f}")
    return Reason.NO_SIGN


def _seen(label: Label, confirmed: tuple[int, int], height_px: float) -> str:
    votes, frames = confirmed
    return Reason.CONFIRMED.say(label=label, votes=votes, frames=frames, height=f"{height_px:.0f}")

"""When a new model may take over from the one in use, and when it must give way again.

Pure: it is told what happened and answers what to do. First the new model looks at frames in the
*shadow* of the one in use, and nobody acts on what it sees. If it does well it takes over, on
*probation*: the one before stays at hand, and looks at frames in its turn.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kit.events import Box, Detection

USEFUL_PX = 20.0
"""Longer side from which a sign counts here, pixels; what is smaller comes and goes."""

SAME_IOU = 0.3
"""Boxes of one class that overlap at least this much are of the same sign."""

MISSED_GRACE = 2
"""So many frames may miss a sign whatever their share is."""

LATENCY_WINDOW = 9
"""The median of so many frames is compared, so that one busy moment is not taken for slowness."""

BASELINE_FRAMES = 60
"""So many of the latest frames tell how long the model in use takes."""


class SwapRules(BaseModel):
    """What a new model may do in the shadow and on probation.

    Attributes:
        shadow_frames: Frames that it looks at before it may take over.
        shadow_latency_ratio: It may take this many times as long as the one in use, each with
            one thread, in turns.
        missed_share: In this share of the frames in which the one in use sees a sign, the new
            one may miss it.
        extra_signs: Signs a frame, at the mean, that only the new one sees.
        probation_frames: Frames after taking over during which the one before is kept.
        probation_latency_ratio: It may take this many times as long as the one before did.
        harmless_ms: What takes less is never too slow, milliseconds.

    On the CPU, times are processor time: a busy machine is no model's fault.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shadow_frames: Annotated[int, Field(ge=1, le=10_000)] = 20
    shadow_latency_ratio: Annotated[float, Field(ge=1, le=100)] = 2.0
    missed_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    extra_signs: Annotated[float, Field(ge=0, le=100)] = 2.0
    probation_frames: Annotated[int, Field(ge=1, le=100_000)] = 100
    probation_latency_ratio: Annotated[float, Field(ge=1, le=100)] = 3.0
    harmless_ms: Annotated[float, Field(ge=0, le=1000)] = 10.0


class Phase(StrEnum):
    """Where a change of models stands."""

    STEADY = "steady"
    SHADOW = "shadow"
    READY = "ready"
    PROBATION = "probation"


class Turn(StrEnum):
    """What is to be done now."""

    GO_ON = "go on"
    TAKE_OVER = "take over"
    REFUSE = "refuse"
    KEEP = "keep"
    ROLL_BACK = "roll back"


class Advice(NamedTuple):
    """What is to be done, and why.

    Attributes:
        turn: What.
        reason: Why, in words for people; empty for ``GO_ON``.
    """

    turn: Turn
    reason: str = ""


GO_ON = Advice(Turn.GO_ON)


@dataclass(frozen=True)
class Comparison:
    """Two models before the same frame.

    Attributes:
        sighted: Whether the one in use, or the one before, sees a sign of useful size.
        missed: Whether the new one misses one of those.
        extra: Signs of useful size that only the new one sees.
        old_ms: Time that the one in use took, milliseconds; only in the shadow.
        new_ms: Time that the new one took, milliseconds; only in the shadow.
    """

    sighted: bool
    missed: bool
    extra: int
    old_ms: float = 0.0
    new_ms: float = 0.0


def compare(
    old: Sequence[Detection],
    new: Sequence[Detection],
    *,
    old_ms: float = 0.0,
    new_ms: float = 0.0,
) -> Comparison:
    """Compare what two models saw in one frame; small signs count neither way.

    Args:
        old: What the one in use saw, or the one before.
        new: What the new one saw.
        old_ms: Time that took, milliseconds.
        new_ms: Time that took, milliseconds.
    """
    useful = [d for d in old if _is_useful(d)]
    return Comparison(
        sighted=bool(useful),
        missed=any(not _is_among(d, new) for d in useful),
        extra=sum(_is_useful(d) and not _is_among(d, old) for d in new),
        old_ms=old_ms,
        new_ms=new_ms,
    )


class SwapPolicy:
    """Follows one change of models after the other; not for several threads at once.

    Args:
        rules: What a new model may do.
    """

    def __init__(self, rules: SwapRules) -> None:
        self._rules = rules
        self._phase = Phase.STEADY
        self._usual_ms: deque[float] = deque(maxlen=BASELINE_FRAMES)
        self._compared: list[Comparison] = []
        self._baseline_ms: float | None = None
        self._recent_ms: deque[float] = deque(maxlen=LATENCY_WINDOW)
        self._answered = 0

    @property
    def phase(self) -> Phase:
        """Where the change stands."""
        return self._phase

    def begin_shadow(self) -> None:
        """A new model was loaded and is to look at frames."""
        self._phase = Phase.SHADOW
        self._compared = []

    def begin_probation(self) -> None:
        """The new model took over."""
        self._phase = Phase.PROBATION
        self._compared, self._answered = [], 0
        enough = len(self._usual_ms) >= LATENCY_WINDOW
        self._baseline_ms = statistics.median(self._usual_ms) if enough else None
        self._recent_ms.clear()

    def end(self) -> None:
        """The change is over, however it went."""
        self._phase = Phase.STEADY
        self._compared = []
        self._usual_ms.clear()

    def compared(self, comparison: Comparison) -> Advice:
        """Take in what both models made of a frame.

        Returns:
            In the shadow ``TAKE_OVER`` or ``REFUSE`` once there were enough frames; on
            probation ``ROLL_BACK`` when the new one misses too much.
        """
        self._compared.append(comparison)
        if self._phase is Phase.SHADOW:
            return self._judge_shadow()
        if self._phase is Phase.PROBATION and (fault := self._missing()):
            return Advice(Turn.ROLL_BACK, fault)
        return GO_ON

    def answered(self, took_ms: float) -> Advice:
        """Take in that the model in use answered for a frame.

        Args:
            took_ms: Time from picture to boxes, milliseconds.

        Returns:
            On probation ``ROLL_BACK`` when it became slow, ``KEEP`` when the probation is over.
        """
        if self._phase is not Phase.PROBATION:
            self._usual_ms.append(took_ms)
            return GO_ON
        self._answered += 1
        self._recent_ms.append(took_ms)
        if fault := self._slowness():
            return Advice(Turn.ROLL_BACK, fault)
        if self._answered >= self._rules.probation_frames:
            return Advice(Turn.KEEP, f"{self._answered} frames on probation without a fault")
        return GO_ON

    def failed(self, cause: str) -> Advice:
        """Take in that the new model failed.

        Returns:
            ``ROLL_BACK`` on probation, otherwise ``REFUSE``.
        """
        turn = Turn.ROLL_BACK if self._phase is Phase.PROBATION else Turn.REFUSE
        return Advice(turn, f"it failed: {cause}")

    def _judge_shadow(self) -> Advice:
        count = len(self._compared)
        times = (c.old_ms for c in self._compared), (c.new_ms for c in self._compared)
        old_ms, new_ms = (statistics.median(t) for t in times)
        limit = max(self._rules.harmless_ms, old_ms * self._rules.shadow_latency_ratio)
        # Hopeless slowness is not worth the processor's time.
        if count >= LATENCY_WINDOW and new_ms > 2 * limit:
            return Advice(Turn.REFUSE, f"{_slower(new_ms, old_ms)} in the shadow")
        if count < self._rules.shadow_frames:
            return GO_ON
        if new_ms > limit:
            return Advice(Turn.REFUSE, f"{_slower(new_ms, old_ms)} in the shadow")
        if fault := self._missing():
            return Advice(Turn.REFUSE, fault)
        extra = sum(c.extra for c in self._compared) / count
        if extra > self._rules.extra_signs:
            return Advice(Turn.REFUSE, f"it sees {extra:.1f} signs a frame that the other does not")
        self._phase = Phase.READY
        missed = sum(c.missed for c in self._compared)
        return Advice(
            Turn.TAKE_OVER,
            f"{count} frames in the shadow: {new_ms:.1f} ms beside {old_ms:.1f} ms, "
            f"{missed} with a sign missed, {extra:.1f} signs more a frame",
        )

    def _missing(self) -> str:
        missed = sum(c.missed for c in self._compared)
        sighted = sum(c.sighted for c in self._compared)
        if missed > max(MISSED_GRACE, self._rules.missed_share * sighted):
            return f"in {missed} of {sighted} frames it misses a sign that the other one sees"
        return ""

    def _slowness(self) -> str:
        if self._baseline_ms is None or len(self._recent_ms) < LATENCY_WINDOW:
            return ""
        now_ms = statistics.median(self._recent_ms)
        ratio = self._rules.probation_latency_ratio
        if now_ms <= max(self._rules.harmless_ms, ratio * self._baseline_ms):
            return ""
        return _slower(now_ms, self._baseline_ms)


def _slower(new_ms: float, old_ms: float) -> str:
    return f"it takes {new_ms:.1f} ms a frame, the other one {old_ms:.1f} ms"


def _is_useful(detection: Detection) -> bool:
    return max(detection.box.width, detection.box.height) >= USEFUL_PX


def _is_among(sign: Detection, others: Sequence[Detection]) -> bool:
    return any(o.label is sign.label and _iou(o.box, sign.box) >= SAME_IOU for o in others)


def _iou(a: Box, b: Box) -> float:
    wide = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    tall = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    shared = max(0.0, wide) * max(0.0, tall)
    return shared / (a.width * a.height + b.width * b.height - shared)

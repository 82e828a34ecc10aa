"""Which pictures fit through the link to Kafka: pure, from what Kafka acknowledged lately.

Down at once, and as far as the measured throughput asks for; up slowly, one step at a time, and
ever more patiently when a step up turned out too much. Events are not thinned at all, and while
they wait in numbers, pictures do not ask for more.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kit.messaging.kafka.quality_steps import STEPS, QualityStep
from kit.reasons import Reason

WINDOW_S = 2.0
"""How long back is judged, seconds."""

SLOW_S = 0.35
"""With a median delay of so much above the least, more is on its way than the link takes."""

CALM_S = 0.25
"""With no delay of so much above the least there is room; between the two nothing changes."""

LEAST_WINDOW_S = 20.0
"""How long back the least delay is looked for: what the link takes when nothing queues on it."""

MOST_LEAST_S = 1.0
"""The longest delay that counts as the link's own, seconds."""

STUCK_S = 1.5
"""A picture without an answer for so long means that the link is gone, seconds."""

OVERTAKEN_SHARE = 0.15
"""With more of the pictures than this overtaken before they could leave, they are too many."""

SETTLE_S = 1.0
"""How long a step is given before it is judged, seconds."""

UP_AFTER_S = 4.0
"""How long it must be calm before a step up, seconds."""

MOST_PATIENCE_S = 32.0
"""The longest that this becomes by steps up that failed, seconds."""

PROVEN_S = 10.0
"""A step up that holds for so long was right, seconds."""

HEADROOM = 0.7
"""Which share of the measured throughput pictures may ask for; the rest is for events."""

EVENTS_BEHIND = 50
"""With more events waiting than this, pictures ask for no more."""


@dataclass(frozen=True)
class LinkFigures:
    """What the live lane achieved lately.

    Attributes:
        fps: Pictures acknowledged a second.
        bytes_per_s: Their bytes a second.
        delay_s: Median time from hand-over to acknowledgement, seconds; None without any.
    """

    fps: float = 0.0
    bytes_per_s: float = 0.0
    delay_s: float | None = None


class QualityPolicy:
    """Chooses the step; told what became of each live picture, and asked every now and then.

    Not safe for several threads by itself. Times are monotonic seconds.

    Args:
        steps: From the best to the least.

    Attributes:
        index: The step in force, from 0.
        reason: Why, in words for people.
    """

    def __init__(self, steps: Sequence[QualityStep] = STEPS) -> None:
        self.steps = tuple(steps)
        self.index = 0
        self.reason: str = Reason.LINK_TAKES_ALL
        self._ever_taken = False
        self._taken: deque[tuple[float, int, float]] = deque()
        self._offered: deque[tuple[float, int]] = deque()
        self._overtaken: deque[float] = deque()
        self._delays: deque[tuple[float, float]] = deque()
        self._failed_s: float | None = None
        self._changed_s = float("-inf")
        self._calm_since_s: float | None = None
        self._patience_s = UP_AFTER_S
        self._tried_up_s: float | None = None

    @property
    def step(self) -> QualityStep:
        """The step in force."""
        return self.steps[self.index]

    def offer(self, now_s: float, *, full_bytes: int) -> None:
        """Note a picture as it was taken, whether or not it is sent.

        Args:
            now_s: The time.
            full_bytes: Its bytes.
        """
        self._offered.append((now_s, full_bytes))

    def taken(self, now_s: float, *, size: int, delay_s: float) -> None:
        """Note that Kafka acknowledged a live picture.

        Args:
            now_s: The time.
            size: Its bytes.
            delay_s: Since it was handed over, seconds.
        """
        self._ever_taken = True
        self._taken.append((now_s, size, delay_s))
        self._delays.append((now_s, delay_s))

    def overtaken(self, now_s: float) -> None:
        """Note that a picture was overtaken by a newer one before it could leave."""
        self._overtaken.append(now_s)

    def failed(self, now_s: float) -> None:
        """Note that Kafka did not take a live picture in time."""
        self._failed_s = now_s

    def figures(self, now_s: float) -> LinkFigures:
        """Return what the live lane achieved within the last `WINDOW_S`."""
        self._forget(now_s)
        if not self._taken:
            return LinkFigures()
        return LinkFigures(
            fps=len(self._taken) / WINDOW_S,
            bytes_per_s=sum(size for _, size, _ in self._taken) / WINDOW_S,
            delay_s=statistics.median(delay for _, _, delay in self._taken),
        )

    def judge(self, now_s: float, *, oldest_s: float = 0.0, events_waiting: int = 0) -> bool:
        """Look whether another step is due.

        Args:
            now_s: The time.
            oldest_s: For how long the oldest picture on its way has had no answer, seconds.
            events_waiting: How many events wait for Kafka.

        Returns:
            Whether the step has changed.
        """
        self._forget(now_s)
        settled = now_s - self._changed_s >= SETTLE_S
        gone = oldest_s > STUCK_S or self._failed_s is not None
        if gone and self._ever_taken:  # before the first answer nothing is known of the link
            return self._lose(now_s)
        if self._tried_up_s is not None and now_s - self._tried_up_s >= PROVEN_S:
            self._tried_up_s, self._patience_s = None, UP_AFTER_S
        if settled and (why := self._too_much(now_s)):
            return self._go_down(now_s, why)
        return self._go_up(now_s, calm=self._calm(oldest_s, events_waiting))

    def _forget(self, now_s: float) -> None:
        before_s = now_s - WINDOW_S
        while self._taken and self._taken[0][0] <= before_s:
            self._taken.popleft()
        while self._offered and self._offered[0][0] <= before_s:
            self._offered.popleft()
        while self._overtaken and self._overtaken[0] <= before_s:
            self._overtaken.popleft()
        if self._failed_s is not None and self._failed_s <= before_s:
            self._failed_s = None
        while self._delays and self._delays[0][0] <= now_s - LEAST_WINDOW_S:
            self._delays.popleft()

    @property
    def _least_s(self) -> float:
        """The link's own delay: thinner pictures do not make it shorter."""
        return min((delay for _, delay in self._delays), default=0.0)

    def _too_much(self, now_s: float) -> str:
        """Tell why less must be sent; empty if not."""
        since = [delay for at, _, delay in self._taken if at > self._changed_s]
        delay_s = statistics.median(since) if since else 0.0
        rate = self.figures(now_s).bytes_per_s * 8 / 1000
        if delay_s > SLOW_S + min(self._least_s, MOST_LEAST_S):
            return Reason.LINK_LATE.say(rate=f"{rate:.0f}", seconds=f"{delay_s:.1f}")
        overtaken = sum(at > self._changed_s for at in self._overtaken)
        if overtaken > OVERTAKEN_SHARE * (len(since) + overtaken) and overtaken > 1:
            return Reason.LINK_OVERTAKEN.say(rate=f"{rate:.0f}", pictures=overtaken)
        return ""

    def _calm(self, oldest_s: float, events_waiting: int) -> bool:
        calm_s = CALM_S + min(self._least_s, MOST_LEAST_S)
        calm = bool(self._taken) and max(delay for _, _, delay in self._taken) < calm_s
        return (
            calm
            and not self._overtaken
            and oldest_s < calm_s
            and events_waiting <= EVENTS_BEHIND
            and self._failed_s is None
        )

    def _lose(self, now_s: float) -> bool:
        last = len(self.steps) - 1
        self._calm_since_s = None
        if self.index == last:
            return False
        self._regret()
        return self._change(now_s, last, Reason.KAFKA_SILENT)

    def _go_down(self, now_s: float, why: str) -> bool:
        last = len(self.steps) - 1
        self._calm_since_s = None
        if self.index == last:
            self.reason = why
            return False
        self._regret()
        return self._change(now_s, self._fitting(now_s), why)

    def _regret(self) -> None:
        """After a step up that was too early, wait longer before the next one."""
        if self._tried_up_s is not None:
            self._patience_s = min(2 * self._patience_s, MOST_PATIENCE_S)
            self._tried_up_s = None

    def _fitting(self, now_s: float) -> int:
        """Return the best lower step that the measured throughput allows."""
        room = HEADROOM * self.figures(now_s).bytes_per_s
        sizes = [size for _, size in self._offered]
        full_bytes = statistics.fmean(sizes) if sizes else 0.0
        fps = len(sizes) / WINDOW_S
        lower = range(self.index + 1, len(self.steps))
        fit = (
            index
            for index in lower
            if self.steps[index].needs_bytes_per_s(full_bytes=full_bytes, fps=fps) <= room
        )
        return next(fit, len(self.steps) - 1)

    def _go_up(self, now_s: float, *, calm: bool) -> bool:
        if not calm:
            self._calm_since_s = None
            return False
        if self._calm_since_s is None:
            self._calm_since_s = now_s
        if self.index == 0:
            self.reason = Reason.LINK_TAKES_ALL
            return False
        if now_s - max(self._calm_since_s, self._changed_s) < self._patience_s:
            return False
        self._tried_up_s = now_s
        calm_s = now_s - self._calm_since_s
        why = Reason.LINK_CALM.say(seconds=f"{calm_s:.0f}")
        return self._change(now_s, self.index - 1, why)

    def _change(self, now_s: float, index: int, why: str) -> bool:
        self.index, self.reason, self._changed_s = index, why, now_s
        self._overtaken.clear()
        self._failed_s = None
        return True

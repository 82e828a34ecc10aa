"""A visit, step by step, without any input or output.

The page, the mission and the clock say what happens; this says what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from kit.leaderboard.names import clean_name
from kit.presenting.kiosk.score import Score, score
from kit.presenting.kiosk.trouble import Trouble, trouble
from kit.reasons import Reason

IDLE_S = 90.0
"""How long a score stands before the next visitor is looked for, seconds."""


class Phase(StrEnum):
    """What the page shows."""

    ATTRACT = "attract"
    """A recorded run, the best of the day, and a field for a name."""
    PREPARING = "preparing"
    """The mission's programs start; the train stands."""
    COUNTDOWN = "countdown"
    """All is ready; the train will be armed in a moment."""
    UNDER_WAY = "under_way"
    """The train is armed."""
    ENDING = "ending"
    """The train stands, the services end, and the run is looked back at."""
    SCORE = "score"
    """What came of it."""


_PHASES = {
    "Countdown": Phase.COUNTDOWN,
    "Under way": Phase.UNDER_WAY,
    "Ending the services": Phase.ENDING,
    "Debrief": Phase.ENDING,
    "Writing the report": Phase.ENDING,
}
_ORDER = list(Phase)


@dataclass(frozen=True)
class Visit:
    """Where the present visit stands.

    Attributes:
        number: Counts the visits; 0 before the first.
        phase: What is shown.
        name: The visitor's name; empty in the attract loop.
        track: The scenario that was chosen.
        since_s: Monotonic time at which the phase began, seconds.
        score: What came of it; None before, or if it failed.
        verdict: The result in the runtime's words.
        trouble: Why the mission was broken off; None if it was not.
        stopped_by_hand: Whether somebody pressed the emergency stop.
    """

    number: int = 0
    phase: Phase = Phase.ATTRACT
    name: str = ""
    track: str = ""
    since_s: float = 0.0
    score: Score | None = None
    verdict: str = ""
    trouble: Trouble | None = None
    stopped_by_hand: bool = False

    @property
    def flying(self) -> bool:
        """Whether a mission runs."""
        return self.phase not in {Phase.ATTRACT, Phase.SCORE}

    @property
    def may_try_again(self) -> bool:
        """Whether the visitor has another go: whoever brought home no points."""
        return self.phase is Phase.SCORE and not (self.score and self.score.total)

    def start(self, name: str, track: str, *, now_s: float) -> Visit:
        """Begin a visit; nothing happens while a mission runs.

        Args:
            name: As it was typed.
            track: The scenario.
            now_s: Monotonic time, seconds.

        Raises:
            EventError: If that is no name.
        """
        if self.flying:
            return self
        return Visit(
            number=self.number + 1,
            phase=Phase.PREPARING,
            name=clean_name(name),
            track=track,
            since_s=now_s,
        )

    def told(self, phase: str, *, now_s: float) -> Visit:
        """Follow the mission, which never goes back.

        Args:
            phase: What the runtime says that it does.
            now_s: Monotonic time, seconds.
        """
        new = _PHASES.get(phase, Phase.PREPARING)
        if not self.flying or _ORDER.index(new) <= _ORDER.index(self.phase):
            return self
        return replace(self, phase=new, since_s=now_s)

    def ended(self, result: dict[str, Any], *, now_s: float) -> Visit:
        """Show what came of the mission.

        Args:
            result: What ``kit demo --json`` prints; empty if it never came to its end.
            now_s: Monotonic time, seconds.
        """
        if not self.flying:
            return self
        error = str(result.get("error") or "") if result else Reason.NO_RESULT
        return replace(
            self,
            phase=Phase.SCORE,
            since_s=now_s,
            score=None if error else score(result),
            verdict=str(result.get("verdict") or ""),
            trouble=trouble(error) if error else None,
        )

    def stop(self) -> Visit:
        """Note that somebody pressed the emergency stop."""
        return replace(self, stopped_by_hand=True) if self.flying else self

    def next(self, *, now_s: float) -> Visit:
        """Forget the visitor; nothing happens while a mission runs."""
        return self if self.flying else Visit(number=self.number, since_s=now_s)

    def idle(self, *, now_s: float) -> Visit:
        """Forget a visitor who has gone."""
        gone = self.phase is Phase.SCORE and now_s - self.since_s >= IDLE_S
        return self.next(now_s=now_s) if gone else self

    def as_json(self, *, now_s: float, countdown_s: float) -> dict[str, Any]:
        """Return it as the page reads it.

        Args:
            now_s: Monotonic time, seconds.
            countdown_s: How long the countdown lasts, seconds.
        """
        left_s = countdown_s - (now_s - self.since_s) if self.phase is Phase.COUNTDOWN else 0.0
        return {
            "number": self.number,
            "phase": self.phase.value,
            "name": self.name,
            "track": self.track,
            "for_s": round(now_s - self.since_s, 2),
            "left_s": round(max(0.0, left_s), 2),
            "score": self.score.as_json() if self.score else None,
            "verdict": self.verdict,
            "trouble": self.trouble.kind.value if self.trouble else None,
            "because": self.trouble.sentence if self.trouble else "",
            "again": self.may_try_again,
            "stopped_by_hand": self.stopped_by_hand,
        }

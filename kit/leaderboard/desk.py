"""The organiser's desk: when the event begins, ends, freezes, and how far the reveal has come.

What the organiser does is a list of entries that is only ever added to; what is the case follows
from them (``fold``), so that every replica of the service comes to the same, and anyone can read
who did what, when and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from kit.errors import ConfigError
from kit.leaderboard.rules import Rules


class Deed(StrEnum):
    """What an organiser can do with the event."""

    BEGIN = "begin"
    """Set the start, in `Entry.value`; only before there is one, or before it has come."""
    END = "end"
    """End the event now: what comes later counts no more."""
    RESUME = "resume"
    """Take the end back; the clock has gone on meanwhile."""
    FREEZE = "freeze"
    """Let the public board stand still from now on."""
    THAW = "thaw"
    """Let it move again, and not stand still by itself at the rules' time either."""
    REVEAL = "reveal"
    """Show that many more of the rewarded places, from the last one up; 0 opens the ceremony."""
    CONCEAL = "conceal"
    """Close the ceremony and begin again."""
    TOKEN = "token"  # noqa: S105  # it is the name of a deed
    """Give a participant a new token; older ones are worth nothing from then on."""


class Phase(StrEnum):
    """Where the event is, for those who watch."""

    WAITING = "waiting"
    RUNNING = "running"
    FROZEN = "frozen"
    """It goes on, but the public board stands still."""
    ENDED = "ended"
    """It is over; the board stands as it was when it froze, or at the end."""
    REVEALING = "revealing"
    """The rewarded places are shown one by one."""
    FINAL = "final"
    """Everything is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One deed.

    Attributes:
        at_ms: When, milliseconds since 1970.
        who: The organiser.
        deed: What.
        about: The participant, for a token; empty otherwise.
        value: The start in milliseconds since 1970, or how many places; 0 otherwise.
        why: The reason.
    """

    at_ms: int
    who: str
    deed: Deed
    about: str = ""
    value: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is the case; times in milliseconds since 1970.

    Attributes:
        starts_ms: Start of the event; None if nobody has set it.
        ended_ms: When the organiser ended it; None if it ends by the rules.
        frozen_ms: When the organiser froze the board; None if nobody did.
        thawed: Whether the board is kept from freezing.
        revealed: How many rewarded places are shown; None before the ceremony.
        generations: How many tokens each participant was given after the first one.
    """

    starts_ms: int | None = None
    ended_ms: int | None = None
    frozen_ms: int | None = None
    thawed: bool = False
    revealed: int | None = None
    generations: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a desk means at one moment; times in milliseconds from the start of the event.

    Attributes:
        phase: Where the event is.
        elapsed_ms: The time, also beyond the end; below 0 before the start, None without one.
        ends_ms: The end.
        frozen_ms: At which time the public board stands; None if it moves.
        revealed: How many of the rewarded places are shown; None outside the ceremony.
    """

    phase: Phase
    elapsed_ms: int | None
    ends_ms: int
    frozen_ms: int | None
    revealed: int | None

    @property
    def open(self) -> bool:
        """Whether what is done now counts."""
        return self.phase in {Phase.RUNNING, Phase.FROZEN}

    @property
    def over(self) -> bool:
        """Whether the event has ended."""
        return self.phase in {Phase.ENDED, Phase.REVEALING, Phase.FINAL}

    @property
    def now_ms(self) -> int | None:
        """The time, not later than the end."""
        return None if self.elapsed_ms is None else min(self.elapsed_ms, self.ends_ms)

    @property
    def shown_ms(self) -> int:
        """The time of what the public may see, from the start to the end."""
        return max(0, self.now_ms or 0) if self.frozen_ms is None else self.frozen_ms


def fold(entries: Iterable[Entry]) -> Desk:
    """Return what is the case after all entries, in the order in which they were made."""
    desk = Desk()
    for entry in entries:
        desk = _after(desk, entry)
    return desk


def moment(desk: Desk, rules: Rules, *, at_ms: int) -> Moment:
    """Tell where the event is.

    Args:
        desk: What is the case.
        rules: Of the event.
        at_ms: The time, milliseconds since 1970.
    """
    ends_ms = rules.duration_ms
    if desk.starts_ms is None:
        return Moment(Phase.WAITING, None, ends_ms, None, None)
    now_ms = at_ms - desk.starts_ms
    if now_ms < 0:
        return Moment(Phase.WAITING, now_ms, ends_ms, None, None)
    if desk.ended_ms is not None:
        ends_ms = min(ends_ms, max(0, desk.ended_ms - desk.starts_ms))
    over = now_ms >= ends_ms
    if over and desk.revealed is not None:
        phase = Phase.FINAL if desk.revealed >= rules.rewarded else Phase.REVEALING
        return Moment(phase, now_ms, ends_ms, None, desk.revealed)
    frozen_ms = _frozen_ms(desk, rules, now_ms=now_ms, ends_ms=ends_ms)
    going = Phase.RUNNING if frozen_ms is None else Phase.FROZEN
    return Moment(Phase.ENDED if over else going, now_ms, ends_ms, frozen_ms, None)


def check_deed(deed: Deed, here: Moment) -> None:
    """Refuse what makes no sense now.

    Raises:
        ConfigError: With what would have to be the case.
    """
    begun = here.phase != Phase.WAITING
    wrong = {
        Deed.BEGIN: begun and "the event has begun",
        Deed.END: not here.open and "the event does not run",
        Deed.RESUME: not here.over and "the event has not ended",
        Deed.FREEZE: here.phase != Phase.RUNNING and "the board does not move",
        Deed.THAW: here.frozen_ms is None and "the board is not frozen",
        Deed.REVEAL: not here.over and "the event is not over",
        Deed.CONCEAL: here.revealed is None and "there is no ceremony",
    }.get(deed)
    if wrong:
        raise ConfigError(f"'{deed}' is not possible: {wrong}", got=f"phase '{here.phase}'")


def to_epoch_ms(at: datetime) -> int:
    """Turn a moment into milliseconds since 1970; UTC if it has no offset."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round((aware - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def from_epoch_ms(at_ms: int) -> datetime:
    """Turn milliseconds since 1970 into a moment, UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)


def _frozen_ms(desk: Desk, rules: Rules, *, now_ms: int, ends_ms: int) -> int | None:
    if desk.thawed or desk.starts_ms is None:
        return None
    at = [] if desk.frozen_ms is None else [max(0, desk.frozen_ms - desk.starts_ms)]
    if rules.freezes_at_ms is not None and rules.freezes_at_ms <= min(now_ms, ends_ms):
        at.append(rules.freezes_at_ms)
    return min(at, default=None)


def _after(desk: Desk, entry: Entry) -> Desk:
    tokens = {entry.about: desk.generations.get(entry.about, 0) + 1}
    changes: dict[Deed, dict[str, Any]] = {
        Deed.BEGIN: {"starts_ms": entry.value},
        Deed.END: {"ended_ms": entry.at_ms, "revealed": None},
        Deed.RESUME: {"ended_ms": None, "revealed": None},
        Deed.FREEZE: {"frozen_ms": entry.at_ms, "thawed": False},
        Deed.THAW: {"frozen_ms": None, "thawed": True},
        Deed.REVEAL: {"revealed": (desk.revealed or 0) + entry.value},
        Deed.CONCEAL: {"revealed": None},
        Deed.TOKEN: {"generations": {**desk.generations, **tokens}},
    }
    return replace(desk, **changes[entry.deed])

"""A whole event from its log: standings at any moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kit.errors import ConfigError
from kit.leaderboard.events import at_ms
from kit.leaderboard.log import read_log
from kit.leaderboard.rules import Rules, load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.standings import Standings


def replay(
    rules: Rules | str | Path,
    events: str | Path,
    *,
    at: float | str | None = None,
    starts_at: datetime | str | None = None,
) -> Standings:
    """Rank everybody at one moment of an event.

    Args:
        rules: The rules, or a name or file of them.
        events: File of JSON lines.
        at: The moment, in seconds from the start or ISO 8601; the end of the event if None.
        starts_at: Start of the event, ISO 8601; that of the rules if None.

    Raises:
        ConfigError: If the rules, or the start, are wrong.
        EventError: If the log is wrong, with the line, or the moment is.
    """
    known = rules if isinstance(rules, Rules) else load_rules(rules)
    start = moment(starts_at) if isinstance(starts_at, str) else starts_at or known.starts_at
    seconds = None if at is None else at_ms(_number_or_text(at), starts_at=start) / 1000
    return standings(known, read_log(events, rules=known, starts_at=start), seconds)


def moment(text: str) -> datetime:
    """Understand a moment in ISO 8601; in UTC if it has no offset.

    Raises:
        ConfigError: If it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            "A moment cannot be understood",
            expected="ISO 8601, such as 2026-11-25T09:00:00+01:00",
            got=text,
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def to_text(board: Standings, *, limit: int = 40) -> str:
    """Show a board to people.

    Args:
        board: To show.
        limit: How many of the first, at most.
    """
    lines = [f"{'':4} {'user':24} {'score':>9}  finished"]
    for row in board.rows[:limit]:
        finished = "  ".join(f"{name} {clock(at)}" for name, at in row.finished.items())
        lines.append(f"{row.rank:>4} {row.shown[:24]:24} {row.score:>9.3f}  {finished}".rstrip())
    if len(board.rows) > limit:
        lines.append(f"     and {len(board.rows) - limit} more")
    return "\n".join(lines)


def clock(seconds: float) -> str:
    """Show seconds as hours, minutes, seconds and milliseconds, such as ``1:02:03.004``."""
    sign, whole = ("-" if seconds < 0 else ""), round(abs(seconds) * 1000)
    minutes, ms = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{ms / 1000:06.3f}"


def _number_or_text(at: float | str) -> float | str:
    if not isinstance(at, str):
        return at
    try:
        return float(at)
    except ValueError:
        return at

"""What a page shows, as one JSON document: pure, from rules, standings and where the event is.

Only what the public may see goes in: while the board is frozen these are the standings of the
moment at which it froze, and during the ceremony the places that were revealed. Scores grow in
straight lines, so a row carries its rate, and a page can count on until the next document comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kit.leaderboard.desk import Desk, Moment, Phase, from_epoch_ms
from kit.leaderboard.lines import graph, rate
from kit.leaderboard.rules import Rules
from kit.leaderboard.standings import Standing, Standings, TeamStanding

ROWS = 120
"""How many rows a document has at most; the others are asked for by page."""

BRACKETED = 2000
"""Among how many of the first ones the leaders of the brackets are looked for."""

LINES = 8
"""How many leaders have a line in the graph of scores."""

GROUP_ROWS = 9
"""How many rows of each bracket and of the teams are shown."""


class Kind(StrEnum):
    """What a piece of news is about."""

    FIRST = "first"
    """Somebody is the first one to finish an exercise."""
    FINISH = "finish"
    """Somebody finished an exercise."""
    LEAD = "lead"
    """Somebody took the lead."""


@dataclass(frozen=True, slots=True)
class News:
    """One line of the ticker.

    Attributes:
        at_ms: When, milliseconds from the start.
        kind: What it is about.
        user: Whom it is about.
        name: What to call that user.
        exercise: Which exercise; empty for a lead.
        rank: The user's place.
        value: What was measured, if something was.
    """

    at_ms: int
    kind: Kind
    user: str
    name: str
    exercise: str = ""
    rank: int = 0
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What standings alone do not tell.

    Attributes:
        before: The rank that users had a while ago.
        news: The newest first.
        turns_ms: When a user's score was last changed by a hint or an organiser.
    """

    before: Mapping[str, int] = field(default_factory=dict)
    news: Sequence[News] = ()
    turns_ms: Mapping[str, int] = field(default_factory=dict)


def document(
    rules: Rules,
    desk: Desk,
    here: Moment,
    shown: Standings,
    *,
    extras: Extras | None = None,
) -> dict[str, Any]:
    """Build what a page shows.

    Args:
        rules: Of the event.
        desk: What the organiser decided.
        here: Where the event is.
        shown: The standings of ``here.shown_ms``.
        extras: What else to show.
    """
    extras = extras or Extras()
    rows = visible(shown.rows, rules, here)
    hidden = here.phase is Phase.REVEALING
    leader = shown.rows[0].score if shown.rows and not hidden else None
    return {
        "event": _event(rules),
        "phase": here.phase,
        "starts_at": None if desk.starts_ms is None else _iso(desk.starts_ms),
        "now_s": None if here.now_ms is None else here.now_ms / 1000,
        "ends_s": here.ends_ms / 1000,
        "frozen_s": None if here.frozen_ms is None else here.frozen_ms / 1000,
        "board_s": here.shown_ms / 1000,
        "people": len(shown.rows),
        "rows": [
            row_fields(row, rules, here, leader=leader, before=extras.before.get(row.user))
            for row in rows
        ],
        "graph": [] if hidden else graph(rows[:LINES], rules, here, extras.turns_ms),
        "firsts": [] if hidden else _firsts(shown, rules),
        "news": [] if hidden else [_news(each) for each in extras.news],
        "brackets": [] if hidden else _brackets(shown.rows[:BRACKETED], rules),
        "teams": [] if hidden else [_team(team) for team in shown.teams[:GROUP_ROWS]],
        "reveal": _reveal(rules, here, len(shown.rows)),
    }


def visible(
    rows: Sequence[Standing],
    rules: Rules,
    here: Moment,
    *,
    offset: int = 0,
    limit: int = ROWS,
) -> Sequence[Standing]:
    """Return rows that the public may see: in the ceremony, those that were revealed.

    Args:
        rows: The ranked, the first one first.
        rules: Of the event.
        here: Where the event is.
        offset: How many of those to pass over.
        limit: How many at most; rows that nobody asked for are not even built.
    """
    begin = offset + covered(rows, rules, here)
    return rows[begin : begin + limit]


def covered(rows: Sequence[Standing], rules: Rules, here: Moment) -> int:
    """Return how many of the first places the ceremony has not shown yet."""
    if here.phase is not Phase.REVEALING or here.revealed is None:
        return 0
    return max(0, min(rules.rewarded, len(rows)) - here.revealed)


def row_fields(
    row: Standing,
    rules: Rules,
    here: Moment,
    *,
    leader: float | None = None,
    before: int | None = None,
) -> dict[str, Any]:
    """Return one row as a page reads it.

    Args:
        row: The user's standing.
        rules: Of the event.
        here: Where the event is.
        leader: Score of the first one; no gap is told without it.
        before: The user's rank a while ago.
    """
    return {
        "rank": row.rank,
        "user": row.user,
        "name": row.shown,
        "score": round(row.score, 6),
        "rate": rate(row, rules, here),
        "gap": None if leader is None else round(leader - row.score, 6),
        "move": 0 if before is None else before - row.rank,
        "bracket": row.bracket,
        "team": row.team,
        "done": {each.exercise: {"at_s": each.at_s, "value": each.value} for each in row.finishes},
        "part": _parts(row, rules),
    }


def _parts(row: Standing, rules: Rules) -> dict[str, float]:
    """Return which share of the environments is done, of exercises that are not finished."""
    parts: dict[str, float] = {}
    for name, _env, _at_ms in row.under_way:
        exercise = rules.exercise(name)
        if exercise is not None and exercise.environments:
            parts[name] = parts.get(name, 0.0) + 1 / len(exercise.environments)
    return {name: round(share, 3) for name, share in parts.items()}


def _event(rules: Rules) -> dict[str, Any]:
    return {
        "name": rules.name,
        "title": rules.title or rules.name,
        "duration_s": rules.duration_s,
        "freezes_s": None if rules.freezes_at_ms is None else rules.freezes_at_ms / 1000,
        "rewarded": rules.rewarded,
        "exercises": [
            {
                "id": each.id,
                "title": each.title or each.id,
                "nominal_end_s": each.nominal_end_s,
                "unit": each.measure.unit if each.measure else None,
            }
            for each in rules.exercises
        ],
    }


def _firsts(shown: Standings, rules: Rules) -> list[dict[str, Any]]:
    """Return who was the first one to finish each exercise, or has the best value of it so far."""
    found = []
    for exercise, (user, at_ms) in (shown.firsts or {}).items():
        known = rules.exercise(exercise)
        row = shown.of(user)
        told: dict[str, Any] = {
            "exercise": exercise,
            "user": user,
            "name": row.shown if row else user,
        }
        if known is not None and known.measure is not None:
            best = _best(shown.rows[:BRACKETED], exercise)
            if best is not None:
                told |= best
        else:
            told |= {"at_s": at_ms / 1000, "value": None}
        found.append(told)
    return found


def _best(rows: Iterable[Standing], exercise: str) -> dict[str, Any] | None:
    results = [
        ((-finish.bonus, finish.at_ms), finish, row)
        for row in rows
        for finish in row.finishes
        if finish.exercise == exercise
    ]
    if not results:
        return None
    _, finish, row = min(results, key=lambda result: result[0])
    return {"user": row.user, "name": row.shown, "at_s": finish.at_s, "value": finish.value}


def _news(news: News) -> dict[str, Any]:
    return {
        "at_s": news.at_ms / 1000,
        "kind": news.kind,
        "user": news.user,
        "name": news.name,
        "exercise": news.exercise,
        "rank": news.rank,
        "value": news.value,
    }


def _brackets(rows: Iterable[Standing], rules: Rules) -> list[dict[str, Any]]:
    if not rules.brackets:
        return []
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in rules.brackets}
    unfilled = set(rules.brackets)
    for row in rows:
        if row.bracket in unfilled:
            group = groups[row.bracket]
            group.append(
                {"rank": row.bracket_rank, "name": row.shown, "score": round(row.score, 3)}
            )
            if len(group) == GROUP_ROWS:
                unfilled.discard(row.bracket)
        if not unfilled:
            break
    return [{"title": name, "rows": groups[name]} for name in rules.brackets]


def _team(team: TeamStanding) -> dict[str, Any]:
    return {
        "rank": team.rank,
        "name": team.team,
        "score": round(team.score, 3),
        "members": len(team.members),
    }


def _reveal(rules: Rules, here: Moment, people: int) -> dict[str, int] | None:
    if here.revealed is None:
        return None
    rewarded = min(rules.rewarded, people)
    return {"top": rewarded, "shown": min(here.revealed, rewarded)}


def _iso(epoch_ms: int) -> str:
    return from_epoch_ms(epoch_ms).isoformat()

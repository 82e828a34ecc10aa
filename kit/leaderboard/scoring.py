"""The pure function from rules, records and a moment to standings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from kit.leaderboard.events import AnyRecord
from kit.leaderboard.rules import Rules, TieBreak, to_ms
from kit.leaderboard.scorer import Scored, Scorer
from kit.leaderboard.standings import Standings, TeamStanding


def standings(rules: Rules, events: Iterable[AnyRecord], at_s: float | None = None) -> Standings:
    """Rank everybody at one moment.

    Pure, and the same whatever the order of the records and however often each comes. The board
    at a moment is that of the records up to it.

    Args:
        rules: Of the event.
        events: Records of all kinds.
        at_s: The moment, in seconds from the start; the end of the event, or the last record if
            that is later, if None.

    Returns:
        The board.
    """
    piles: dict[str, list[AnyRecord]] = defaultdict(list)
    latest = rules.duration_ms
    for record in events:
        piles[record.user].append(record)
        latest = max(latest, record.at_ms)
    at_ms = latest if at_s is None else to_ms(at_s)
    scorer = Scorer(rules)
    scores = [scorer.score(user, records, at_ms) for user, records in piles.items()]
    return assemble(scorer, [scored for scored in scores if scored], at_ms)


def assemble(scorer: Scorer, scores: Iterable[Scored], at_ms: int) -> Standings:
    """Rank users who are scored.

    Args:
        scorer: That scored them.
        scores: Of each user, at that moment.
        at_ms: The moment, in milliseconds from the start.
    """
    everyone = list(scores)
    ranked = sorted((s for s in everyone if s.ranked), key=lambda s: sort_key(scorer, s, at_ms))
    in_bracket: dict[str, int] = defaultdict(int)
    rows = []
    for rank, scored in enumerate(ranked, start=1):
        bracket = scored.join.bracket if scored.join else ""
        in_bracket[bracket] += 1
        place = in_bracket[bracket] if bracket else 0
        rows.append(scorer.row(scored, at_ms=at_ms, rank=rank, bracket_rank=place))
    left_out = sorted((s for s in everyone if not s.ranked), key=lambda s: s.user)
    return Standings(
        at_ms=at_ms,
        rows=tuple(rows),
        unranked=tuple(scorer.row(s, at_ms=at_ms, rank=0, bracket_rank=0) for s in left_out),
        teams=teams(scorer, ranked, at_ms),
        firsts=_firsts(ranked),
    )


def sort_key(scorer: Scorer, scored: Scored, at_ms: int) -> tuple[Any, ...]:
    """Return what ranks a user at a moment: the lowest is first."""
    score = scored.base + scored.rate * scorer.clock(at_ms)
    return (-score, *tie_key(scorer, scored))


def tie_key(scorer: Scorer, scored: Scored) -> tuple[Any, ...]:
    """Return what decides between equal scores, at any moment: the lowest is first."""
    values = {
        TieBreak.LAST_FINISH: scored.last_ms,
        TieBreak.FIRST_FINISH: scored.first_ms,
        TieBreak.NAME: scored.user,
    }
    return (*(values[each] for each in scorer.rules.tie_breaks), scored.user)


def teams(scorer: Scorer, ranked: Iterable[Scored], at_ms: int) -> tuple[TeamStanding, ...]:
    """Rank the teams: by the sum of their best members, then by the best member's place.

    Args:
        scorer: That scored the users.
        ranked: The users, the first one first.
        at_ms: The moment, in milliseconds from the start.
    """
    members: dict[str, list[Scored]] = defaultdict(list)
    for scored in ranked:
        if scored.join and scored.join.team:
            members[scored.join.team].append(scored)
    clock, count = scorer.clock(at_ms), scorer.rules.team_counts
    sums = [
        (sum(each.base + each.rate * clock for each in team[:count]), name)
        for name, team in members.items()
    ]
    sums.sort(key=lambda pair: -pair[0])  # stable: teams come in the order of their best members
    return tuple(
        TeamStanding(rank, name, total / scorer.units, tuple(each.user for each in members[name]))
        for rank, (total, name) in enumerate(sums, start=1)
    )


def _firsts(ranked: Sequence[Scored]) -> dict[str, tuple[str, int]]:
    best: dict[str, tuple[int, str]] = {}
    for scored in ranked:
        for exercise, so_far in scored.done:
            if so_far.at_ms is not None:
                mine = (so_far.at_ms, scored.user)
                best[exercise.id] = min(mine, best.get(exercise.id, mine))
    return {name: (user, moment) for name, (moment, user) in best.items()}

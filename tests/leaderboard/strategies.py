"""Events of every kind, drawn by Hypothesis so that they meet: few users, few moments."""

from __future__ import annotations

from hypothesis import strategies as st

from kit.leaderboard.events import (
    Adjust,
    AnyRecord,
    Disqualify,
    Event,
    Hide,
    Hint,
    Join,
    Undo,
    identified,
)
from kit.leaderboard.rules import Rules

RULES = Rules.model_validate(
    {
        "name": "everything",
        "duration_s": 100,
        "step_s": 7,
        "hint_penalty": 0.5,
        "brackets": ["students", "guests"],
        "team_counts": 2,
        "exercises": [
            {"id": "plain", "bonus": 10, "nominal_end_s": 40},
            {
                "id": "all",
                "bonus": 20.25,
                "nominal_end_s": 60,
                "step_s": 3,
                "slope": 0.5,
                "conditions": [{"id": "up"}, {"id": "db"}],
                "environments": ["dev", "prod"],
            },
            {
                "id": "any",
                "bonus": 5,
                "nominal_end_s": 10,
                "decay": 0,
                "conditions": [{"id": "up"}, {"id": "db"}],
                "environments": ["dev", "prod"],
                "needs": "any",
                "hint_penalty": 2,
            },
            {"id": "measured", "measure": {"worst": 1, "best": 0, "points": 30}},
        ],
    }
)
"""Rules that use everything there is."""

_moments = st.sampled_from([-5_000, 0, 1, 10_000, 10_001, 20_000, 50_000, 99_999, 100_000, 120_000])
_users = st.sampled_from(["ada", "bob", "cem", "dee"])
_who = {"who": st.just("olga"), "why": st.just("a reason")}


def _record(kind: type[AnyRecord], **fields: st.SearchStrategy[object]) -> st.SearchStrategy:
    common = {"at_ms": _moments, "user": _users}
    return st.builds(kind, **common, **fields).map(identified)


_conditions = _record(
    Event,
    exercise=st.sampled_from(["all", "any"]),
    env=st.sampled_from(["", "dev", "prod"]),
    condition=st.sampled_from(["up", "db"]),
    value=st.sampled_from([0.0, 1.0]),
    source=st.sampled_from(["", "east"]),
)
_finishes = _record(Event, exercise=st.just("plain"), value=st.sampled_from([0.0, 1.0, 1.0]))
_values = _record(Event, exercise=st.just("measured"), value=st.sampled_from([-1.0, 0.3, 0.7, 2.0]))
_joins = _record(
    Join,
    name=st.sampled_from(["", "Ada"]),
    bracket=st.sampled_from(["", "students", "guests"]),
    team=st.sampled_from(["", "red", "blue"]),
)
_hints = _record(Hint, exercise=st.sampled_from(["plain", "any"]), hint=st.sampled_from(["1", "2"]))
_earned = st.one_of(_conditions, _conditions, _conditions, _finishes, _values, _joins, _hints)
_corrections = st.one_of(
    _record(Disqualify, lifted=st.booleans(), **_who),
    _record(Hide, hidden=st.booleans(), **_who),
    _record(Adjust, points=st.sampled_from([-1.5, 0.1, 3.0]), **_who),
)


@st.composite
def logs(draw: st.DrawFn, *, max_size: int = 25) -> list[AnyRecord]:
    """A log with some of its own records undone, some of those restored."""
    records: list[AnyRecord] = draw(st.lists(_earned, max_size=max_size))
    records += draw(st.lists(_corrections, max_size=5))
    if records:
        for record in draw(st.lists(st.sampled_from(records), max_size=4)):
            moment, restore = draw(_moments), draw(st.booleans())
            undo = Undo(
                at_ms=moment,
                user=record.user,
                target=record.id,
                restore=restore,
                who="olga",
                why="a reason",
            )
            records.append(identified(undo))
    return records


moments = st.sampled_from([None, -1.0, 0.0, 0.001, 10.0, 20.0, 60.0, 100.0, 130.0])
"""Seconds to ask about."""

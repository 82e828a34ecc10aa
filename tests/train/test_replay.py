"""A recorded run decided anew: exactly as it was, and otherwise with other rules."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.events import Action, Label
from kit.learning.predictions import approach
from kit.learning.recorded import recorded
from kit.train.decision import DecisionParameters
from kit.train.replay import Moment, replay, turns

RULES = DecisionParameters()


def _moments(label: Label, **changes: object) -> list[Moment]:
    seen = approach(label, frames=30, fps=10, **changes)  # type: ignore[arg-type]
    return [Moment(p, p.frame.captured_ns + 20_000_000, latched=False) for p in seen]


def test_a_replay_with_the_runs_own_rules_makes_the_runs_own_decisions() -> None:
    run = recorded()
    again = [(decision.action, decision.reason) for decision in replay(run.moments, RULES)]
    assert len(again) > 100
    assert again == list(run.made)


@pytest.mark.parametrize(("votes", "later"), [(1, False), (5, True)])
def test_more_votes_decide_later(votes: int, *, later: bool) -> None:
    run = recorded()
    other = RULES.model_copy(update={"votes": votes})
    stops = [
        next(t for t in turns(run.moments, replay(run.moments, r)) if t.decision.action == "stop")
        for r in (RULES, other)
    ]
    assert (stops[1].index > stops[0].index) is later
    assert stops[1].index != stops[0].index


def test_turns_are_the_changes_of_the_action_alone() -> None:
    moments = _moments(Label.STOP)
    found = turns(moments, replay(moments, RULES))
    assert [turn.decision.action for turn in found] == [Action.CRUISE, Action.STOP]
    assert found[0].index == 0
    assert found[1].decision.label is Label.STOP
    assert found[1].captured_ns == moments[found[1].index].prediction.frame.captured_ns


def test_a_run_without_moments_has_no_turns() -> None:
    assert turns([], replay([], RULES)) == []


def test_decisions_that_do_not_belong_to_the_moments_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        turns(_moments(Label.STOP), replay(_moments(Label.STOP)[:3], RULES))


_rules = st.builds(
    lambda votes, more, **rest: DecisionParameters(votes=votes, of=votes + more, **rest),
    votes=st.integers(1, 6),
    more=st.integers(0, 6),
    span_ms=st.integers(0, 1000),
    min_confidence=st.floats(0, 1),
    slow_hold_ms=st.integers(0, 9000),
    stop_hold_ms=st.integers(0, 9000),
    cooldown_ms=st.integers(0, 9000),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules=_rules)
def test_whatever_the_rules_the_same_run_gives_the_same_decisions(
    rules: DecisionParameters,
) -> None:
    moments = recorded().moments[-60:]
    assert replay(moments, rules) == replay(moments, rules)

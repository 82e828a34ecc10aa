"""When a new model takes over, is refused, kept or rolled back: a pure matter."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kit.events import Box, Detection, Label
from kit.services.swap_policy import (
    BASELINE_FRAMES,
    LATENCY_WINDOW,
    MISSED_GRACE,
    Advice,
    Comparison,
    Phase,
    SwapPolicy,
    SwapRules,
    Turn,
    compare,
)

RULES = SwapRules(shadow_frames=20, probation_frames=30, harmless_ms=0)
NOTHING = Comparison(sighted=False, missed=False, extra=0, old_ms=10, new_ms=10)
SEEN = Comparison(sighted=True, missed=False, extra=0, old_ms=10, new_ms=10)
MISSED = Comparison(sighted=True, missed=True, extra=0, old_ms=10, new_ms=10)


def sign(
    x: float = 100, *, size: float = 40, label: Label = Label.DANGER_AHEAD, sure: float = 0.9
) -> Detection:
    return Detection(label=label, confidence=sure, box=Box(x, 100, size, size))


def in_shadow(rules: SwapRules = RULES) -> SwapPolicy:
    policy = SwapPolicy(rules)
    policy.begin_shadow()
    return policy


def on_probation(rules: SwapRules = RULES, *, usual_ms: float | None = 10) -> SwapPolicy:
    policy = SwapPolicy(rules)
    for _ in range(BASELINE_FRAMES if usual_ms is not None else 0):
        policy.answered(usual_ms or 0.0)
    policy.begin_probation()
    return policy


def last(policy: SwapPolicy, comparisons: list[Comparison]) -> Advice:
    """Feed comparisons, of which only the last one may lead to anything."""
    for comparison in comparisons[:-1]:
        assert policy.compared(comparison).turn is Turn.GO_ON
    return policy.compared(comparisons[-1])


def run_probation(policy: SwapPolicy, times_ms: list[float]) -> list[Turn]:
    return [policy.answered(ms).turn for ms in times_ms]


def test_equal_models_agree() -> None:
    found = compare([sign()], [sign(102)], old_ms=3, new_ms=4)
    assert found == Comparison(sighted=True, missed=False, extra=0, old_ms=3, new_ms=4)


@pytest.mark.parametrize(
    "new",
    [[], [sign(300)], [sign(label=Label.STOP)]],
    ids=["nothing", "elsewhere", "another class"],
)
def test_a_sign_that_the_new_one_does_not_see_there_is_missed(new: list[Detection]) -> None:
    found = compare([sign()], new)
    assert found.missed
    assert found.extra == len(new)


def test_small_signs_count_neither_way() -> None:
    found = compare([sign(size=12)], [sign(300, size=12)])
    assert found == Comparison(sighted=False, missed=False, extra=0)


def test_a_sign_that_only_the_new_one_sees_is_extra_and_not_missed() -> None:
    assert compare([], [sign()]) == Comparison(sighted=False, missed=False, extra=1)


def test_a_good_model_takes_over_after_the_frames_in_the_shadow_and_no_sooner() -> None:
    policy = in_shadow()
    advice = last(policy, [SEEN, NOTHING] * 10)
    assert advice.turn is Turn.TAKE_OVER
    assert "20 frames in the shadow" in advice.reason
    assert policy.phase is Phase.READY


def test_a_slower_model_is_refused_at_the_end_of_the_shadow() -> None:
    slow = Comparison(sighted=False, missed=False, extra=0, old_ms=10, new_ms=21)
    advice = last(in_shadow(), [slow] * 20)
    assert advice == (Turn.REFUSE, "it takes 21.0 ms a frame, the other one 10.0 ms in the shadow")


def test_a_hopelessly_slow_model_is_refused_early() -> None:
    slow = Comparison(sighted=False, missed=False, extra=0, old_ms=10, new_ms=100)
    assert last(in_shadow(), [slow] * LATENCY_WINDOW).turn is Turn.REFUSE


def test_a_single_slow_frame_does_no_harm() -> None:
    hiccup = Comparison(sighted=False, missed=False, extra=0, old_ms=10, new_ms=900)
    assert last(in_shadow(), [hiccup] + [NOTHING] * 19).turn is Turn.TAKE_OVER


def test_what_takes_little_time_is_never_too_slow() -> None:
    rules = RULES.model_copy(update={"harmless_ms": 10})
    quick = Comparison(sighted=False, missed=False, extra=0, old_ms=1, new_ms=9)
    assert last(in_shadow(rules), [quick] * 20).turn is Turn.TAKE_OVER


def test_a_model_that_misses_signs_in_the_shadow_is_refused() -> None:
    advice = last(in_shadow(), [MISSED] * 4 + [SEEN] * 6 + [NOTHING] * 10)
    assert advice == (
        Turn.REFUSE,
        "in 4 of 10 frames it misses a sign that the other one sees",
    )


def test_a_few_misses_are_forgiven() -> None:
    few = [MISSED] * MISSED_GRACE + [NOTHING] * (20 - MISSED_GRACE)
    assert last(in_shadow(), few).turn is Turn.TAKE_OVER
    assert last(in_shadow(), [MISSED] * 4 + [SEEN] * 16).turn is Turn.TAKE_OVER


def test_a_model_that_sees_signs_everywhere_is_refused() -> None:
    everywhere = Comparison(sighted=False, missed=False, extra=3, old_ms=10, new_ms=10)
    advice = last(in_shadow(), [everywhere] * 20)
    assert advice == (Turn.REFUSE, "it sees 3.0 signs a frame that the other does not")


def test_a_model_that_sees_one_sign_more_all_the_time_may_take_over() -> None:
    more = Comparison(sighted=False, missed=False, extra=1, old_ms=10, new_ms=10)
    assert last(in_shadow(), [more] * 20).turn is Turn.TAKE_OVER


def test_a_model_that_fails_in_the_shadow_is_refused() -> None:
    assert in_shadow().failed("no number") == (Turn.REFUSE, "it failed: no number")


def test_a_model_that_fails_on_probation_is_rolled_back() -> None:
    assert on_probation().failed("no number") == (Turn.ROLL_BACK, "it failed: no number")


def test_a_model_is_kept_after_its_probation() -> None:
    turns = run_probation(on_probation(), [10] * 30)
    assert turns == [Turn.GO_ON] * 29 + [Turn.KEEP]


def test_a_model_that_becomes_slow_on_probation_is_rolled_back() -> None:
    policy = on_probation()
    slow = run_probation(policy, [10] * 5 + [31] * 20)
    first = slow.index(Turn.ROLL_BACK)
    assert first < 5 + LATENCY_WINDOW
    assert policy.answered(31).reason == "it takes 31.0 ms a frame, the other one 10.0 ms"


def test_a_busy_moment_on_probation_is_not_slowness() -> None:
    turns = run_probation(on_probation(), [10] * 10 + [500] * 4 + [10] * 16)
    assert Turn.ROLL_BACK not in turns


def test_where_the_usual_time_is_not_known_nothing_is_too_slow() -> None:
    turns = run_probation(on_probation(usual_ms=None), [500] * 30)
    assert turns[-1] is Turn.KEEP


def test_the_usual_time_is_that_of_the_latest_frames() -> None:
    policy = SwapPolicy(RULES)
    for took_ms in [1000] * BASELINE_FRAMES + [10] * BASELINE_FRAMES:
        policy.answered(took_ms)
    policy.begin_probation()
    assert Turn.ROLL_BACK in run_probation(policy, [100] * LATENCY_WINDOW)


def test_silence_where_the_model_before_sees_signs_is_rolled_back_at_once() -> None:
    advice = last(on_probation(), [MISSED] * (MISSED_GRACE + 1))
    assert advice == (Turn.ROLL_BACK, "in 3 of 3 frames it misses a sign that the other one sees")


def test_misses_among_many_sightings_are_forgiven_on_probation() -> None:
    assert last(on_probation(), [SEEN] * 20 + [MISSED] * 4).turn is Turn.GO_ON


def test_what_was_compared_in_the_shadow_does_not_count_on_probation() -> None:
    policy = in_shadow()
    last(policy, [MISSED] * MISSED_GRACE + [NOTHING] * 18)
    policy.begin_probation()
    assert policy.compared(MISSED).turn is Turn.GO_ON


def test_a_comparison_that_comes_after_the_end_leads_to_nothing() -> None:
    policy = on_probation()
    policy.end()
    assert policy.phase is Phase.STEADY
    assert [policy.compared(MISSED).turn for _ in range(9)] == [Turn.GO_ON] * 9


@pytest.mark.parametrize(
    "values",
    [
        {"shadow_frames": 0},
        {"shadow_latency_ratio": 0.9},
        {"missed_share": 1.1},
        {"extra_signs": -1},
        {"probation_frames": 0},
        {"probation_latency_ratio": float("nan")},
        {"harmless_ms": -1},
        {"patience": 3},
    ],
)
def test_rules_that_cannot_be_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SwapRules.model_validate(values)

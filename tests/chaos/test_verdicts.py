"""How what was seen is judged."""

from __future__ import annotations

import pytest

from kit.chaos.fault import Effect, judge
from tests.chaos.make import CRUISE_MPS, MS, braking, facts, fault, ride

STOPS, DRIVES_ON, STAYS = Effect.STOPS, Effect.DRIVES_ON, Effect.STAYS


def test_a_train_that_brakes_and_stands_has_stopped() -> None:
    verdict = judge(fault(STOPS), facts(braking()))
    assert verdict.ok
    assert verdict.problems == ()
    assert verdict.braked_in_ms == 400
    assert verdict.stopped_in_ms == 750
    assert verdict.stayed is True
    assert verdict.ran_on_m == pytest.approx(0.2615)


def test_a_train_that_runs_on_is_told() -> None:
    verdict = judge(fault(STOPS), facts(ride(*[CRUISE_MPS] * 60)))
    assert not verdict.ok
    assert verdict.problems == ("the train ran on",)
    assert verdict.stopped_in_ms is None
    assert verdict.braked_in_ms is None
    assert verdict.stayed is None


def test_a_stand_that_comes_too_late_is_told_with_both_times() -> None:
    verdict = judge(fault(STOPS, stand_within_ms=700), facts(braking()))
    assert verdict.problems == ("it took 750 ms to a stand, more than 700",)
    assert verdict.stopped_in_ms == 750


def test_a_train_that_starts_again_by_itself_is_told() -> None:
    seen = ride(*[CRUISE_MPS] * 8, *[0.0] * 20, *[0.2] * 5, *[0.0] * 20)
    verdict = judge(fault(STOPS), facts(seen))
    assert verdict.stayed is False
    assert verdict.problems == ("the train moved again before anyone armed it",)


def test_what_moves_after_it_was_armed_is_no_fault() -> None:
    seen = ride(*[CRUISE_MPS] * 8, *[0.0] * 45, *[0.3] * 20)
    assert judge(fault(STOPS), facts(seen)).ok


def test_where_nobody_can_reach_the_train_the_time_counts_from_the_mending() -> None:
    seen = ride(*[CRUISE_MPS] * 34, *[0.0] * 30, brakes_ms=[1550])
    lost = fault(STOPS, from_mending=True)
    verdict = judge(lost, facts(seen))
    assert verdict.ok
    assert verdict.stopped_in_ms == 200
    assert verdict.braked_in_ms == 50
    assert verdict.ran_on_m == pytest.approx(CRUISE_MPS * 1.7)


def test_a_brake_after_the_stand_did_not_bring_it_about() -> None:
    seen = ride(*[CRUISE_MPS] * 8, *[0.0] * 45, brakes_ms=[2000])
    assert judge(fault(STOPS), facts(seen)).braked_in_ms is None


def test_a_train_that_must_drive_on_may_not_stand_for_a_moment() -> None:
    assert judge(fault(DRIVES_ON), facts(ride(*[CRUISE_MPS] * 60))).ok
    short = ride(*[CRUISE_MPS] * 10, 0.0, *[CRUISE_MPS] * 50)
    verdict = judge(fault(DRIVES_ON), facts(short))
    assert verdict.problems == ("the train did not drive on",)


def test_a_stand_after_the_mending_is_not_of_a_fault_that_was_driven_through() -> None:
    seen = ride(*[CRUISE_MPS] * 35, *[0.0] * 10)
    verdict = judge(fault(DRIVES_ON), facts(seen))
    assert verdict.ok
    assert verdict.stopped_in_ms is None


def test_without_any_moment_nobody_has_seen_it_drive_on() -> None:
    assert not judge(fault(DRIVES_ON), facts(ride())).ok


def test_a_latched_train_must_not_move_at_all() -> None:
    still = judge(fault(STAYS), facts(ride(*[0.0] * 60)))
    assert still.ok
    assert still.stopped_in_ms is None
    moved = judge(fault(STAYS), facts(ride(*[0.0] * 20, 0.02, *[0.0] * 39)))
    assert moved.problems == ("the latched train moved",)


@pytest.mark.parametrize(("oldest_ms", "ok"), [(None, True), (299.0, True), (301.0, False)])
def test_a_train_with_a_slow_model_may_move_only_on_fresh_frames(
    oldest_ms: float | None,
    ok: bool,  # noqa: FBT001
) -> None:
    seen = facts(ride(*[CRUISE_MPS] * 60), oldest_ms=oldest_ms)
    assert judge(fault(Effect.NEVER_BLIND), seen).ok is ok


def test_services_that_do_not_recover_and_a_train_that_does_not_drive_are_both_told() -> None:
    seen = facts(braking(), recovered_ms=None, drove_again=False)
    assert judge(fault(STOPS), seen).problems == (
        "the services did not work again",
        "the train did not drive again when it was armed",
    )


def test_a_ride_tells_its_length_and_its_parts() -> None:
    seen = braking()
    assert seen.stands
    assert seen.moved
    assert not seen.always_moved
    assert seen.between(0, 300 * MS).always_moved
    assert seen.between(0, 300 * MS).length_m == pytest.approx(CRUISE_MPS * 0.3)
    assert ride().length_m == 0

"""The latch, freshness, and parameters that cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.events import Motion, arm_proof
from kit.train.freshness import staleness
from kit.train.halts import hindrance
from kit.train.hub_facts import HubFacts
from kit.train.latch import Latch
from kit.train.lwp3.enums import AlertType, IoType
from kit.train.motion import COLOURS, TRANSITIONS, ControlParameters
from tests.train.hub_bench import ARM_KEY, stamp


def _latch() -> Latch:
    return Latch(train_id="train-1", arm_key=ARM_KEY)


def _answer(latch: Latch) -> str:
    assert latch.challenge is not None
    return arm_proof(ARM_KEY, train_id="train-1", challenge=latch.challenge)


def test_a_latch_starts_closed() -> None:
    assert _latch().closed


def test_the_right_answer_opens_it() -> None:
    latch = _latch()
    assert latch.open(_answer(latch))
    assert not latch.closed
    assert latch.challenge is None


def test_an_old_answer_is_worth_nothing_after_a_new_closing() -> None:
    latch = _latch()
    old = _answer(latch)
    latch.close()
    assert not latch.open(old)
    assert latch.closed


def test_an_answer_works_once() -> None:
    latch = _latch()
    answer = _answer(latch)
    latch.open(answer)
    latch.close()
    assert not latch.open(answer)


def test_another_trains_answer_does_not_open_it() -> None:
    latch = _latch()
    assert latch.challenge is not None
    other = arm_proof(ARM_KEY, train_id="train-2", challenge=latch.challenge)
    assert not latch.open(other)


@given(proof=st.none() | st.text(max_size=64))
def test_no_other_text_opens_it(proof: str | None) -> None:
    latch = _latch()
    assert not latch.open(proof)
    assert latch.closed


@pytest.mark.parametrize(
    ("captured_ns", "why"),
    [
        (700_000_000, None),
        (699_999_999, "300 ms old"),
        (1_000_000_001, "future"),
        (1_000_000_000, None),
    ],
)
def test_a_frame_is_fresh_for_300_ms(captured_ns: int, why: str | None) -> None:
    frame = stamp(captured_ns=captured_ns)
    found = staleness(frame, newer_than_ns=0, max_age_ms=300, now_ns=1_000_000_000)
    assert (found is None) if why is None else (why in str(found))


def test_a_frame_must_be_newer_than_the_last_one() -> None:
    frame = stamp(captured_ns=900)
    assert staleness(frame, newer_than_ns=899, max_age_ms=300, now_ns=1000) is None
    assert "not newer" in str(staleness(frame, newer_than_ns=900, max_age_ms=300, now_ns=1000))


def test_a_healthy_hub_does_not_hinder() -> None:
    assert hindrance(HubFacts(devices={0: IoType.TRAIN_MOTOR})) is None


def test_an_unplugged_motor_hinders() -> None:
    assert hindrance(HubFacts()) == "the motor is unplugged"


def test_alerts_hinder_by_name() -> None:
    facts = HubFacts(
        devices={1: IoType.TRAIN_MOTOR}, alerts={AlertType.LOW_VOLTAGE, AlertType.HIGH_CURRENT}
    )
    assert hindrance(facts) == "the hub warns of high current, low voltage"


def test_only_a_standing_train_comes_to_move() -> None:
    moving = {Motion.CRUISING, Motion.SLOWED}
    starts = {
        before for before, after in TRANSITIONS.items() if after & moving and before not in moving
    }
    assert starts == {Motion.STOPPED}


def test_every_state_can_lead_to_a_stop() -> None:
    for before, after in TRANSITIONS.items():
        assert before is Motion.STOPPING or Motion.STOPPING in after


def test_every_state_with_a_link_has_a_colour() -> None:
    assert set(COLOURS) == set(Motion) - {Motion.DISCONNECTED}


def test_powers_must_rise() -> None:
    with pytest.raises(ValidationError, match="must rise"):
        ControlParameters(cruise_percent=30, slow_percent=35)


def test_the_promise_of_500_ms_cannot_be_configured_away() -> None:
    with pytest.raises(ValidationError):
        ControlParameters(silence_stop_ms=501)


def test_the_train_must_slow_before_it_brakes() -> None:
    with pytest.raises(ValidationError, match="silence_slow_ms"):
        ControlParameters(silence_slow_ms=450, silence_stop_ms=450)

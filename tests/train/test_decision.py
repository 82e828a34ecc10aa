"""Decisions: votes, size, severity, holds, cooldown and age, each with its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.events import Action, Box, Detection, FrameStamp, Label, Prediction
from kit.train.decision import Decision, DecisionParameters, Memory, decide

_MS = 1_000_000
_START_NS = 1_000_000_000_000
_NEAR_PX = 60.0
Sight = Label | tuple[Label, float] | None


def prediction(at_ms: float, *sights: Sight, confidence: float = 0.9) -> Prediction:
    """What the model saw ``at_ms`` after the start; a bare label is near."""
    found = []
    for sight in sights:
        if sight is None:
            continue
        label, height = sight if isinstance(sight, tuple) else (sight, _NEAR_PX)
        found.append(Detection(label=label, confidence=confidence, box=Box(10, 10, height, height)))
    captured_ns = _START_NS + round(at_ms * _MS)
    frame = FrameStamp.new(
        sequence=round(at_ms), captured_ns=captured_ns, captured_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return Prediction(
        train_id="train-1", frame=frame, detections=tuple(found), model="m", provider="p"
    )


class Drive:
    """Feeds predictions in, one every ``every_ms``, each ``age_ms`` old when decided on."""

    def __init__(self, *, every_ms: float = 100, **parameters: object) -> None:
        self.parameters = DecisionParameters(**parameters)
        self.every_ms = every_ms
        self.memory = Memory()
        self.at_ms = 0.0
        self.latched = False

    def see(self, *sights: Sight, confidence: float = 0.9, age_ms: float = 20) -> Decision:
        seen = prediction(self.at_ms, *sights, confidence=confidence)
        now_ns = seen.frame.captured_ns + round(age_ms * _MS)
        self.memory, decision = decide(
            self.memory, seen, self.parameters, now_ns=now_ns, latched=self.latched
        )
        self.at_ms += self.every_ms
        return decision

    def actions(self, sights: list[Sight]) -> list[Action]:
        return [self.see(sight).action for sight in sights]


def test_no_sign_means_cruise_and_says_so() -> None:
    decision = Drive().see()
    assert decision == Decision(Action.CRUISE, "no sign in sight")


@pytest.mark.parametrize("label", [Label.STOP, Label.DANGER_AHEAD])
def test_the_third_vote_stops(label: Label) -> None:
    drive = Drive()
    assert drive.actions([label] * 3) == [Action.CRUISE, Action.CRUISE, Action.STOP]


def test_three_votes_of_five_are_enough_even_with_gaps() -> None:
    drive = Drive()
    sights: list[Sight] = [Label.STOP, None, Label.STOP, None, Label.STOP]
    assert drive.actions(sights)[-1] is Action.STOP


def test_three_votes_of_six_are_not_enough() -> None:
    drive = Drive()
    sights: list[Sight] = [Label.STOP, None, None, Label.STOP, None, Label.STOP]
    assert Action.STOP not in drive.actions(sights)


@pytest.mark.parametrize("label", list(Label))
def test_a_single_frame_never_decides(label: Label) -> None:
    drive = Drive()
    assert set(drive.actions([None, label, None, None, None, None])) == {Action.CRUISE}


def test_at_30_frames_a_second_three_frames_in_a_row_are_still_one_glimpse() -> None:
    drive = Drive(every_ms=1000 / 30)
    assert drive.actions([Label.STOP] * 4) == [Action.CRUISE] * 3 + [Action.STOP]


@pytest.mark.parametrize("fps", [3, 5, 10, 20, 30, 60])
def test_a_sign_in_every_frame_stops_the_train_at_any_rate(fps: int) -> None:
    drive = Drive(every_ms=1000 / fps)
    assert Action.STOP in drive.actions([Label.DANGER_AHEAD] * max(3, fps // 5))


@pytest.mark.parametrize("fps", [10, 20, 30, 60])
def test_a_flicker_in_every_fourth_frame_never_stops_the_train(fps: int) -> None:
    drive = Drive(every_ms=1000 / fps)
    sights: list[Sight] = [Label.STOP, None, None, None] * 20
    assert set(drive.actions(sights)) == {Action.CRUISE}


def test_a_stop_names_its_label_its_votes_and_its_size() -> None:
    drive = Drive()
    drive.actions([Label.STOP] * 2)
    decision = drive.see((Label.STOP, 41.2))
    assert decision.label is Label.STOP
    assert decision.reason == "Stop seen in 3 of 3 frames, 41 px tall: stop"


def test_a_sign_that_is_too_small_is_too_far() -> None:
    drive = Drive()
    for _ in range(6):
        decision = drive.see((Label.STOP, 20.0))
    assert decision == Decision(Action.CRUISE, "Stop is 20 px tall: too far yet")


def test_a_sign_seen_without_confidence_does_not_count() -> None:
    drive = Drive()
    for _ in range(6):
        decision = drive.see(Label.STOP, confidence=0.3)
    assert decision.action is Action.CRUISE


def test_a_first_vote_is_told_in_the_reason() -> None:
    assert Drive().see(Label.STOP).reason == "Stop has 1 vote: not enough yet"


def test_a_speed_limit_slows_and_holds_and_then_lets_go() -> None:
    drive = Drive(slow_hold_ms=1000)
    drive.actions([Label.SPEED_LIMIT] * 3)
    held = drive.actions([None] * 9)
    after = drive.see()
    assert set(held) == {Action.SLOW}
    assert after.action is Action.CRUISE


def test_a_held_slow_says_how_long_it_still_lasts() -> None:
    drive = Drive(slow_hold_ms=1000)
    drive.actions([Label.SPEED_LIMIT] * 3)
    assert drive.see().reason == "SpeedLimit was seen: slow for 0.9 s more"


@pytest.mark.parametrize("label", [Label.STOP, Label.DANGER_AHEAD])
def test_stop_beats_slow_whatever_the_confidence(label: Label) -> None:
    drive = Drive()
    seen = prediction(0)
    for _ in range(3):
        both = (
            Detection(label=Label.SPEED_LIMIT, confidence=0.99, box=Box(0, 0, 99, 99)),
            Detection(label=label, confidence=0.66, box=Box(200, 0, 40, 40)),
        )
        at = prediction(drive.at_ms)
        drive.memory, decision = decide(
            drive.memory,
            at.model_copy(update={"detections": both}),
            drive.parameters,
            now_ns=at.frame.captured_ns,
        )
        drive.at_ms += 100
    assert seen.frame.captured_ns < at.frame.captured_ns
    assert decision.action is Action.STOP
    assert decision.label is label


def test_a_stop_during_a_held_slow_stops() -> None:
    drive = Drive()
    drive.actions([Label.SPEED_LIMIT] * 3)
    assert drive.actions([Label.DANGER_AHEAD] * 3)[-1] is Action.STOP


def test_a_stop_is_said_for_a_while_even_when_the_sign_is_hidden() -> None:
    drive = Drive(stop_hold_ms=1000)
    drive.actions([Label.STOP] * 3)
    assert set(drive.actions([None] * 10)) == {Action.STOP}
    assert drive.see().action is Action.CRUISE


def test_a_train_that_was_released_in_front_of_a_sign_can_leave() -> None:
    drive = Drive(stop_hold_ms=1000, cooldown_ms=5000)
    drive.actions([Label.STOP] * 600)
    decision = drive.see(Label.STOP)
    assert decision == Decision(Action.CRUISE, "Stop was obeyed already")


def test_an_obeyed_sign_counts_anew_once_it_was_out_of_sight_for_the_cooldown() -> None:
    drive = Drive(stop_hold_ms=500, cooldown_ms=1000)
    drive.actions([Label.STOP] * 20)
    drive.actions([None] * 12)
    assert drive.actions([Label.STOP] * 3)[-1] is Action.STOP


def test_a_second_sign_behind_an_obeyed_one_is_known_by_its_size() -> None:
    drive = Drive(stop_hold_ms=300)
    drive.actions([(Label.STOP, 100.0)] * 10)
    assert drive.see((Label.STOP, 100.0)).action is Action.CRUISE
    assert drive.actions([(Label.STOP, 40.0)] * 3)[-1] is Action.STOP


def test_the_other_kind_of_sign_is_not_covered_by_the_cooldown() -> None:
    drive = Drive(stop_hold_ms=300)
    drive.actions([Label.STOP] * 10)
    assert drive.actions([Label.DANGER_AHEAD] * 3)[-1] is Action.STOP


def test_a_frame_that_is_too_old_is_not_acted_on_and_says_so() -> None:
    drive = Drive()
    before = drive.memory
    decision = drive.see(Label.STOP, age_ms=412)
    assert decision.action is Action.SLOW
    assert not decision.fresh
    assert decision.reason == "the frame is 412 ms old, more than 300 ms: not acted on"
    assert drive.memory == before


def test_a_frame_from_the_future_is_not_acted_on() -> None:
    decision = Drive().see(Label.STOP, age_ms=-50)
    assert not decision.fresh
    assert "from now" in decision.reason


def test_a_frame_that_comes_late_or_twice_is_not_acted_on() -> None:
    drive = Drive()
    drive.see()
    drive.at_ms -= 100
    decision = drive.see()
    assert not decision.fresh
    assert "older than the one before it" in decision.reason


def test_a_frame_that_is_too_old_does_not_end_a_stop() -> None:
    drive = Drive()
    drive.actions([Label.STOP] * 3)
    decision = drive.see(age_ms=500)
    assert decision.action is Action.STOP
    assert not decision.fresh


_SIGHTS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(list(Label)), st.floats(5, 200)), max_size=3),
        st.integers(1, 400),
        st.integers(-20, 500),
    ),
    max_size=40,
)


@given(story=_SIGHTS)
def test_the_same_story_always_gives_the_same_decisions(story: list) -> None:
    def tell() -> list[Decision]:
        drive = Drive()
        decisions = []
        for sights, gap_ms, age_ms in story:
            decisions.append(drive.see(*sights, age_ms=age_ms))
            drive.at_ms += gap_ms
        return decisions

    assert tell() == tell()


@given(story=_SIGHTS)
def test_every_decision_has_a_reason_and_is_one_of_three(story: list) -> None:
    drive = Drive()
    for sights, gap_ms, age_ms in story:
        decision = drive.see(*sights, age_ms=age_ms)
        drive.at_ms += gap_ms
        assert decision.reason
        assert decision.action in {Action.STOP, Action.SLOW, Action.CRUISE}
        assert decision.fresh or decision.action is not Action.CRUISE


@given(story=_SIGHTS)
def test_the_memory_stays_small(story: list) -> None:
    drive = Drive(every_ms=1, window_ms=60_000)
    for sights, _, _ in story * 4:
        drive.see(*sights)
    assert len(drive.memory.glances) <= 64
    assert set(drive.memory.obeyed) <= {Label.STOP, Label.DANGER_AHEAD}


_LIMITS = st.lists(
    st.tuples(st.integers(0, 400), st.floats(0, 1)).map(
        lambda limit: Detection(
            label=Label.SPEED_LIMIT, confidence=limit[1], box=Box(5, 5, 9, max(1, limit[0]))
        )
    ),
    max_size=3,
)


@given(story=st.lists(st.tuples(st.booleans(), _LIMITS), min_size=3, max_size=40))
def test_no_speed_limit_of_any_confidence_ever_takes_a_stop_away(story: list) -> None:
    def stops(*, with_limits: bool) -> list[bool]:
        drive, found = Drive(), []
        for sees_stop, limits in story:
            seen = prediction(drive.at_ms, Label.STOP if sees_stop else None, confidence=0.66)
            if with_limits:
                seen = seen.model_copy(update={"detections": (*limits, *seen.detections)})
            drive.memory, decision = decide(
                drive.memory, seen, drive.parameters, now_ns=seen.frame.captured_ns
            )
            drive.at_ms += 100
            found.append(decision.action is Action.STOP)
        return found

    assert stops(with_limits=True) == stops(with_limits=False)


def test_more_votes_than_frames_are_refused() -> None:
    with pytest.raises(ValidationError, match="votes must be at most of"):
        DecisionParameters(votes=6, of=5)


def test_a_label_without_a_least_height_is_refused() -> None:
    with pytest.raises(ValidationError, match="misses DangerAhead"):
        DecisionParameters(min_height_px={Label.STOP: 1, Label.SPEED_LIMIT: 1})


def test_parameters_survive_json_as_a_notebook_gives_them() -> None:
    parameters = DecisionParameters(votes=2)
    assert DecisionParameters.model_validate_json(parameters.model_dump_json()) == parameters


@pytest.mark.parametrize("label", [Label.STOP, Label.DANGER_AHEAD])
def test_a_sign_in_view_while_the_train_is_latched_still_stops_it_when_it_is_armed(
    label: Label,
) -> None:
    drive = Drive()
    drive.latched = True
    assert set(drive.actions([label] * 60)[2:]) == {Action.STOP}
    drive.latched = False
    assert drive.see(label).action is Action.STOP


def test_a_sign_that_stopped_the_train_lets_it_go_once_it_is_armed_again() -> None:
    drive = Drive(stop_hold_ms=3000)
    assert drive.actions([Label.STOP] * 3)[-1] is Action.STOP
    drive.latched = True
    drive.actions([Label.STOP] * 40)
    drive.latched = False
    assert drive.see(Label.STOP).action is Action.CRUISE

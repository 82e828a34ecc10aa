"""Which frames are doubted, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.events import Label
from kit.watching.doubt import Doubter, DoubtRules, Reason, Sighting, judge
from tests.event_strategies import detections
from tests.watching.make import PERIOD_NS, sighting, sign

RULES = DoubtRules()


def reasons(here, before=None, after=None, rules=RULES):
    return [d.reason for d in judge(here, before=before, after=after, rules=rules)]


def test_a_sure_sign_that_stands_still_raises_no_doubt():
    frames = [sighting(i, sign()) for i in range(3)]
    assert reasons(frames[1], frames[0], frames[2]) == []


@pytest.mark.parametrize(("step", "growth"), [(6, 0), (-10, 2), (12, 3), (0, 5)])
def test_a_sign_that_moves_and_grows_steadily_raises_no_doubt(step, growth):
    frames = [sighting(i, sign(100 + step * i, side=40 + growth * i)) for i in range(3)]
    assert reasons(frames[1], frames[0], frames[2]) == []


@pytest.mark.parametrize(("confidence", "score"), [(0.5, 1.0), (0.425, 0.5), (0.575, 0.5)])
def test_a_confidence_near_the_threshold_is_the_more_doubtful_the_nearer_it_is(confidence, score):
    (doubt,) = judge(sighting(0, sign(confidence=confidence)), before=None, after=None, rules=RULES)
    assert doubt.reason is Reason.NEAR_THRESHOLD
    assert doubt.score == pytest.approx(score)
    assert doubt.label is Label.STOP


@pytest.mark.parametrize("confidence", [0.34, 0.66])
def test_a_confidence_outside_the_band_is_not_doubted(confidence):
    assert reasons(sighting(0, sign(confidence=confidence))) == []


def test_a_sign_too_small_to_be_labelled_is_not_doubted():
    assert reasons(sighting(0, sign(side=9, confidence=0.5))) == []


def test_a_sign_that_only_the_neighbours_see_was_missed_between_them():
    before, after = sighting(0, sign(100)), sighting(2, sign(110))
    (doubt,) = judge(sighting(1), before=before, after=after, rules=RULES)
    assert doubt.reason is Reason.MISSED
    assert doubt.box is not None
    assert doubt.box.x == pytest.approx(105)
    assert doubt.score == pytest.approx(0.95)


def test_a_weak_detection_does_not_count_as_seen():
    before, after = sighting(0, sign()), sighting(2, sign())
    assert reasons(sighting(1, sign(confidence=0.45)), before, after) == [
        Reason.MISSED,
        Reason.NEAR_THRESHOLD,
    ]


def test_a_sign_that_no_neighbour_sees_is_alone():
    assert reasons(sighting(1, sign()), sighting(0), sighting(2)) == [Reason.ALONE]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_sign_that_comes_or_goes_is_not_alone(side):
    both = {"before": sighting(0), "after": sighting(2)}
    both[side] = sighting(both[side].captured_ns // PERIOD_NS, sign())
    assert reasons(sighting(1, sign()), **both) == []


def test_a_class_that_flips_is_doubted():
    other = sign(label=Label.DANGER_AHEAD)
    assert reasons(sighting(1, other), sighting(0, sign()), sighting(2, sign())) == [
        Reason.OTHER_CLASS
    ]


def test_a_box_that_jumps_aside_is_doubted():
    here = sighting(1, sign(122))
    (doubt,) = judge(here, before=sighting(0, sign()), after=sighting(2, sign()), rules=RULES)
    assert doubt.reason is Reason.JUMP
    assert doubt.score > 0.5


def test_a_box_that_jumps_far_away_is_missed_here_and_alone_there():
    here = sighting(1, sign(400))
    assert set(reasons(here, sighting(0, sign()), sighting(2, sign()))) == {
        Reason.MISSED,
        Reason.ALONE,
    }


def test_frames_far_apart_in_time_are_no_neighbours():
    assert reasons(sighting(5, sign()), sighting(0), sighting(10)) == []


def test_frames_that_two_models_looked_at_are_no_neighbours():
    before, after = sighting(0, model="old"), sighting(2, model="old")
    assert reasons(sighting(1, sign()), before, after) == []


def test_each_sign_has_one_counterpart():
    before, after = sighting(0, sign(100), sign(128)), sighting(2, sign(100), sign(128))
    assert reasons(sighting(1, sign(100), sign(128)), before, after) == []


def test_the_doubter_judges_each_frame_once_when_the_next_has_come():
    doubter: Doubter[int] = Doubter(RULES)
    frames = [sighting(0, sign()), sighting(1), sighting(2, sign()), sighting(3, sign())]
    judged = [doubter.push(i, s) for i, s in enumerate(frames)]
    judged.append(doubter.finish())
    assert judged[0] is None
    found = [item for item in judged if item is not None]
    assert [index for index, _ in found] == [0, 1, 2, 3]
    assert [[d.reason for d in doubts] for _, doubts in found] == [[], [Reason.MISSED], [], []]
    assert doubter.finish() is None


sightings = st.builds(
    Sighting,
    captured_ns=st.integers(0, 5 * PERIOD_NS),
    model=st.sampled_from(["a", "b"]),
    threshold=st.floats(0, 1),
    detections=st.lists(detections, max_size=5).map(tuple),
)


@given(here=sightings, before=st.none() | sightings, after=st.none() | sightings)
def test_doubts_are_scored_and_sorted_and_loneliness_has_no_direction_in_time(here, before, after):
    doubts = judge(here, before=before, after=after, rules=RULES)
    assert all(0 <= d.score <= 1 and d.box is not None for d in doubts)
    assert [d.score for d in doubts] == sorted((d.score for d in doubts), reverse=True)
    turned = judge(here, before=after, after=before, rules=RULES)
    kinds = {Reason.NEAR_THRESHOLD, Reason.ALONE}
    assert [d for d in doubts if d.reason in kinds] == [d for d in turned if d.reason in kinds]


@given(sightings)
def test_three_alike_frames_are_only_doubted_for_their_confidence(here):
    doubts = judge(here, before=here, after=here, rules=RULES)
    overlapping = {Reason.OTHER_CLASS, Reason.JUMP, Reason.ALONE}
    assert not overlapping & {d.reason for d in doubts if len(here.detections) == 1}
    assert Reason.MISSED not in {d.reason for d in doubts}

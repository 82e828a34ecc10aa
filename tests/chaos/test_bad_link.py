"""What is seen at both ends of a link, and what is made of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kit.bench.link_result import Phase
from kit.bench.outage import _back, _first, _shares
from kit.chaos.bad_link import EXAMPLES, Gauge, NearEnd, account
from kit.events import Alive, Motion, PictureQuality, Stage, TrainState
from tests.event_strategies import a_command, a_frame, a_stamp


def quality(step: int) -> PictureQuality:
    return PictureQuality(
        step=step, steps=5, width=600, height=400, fps=10, kbit_per_s=900, reason="so"
    )


@given(st.lists(st.integers(), unique=True), st.data())
def test_what_did_not_come_is_lost(numbers: list[int], data: st.DataObject) -> None:
    said = [str(number) for number in numbers]
    gone = data.draw(st.sets(st.sampled_from(said)) if said else st.just(set()))
    told = [name for name in said if name not in gone]
    found = account({"state": said}, {"state": [*told, *told[:1], "unheard of"]})
    assert (found.said, found.lost, found.out_of_order) == (len(said), len(gone), 0)
    named = [f"lost: state {name}" for name in said if name in gone]
    assert list(found.examples) == named[:EXAMPLES]


def test_what_overtook_another_of_its_kind_is_counted() -> None:
    said = {"state": ["a", "b", "c"], "command": ["x", "y"]}
    found = account(said, {"state": ["a", "c", "b"], "command": ["x", "y"]})
    assert (found.out_of_order, found.examples) == (1, ("overtaken: state b",))
    assert account(said, {"command": ["x", "y"], "state": ["a", "b", "c"]}).out_of_order == 0


def test_what_mqtt_brings_again_was_said_once() -> None:
    """A service that is connected anew says again what had no answer yet."""
    said = {"state": ["a", "b", "c", "d", "b", "c"]}
    found = account(said, {"state": ["a", "b", "c", "d"]})
    assert (found.said, found.lost, found.out_of_order) == (4, 0, 0)


def test_the_train_s_end_notes_events_latencies_and_what_streaming_tells() -> None:
    near = NearEnd()
    state = TrainState(
        train_id="t",
        motion=Motion.CRUISING,
        reason="go",
        latched=False,
        frame=a_stamp(3),
        marks={Stage.ACTED: a_stamp(3).captured_ns + 25_000_000},
    )
    for event in (
        a_frame("t"),
        a_command("t"),
        state,
        state.model_copy(update={"event_id": a_command("t").event_id}),
        Alive(train_id="t", service="capture", counters={"waiting": 9}),
        Alive(train_id="t", service="streaming", counters={"waiting": 7}, pictures=quality(2)),
    ):
        near.receive(event, 100)
    assert {kind: len(ids) for kind, ids in near.said.items()} == {
        "command": 1,
        "state": 2,
        "alive": 2,
    }
    assert list(near.acted) == [(100, 25.0)]  # told twice, acted on once
    assert list(near.gauges) == [Gauge(100, 7, quality(2))]


def test_the_way_back_counts_what_was_taken_after_the_outage_only() -> None:
    ended = [
        (Phase("5g", 1), 0, 10),
        (Phase("outage", 1), 10, 2_000_000_000),
        (Phase("5g", 1), 2_000_000_000, 9_000_000_000),
    ]
    came = [(5, 1), (2_100_000_000, 1_000_000_000), (2_400_000_000, 2_000_000_001)]
    assert _back(came, ended) == (0.4,)
    assert _back(came[:2], ended) == (None,)


def test_events_are_compared_from_the_first_that_both_ends_heard() -> None:
    assert _first(["a", "b", "c"], ["b", "c"]) == 1
    assert _first(["a", "b"], []) == 2


def test_steps_are_told_with_their_share_of_the_time() -> None:
    gauges = [Gauge(1, 0, None), *(Gauge(1, 0, quality(step)) for step in (0, 0, 0, 3))]
    assert _shares(gauges) == {0: 0.75, 3: 0.25}

"""Which frame a command of the older demo belongs to, in simulated time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kit.events import FrameStamp
from kit.interop.attribution import IDLE_S, LATE_IN_A_ROW, MOST, Attribution
from tests.event_strategies import a_stamp

MS = 1_000_000
FRAME_MS = 100


class Clock:
    def __init__(self) -> None:
        self.ns = 10**12

    def __call__(self) -> int:
        return self.ns

    def wait(self, ms: float) -> None:
        self.ns += int(ms * MS)


def frame(clock: Clock, number: int = 0) -> FrameStamp:
    return a_stamp(number).model_copy(update={"captured_ns": clock.ns})


def rested() -> tuple[Attribution, Clock]:
    clock = Clock()
    attribution = Attribution(clock)
    clock.wait(IDLE_S * 1000)
    return attribution, clock


def test_each_command_belongs_to_the_oldest_result_without_answer() -> None:
    attribution, clock = rested()
    frames = [frame(clock, number) for number in range(3)]
    assert all(attribution.asks(one) for one in frames)
    assert [attribution.answers() for _ in range(4)] == [*frames, None]


def test_what_theirs_has_in_hand_from_before_belongs_to_nothing() -> None:
    clock = Clock()
    attribution = Attribution(clock)
    for _ in range(20):
        clock.wait(FRAME_MS)
        assert attribution.answers() is None
        assert not attribution.asks(frame(clock))
    clock.wait(IDLE_S * 1000)
    assert attribution.asks(frame(clock))


def test_many_late_commands_in_a_row_make_both_begin_again() -> None:
    attribution, clock = rested()
    for _ in range(LATE_IN_A_ROW):
        attribution.asks(frame(clock))
    clock.wait(400)
    for _ in range(LATE_IN_A_ROW):
        attribution.answers()
    assert attribution.resting
    assert attribution.restarts == 1
    clock.wait(IDLE_S * 1000)
    assert attribution.asks(frame(clock))


def test_theirs_that_never_answers_is_not_asked_for_ever() -> None:
    attribution, clock = rested()
    for _ in range(MOST):
        assert attribution.asks(frame(clock))
    assert not attribution.asks(frame(clock))


@given(
    lag_ms=st.integers(0, 3000),
    lost_results=st.sets(st.integers(0, 99)),
    lost_commands=st.sets(st.integers(0, 99)),
)
def test_no_command_is_ever_taken_for_fresher_than_it_is(
    lag_ms: int, lost_results: set[int], lost_commands: set[int]
) -> None:
    attribution, clock = rested()
    begin = clock.ns
    on_their_way: list[tuple[int, int, FrameStamp]] = []
    for number in range(100):
        due = begin + number * FRAME_MS * MS
        while on_their_way and on_their_way[0][0] <= due:
            arrives, of, truth = on_their_way.pop(0)
            clock.ns = max(clock.ns, arrives)
            if of in lost_commands:
                continue
            believed = attribution.answers()
            assert believed is None or believed.captured_ns <= truth.captured_ns
        clock.ns = max(clock.ns, due)
        stamp = frame(clock, number)
        if attribution.asks(stamp) and number not in lost_results:
            on_their_way.append((clock.ns + lag_ms * MS, number, stamp))

"""Which pictures fit through a link: what the policy does, whatever the link does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from kit.messaging.kafka.quality import (
    CALM_S,
    EVENTS_BEHIND,
    MOST_LEAST_S,
    SETTLE_S,
    SLOW_S,
    STUCK_S,
    UP_AFTER_S,
    QualityPolicy,
)
from kit.messaging.kafka.quality_steps import STEPS

FULL_BYTES = 30_000
FPS = 10.0
LAST = len(STEPS) - 1


class Link:
    """A link of a fixed width with a queue of three pictures, told to a policy in its own time."""

    def __init__(self, policy: QualityPolicy, *, bytes_per_s: float, base_s: float = 0.03) -> None:
        self.policy = policy
        self.bytes_per_s = bytes_per_s
        self.base_s = base_s
        self.now_s = 0.0
        self.steps: list[int] = []
        self._busy_until_s = 0.0
        self._turn = 0
        self._sent_s = float("-inf")
        self._on_way: list[tuple[float, float, int]] = []

    def run(self, seconds: float) -> list[int]:
        """Let time pass; return the steps that were in force, one a picture taken."""
        first = len(self.steps)
        for _ in range(int(seconds * FPS)):
            self.now_s += 1 / FPS
            self._answer()
            self._offer()
            oldest = min((since for _, since, _ in self._on_way), default=self.now_s)
            self.policy.judge(self.now_s, oldest_s=self.now_s - oldest)
            self.steps.append(self.policy.index)
        return self.steps[first:]

    def _answer(self) -> None:
        for entry in [one for one in self._on_way if one[0] <= self.now_s]:
            due_s, since_s, size = entry
            self._on_way.remove(entry)
            self.policy.taken(self.now_s, size=size, delay_s=due_s - since_s)

    def _offer(self) -> None:
        self.policy.offer(self.now_s, full_bytes=FULL_BYTES)
        step = self.policy.step
        self._turn += 1
        rare = step.max_fps is not None and self.now_s - self._sent_s < 1 / step.max_fps
        if self._turn < step.every or rare:
            return
        if len(self._on_way) >= 3:
            self.policy.overtaken(self.now_s)
            return
        self._turn, self._sent_s = 0, self.now_s
        size = int(FULL_BYTES * step.weight)
        self._busy_until_s = max(self.now_s, self._busy_until_s) + size / self.bytes_per_s
        self._on_way.append((self._busy_until_s + self.base_s, self.now_s, size))


def at_step(index: int) -> QualityPolicy:
    """A policy that has been at a step for long."""
    policy = QualityPolicy()
    policy.index = index
    return policy


def calm(policy: QualityPolicy, *, seconds: float, begin_s: float = 0.0, waiting: int = 0) -> None:
    for tick in range(int(seconds * 10)):
        now_s = begin_s + tick / 10
        policy.taken(now_s, size=1000, delay_s=0.02)
        policy.judge(now_s, events_waiting=waiting)


@given(st.floats(300_000 * 1.5, 1e8))
def test_a_wide_link_gets_every_picture(bytes_per_s: float) -> None:
    link = Link(QualityPolicy(), bytes_per_s=bytes_per_s)
    assert set(link.run(30)) == {0}


@given(st.floats(8_000, 250_000))
def test_on_a_narrow_link_what_is_sent_about_fits_most_of_the_time(bytes_per_s: float) -> None:
    link = Link(QualityPolicy(), bytes_per_s=bytes_per_s)
    link.run(60)
    late = link.run(60)
    fits = [
        0.8 * STEPS[index].needs_bytes_per_s(full_bytes=FULL_BYTES, fps=FPS) <= bytes_per_s
        or index == LAST
        for index in late
    ]
    assert sum(fits) / len(fits) > 0.7


@given(st.floats(8_000, 250_000))
def test_when_a_narrow_link_widens_all_pictures_come_back(bytes_per_s: float) -> None:
    link = Link(QualityPolicy(), bytes_per_s=bytes_per_s)
    link.run(20)
    link.bytes_per_s = 1e7
    link.run(90)
    assert link.policy.index == 0
    assert "all pictures" in link.policy.reason


Told = Callable[[QualityPolicy, float], None]
told: st.SearchStrategy[Told] = st.one_of(
    st.builds(
        lambda size, delay_s: lambda p, now_s: p.taken(now_s, size=size, delay_s=delay_s),
        st.integers(0, 10**6),
        st.floats(0, 10),
    ),
    st.just(lambda p, now_s: p.overtaken(now_s)),
    st.just(lambda p, now_s: p.failed(now_s)),
    st.builds(lambda size: lambda p, now_s: p.offer(now_s, full_bytes=size), st.integers(0, 10**6)),
)


@given(st.lists(st.tuples(told, st.floats(0, 3), st.floats(0, 5), st.integers(0, 500))))
def test_whatever_it_is_told_it_goes_up_by_one_step_and_only_after_calm(
    story: list[tuple[Told, float, float, int]],
) -> None:
    policy, now_s, changed_s = QualityPolicy(), 0.0, float("-inf")
    for tell, passed_s, oldest_s, waiting in story:
        now_s += passed_s
        before = policy.index
        tell(policy, now_s)
        changed = policy.judge(now_s, oldest_s=oldest_s, events_waiting=waiting)
        assert changed == (policy.index != before)
        assert 0 <= policy.index <= LAST
        assert policy.reason
        if policy.index < before:
            assert policy.index == before - 1
            assert now_s - changed_s >= UP_AFTER_S
            assert oldest_s < CALM_S + MOST_LEAST_S
            assert waiting <= EVENTS_BEHIND
        if changed:
            changed_s = now_s


def test_a_link_that_does_not_answer_gets_the_smallest_picture_at_once() -> None:
    policy = QualityPolicy()
    policy.taken(0.0, size=FULL_BYTES, delay_s=0.02)
    assert policy.judge(0.0, oldest_s=STUCK_S + 0.1)
    assert policy.index == LAST
    assert "does not answer" in policy.reason


def test_a_picture_that_was_not_taken_in_time_means_the_same() -> None:
    policy = QualityPolicy()
    policy.taken(0.0, size=FULL_BYTES, delay_s=0.02)
    policy.failed(0.0)
    policy.judge(0.0)
    assert policy.index == LAST


def test_before_the_first_answer_nothing_is_known_of_the_link() -> None:
    policy = QualityPolicy()
    policy.failed(0.0)
    assert not policy.judge(0.0, oldest_s=10.0)
    assert policy.index == 0


def test_a_link_that_is_long_but_wide_gets_every_picture() -> None:
    link = Link(QualityPolicy(), bytes_per_s=1e7, base_s=0.25)
    assert set(link.run(30)) == {0}


def test_a_long_link_gets_its_pictures_back_too() -> None:
    policy = at_step(3)
    for tick in range(200):
        policy.taken(tick / 10, size=1000, delay_s=0.4 + 0.1 * (tick % 2))
        policy.judge(tick / 10)
    assert policy.index == 0


def test_with_events_behind_pictures_ask_for_no_more() -> None:
    policy = at_step(2)
    calm(policy, seconds=30, waiting=EVENTS_BEHIND + 1)
    assert policy.index == 2
    calm(policy, seconds=UP_AFTER_S + 1, begin_s=30)
    assert policy.index == 1


def test_a_step_up_that_was_too_much_is_tried_again_later_and_later() -> None:
    policy, now_s, tries = at_step(1), 0.0, []
    for _ in range(3):
        began_s = now_s
        while policy.index == 1:
            now_s += 0.1
            policy.taken(now_s, size=1000, delay_s=0.02)
            policy.judge(now_s)
        tries.append(now_s - began_s)
        now_s += SETTLE_S
        while policy.index == 0:
            now_s += 0.1
            policy.taken(now_s, size=1000, delay_s=2 * SLOW_S)
            policy.judge(now_s)
        policy.index = 1
    assert tries == sorted(tries)
    assert tries[-1] > 2 * tries[0]


def test_the_measured_throughput_tells_how_far_down() -> None:
    policy = QualityPolicy()
    policy.taken(-10.0, size=12_000, delay_s=0.05)  # before the link got narrow
    for tick in range(20):
        now_s = tick / 10
        policy.offer(now_s, full_bytes=FULL_BYTES)
        policy.taken(now_s, size=12_000, delay_s=0.8)  # 120 kB a second
    assert policy.judge(2.0)
    assert policy.step.needs_bytes_per_s(full_bytes=FULL_BYTES, fps=FPS) <= 120_000
    assert policy.index == 2
    assert "kbit/s" in policy.reason


def test_each_step_asks_for_less_than_the_one_before() -> None:
    needs = [step.needs_bytes_per_s(full_bytes=FULL_BYTES, fps=FPS) for step in STEPS]
    assert needs == sorted(needs, reverse=True)
    assert len(set(needs)) == len(needs)

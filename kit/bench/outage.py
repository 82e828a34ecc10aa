"""What a bad link does, to the train and to who looks from afar: real processes, phase by phase."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kit.bench.figures import Figures
from kit.bench.link_result import LinkResult, Phase, PhaseFigures
from kit.bench.stand import TRAIN_ID, Stand, stand
from kit.chaos.bad_link import (
    Account,
    FarEnd,
    Gauge,
    KafkaLink,
    NearEnd,
    account,
    kafka_behind_link,
)
from kit.chaos.proxy import PROFILES
from kit.errors import HubError, MissionError

FLOW_TIMEOUT_S = 60.0
"""How long it may take until pictures come to the far end, seconds."""

STALL_TIMEOUT_S = 30.0
"""After how long without another event of the run those that are missing are lost, seconds."""

SERVICES = ("capture", "inference", "decision", "streaming")

_TICK_S = 0.2


def measure_link(
    phases: Sequence[Phase],
    *,
    adaptive: bool = True,
    told: Callable[[Phase], None] = lambda _: None,
) -> LinkResult:
    """Run a train while its link to Kafka goes through some phases.

    Args:
        phases: In this order.
        adaptive: Whether live pictures follow the link.
        told: Called as each phase begins.

    Raises:
        KitError: If something does not start, or no picture comes to the far end at first.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kit-link-")))
        link = stack.enter_context(kafka_behind_link(log=folder / "kafka.log"))
        near = NearEnd()
        on = stack.enter_context(
            stand(
                SERVICES,
                kafka=link.bootstrap,
                streaming={"adaptive": adaptive},
                on_event=near.receive,
            )
        )
        far = FarEnd(link.bootstrap, settings=on.settings, train_id=TRAIN_ID)
        stack.enter_context(far)
        armed = stack.enter_context(_kept_going(on, near))
        _wait(lambda: bool(far.sights and near.acted), FLOW_TIMEOUT_S)
        begun = _go_through(phases, link, told=told)
        said = {kind: list(ids) for kind, ids in near.said.items()}
        known = {kind: ids[_first(ids, far.told.get(kind, ())) :] for kind, ids in said.items()}
        found = _all_told(known, far)
        ended = list(zip(phases, begun, begun[1:], strict=False))
        return LinkResult(
            phases=tuple(_figures(*one, near=near, far=far) for one in ended),
            picture_back_s=_back([(s.at_ns, s.captured_ns) for s in list(far.sights)], ended),
            prediction_back_s=_back(list(far.predictions), ended),
            caught_up_s=_caught_up_s(known, near, far, since_ns=begun[-2]),
            said=found.said,
            arrived=found.arrived,
            lost=found.lost,
            twice=far.twice,
            out_of_order=found.out_of_order,
            examples=found.examples,
            armed=len(armed),
        )


def _go_through(
    phases: Sequence[Phase], link: KafkaLink, *, told: Callable[[Phase], None]
) -> list[int]:
    """Return when each phase began, and when the last one ended, nanoseconds."""
    begun = []
    for phase in phases:
        told(phase)
        begun.append(time.monotonic_ns())
        link.proxy.conditions = PROFILES[phase.link]
        time.sleep(phase.seconds)
    return [*begun, time.monotonic_ns()]


def _figures(
    phase: Phase, begin_ns: int, end_ns: int, *, near: NearEnd, far: FarEnd
) -> PhaseFigures:
    control = [ms for at_ns, ms in list(near.acted) if begin_ns <= at_ns < end_ns]
    sights = [sight for sight in list(far.sights) if begin_ns <= sight.at_ns < end_ns]
    ages = [sight.age_ms for sight in sights]
    gauges = [gauge for gauge in list(near.gauges) if begin_ns <= gauge.at_ns < end_ns]
    return PhaseFigures(
        link=phase.link,
        seconds=(end_ns - begin_ns) / 1e9,
        control_ms=Figures.of(control) if control else None,
        pictures=len(sights),
        age_ms=Figures.of(ages) if ages else None,
        kilobytes=statistics.median(s.size for s in sights) / 1000 if sights else None,
        steps=_shares(gauges),
        waiting=max((gauge.waiting for gauge in gauges), default=0),
    )


def _shares(gauges: Sequence[Gauge]) -> dict[int, float]:
    steps = [gauge.pictures.step for gauge in gauges if gauge.pictures is not None]
    return {step: round(steps.count(step) / len(steps), 2) for step in sorted(set(steps))}


def _back(
    came: Sequence[tuple[int, int]], ended: Sequence[tuple[Phase, int, int]]
) -> tuple[float | None, ...]:
    """Tell for each outage how long after it the first one came that was taken after it."""
    found = []
    for phase, _, end_ns in ended[:-1]:
        if phase.link == "outage":
            first = [at_ns for at_ns, captured_ns in came if captured_ns >= end_ns]
            found.append((min(first) - end_ns) / 1e9 if first else None)
    return tuple(found)


def _first(said: Sequence[str], told: Sequence[str]) -> int:
    """Return from where on events can be compared: who listens first hears more."""
    heard = set(told)
    return next((index for index, name in enumerate(said) if name in heard), len(said))


def _all_told(said: dict[str, list[str]], far: FarEnd) -> Account:
    """Wait until all that was said has come, or nothing more of it comes; return what did."""
    found, since_s = account(said, far.told), time.monotonic()
    while found.lost and time.monotonic() - since_s < STALL_TIMEOUT_S:
        time.sleep(_TICK_S)
        now = account(said, far.told)
        if now.arrived > found.arrived:
            since_s = time.monotonic()
        found = now
    return found


def _caught_up_s(
    said: dict[str, list[str]], near: NearEnd, far: FarEnd, *, since_ns: int
) -> float | None:
    before = [name for ids in said.values() for name in ids if near.said_ns[name] < since_ns]
    if not all(name in far.told_ns for name in before):
        return None
    return max((far.told_ns[name] - since_ns for name in before), default=0) / 1e9


@contextmanager
def _kept_going(on: Stand, near: NearEnd) -> Iterator[list[int]]:
    """Arm the train, and again whenever it was held up; yield when that was."""
    ended, armed = threading.Event(), []

    def drive() -> None:
        while not ended.wait(_TICK_S):
            if near.state is not None and near.state.latched:
                try:
                    on.operator.arm()
                    armed.append(time.monotonic_ns())
                except HubError:  # not at a standstill yet, or held up again: try once more
                    continue

    thread = threading.Thread(target=drive, name="driver", daemon=True)
    thread.start()
    try:
        yield armed
    finally:
        ended.set()
        thread.join()


def _wait(happened: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline:
            raise MissionError(
                f"Nothing came to the far end within {timeout_s:g} s",
                fix="give this computer less to do and try again",
            )
        time.sleep(_TICK_S)

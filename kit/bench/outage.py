"""What a bad link does, to the train and to who looks from afar: real processes, phase by phase."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kit.bench.figures import Figures
from kit.bench.stand import TRAIN_ID, Stand, stand
from kit.chaos.bad_link import FarEnd, Gauge, KafkaLink, NearEnd, account, kafka_behind_link
from kit.chaos.proxy import PROFILES
from kit.errors import HubError, MissionError

FLOW_TIMEOUT_S = 60.0
"""How long it may take until pictures come to the far end, seconds."""

CATCH_UP_TIMEOUT_S = 120.0
"""How long the events of the outage may take to come, seconds."""

SERVICES = ("capture", "inference", "decision", "streaming")

_TICK_S = 0.2


@dataclass(frozen=True)
class Phase:
    """A stretch of time with one kind of link.

    Attributes:
        link: Its name, of ``kit.chaos.proxy.PROFILES``.
        seconds: How long it lasts.
    """

    link: str
    seconds: float


@dataclass(frozen=True)
class PhaseFigures:
    """What a phase did.

    Attributes:
        link: Its name.
        seconds: How long it lasted.
        control_ms: From a frame's capture until the controller has acted on it.
        pictures: How many came to the far end at once.
        age_ms: How old they were then; None without any.
        kilobytes: Median size of their JPEGs, thousands of bytes; None without any.
        steps: Steps of the picture quality in force, with the share of the phase.
        waiting: Most events and frames in the outbox.
    """

    link: str
    seconds: float
    control_ms: Figures | None
    pictures: int
    age_ms: Figures | None
    kilobytes: float | None
    steps: dict[int, float]
    waiting: int


@dataclass(frozen=True)
class LinkResult:
    """What the bench found.

    Attributes:
        phases: Phase by phase.
        picture_back_s: After each outage, from the link's return until the first picture taken
            after it came, seconds; None if it did not come.
        prediction_back_s: The same for predictions.
        caught_up_s: From the last change of the link until no event was missing, seconds; None
            if some never came.
        said: Events but frames on the train's side.
        arrived: Of these, in Kafka.
        lost: Of these, not.
        twice: Came again, as copies that readers drop.
        out_of_order: Came before one of their kind that was said before.
        armed: How often the train was armed; each time but one, because it had stopped.
    """

    phases: tuple[PhaseFigures, ...]
    picture_back_s: tuple[float | None, ...]
    prediction_back_s: tuple[float | None, ...]
    caught_up_s: float | None
    said: int
    arrived: int
    lost: int
    twice: int
    out_of_order: int
    armed: int

    @property
    def ok(self) -> bool:
        """Whether no event was lost or overtaken, and pictures came back after each outage."""
        back = None not in {*self.picture_back_s, *self.prediction_back_s}
        return back and self.said > 0 and self.lost == 0 and self.out_of_order == 0

    def as_dict(self) -> dict[str, Any]:
        """Return everything by name."""
        return asdict(self)


def told_link(found: LinkResult) -> str:
    """Return the figures in lines for people.

    Args:
        found: What the bench found.
    """
    lines = [_line(phase) for phase in found.phases]
    pairs = zip(found.picture_back_s, found.prediction_back_s, strict=True)
    lines += [f"after the outage: a picture in {a} s, a prediction in {b} s" for a, b in pairs]
    lines.append(
        f"events: {found.arrived} of {found.said} in Kafka, {found.lost} lost, "
        f"{found.out_of_order} out of order, {found.twice} came twice; caught up after "
        f"{found.caught_up_s} s; armed {found.armed} times"
    )
    return "\n".join(lines)


def _line(phase: PhaseFigures) -> str:
    control, age = phase.control_ms, phase.age_ms
    return (
        f"{phase.link:<8}{phase.seconds:>5.0f} s  control "
        + ("-" if control is None else f"p50 {control.p50:.1f} p99 {control.p99:.1f} ms")
        + f"  pictures {phase.pictures / phase.seconds:.1f} a second, age "
        + ("-" if age is None else f"p50 {age.p50:.0f} p95 {age.p95:.0f} ms, {phase.kilobytes} kB")
        + f"  steps {phase.steps}  outbox {phase.waiting}"
    )


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
        caught_up_s = _catch_up(known, far, begun[-2])
        ended = list(zip(phases, begun, begun[1:], strict=False))
        return LinkResult(
            phases=tuple(_figures(*one, near=near, far=far) for one in ended),
            picture_back_s=_back([(s.at_ns, s.captured_ns) for s in far.sights], ended),
            prediction_back_s=_back(list(far.predictions), ended),
            caught_up_s=caught_up_s,
            said=account(known, far.told).said,
            arrived=account(known, far.told).arrived,
            lost=account(known, far.told).lost,
            twice=far.twice,
            out_of_order=account(known, far.told).out_of_order,
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
    control = [ms for at_ns, ms in near.acted if begin_ns <= at_ns < end_ns]
    sights = [sight for sight in far.sights if begin_ns <= sight.at_ns < end_ns]
    ages = [sight.age_ms for sight in sights]
    gauges = [gauge for gauge in near.gauges if begin_ns <= gauge.at_ns < end_ns]
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


def _catch_up(said: dict[str, list[str]], far: FarEnd, since_ns: int) -> float | None:
    """Wait until all that was said has come; return how long after a moment that was."""
    try:
        _wait(lambda: account(said, far.told).lost == 0, CATCH_UP_TIMEOUT_S)
    except MissionError:
        return None
    return (time.monotonic_ns() - since_ns) / 1e9


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

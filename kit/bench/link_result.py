"""What a bench of a bad link found, and how it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from kit.bench.figures import Figures

PROMISED_BACK_S = 2.0
"""How soon after an outage there is to be a picture again, seconds."""


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
        caught_up_s: From the last change of the link until the last event had come that was said
            before it, seconds; None if some never came.
        said: Events but frames on the train's side.
        arrived: Of these, in Kafka.
        lost: Of these, not.
        twice: Came again, as copies that readers drop.
        out_of_order: Came before one of their kind that was said before.
        examples: Some of what was lost or out of order, with kind and id.
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
    examples: tuple[str, ...]
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
    lines += [
        f"after the outage: a picture in {a} s (promised: {PROMISED_BACK_S:g} s), "
        f"a prediction in {b} s"
        for a, b in pairs
    ]
    lines.append(
        f"events: {found.arrived} of {found.said} in Kafka, {found.lost} lost, "
        f"{found.out_of_order} out of order, {found.twice} came twice; caught up after "
        f"{found.caught_up_s} s; armed {found.armed} times"
    )
    return "\n".join([*lines, *found.examples])


def _line(phase: PhaseFigures) -> str:
    control, age = phase.control_ms, phase.age_ms
    return (
        f"{phase.link:<8}{phase.seconds:>5.0f} s  control "
        + ("-" if control is None else f"p50 {control.p50:.1f} p99 {control.p99:.1f} ms")
        + f"  pictures {phase.pictures / phase.seconds:.1f} a second, age "
        + ("-" if age is None else f"p50 {age.p50:.0f} p95 {age.p95:.0f} ms, {phase.kilobytes} kB")
        + f"  steps {phase.steps}  outbox {phase.waiting}"
    )

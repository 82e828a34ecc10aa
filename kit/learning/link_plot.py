"""What a link to Kafka lets through over time, as a picture."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.chaos.bad_link import FarEnd, NearEnd
from kit.labels import say, translated

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GROUNDS = {"clear": "#e8f5e9", "5g": "#e8f5e9", "tunnel": "#fff3d6", "outage": "#fbdcd7"}
"""Colour behind the time that each kind of link lasted."""

_INK, _SECOND, _STOP = "#2f6fb5", "#c77700", "#d8412f"
_SAMPLE_NS = 100_000_000


@dataclass(frozen=True)
class Stretch:
    """A stretch of time with one kind of link.

    Attributes:
        link: Its name.
        begin_ns: Monotonic nanoseconds.
        end_ns: Monotonic nanoseconds.
    """

    link: str
    begin_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.end_ns - self.begin_ns) / 1e9

    def holds(self, at_ns: int) -> bool:
        """Return whether a moment lies in it."""
        return self.begin_ns <= at_ns < self.end_ns


def ages_s(
    sights: Sequence[tuple[int, int]], *, begin_ns: int, end_ns: int
) -> list[tuple[float, float]]:
    """Work out how old the picture was that was seen at the far end, ten times a second.

    Args:
        sights: When pictures came and when they were captured, nanoseconds, in order.
        begin_ns: From when on.
        end_ns: Until when.

    Returns:
        Seconds since the beginning, and the age of the newest picture that had come, seconds;
        nothing for the time before the first.
    """
    came = [at_ns for at_ns, _ in sights]
    found = []
    for now_ns in range(begin_ns, end_ns, _SAMPLE_NS):
        index = bisect_right(came, now_ns) - 1
        if index >= 0:
            found.append(((now_ns - begin_ns) / 1e9, (now_ns - sights[index][1]) / 1e9))
    return found


def draw_link(stretches: Sequence[Stretch], *, near: NearEnd, far: FarEnd, began_ns: int) -> Figure:
    """Draw age of the picture, its size and rate, the outbox, and the train's own decision.

    Args:
        stretches: What the link was, in order.
        near: The train's end.
        far: The end of the console.
        began_ns: Where the time begins, monotonic nanoseconds.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7.2), layout="constrained")
    age, size, outbox, decision = figure.subplots(4, sharex=True, height_ratios=(3, 2, 2, 2))
    end_ns = stretches[-1].end_ns
    for axis in (age, size, outbox, decision):
        _shade(axis, stretches, began_ns)
    _draw_age(age, far, began_ns=began_ns, end_ns=end_ns)
    _draw_quality(size, near, began_ns=began_ns)
    for stretch in stretches:
        middle_s = (stretch.begin_ns + stretch.end_ns - 2 * began_ns) / 2e9
        age.annotate(
            translated(stretch.link),
            (middle_s, 1.0),
            xycoords=("data", "axes fraction"),
            ha="center",
        )
    gauges = [gauge for gauge in list(near.gauges) if gauge.at_ns >= began_ns]
    times = [(gauge.at_ns - began_ns) / 1e9 for gauge in gauges]
    outbox.plot(times, [gauge.waiting for gauge in gauges], color=_INK)
    outbox.set(ylabel=say("waiting in\nthe outbox"), ylim=(0, None))
    decided = [(at_ns, ms) for at_ns, ms in list(near.decided) if at_ns >= began_ns]
    decision.plot(
        [(at_ns - began_ns) / 1e9 for at_ns, _ in decided], [ms for _, ms in decided], color=_STOP
    )
    decision.set(ylabel=say("capture to\ndecision, ms"), ylim=(0, None))
    decision.set(xlabel=say("seconds"), xlim=(0, max(1.0, (end_ns - began_ns) / 1e9)))
    return figure


def _shade(axis: Axes, stretches: Sequence[Stretch], began_ns: int) -> None:
    for stretch in stretches:
        begin_s, end_s = ((ns - began_ns) / 1e9 for ns in (stretch.begin_ns, stretch.end_ns))
        axis.axvspan(begin_s, end_s, color=GROUNDS.get(stretch.link, "#eeeeee"), zorder=0)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_age(axis: Axes, far: FarEnd, *, began_ns: int, end_ns: int) -> None:
    sights = [(sight.at_ns, sight.captured_ns) for sight in list(far.sights)]
    seen = ages_s(sights, begin_ns=began_ns, end_ns=end_ns)
    axis.plot([at for at, _ in seen], [age for _, age in seen], color=_INK)
    axis.set(ylabel=say("age of the picture\nat the console, s"), ylim=(0, None))


def _draw_quality(axis: Axes, near: NearEnd, *, began_ns: int) -> None:
    told = [g for g in list(near.gauges) if g.at_ns >= began_ns and g.pictures is not None]
    times = [(gauge.at_ns - began_ns) / 1e9 for gauge in told]
    widths = [gauge.pictures.width for gauge in told if gauge.pictures]
    rates = [gauge.pictures.fps for gauge in told if gauge.pictures]
    axis.step(times, widths, where="post", color=_INK)
    axis.set_ylim(0, 660)
    axis.set_ylabel(say("width, pixels"), color=_INK)
    beside = axis.twinx()
    beside.plot(times, rates, color=_SECOND)
    beside.set_ylim(0, 12)
    beside.set_ylabel(say("pictures\na second"), color=_SECOND)
    beside.spines["top"].set_visible(False)

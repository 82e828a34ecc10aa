"""The report's charts, as pieces of SVG that need nothing from outside."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kit.events import Motion
from kit.labels import say, translated
from kit.runtime.outcome import Outcome, stop_order
from kit.runtime.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY = 1000
"""Points beyond which a line is thinned, and a cloud of dots drawn as an image."""

INK = "#16202e"
FAINT = "#7b8aa0"
GRID = "#e3e8ef"
BLUE = "#2f6fde"
GO = "#1fa971"
SLOW = "#d99411"
STOP = "#d8412f"
STAGE_COLOURS = (
    "#9db7e8", "#2f6fde", "#bfd0f2", "#1b3f86", "#6f9bea", "#d99411", "#8ab6c9", "#1fa971",
)  # fmt: skip
_MOTION_COLOURS = {
    Motion.CRUISING: GO,
    Motion.SLOWED: SLOW,
    Motion.STOPPING: STOP,
    Motion.STOPPED: STOP,
    Motion.FAULT: STOP,
    Motion.DISCONNECTED: FAINT,
}
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small, sharp, and can be searched
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def journey(run: Run) -> str:
    """Draw speed and way to the danger over time; empty off the virtual track."""
    began_ns = run.when("armed")
    moments = [p for p in run.physics if began_ns is not None and p.t_ns >= began_ns]
    if began_ns is None or len(moments) < 2:
        return ""
    moments = moments[:: 1 + len(moments) // MANY]
    times = [(p.t_ns - began_ns) / 1e9 for p in moments]
    with _figure(3.1) as (figure, axis):
        _shade_motions(axis, run, began_ns, end_s=times[-1])
        axis.plot(times, [p.speed_mps for p in moments], color=INK, linewidth=2)
        axis.fill_between(times, [p.speed_mps for p in moments], color=BLUE, alpha=0.12, lw=0)
        axis.set(xlabel=say("seconds since the train was armed"), ylabel=say("speed, m/s"))
        axis.set_xlim(0, times[-1])
        axis.set_ylim(0, max(0.1, *(p.speed_mps for p in moments)) * 1.3)
        ways = [p.distance_to_danger_m for p in moments]
        if all(way is not None for way in ways):
            _plot_way(axis, times, [way for way in ways if way is not None])
        _mark_stop(axis, run, began_ns)
        return _svg(figure)


def latency(run: Run, outcome: Outcome) -> str:
    """Draw each frame's latency, capture to action, over time; empty without frames."""
    if not run.acted or outcome.latency_ms is None:
        return ""
    began_ns = run.acted[0].captured_ns
    times = [(acted.captured_ns - began_ns) / 1e9 for acted in run.acted]
    values = [acted.latency_ms for acted in run.acted]
    with _figure(2.6) as (figure, axis):
        many = len(values) > MANY  # as an image then: each dot of an SVG is text
        axis.scatter(times, values, s=9, color=BLUE, alpha=0.55, linewidths=0, rasterized=many)
        for name, align in (("p50", "top"), ("p99", "bottom")):
            value = getattr(outcome.latency_ms, name)
            axis.axhline(value, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
            axis.annotate(
                f"{name}  {value:.0f} ms",
                (1, value),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                xytext=(6, 0),
                va=align,
            )
        axis.set(xlabel=say("seconds since the first frame acted on"), ylabel=say("milliseconds"))
        axis.set_ylim(0, max(values) * 1.08)
        return _svg(figure)


def stages(outcome: Outcome, *, legend: bool = False) -> str:
    """Draw the median latency as one bar of its stages; empty without frames.

    Args:
        outcome: Of a run.
        legend: Name the stages below; the report has a table that does.
    """
    if not outcome.stages_ms:
        return ""
    with _figure(1.75 if legend else 1.15) as (figure, axis):
        left = 0.0
        for (name, spread), colour in zip(outcome.stages_ms.items(), STAGE_COLOURS, strict=False):
            axis.barh(
                [0], [spread.p50], left=left, color=colour, label=translated(name), height=0.7
            )
            left += spread.p50
        axis.set_xlim(0, left)
        axis.set_yticks([])
        axis.set_xlabel(say("milliseconds, medians of the stages"))
        if legend:
            figure.legend(loc="outside lower center", ncols=4, frameon=False)
        return _svg(figure)


def memory(run: Run) -> str:
    """Draw the memory of all processes over time; empty without samples."""
    if len(run.memory) < 2:
        return ""
    began_ns = run.memory[0][0]
    times = [(t_ns - began_ns) / 1e9 for t_ns, _ in run.memory]
    with _figure(2.0) as (figure, axis):
        sizes = [mb for _, mb in run.memory]
        axis.plot(times, sizes, color=BLUE, linewidth=2)
        axis.fill_between(times, sizes, color=BLUE, alpha=0.12, linewidth=0)
        axis.set(xlabel=say("seconds"), ylabel=say("MB"), xlim=(0, times[-1]))
        axis.set_ylim(0, max(sizes) * 1.15)
        return _svg(figure)


@contextmanager
def _figure(height_inches: float) -> Iterator[tuple[Figure, Axes]]:
    """Make a figure of the report's width, in its style, and its one axis."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(9.2, height_inches), layout="constrained")
        axis = figure.subplots()
        axis.tick_params(length=0, pad=6)
        yield figure, axis


def _svg(figure: Figure) -> str:
    """Return a figure as an ``svg`` element that scales to its place."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for size in ("width", "height"):
        text = re.sub(rf' {size}="[\d.]+pt"', "", text, count=1)
    return text


def _shade_motions(axis: Axes, run: Run, began_ns: int, *, end_s: float) -> None:
    """Colour the background by what the controller said that the train does."""
    heard = [s for s in run.states if s.received_ns >= began_ns]
    states = [next(same) for _, same in groupby(heard, key=attrgetter("motion"))]
    for state, following in zip(states, [*states[1:], None], strict=True):
        begin = (state.received_ns - began_ns) / 1e9
        end = (following.received_ns - began_ns) / 1e9 if following else end_s
        colour = _MOTION_COLOURS[state.motion]
        axis.axvspan(begin, min(end, end_s), color=colour, alpha=0.12, linewidth=0)


def _plot_way(axis: Axes, times: list[float], ways: list[float]) -> None:
    other = axis.twinx()
    other.plot(times, ways, color=STOP, linewidth=1.6, linestyle=(0, (1, 1.5)))
    other.set_ylabel(say("metres to the danger"), color=STOP)
    other.set_ylim(min(0.0, *ways), max(ways) * 1.1)
    other.grid(visible=False)
    other.tick_params(length=0)


def _mark_stop(axis: Axes, run: Run, began_ns: int) -> None:
    order = stop_order(run)
    if order is None:
        return
    at_s = (order.received_ns - began_ns) / 1e9
    axis.axvline(at_s, color=STOP, linewidth=1.4)
    axis.annotate(
        f"STOP: {order.label or say('a sign')}",
        (at_s, 0.98),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        xytext=(-6, -2),
        ha="right",
        va="top",
        color=STOP,
        weight="bold",
    )

"""The plot of the bench by stage: latency over time, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from kit.bench.traces import Arrangement, StageRun, stage_durations
from kit.runtime.charts import BLUE, FAINT, GRID, INK, STAGE_COLOURS, STOP
from kit.runtime.outcome import STAGE_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {Arrangement.KIT: BLUE, Arrangement.CLASSIC: STOP}
"""Colour of each arrangement."""

FAR_APART = 8.0
"""Latencies whose largest is this many times the largest of the other are drawn on a log axis."""

_STYLE: Any = {
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def plot_stages(runs: Sequence[StageRun], path: Path) -> None:
    """Draw the latency of each frame over time by rate, and the medians of the stages.

    Args:
        runs: What was measured.
        path: File to write, PNG.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rates = sorted({run.fps for run in runs})
    heights = [2.5] * len(rates) + [0.9 + 0.42 * len(runs)]
    with rc_context(_STYLE):
        figure = Figure(figsize=(9.6, sum(heights) + 0.5), layout="constrained")
        axes = figure.subplots(len(heights), gridspec_kw={"height_ratios": heights})
        for rate, axis in zip(rates, axes, strict=False):
            _latency(axis, [run for run in runs if run.fps == rate])
        _cut(axes[-1], _medians(axes[-1], runs))
        _legend(figure)
        figure.savefig(path, dpi=120)


def _latency(axis: Axes, runs: Sequence[StageRun]) -> None:
    for run in reversed(runs):  # the kit's dots on top
        points = run.points
        latency, frames = run.latency, run.frames
        taken = f"p50 {latency.p50:.0f} ms, p99 {latency.p99:.0f} ms" if latency else "no frame"
        late = f"{frames.dropped} dropped, {frames.waiting} still waiting"
        axis.scatter(
            [s for s, _ in points],
            [ms for _, ms in points],
            s=11,
            alpha=0.65,
            linewidths=0,
            color=COLOURS[run.arrangement],
            label=f"{run.arrangement}: {taken}; {late}",
        )
    if _far_apart([max((ms for _, ms in run.points), default=1.0) for run in runs]):
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
    else:
        axis.set_ylim(bottom=0)
    axis.set_xlim(0, max(run.seconds for run in runs) * 1.005)
    axis.set_title(f"{runs[0].fps:g} frames a second", loc="left", fontsize=11, weight="bold")
    axis.set(xlabel="seconds of capture", ylabel="capture to controller, ms")
    axis.tick_params(length=0, which="both")
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(
        handles[::-1],
        labels[::-1],
        loc="lower right",
        bbox_to_anchor=(1, 0.98),
        frameon=False,
        fontsize=9,
        borderpad=0,
        handletextpad=0.1,
    )


def _far_apart(values: Sequence[float]) -> bool:
    return max(values) > FAR_APART * min(values)


def _medians(axis: Axes, runs: Sequence[StageRun]) -> list[float]:
    """Draw a bar of the medians for each run; return their lengths, milliseconds."""
    names = list(STAGE_NAMES.values())
    lengths = []
    for row, run in enumerate(runs):
        left = 0.0
        for name, taken in stage_durations(run.traces).items():
            width = median(taken)
            colour = STAGE_COLOURS[names.index(name)]
            axis.barh([row], [width], left=left, color=colour, height=0.62)
            left += width
        lengths.append(left)
    axis.set_yticks(range(len(runs)), [f"{run.arrangement}, {run.fps:g} fps" for run in runs])
    axis.invert_yaxis()
    axis.grid(visible=False, axis="y")
    axis.tick_params(length=0)
    axis.set_xlabel("milliseconds, medians of the stages")
    return lengths


def _cut(axis: Axes, lengths: Sequence[float]) -> None:
    """Cut off bars that are far longer than the others, and say how long they are."""
    if not _far_apart(lengths):
        return
    shown = FAR_APART / 4 * max(one for one in lengths if one <= FAR_APART * min(lengths))
    axis.set_xlim(0, shown)
    for row, length in enumerate(lengths):
        if length > shown:
            axis.text(
                shown * 0.99, row, f"{length / 1000:.1f} s  →", ha="right", va="center", color="w"
            )


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch

    names = list(STAGE_NAMES.values())
    figure.legend(
        [Patch(color=STAGE_COLOURS[index]) for index in range(len(names))],
        names,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=9,
    )

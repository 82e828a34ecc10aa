"""Measurements as plots, large enough for the last row of a room.

Each takes measurements by name, one or two, and draws them into one figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from kit.labels import say, translated
from kit.mlops.measuring.calibration import LEAST
from kit.mlops.measuring.comparison import Comparison
from kit.mlops.measuring.measurement import Measurement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measured = Mapping[str, Measurement]
_P = ParamSpec("_P")
_R = TypeVar("_R")

COLOURS = ("#1f5fd0", "#e07b00")
"""Of the models, in order; people who see no red or green can tell them apart."""

_GREY, _GRID = "#8793a5", "#dfe5ec"
_STYLE: Any = {
    "font.size": 14,
    "axes.titlesize": 15,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": _GREY,
    "grid.color": _GRID,
    "lines.linewidth": 3,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
}
_UNIT: dict[str, Any] = {"xlim": (0, 1.01), "ylim": (0, 1.03)}


def _styled(plot: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a plot be drawn in this room's style."""

    @wraps(plot)
    def draw(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        from matplotlib import rc_context

        with rc_context(_STYLE):
            return plot(*args, **kwargs)

    return draw


@_styled
def plot_precision_recall(measured: Measured) -> Figure:
    """Plot precision over recall, a panel a class; the area below is the average precision."""
    names = list(dict.fromkeys(n for one in measured.values() for n in one.curves))
    figure, axes = _panels(len(names), height=4.2)
    for axis, name in zip(axes, names, strict=True):
        for colour, (model, one) in zip(COLOURS, measured.items(), strict=False):
            if name not in one.curves:
                continue
            curve, ap50 = one.curves[name], one.evaluation.per_class[name].ap50
            label = f"{model}: AP {ap50:.3f}"
            axis.plot(curve.recall, curve.precision, color=colour, label=label)
        axis.set(title=name, xlabel=say("recall: share of signs found"), **_UNIT)
        axis.legend(loc="lower left")
    if names:
        axes[0].set_ylabel(say("precision: share that is right"))
    return figure


@_styled
def plot_thresholds(measured: Measured) -> Figure:
    """Plot precision, recall and F1 over the threshold, a panel a model."""
    figure, axes = _panels(len(measured), height=4.4, width=7)
    for axis, colour, (model, one) in zip(axes, COLOURS, measured.items(), strict=False):
        points = one.tradeoff.points
        places = [point.threshold for point in points]
        names = {"precision": say("precision"), "recall": say("recall"), "f1": "F1"}
        for (name, label), style in zip(names.items(), ("--", ":", "-"), strict=True):
            values = [getattr(point, name) for point in points]
            axis.plot(places, values, style, color=colour, label=label)
        best, own = one.tradeoff.best, one.tradeoff.shipped
        axis.plot([best.threshold], [best.f1], "o", color=colour, markersize=11)
        axis.axvline(own.threshold, color=_GREY, linewidth=2)
        title = say(
            "{model}: F1 {own.f1:.3f} at its own {own.threshold:g}, "
            "best {best.f1:.3f} at {best.threshold:g}",
            model=model,
            own=own,
            best=best,
        )
        axis.set(title=title, xlabel=say("threshold"), **_UNIT)
        axis.legend(loc="lower left", bbox_to_anchor=(0.12, 0))
    return figure


@_styled
def plot_sizes(measured: Measured) -> Figure:
    """Plot the share of signs found by apparent size, bars beside each other for each model."""
    figure, (axis,) = _panels(1, height=4.2, width=10)
    for index, (colour, (model, one)) in enumerate(zip(COLOURS, measured.items(), strict=False)):
        places, wide = _bars(len(one.sizes), index, len(measured))
        values = [size.recall or 0.0 for size in one.sizes]
        bars = axis.bar(places, values, wide, color=colour, label=model)
        labels = ["" if s.recall is None else f"{s.recall:.0%}" for s in one.sizes]
        axis.bar_label(bars, labels, padding=3)
    first = next(iter(measured.values()))
    names = [say("{size.name}\n{size.signs} signs", size=size) for size in first.sizes]
    axis.set_xticks(range(len(names)), names)
    title = say("Signs found, by size in the frame")
    axis.set(title=title, ylabel=say("recall"), ylim=(0, 1.3 if len(measured) > 1 else 1.15))
    axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
    _legend(axis, measured)
    return figure


@_styled
def plot_calibration(measured: Measured) -> Figure:
    """Plot the share of right detections over their confidence, a panel a model."""
    figure, axes = _panels(len(measured), height=4.6)
    for axis, colour, (model, one) in zip(axes, COLOURS, measured.items(), strict=False):
        axis.plot([0, 1], [0, 1], color=_GREY, linewidth=2, linestyle="--", label=say("honest"))
        bins = [b for b in one.calibration.bins if b.detections]
        axis.bar(
            [(b.low + b.high) / 2 for b in bins],
            [b.right or 0.0 for b in bins],
            width=[(b.high - b.low) * 0.9 for b in bins],
            color=colour,
            alpha=0.35,
        )
        axis.plot(
            [b.confidence or 0.0 for b in bins], [b.right or 0.0 for b in bins], "o-", color=colour
        )
        for b in bins:
            axis.annotate(
                str(b.detections),
                ((b.low + b.high) / 2, 0.02),
                ha="center",
                fontsize=10,
            )
        title = say("{model}: error {error:.3f}", model=model, error=one.calibration.error)
        axis.set(title=title, xlabel=say("confidence, from {least:g} on", least=LEAST), **_UNIT)
        axis.set_ylabel(say("share that is right"))
        axis.legend(loc="upper left")
    return figure


@_styled
def plot_confusion(measured: Measured) -> Figure:
    """Plot what was taken for what at the threshold, a panel a model."""
    figure, axes = _panels(len(measured), height=4.6)
    for axis, (model, one) in zip(axes, measured.items(), strict=True):
        table = one.confusion
        counts = np.array(table.counts)
        of_row = counts.sum(axis=1, keepdims=True)
        of_row[-1] = max(int(of_row[:-1].sum()), 1)  # false alarms: as a share of all that is there
        share = counts / np.maximum(of_row, 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            look: Any = {"weight": "bold" if count else "normal"}
            look["color"] = "white" if share[row, column] > 0.7 else "black"
            axis.text(column, row, str(count), ha="center", va="center", **look)
        axis.set_xticks(
            range(len(table.columns)), map(translated, table.columns), rotation=20, ha="right"
        )
        axis.set_yticks(range(len(table.rows)), map(translated, table.rows))
        axis.set(title=model, xlabel=say("taken for"), ylabel=say("what is there"))
        axis.grid(visible=False)
    return figure


@_styled
def plot_latency(measured: Measured) -> Figure:
    """Plot the milliseconds from frame to boxes: median, and the slowest 5 and 1 of 100."""
    figure, (axis,) = _panels(1, height=3.6, width=10)
    names: list[str] = []
    for index, (colour, (model, one)) in enumerate(zip(COLOURS, measured.items(), strict=False)):
        names = list(one.evaluation.latency_ms)
        values = list(one.evaluation.latency_ms.values())
        places, tall = _bars(len(values), index, len(measured))
        bars = axis.barh(places, values, tall, color=colour, label=model)
        axis.bar_label(bars, fmt="%.1f ms", padding=4)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set(title=say("Time for a frame of 600 × 400"), xlabel=say("milliseconds"))
    axis.margins(x=0.15)
    _legend(axis, measured)
    return figure


@_styled
def plot_robustness(measured: Measured) -> Figure:
    """Plot the mAP50 on transformed copies of the photos; the line is that of the photos."""
    first = next(iter(measured.values()))
    figure, (axis,) = _panels(1, height=1.2 + 0.55 * len(first.robustness), width=10)
    for index, (colour, (model, one)) in enumerate(zip(COLOURS, measured.items(), strict=False)):
        places, tall = _bars(len(one.robustness), index, len(measured))
        bars = axis.barh(places, [r.map50 for r in one.robustness], tall, color=colour, label=model)
        axis.bar_label(bars, fmt="%.3f", padding=4)
        axis.axvline(one.evaluation.map50, color=colour, linewidth=2, linestyle="--")
    axis.set_yticks(range(len(first.robustness)), [r.transform for r in first.robustness])
    axis.invert_yaxis()
    axis.set(title=say("mAP50 on changed photos"), xlim=(0, 1.12))
    _legend(axis, measured)
    return figure


@_styled
def plot_differences(comparison: Comparison) -> Figure:
    """Plot by how much the first model is better, figure by figure.

    Those in milliseconds and the calibration error are left out: for them less is better. The
    line through the first bar is the bootstrap's interval.
    """
    rows = [
        row
        for row in comparison.rows
        if row.difference is not None and not row.figure.endswith((" ms", " error"))
    ]
    figure, (axis,) = _panels(1, height=1.4 + 0.32 * len(rows), width=10)
    values = [row.difference or 0.0 for row in rows]
    colours = [COLOURS[0] if value >= 0 else COLOURS[1] for value in values]
    axis.barh(range(len(rows)), values, color=colours)
    interval = comparison.interval
    axis.plot([interval.low, interval.high], [0, 0], "|-", color="black", markersize=14)
    axis.set_yticks(range(len(rows)), [row.figure for row in rows])
    axis.invert_yaxis()
    axis.axvline(0, color=_GREY, linewidth=2)
    first, second = comparison.names
    axis.set_title(say("{first} minus {second}", first=first, second=second))
    axis.set_xlabel(say("right of the line, the first is better"))
    return figure


def _panels(count: int, *, height: float, width: float = 5.4) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels side by side."""
    from matplotlib import pyplot as plt

    size = (max(width * max(count, 1), 6), height)
    figure, axes = plt.subplots(1, max(count, 1), figsize=size, squeeze=False, layout="constrained")
    return figure, list(axes[0])[:count]


def _bars(groups: int, index: int, count: int) -> tuple[list[float], float]:
    """Return where the bars of one model stand, and how thick they are."""
    thick = 0.8 / count
    return [place + (index - (count - 1) / 2) * thick for place in range(groups)], thick * 0.92


def _legend(axis: Axes, measured: Measured) -> None:
    if len(measured) > 1:
        axis.legend(loc="upper right")

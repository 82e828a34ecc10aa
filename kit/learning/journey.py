"""Where a train that goes round was, and which model looked out for signs, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kit.events import ModelStatus
from kit.labels import say
from kit.learning.circling import CirclingTrain
from kit.learning.laps import read_notes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _STOP, _HELD_UP, _SIGN = "#2f6fb5", "#d8412f", "#8a94a0", "#e0a100"


def read_positions(truth: Path) -> npt.NDArray[np.float64]:
    """Read the virtual set's notes of where the train was.

    Args:
        truth: The file; it may still be written to.

    Returns:
        ``(N, 2)`` monotonic nanoseconds and metres along the track.
    """
    rows = [(note["t_ns"], note["position_m"]) for note in read_notes(truth, "physics")]
    return np.array(rows, np.float64).reshape(-1, 2)


def plot_journey(axis: Axes, train: CirclingTrain) -> None:
    """Draw where on its loop the train was at each moment, each round from bottom to top.

    Args:
        axis: Where to draw.
        train: The train; it may still be on its way.
    """
    times, positions = read_positions(train.truth).T
    begin = times[0]
    place, laps = positions % train.loop.lap_m, positions // train.loop.lap_m
    for lap in np.unique(laps):
        axis.plot((times[laps == lap] - begin) / 1e9, place[laps == lap], color=_INK, linewidth=1.5)
    axis.axhline(train.loop.sign.at_m, color=_SIGN, linewidth=1.5, label=say("the warning"))
    for obeyed, colour, label in (
        (True, _STOP, say("stopped for a sign")),
        (False, _HELD_UP, say("held up")),
    ):
        halts = [halt for halt in train.halts if (halt.label is not None) is obeyed]
        if halts:
            xs = [(halt.t_ns - begin) / 1e9 for halt in halts]
            ys = [halt.position_m % train.loop.lap_m for halt in halts]
            axis.plot(xs, ys, "o", color=colour, markersize=9, label=label)
    for t_ns, change in train.changes:
        if change.status is ModelStatus.RUNNING and t_ns > begin:
            label = say("{model} takes over", model=change.model)
            axis.axvline((t_ns - begin) / 1e9, color=_INK, linestyle="--", linewidth=1, label=label)
    axis.set(xlabel=say("seconds"), ylabel=say("place on the loop, metres"))
    axis.set_ylim(0, train.loop.lap_m)
    axis.set_xlim(left=0)
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
    axis.spines[["top", "right"]].set_visible(False)

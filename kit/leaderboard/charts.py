"""Plots of an event: what a finish is worth, how scores grow, who could still win."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kit.labels import say
from kit.leaderboard.events import AnyRecord
from kit.leaderboard.rules import Rules
from kit.leaderboard.scorer import Scorer
from kit.leaderboard.worth import worth_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#2563a6", "#c2571a", "#2f8f5b", "#8a4fa3", "#b3261e", "#0f8b8d", "#7a6a1f", "#5b6470")
"""Colours of lines, told apart by people who see few colours, too, as far as eight can be."""

GREY = "#5b6470"
"""Colour of what is planned."""

BEHIND = 40
"""Points behind the first that the plot of scores shows."""

MOMENTS = 451
"""Moments at which a score is drawn."""


def plot_worth(rules: Rules) -> Figure:
    """Draw what a finish is worth by when it comes: its bonus, and what that grows to."""
    scorer = Scorer(rules)
    exercises = [each for each in rules.exercises if each.measure is None]
    figure = _figure(len(exercises), height=3.1)
    at_ms = np.linspace(0, rules.duration_ms, 61).astype(int)
    for axes, exercise, colour in zip(figure.axes, exercises, COLOURS, strict=False):
        worth = [worth_of(scorer, exercise, int(moment)) for moment in at_ms]
        bonus, total = (np.array(column) for column in zip(*worth, strict=True))
        minutes = at_ms / 60_000
        axes.fill_between(minutes, 0, bonus, color=colour, alpha=0.55, lw=0, label=say("bonus"))
        axes.fill_between(
            minutes,
            bonus,
            total,
            color=colour,
            alpha=0.22,
            lw=0,
            label=say("what the accelerator adds until the end"),
        )
        axes.axvline(exercise.nominal_end_s / 60, color=GREY, ls=":", lw=1.2)
        axes.set_title(exercise.title or exercise.id, fontsize=10)
        axes.set_xlabel(say("finished at minute"))
        planned_min, late = exercise.nominal_end_s / 60, 2 * exercise.nominal_end_ms > at_ms[-1]
        words: Any = {
            "color": GREY,
            "fontsize": 8,
            "va": "bottom",
            "ha": "right" if late else "left",
        }
        axes.text(planned_min, 0, f" {say('planned')} ", **words)
    figure.axes[0].set_ylabel(say("points"))
    shown = figure.axes[0].get_legend_handles_labels()
    figure.legend(*shown, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def plot_scores(
    rules: Rules, records: Iterable[AnyRecord], users: Mapping[str, str] | Sequence[str]
) -> Figure:
    """Draw the scores of some users over the whole event.

    Args:
        rules: Of the event.
        records: Of everybody.
        users: Whose, at most eight; with the name to show, if it is a mapping.
    """
    figure = _figure(1, rows=2, height=5.0, width=7.2)
    upper, lower = figure.axes
    names = users if isinstance(users, Mapping) else {user: user for user in users}
    minutes, scores = score_lines(rules, records, list(names))
    best = np.max(list(scores.values()), axis=0)
    ends = []
    for user, colour in zip(names, COLOURS, strict=False):
        upper.plot(minutes, scores[user], color=colour, lw=1.8)
        lower.plot(minutes, scores[user] - best, color=colour, lw=1.8)
        ends.append((float(scores[user][-1]), names[user], colour))
    _label_ends(upper, ends)
    for axes in figure.axes:
        axes.set_xlim(0, rules.duration_s / 60)
        for exercise in rules.exercises:
            if exercise.measure is None:
                axes.axvline(exercise.nominal_end_s / 60, color=GREY, ls=":", lw=1)
    upper.set_ylabel(say("points"))
    lower.set(xlabel=say("minute of the event"), ylabel=say("points behind the first"))
    lower.set_ylim(-BEHIND, 1)
    return figure


def score_lines(
    rules: Rules, records: Iterable[AnyRecord], users: Sequence[str]
) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[np.float64]]]:
    """Work out scores over the whole event.

    Args:
        rules: Of the event.
        records: Of everybody.
        users: Whose.

    Returns:
        Minutes ``(N,)``, and each user's points ``(N,)``; 0 while there is no record of the user.
    """
    scorer = Scorer(rules)
    theirs: dict[str, list[AnyRecord]] = defaultdict(list)
    for record in records:
        if record.user in users:
            theirs[record.user].append(record)
    at_ms = np.linspace(0, rules.duration_ms, MOMENTS).astype(int)
    scores = {user: np.zeros(MOMENTS) for user in users}
    for user in users:
        for place, moment in enumerate(at_ms):
            scored = scorer.score(user, theirs[user], int(moment))
            if scored is not None:
                scores[user][place] = (scored.base + scored.rate * int(moment)) / scorer.units
    return at_ms / 60_000, scores


def plot_places(
    places: npt.NDArray[np.int64],
    *,
    starts_s: Sequence[float],
    paces: Sequence[float],
    rewarded: int,
) -> Figure:
    """Draw a late starter's place by start and pace; see :func:`kit.leaderboard.what_if.places`.

    Args:
        places: ``(len(paces), len(starts_s))``.
        starts_s: Starts, seconds.
        paces: Paces.
        rewarded: The line up to which a place is rewarded; none if 0.
    """
    figure = _figure(1, height=3.9, width=7.2)
    axes = figure.axes[0]
    minutes = np.asarray(starts_s) / 60
    image = axes.pcolormesh(
        minutes, paces, places, cmap="viridis_r", shading="nearest", rasterized=True
    )
    figure.colorbar(image, ax=axes, label=say("place in the end"))
    lines = (
        (1, "-", say("below this line: first")),
        (rewarded, "--", say("below this line: among the first {rewarded}", rewarded=rewarded)),
    )
    for last, style, name in lines:
        if places.min() <= last < places.max():
            levels: Any = [last + 0.5]
            axes.contour(minutes, paces, places, levels=levels, colors="#1b1b1b", linestyles=style)
            axes.plot([], [], color="#1b1b1b", ls=style, label=name)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", fontsize=9, framealpha=0.9)
    axes.set_xlabel(say("started at minute"))
    axes.set_ylabel(say("time for an exercise, parts of the planned one"))
    return figure


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG, to be shown in a widget."""
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight")
    return text.getvalue()


def _figure(columns: int, *, height: float, width: float = 8.2, rows: int = 1) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.subplots(rows, columns, sharey=rows == 1, sharex=rows > 1)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#d9dde2", lw=0.6)
        axes.set_axisbelow(True)
    return figure


def _label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write names behind the lines, moved down where they would cover each other."""
    low, high = axes.get_ylim()
    apart, at = (high - low) * 0.085, np.inf
    for score, name, colour in sorted(ends, reverse=True):
        at = min(score, at - apart)
        arguments: dict[str, Any] = {"color": colour, "fontsize": 8.5, "va": "center"}
        axes.annotate(name, (1.01, at), xycoords=("axes fraction", "data"), **arguments)

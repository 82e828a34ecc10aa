"""What the programs said while something broke, and what the train did, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.events import Command, Frame, Motion, Origin, Prediction
from kit.labels import say, told, translated
from kit.learning.fault_lesson import RUN_UP_S, Broken
from kit.recording.reader import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AFTER_S = 1.0
"""How much is shown after the stand, seconds."""

_ROWS = {
    "pictures": Frame.type_name(),
    "predictions": Prediction.type_name(),
    "decisions": Command.type_name(),
}
_CONTROLLER = {
    "controller: cruises": ("#1fa971", {Motion.CRUISING}),
    "slows": ("#d99411", {Motion.SLOWED}),
    "stops": ("#d8412f", {Motion.STOPPING, Motion.STOPPED, Motion.FAULT}),
    "has no hub": ("#7b8aa0", {Motion.DISCONNECTED}),
}
"""What the controller says that it does: colour and states, by a word for the legend."""

_INK, _FAULT = "#2f6fb5", "#d8412f"


def plot_fault(broken: Broken) -> Figure:
    """Draw when each program was heard, what the controller said, and the train's true speed.

    Args:
        broken: A fault that was tried.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.6), layout="constrained")
    said, speed = figure.subplots(2, sharex=True, height_ratios=(4, 3))
    _draw_said(said, broken)
    times = [(p.t_ns - broken.broken_ns) / 1e9 for p in broken.run.physics]
    speed.plot(times, [p.speed_mps for p in broken.run.physics], color=_INK, linewidth=2)
    speed.set(ylabel=say("true speed, m/s"), xlabel=say("seconds since the fault"))
    speed.set_ylim(0, 0.6)
    speed.set_xlim(-RUN_UP_S, _end_s(broken))
    for word, after_s, height in _events(broken):
        said.axvline(after_s, color=_FAULT, linewidth=1)
        speed.axvline(after_s, color=_FAULT, linewidth=1)
        place = {"xycoords": ("data", "axes fraction"), "color": _FAULT}
        speed.annotate(f" {word}", (after_s, height), **place)
    name, reason = broken.trial.fault.name, told(broken.told)
    figure.suptitle(say("{name}: “{reason}”", name=name, reason=reason))
    return figure


def _events(broken: Broken) -> list[tuple[str, float, float]]:
    """Return the moments that matter: a word, seconds since the fault, and how high it stands."""
    found = broken.trial.verdict
    assert found is not None
    moments = (
        (say("fault"), 0.0, 0.88),
        (say("brake"), found.braked_in_ms, 0.75),
        (say("stands"), found.stopped_in_ms, 0.62),
    )
    return [(word, ms / 1000, height) for word, ms, height in moments if ms is not None]


def _draw_said(axis: Axes, broken: Broken) -> None:
    heard: dict[str, list[float]] = {row: [] for row in _ROWS}
    for record in Recording(broken.run.folder):
        for row, kind in _ROWS.items():
            if record.type == kind and record.fields.get("origin") in {None, Origin.DECISION}:
                heard[row].append((record.received_ns - broken.broken_ns) / 1e9)
    for height, times in enumerate(reversed(heard.values()), start=1):
        _tick(axis, times, height, _INK)
    for word, (colour, motions) in _CONTROLLER.items():
        states = [state for state in broken.run.states if state.motion in motions]
        times = [(state.received_ns - broken.broken_ns) / 1e9 for state in states]
        if times:
            _tick(axis, times, 0, colour, translated(word))
    axis.set_yticks(range(len(heard) + 1), [say("controller"), *map(translated, reversed(heard))])
    axis.set_ylim(-0.6, len(heard) + 0.6)
    axis.legend(
        loc="upper center", ncols=len(_CONTROLLER), bbox_to_anchor=(0.5, 1.2), frameon=False
    )


def _tick(axis: Axes, times: Sequence[float], height: int, colour: str, word: str = "") -> None:
    """Draw a stroke for each message."""
    heights = [height] * len(times)
    axis.plot(times, heights, "|", color=colour, label=word or None, markersize=14, mew=2.5)


def _end_s(broken: Broken) -> float:
    """Return until when the picture goes: a second after the stand, or all that the fault lasts."""
    found = broken.trial.verdict
    if found is not None and found.stopped_in_ms is not None:
        return found.stopped_in_ms / 1000 + AFTER_S
    last = broken.run.physics[-1]
    return min(broken.trial.fault.lasts_s, (last.t_ns - broken.broken_ns) / 1e9)

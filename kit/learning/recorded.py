"""A recorded run for notebooks: its predictions, and what other rules would have made of them."""

from __future__ import annotations

import html
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.config import share_path
from kit.errors import ConfigError
from kit.events import Action, Command, Origin, Prediction, Stage, TrainState
from kit.labels import say, told, translated
from kit.recording.reader import Recording
from kit.train.decision import DecisionParameters
from kit.train.replay import Moment, Turn, replay, turns

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

COLOURS = {Action.CRUISE: "#7fb77e", Action.SLOW: "#f0b357", Action.STOP: "#d65a4a"}
"""Colour of each action in plots."""

_LOW_AND_HIGH: dict[str, tuple[Any, Any]] = {
    "votes": (1, 5),
    "of": (3, 12),
    "window_ms": (0, 3000),
    "span_ms": (0, 400),
    "min_confidence": (0.3, 0.95),
    "min_height_px": (0.6, 1.7),
    "slow_hold_ms": (0, 12_000),
    "stop_hold_ms": (500, 12_000),
    "cooldown_ms": (0, 20_000),
    "same_sign_shrink": (0.0, 1.0),
    "max_age_ms": (30, 2000),
}


@dataclass(frozen=True)
class Recorded:
    """A run as the decision saw it.

    Attributes:
        moments: What it decided on, in order.
        made: What was decided while it ran: action and reason, one a moment.
        to_danger_m: Metres to the broken rail by capture time in nanoseconds; empty where nobody
            knows.
    """

    moments: tuple[Moment, ...]
    made: tuple[tuple[Action, str], ...]
    to_danger_m: Mapping[int, float]

    def seconds(self, captured_ns: int) -> float:
        """Return seconds since the first frame that was decided on."""
        return (captured_ns - self.moments[0].prediction.frame.captured_ns) / 1e9

    def metres(self, captured_ns: int) -> float | None:
        """Return how far the broken rail was when a frame was captured, or None."""
        times = sorted(self.to_danger_m)
        index = bisect_right(times, captured_ns) - 1
        return self.to_danger_m[times[index]] if index >= 0 else None


def recorded(folder: Path | None = None) -> Recorded:
    """Read what a run's decision service saw and decided.

    Args:
        folder: Of the run; the one that comes with the kit if None.

    Raises:
        ConfigError: If it is no run in which something was decided.
    """
    folder = folder or share_path("datasets/runs/standard")
    predictions: dict[str, Prediction] = {}
    commands: list[Command] = []
    latched: list[tuple[int, bool]] = []
    for record in Recording(folder):
        if record.type == Prediction.type_name():
            prediction = Prediction.model_validate(record.fields)
            predictions[prediction.frame.frame_id] = prediction
        elif record.type == TrainState.type_name():
            latched.append((record.received_ns, record.fields["latched"]))
        elif record.type == Command.type_name() and record.fields["origin"] == Origin.DECISION:
            commands.append(Command.model_validate(record.fields))
    pairs = [
        (command, predictions[command.frame.frame_id])
        for command in commands
        if command.frame is not None and command.frame.frame_id in predictions
    ]
    if not pairs:
        raise ConfigError("Nothing was decided in this run", got=str(folder))
    moments = tuple(_moment(command, seen, latched) for command, seen in pairs)
    made = tuple((command.action, command.reason) for command, _ in pairs)
    danger = {
        line["t_ns"]: line["distance_to_danger_m"]
        for line in _lines(folder / "truth.jsonl")
        if line["kind"] == "physics" and line["distance_to_danger_m"] is not None
    }
    return Recorded(moments, made, danger)


def one_at_a_time(rules: DecisionParameters) -> dict[str, DecisionParameters]:
    """Return rules in which one parameter is low or high, by what was changed.

    Args:
        rules: All that is not changed, under the name ``as they are``.
    """
    tried = {"as they are": rules}
    for name, values in _LOW_AND_HIGH.items():
        for value in values:
            changes = {name: value}
            if name == "min_height_px":
                changes = {name: {k: v * value for k, v in rules.min_height_px.items()}}
            elif name == "votes":
                changes["of"] = max(rules.of, value)
            shown = f"× {value:g}" if name == "min_height_px" else f"{value:g}"
            tried[f"{name} {shown}"] = DecisionParameters(**rules.model_dump() | changes)
    return tried


def turning_points(run: Recorded, tried: Mapping[str, DecisionParameters]) -> HTML:
    """Show when and why the train would have been told to slow down and to stop.

    Args:
        run: The recorded run.
        tried: Rules by name.

    Returns:
        A table that Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    heads = (say("rules"), say("first slow"), say("first stop"))
    head = "".join(f'<th style="text-align:left">{name}</th>' for name in heads)
    rows = []
    for name, rules in tried.items():
        found = turns(run.moments, replay(run.moments, rules))
        cells = [
            html.escape(translated(name)),
            *(_told(run, found, a) for a in (Action.SLOW, Action.STOP)),
        ]
        rows.append("".join(f'<td style="text-align:left">{cell}</td>' for cell in cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return HTML(f"<table><tr>{head}</tr>{body}</table>")


def timelines(run: Recorded, tried: Mapping[str, DecisionParameters]) -> Figure:
    """Draw what each of some rules would have decided over the time of a run.

    Args:
        run: The recorded run.
        tried: Rules by name; one line each.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    figure = Figure(figsize=(9, 1.1 + 0.24 * len(tried)), layout="constrained")
    axis = figure.subplots()
    end_s = run.seconds(run.moments[-1].prediction.frame.captured_ns)
    for row, rules in enumerate(tried.values()):
        found = turns(run.moments, replay(run.moments, rules))
        starts = [run.seconds(turn.captured_ns) for turn in found]
        for turn, start, end in zip(found, starts, [*starts[1:], end_s], strict=True):
            colour = COLOURS[turn.decision.action]
            axis.barh(row, end - start, left=start, height=0.8, color=colour)
    axis.set_yticks(range(len(tried)), map(translated, tried))
    axis.invert_yaxis()
    axis.set(xlabel=say("seconds since the first decision"), xlim=(0, end_s))
    patches = [Patch(color=colour, label=str(action)) for action, colour in COLOURS.items()]
    figure.legend(handles=patches, loc="outside upper center", ncols=3, frameon=False)
    return figure


def _told(run: Recorded, found: Sequence[Turn], action: Action) -> str:
    turn = next((turn for turn in found if turn.decision.action is action), None)
    if turn is None:
        return say("never")
    metres = run.metres(turn.captured_ns)
    where = "" if metres is None else say(", {metres:.2f} m before the broken rail", metres=metres)
    reason = html.escape(told(turn.decision.reason))
    return f"<b>{run.seconds(turn.captured_ns):.1f} s</b>{where}<br>{reason}"


def _moment(
    command: Command, prediction: Prediction, latched: Sequence[tuple[int, bool]]
) -> Moment:
    decided_ns = command.marks[Stage.DECIDED]
    index = bisect_right(latched, (decided_ns, False)) - 1
    return Moment(prediction, decided_ns, latched[index][1] if index >= 0 else True)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each line of a file; one that a crash has torn is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for text in file:
            try:
                yield json.loads(text)
            except json.JSONDecodeError:
                continue

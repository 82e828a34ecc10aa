"""A loop with one sign that asks for a stop, and where a train came to stand on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kit.errors import MissionError
from kit.events import Detection, Label
from kit.sim.scenario import Sign, load_scenario
from kit.vision.frames import Image


class Halt(NamedTuple):
    """The train came to stand.

    Attributes:
        t_ns: When, monotonic nanoseconds.
        position_m: Where along the track; in a loop it goes on counting.
        label: The sign that it obeyed; None if it was held up.
        reason: Why, in the controller's words.
        captured_ns: Capture of the frame that settled it; None if it was held up.
        picture: That frame, ``(400, 600, 3)`` uint8 BGR; None if it is not known any more.
        detections: What the model saw in it.
        model: Version of the model that looked at it; empty if that is not known.
    """

    t_ns: int
    position_m: float
    label: Label | None
    reason: str
    captured_ns: int | None = None
    picture: Image | None = None
    detections: tuple[Detection, ...] = ()
    model: str = ""


@dataclass(frozen=True)
class Loop:
    """The track that it goes round on.

    Attributes:
        lap_m: Length of a round.
        sign: The sign that asks for a stop.
    """

    lap_m: float
    sign: Sign

    def passes(self, position_m: float) -> int:
        """Return how often a train at this position has gone past the sign."""
        return int((position_m - self.sign.at_m) // self.lap_m) + 1


def read_loop(scenario: Path, *, seed: int) -> Loop:
    """Read where the sign stands that asks for a stop.

    Args:
        scenario: A scenario of the virtual set: a loop with one such sign.
        seed: Varies it.

    Raises:
        MissionError: If it is no such loop.
    """
    found = load_scenario(str(scenario)).varied(seed)
    wanted = [sign for sign in found.signs if sign.label in {Label.STOP, Label.DANGER_AHEAD}]
    if len(wanted) != 1 or not found.track.closed:
        raise MissionError("This is no loop with one sign that asks for a stop", got=str(scenario))
    return Loop(found.build_track().length_m, wanted[0])


def read_notes(truth: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Read the virtual set's notes of one kind, also while they are written.

    Args:
        truth: The file.
        kind: As in `docs/virtual-set.md`, such as ``frame``.
    """
    for text in truth.read_text(encoding="utf-8").splitlines(keepends=True):
        if text.endswith("\n") and (note := json.loads(text))["kind"] == kind:
            yield note

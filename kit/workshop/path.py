"""Which notebooks make a quarter of an hour, two hours or a day."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from kit.config import share_path
from kit.workshop.tasks import EXERCISES
from kit.workshop.translation import messages

BOOTH = ("00_mission_briefing", "90_debrief")
"""A quarter of an hour at a booth: what it is about, and what a run has shown."""

SHORT = (
    "00_mission_briefing",
    "10_capture_frames",
    "20_detect_signs",
    "30_decide_the_action",
    "40_control_the_train",
    "50_stream_to_the_console",
    "70_view_the_leaderboard",
    "90_debrief",
)
"""Two hours: from the picture to the brake."""


@dataclass(frozen=True)
class Step:
    """One notebook of a path.

    Attributes:
        notebook: Stem of its file.
        title: What it is called.
        minutes: What it says that it takes.
        exercises: Names of its exercises.
    """

    notebook: str
    title: str
    minutes: int
    exercises: tuple[str, ...]


def path(name: str) -> list[Step]:
    """Return the steps of a path.

    Args:
        name: ``booth``, ``short`` or ``day``.
    """
    notebooks = {file.stem: file for file in sorted(share_path("notebooks").glob("*.ipynb"))}
    wanted = {"booth": BOOTH, "short": SHORT, "day": tuple(notebooks)}[name]
    return [_step(notebooks[stem]) for stem in wanted]


def _step(file: Path) -> Step:
    opening = messages(json.loads(file.read_text(encoding="utf-8")))[0]
    minutes = re.search(r"\*\*Takes\*\* (\d+) minutes", opening)
    assert minutes, f"{file.name} does not say how long it takes"
    return Step(
        notebook=file.stem,
        title=opening.splitlines()[0].removeprefix("# "),
        minutes=int(minutes[1]),
        exercises=tuple(one.name for one in EXERCISES.values() if one.notebook == file.stem),
    )

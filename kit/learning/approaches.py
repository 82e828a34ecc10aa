"""Frames of a recorded run in which a sign stands that the train must obey: to try models on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.config import share_path
from kit.events import Box, Frame, Label
from kit.recording.reader import Recording
from kit.runtime.run import TRUTH
from kit.vision.frames import Image, decode_jpeg

SMALLEST_PX = 16
"""Signs that are less tall are left out: there is little left to see."""


@dataclass(frozen=True, eq=False)
class Approach:
    """A frame with one sign that the train must obey.

    Attributes:
        image: ``(400, 600, 3)`` uint8 BGR.
        label: Class of the sign.
        box: Where its face is, pixels of the frame.
    """

    image: Image
    label: Label
    box: Box


def approaches(folder: Path | None = None, *, every: int = 1) -> list[Approach]:
    """Read the frames of a run in which the train drives towards a sign that it must obey.

    Args:
        folder: Of the run, on the virtual set; the one that comes with the kit if None.
        every: Take one frame in so many of those.

    Returns:
        In the order of the run, while the train moves; nothing of a run without pictures or
        without the set's notes.
    """
    folder = folder or share_path("datasets/runs/standard")
    signs = _signs(folder / TRUTH)
    frames = (record for record in Recording(folder) if record.type == Frame.type_name())
    found = [
        (record, sign)
        for record in frames
        if (sign := signs.get(record.fields["frame"]["captured_ns"])) is not None
    ]
    return [
        Approach(decode_jpeg(event.image), Label(sign["label"]), Box(*sign["box"]))
        for record, sign in found[::every]
        if isinstance(event := record.event(), Frame) and event.image
    ]


def _signs(truth: Path) -> dict[int, dict[str, Any]]:
    """Return the nearest sign that is to be obeyed, by the time of capture of each frame."""
    if not truth.exists():
        return {}
    found: dict[int, dict[str, Any]] = {}
    before = None
    for line in truth.read_text(encoding="utf-8").splitlines():
        note = json.loads(line)
        if note["kind"] != "frame":
            continue
        obeyed = [s for s in note["truth"] if s["label"] and s["box"][3] >= SMALLEST_PX]
        if obeyed and obeyed[0]["box"] != before:
            found[note["captured_ns"]] = obeyed[0]
        before = obeyed[0]["box"] if obeyed else None
    return found

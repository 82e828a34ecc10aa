"""What really stood before the virtual camera: labels without a person.

The virtual set notes each picture that leaves its camera with the signs in it and the moment of
capture, and that moment travels with the frame. A real track has no such notes: there, a person
labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.errors import ConfigError
from kit.events import Box
from kit.mlops.acquire.annotated import IGNORED_NAME, OTHER_NAME, Sign
from kit.mlops.drawing.example import LABEL_MARGIN, is_faint
from kit.mlops.drawing.onboard import hardly_seen
from kit.mlops.labelling.session import LabellingSession, sign_of
from kit.sim.renderer import Truth
from kit.vision.frames import Image, decode_jpeg
from kit.watching.harvest import HarvestedFrame, picture_path, read_harvest

_Notes = Mapping[int, list[dict[str, Any]]]


def truth_of(harvest: Path, notes: Path) -> dict[str, tuple[Sign, ...]]:
    """Tell what stands in the frames of a harvest that the virtual set took.

    Boxes are a little looser than the signs, as in the drawn training pictures. What is nearly
    hidden, seen from its edge or swallowed by the dark counts neither way.

    Args:
        harvest: Folder of the harvest.
        notes: The virtual set's file, ``truth.jsonl`` in a run's folder.

    Returns:
        The signs of each frame by its name; frames that the notes do not know are left out.

    Raises:
        ConfigError: If the harvest is missing, or the notes cannot be read.
    """
    known = _read(notes)
    return {
        entry.name: _signs(entry, known[entry.frame.captured_ns], _open(harvest, entry))
        for entry in read_harvest(harvest)
        if entry.frame.captured_ns in known and picture_path(harvest, entry).is_file()
    }


def label_by_truth(session: LabellingSession, truth: Mapping[str, tuple[Sign, ...]]) -> int:
    """Label every frame that waits and of which the truth is known.

    Args:
        session: Goes through the harvest; frames of unknown truth go on waiting.
        truth: As :func:`truth_of` tells it.

    Returns:
        How many frames were labelled.

    Raises:
        OSError: If the labels cannot be saved.
    """
    known = [entry for entry in session.remaining if entry.name in truth]
    for entry in known:
        session.label(entry, truth[entry.name])
    return len(known)


def _read(notes: Path) -> _Notes:
    try:
        lines = notes.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            "The virtual set's notes cannot be read",
            expected="truth.jsonl in the folder of a run on the virtual set",
            got=str(error),
            fix="on a real train, label by hand: the widget in notebook 64_close_the_loop",
        ) from error
    found: dict[int, list[dict[str, Any]]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            note = json.loads(line)
            if note["kind"] == "frame":
                found[note["captured_ns"]] = note["truth"]
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):  # still being written
                break
            raise ConfigError(
                "These are no notes of a virtual set", got=f"{notes}, line {number}: {error!r}"
            ) from error
    return found


def _open(harvest: Path, entry: HarvestedFrame) -> Image:
    return decode_jpeg(picture_path(harvest, entry).read_bytes())


def _signs(entry: HarvestedFrame, noted: list[dict[str, Any]], image: Image) -> tuple[Sign, ...]:
    return tuple(_sign(Truth(**{**one, "box": tuple(one["box"])}), entry, image) for one in noted)


def _sign(truth: Truth, entry: HarvestedFrame, image: Image) -> Sign:
    x, y, width, height = truth.box
    more_x, more_y = (side * (LABEL_MARGIN - 1) / 2 for side in (width, height))
    box = Box(x - more_x, y - more_y, width * LABEL_MARGIN, height * LABEL_MARGIN)
    unclear = hardly_seen(truth) or is_faint(image, (x, y, x + width, y + height))
    kind = IGNORED_NAME if unclear else truth.label or OTHER_NAME
    return sign_of(kind, box, size=(entry.width, entry.height))

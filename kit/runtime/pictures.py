"""The report's pictures: what the train saw, with what the model made of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from kit.events import Motion
from kit.runtime.outcome import stop_order
from kit.runtime.recorder import DECIDING, FRAMES
from kit.runtime.run import Run
from kit.vision.overlay import draw

MOST = 8
"""Pictures on the film strip."""

_STRIP_WIDTH = 300
_QUALITY = 80
_TONES = {
    Motion.STOPPING: "stop",
    Motion.STOPPED: "stop",
    Motion.SLOWED: "slow",
    Motion.CRUISING: "cruise",
}


@dataclass(frozen=True)
class Shot:
    """One picture of the report.

    Attributes:
        url: The picture as a ``data:`` URL.
        caption: When it was captured, and what the train did then.
        tone: ``stop``, ``slow``, ``cruise`` or ``none``, for its colour.
    """

    url: str
    caption: str
    tone: str


def deciding_shot(run: Run) -> Shot | None:
    """Return the picture that led to the stop, with its boxes; None if there is none."""
    path, order = run.folder / FRAMES / f"{DECIDING}.jpg", stop_order(run)
    if order is None or order.sequence is None or not path.exists():
        return None
    return _shot(run, path, order.sequence, width=None)


def film_strip(run: Run) -> list[Shot]:
    """Return a few pictures, spread evenly over the way of the train."""
    began_ns = run.when("armed") or 0
    paths = sorted((run.folder / FRAMES).glob("[0-9]*.jpg"))
    paths = [path for path in paths if run.frames.get(int(path.stem), 0) >= began_ns] or paths
    if len(paths) > MOST:
        paths = [paths[round(i * (len(paths) - 1) / (MOST - 1))] for i in range(MOST)]
    shots = (_shot(run, path, int(path.stem), width=_STRIP_WIDTH) for path in paths)
    return [shot for shot in shots if shot]


def _shot(run: Run, path: Path, sequence: int, *, width: int | None) -> Shot | None:
    image = cv2.imread(str(path))
    if image is None:
        return None
    image = draw(image.astype(np.uint8, copy=False), run.detections.get(sequence, ()))
    if width is not None:
        size = (width, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
    captured_ns, began_ns = run.frames.get(sequence), run.when("armed")
    if captured_ns is None or began_ns is None:
        return Shot(url, f"frame {sequence}", "none")
    motion = _motion_at(run, captured_ns)
    caption = f"{(captured_ns - began_ns) / 1e9:+.1f} s · {motion or 'not known'}"
    return Shot(url, caption, _TONES.get(motion, "none") if motion else "none")


def _motion_at(run: Run, at_ns: int) -> Motion | None:
    """Return what the train did at a moment, by the controller's latest word until then."""
    known = [state.motion for state in run.states if state.received_ns <= at_ns]
    return known[-1] if known else None

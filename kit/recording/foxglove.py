"""Frames and predictions as Foxglove's messages, so that it shows the picture and the boxes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from kit.events import Box, Detection, Frame, Prediction
from kit.vision.colours import INK, LABEL_COLOURS

CAMERA = "camera"
"""Frame of reference of all pictures; nothing else is placed in it."""

_LINE_LOOP = 2  # foxglove.PointsAnnotationType
_THICKNESS_PX = 3
_FONT_PX = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = {"r": 0.0, "g": 0.0, "b": 0.0, "a": 0.0}
_Message = dict[str, Any]


def picture_message(frame: Frame, *, event: _Message) -> _Message:
    """Return a frame as a ``foxglove.CompressedImage``.

    Args:
        frame: The frame.
        event: Its fields but the image, kept beside it so that nothing is lost.
    """
    return {
        "timestamp": _time(frame.frame.captured_at),
        "frame_id": CAMERA,
        "data": base64.b64encode(frame.image).decode(),
        "format": "jpeg",
        "event": event,
    }


def boxes_message(prediction: Prediction) -> _Message:
    """Return what a model saw as ``foxglove.ImageAnnotations``: boxes with a caption each."""
    timestamp = _time(prediction.frame.captured_at)  # that of its picture, exactly
    return {
        "circles": [],
        "points": [_outline(found, timestamp) for found in prediction.detections],
        "texts": [_caption(found, timestamp) for found in prediction.detections],
    }


def _outline(found: Detection, timestamp: _Message) -> _Message:
    return {
        "timestamp": timestamp,
        "type": _LINE_LOOP,
        "points": _corners(found.box),
        "outline_color": _colour(LABEL_COLOURS[found.label]),
        "outline_colors": [],
        "fill_color": _NOTHING,
        "thickness": _THICKNESS_PX,
        "metadata": [],
    }


def _caption(found: Detection, timestamp: _Message) -> _Message:
    return {
        "timestamp": timestamp,
        "position": {"x": found.box.x, "y": found.box.y},
        "text": f"{found.label} {found.confidence:.0%}",
        "font_size": _FONT_PX,
        "text_color": _colour(INK),
        "background_color": _colour(LABEL_COLOURS[found.label]),
        "metadata": [],
    }


def _corners(box: Box) -> list[_Message]:
    right, bottom = box.x + box.width, box.y + box.height
    corners = ((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom))
    return [{"x": x, "y": y} for x, y in corners]


def _colour(rgb: str) -> _Message:
    red, green, blue = (int(rgb[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return {"r": red, "g": green, "b": blue, "a": 1.0}


def _time(moment: datetime) -> _Message:
    since = moment - _EPOCH
    return {
        "sec": since.days * 86_400 + since.seconds,
        "nsec": since.microseconds * 1000,
    }

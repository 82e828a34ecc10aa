"""What the older demo's services say, byte by byte; no kit events and no input or output here.

Decoding trusts nothing: whatever the bytes are, it returns a value or raises
:class:`~kit.errors.EventError`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pydantic_core

from kit.errors import EventError

IMAGE_TOPIC = "train-image"
"""MQTT topic of their pictures."""

RESULT_TOPIC = "train-model-result"
"""MQTT topic of what their model saw."""

COMMAND_TOPIC = "train-command"
"""MQTT topic of their commands."""

MONITORING_TOPIC = "train-monitoring"
"""Kafka topic of what their page shows."""

CAPTURE_TOPIC = "train-command-capture"
"""Kafka topic of what their page asks for."""

SQUARE = 640
"""Side of the square into which their model puts a picture, at its top left, pixels."""

MAX_BYTES = 4_000_000
"""Longest message that is accepted, bytes."""

MAX_DETECTIONS = 200
"""Most detections of a result that are accepted."""

_DATA_URL = "data:image/webp;base64,"
_TIMES = ("pre-process", "inference", "post-process", "total")


class OlderCommand(StrEnum):
    """What ``train-command`` carries: the class id of a sign, as text."""

    NONE = "-1"
    SLOW = "0"
    STOP = "1"


class CaptureOrder(StrEnum):
    """What their page may ask for; the last two came with its later versions."""

    START = "start"
    STOP = "stop"
    START_MOVEMENT = "startMovement"
    STOP_MOVEMENT = "stopMovement"


@dataclass(frozen=True)
class OlderImage:
    """A picture.

    Attributes:
        id: Milliseconds since 1970.
        image: WebP bytes.
    """

    id: int
    image: bytes


@dataclass(frozen=True)
class OlderDetection:
    """A sign.

    Attributes:
        class_id: 0 for a speed limit, 1 for danger ahead.
        class_name: ``SpeedLimit`` or ``DangerAhead``.
        confidence: 0 to 1, with two decimals.
        box: Left, top, width, height in the 640-pixel square, with two decimals.
    """

    class_id: int
    class_name: str
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class OlderResult:
    """What their model saw in a picture.

    Attributes:
        id: Of the picture.
        image: The picture, WebP; empty if it was left out.
        detections: The signs; only the first one counts for their decision.
        scale: Pixels of the picture for each pixel of the square.
        times_s: Seconds of preparing, inference, finishing, and in all.
    """

    id: int
    image: bytes
    detections: tuple[OlderDetection, ...]
    scale: float
    times_s: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def encode_image(image: OlderImage) -> bytes:
    """Write a picture for ``train-image``."""
    return json.dumps({"id": image.id, "image": _base64(image.image)}).encode()


def decode_image(payload: bytes) -> OlderImage:
    """Read a picture from ``train-image``.

    Raises:
        EventError: If it is none.
    """
    fields = _object(payload, IMAGE_TOPIC)
    image = _bytes(fields.get("image"))
    if not image:
        raise _wrong("a picture", "an image in base64", fields.get("image"))
    return OlderImage(_id(fields), image)


def encode_result(result: OlderResult) -> bytes:
    """Write a result for ``train-model-result``: numbers of a detection are text."""
    return json.dumps(_result_fields(result, _base64(result.image))).encode()


def decode_result(payload: bytes) -> OlderResult:
    """Read a result from ``train-model-result``.

    Raises:
        EventError: If it is none.
    """
    return _result(_object(payload, RESULT_TOPIC))


def encode_command(command: OlderCommand) -> bytes:
    """Write a command for ``train-command``."""
    return command.value.encode()


def decode_command(payload: bytes) -> OlderCommand:
    """Read a command from ``train-command``.

    Raises:
        EventError: If it is anything but -1, 0 or 1; their controller ignores it as well.
    """
    text = payload[:20].decode("ascii", errors="replace").strip()
    try:
        return OlderCommand(text)
    except ValueError as error:
        raise _wrong("a command", "-1, 0 or 1", text) from error


def encode_monitoring(result: OlderResult, *, event_id: str, source: str, time: datetime) -> bytes:
    """Write a result for ``train-monitoring``: a CloudEvent as one JSON document.

    Theirs have a ``time`` and a ``source`` that CloudEvents do not allow; these do not, and their
    page, which only looks for ``data.image``, takes them.

    Args:
        result: With the boxes drawn into its image.
        event_id: Unique.
        source: Such as ``/train/train-1/bridge``.
        time: When it was made, with its zone.
    """
    document = {
        "id": event_id,
        "specversion": "1.0",
        "source": source,
        "type": "result",
        "subject": "result-message",
        "time": time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": _result_fields(result, _DATA_URL + _base64(result.image)),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def decode_monitoring(value: bytes) -> OlderResult:
    """Read a result from ``train-monitoring``, theirs or ours.

    Raises:
        EventError: If it is none.
    """
    data = _object(value, MONITORING_TOPIC).get("data")
    if not isinstance(data, dict):
        raise _wrong("a message for the monitoring page", "an object 'data'", data)
    image = data.get("image")
    if isinstance(image, str):
        data = data | {"image": image.removeprefix(_DATA_URL)}
    return _result(data)


def encode_order(order: CaptureOrder) -> bytes:
    """Write an order of the page for ``train-command-capture``."""
    return json.dumps({"command": order.value}).encode()


def decode_order(value: bytes) -> CaptureOrder:
    """Read an order of the page from ``train-command-capture``.

    Raises:
        EventError: If it is none.
    """
    order = _object(value, CAPTURE_TOPIC).get("command")
    try:
        return CaptureOrder(str(order))
    except ValueError as error:
        raise _wrong("an order", ", ".join(CaptureOrder), order) from error


def _result_fields(result: OlderResult, image: str) -> dict[str, Any]:
    return {
        "id": result.id,
        "image": image,
        "detections": [
            {
                "class_id": found.class_id,
                "class_name": found.class_name,
                "confidence": f"{found.confidence:.2f}",
                "box": [f"{number:.2f}" for number in found.box],
            }
            for found in result.detections
        ],
        **{name: f"{s:.2f}s" for name, s in zip(_TIMES, result.times_s, strict=True)},
        "scale": result.scale,
    }


def _result(fields: Mapping[str, Any]) -> OlderResult:
    found = fields.get("detections")
    if not isinstance(found, list) or len(found) > MAX_DETECTIONS:
        raise _wrong("a result", f"a list of {MAX_DETECTIONS} detections at most", found)
    scale = _number(fields.get("scale"), "scale")
    if not 0 < scale <= 100:
        raise _wrong("a result", "a scale above 0", scale)
    pre, inference, post, total = (_seconds(fields.get(name)) for name in _TIMES)
    return OlderResult(
        id=_id(fields),
        image=_bytes(fields.get("image")),
        detections=tuple(_detection(one) for one in found),
        scale=scale,
        times_s=(pre, inference, post, total),
    )


def _detection(fields: object) -> OlderDetection:
    if not isinstance(fields, dict):
        raise _wrong("a detection", "an object", fields)
    box = fields.get("box")
    if not isinstance(box, list) or len(box) != 4:
        raise _wrong("a detection", "a box of four numbers", box)
    left, top, width, height = (_number(number, "box") for number in box)
    class_id = fields.get("class_id")
    if not isinstance(class_id, int) or isinstance(class_id, bool):
        raise _wrong("a detection", "a whole number as class_id", class_id)
    return OlderDetection(
        class_id=class_id,
        class_name=str(fields.get("class_name", ""))[:80],
        confidence=_number(fields.get("confidence"), "confidence"),
        box=(left, top, width, height),
    )


def _object(payload: bytes, topic: str) -> dict[str, Any]:
    if len(payload) > MAX_BYTES:
        raise _wrong(f"a message on {topic}", f"{MAX_BYTES} bytes at most", len(payload))
    try:
        # Unlike json.loads it bounds the depth, and knows no NaN.
        fields = pydantic_core.from_json(payload, allow_inf_nan=False)
    except ValueError as error:
        raise _wrong(f"a message on {topic}", "JSON", str(error)[:200]) from error
    if not isinstance(fields, dict):
        raise _wrong(f"a message on {topic}", "a JSON object", type(fields).__name__)
    return fields


def _id(fields: Mapping[str, Any]) -> int:
    found = fields.get("id")
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 2**53:
        raise _wrong("an id", "milliseconds since 1970", found)
    return int(found)


def _number(value: object, name: str) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    if not abs(number) <= 1e6:
        raise _wrong(f"the number '{name}'", "a number, or one as text", value)
    return number


def _seconds(value: object) -> float:
    """Read a time such as ``0.05s``; they are for people, so a wrong one is 0."""
    try:
        return float(str(value).removesuffix("s"))
    except ValueError:
        return 0.0


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except binascii.Error as error:
        raise _wrong("an image", "base64", str(error)) from error


def _base64(image: bytes) -> str:
    return base64.b64encode(image).decode()


def _wrong(what: str, expected: str, got: object) -> EventError:
    return EventError(
        f"This is not {what} of the older demo", expected=expected, got=repr(got)[:200]
    )

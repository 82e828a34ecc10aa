"""The Open Inference Protocol by hand: the JSON of a question and of its answer.

Detectors ask through `kit.vision.remote`. This is for looking at what goes over the wire, and
for programs that have nothing but an HTTP client.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.request import Request, urlopen

from kit.events import LABELS, Detection
from kit.vision.frames import Image, encode_jpeg
from kit.vision.tensors import FRAME, MODEL_NAME, to_tensors

ASK_TIMEOUT_S = 10.0
"""How long to wait for an answer, seconds."""

_ONE_LINE = re.compile(r"\[[^\[\]{}]*\]")
_TYPES = {"boxes": "FP32", "scores": "FP32", "class_ids": "INT64"}


def rest_request(image: Image) -> dict[str, Any]:
    """Build a question: which signs are in this picture?

    Args:
        image: ``(H, W, 3)`` uint8, BGR.

    Returns:
        What to post as JSON, with the picture as a JPEG in base64.
    """
    text = base64.b64encode(encode_jpeg(image)).decode("ascii")
    return {"inputs": [{"name": FRAME, "shape": [1], "datatype": "BYTES", "data": [text]}]}


def rest_answer(detections: Sequence[Detection], *, version: str) -> dict[str, Any]:
    """Build the answer that a server gives when it finds these signs.

    Args:
        detections: The signs, the surest first.
        version: Of the model.

    Returns:
        What a server sends as JSON, but for its own ``id`` and ``provider``.
    """
    tensors = to_tensors(detections)._asdict()
    return {
        "model_name": MODEL_NAME,
        "model_version": version,
        "parameters": {"labels": ",".join(LABELS)},
        "outputs": [
            {
                "name": name,
                "shape": list(values.shape),
                "datatype": _TYPES[name],
                "data": values.ravel().tolist(),
            }
            for name, values in tensors.items()
        ],
    }


def ask(endpoint: str, question: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask a model server by REST.

    Args:
        endpoint: ``http://host:port/v2/models/name``.
        question: What to post to its ``/infer``; if None, its metadata is asked for.

    Returns:
        Its answer.

    Raises:
        OSError: If there is no answer, or one that says what is wrong (an ``HTTPError``).
    """
    body = None if question is None else json.dumps(question).encode()
    url = endpoint if question is None else f"{endpoint}/infer"
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # ours
    with urlopen(request, timeout=ASK_TIMEOUT_S) as response:  # noqa: S310  # see above
        answer: dict[str, Any] = json.load(response)
    return answer


def readable(message: object, *, most: int = 60) -> str:
    """Write JSON for people: long texts shortened, numbers rounded, short lists on one line.

    Args:
        message: What was sent or received.
        most: Longest text that stays as it is, characters.
    """
    text = json.dumps(_shortened(message, most), indent=2)
    return _ONE_LINE.sub(lambda found: " ".join(found.group().split()), text)


def _shortened(message: object, most: int) -> object:
    if isinstance(message, dict):
        return {name: _shortened(value, most) for name, value in message.items()}
    if isinstance(message, list):
        return [_shortened(value, most) for value in message]
    if isinstance(message, float):
        return round(message, 3)
    if isinstance(message, str) and len(message) > most:
        return f"{message[: most // 2]}... ({len(message):,} characters)"
    return message

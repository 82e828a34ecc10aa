"""The events' JSON Schemas: the contract for whoever speaks to the kit in another language.

``python -m kit.schema`` writes them to ``kit/schemas``, one file a type and version. A schema
describes the data of its CloudEvent; a frame's data is a JPEG, so its schema describes the
CloudEvent's attributes instead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kit.events import EVENT_TYPES, Event, Frame

FOLDER = Path(__file__).resolve().parent / "schemas"
"""Where the exported schemas are."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The dialect they are written in."""

_IN_ATTRIBUTES = ("event_id", "made_at")
_DIGITS = {"type": "string", "pattern": "^[0-9]{1,19}$"}
_FRAME_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "subject": {"description": "Which frame: a ULID."},
    "trainid": {"description": "Which train."},
    "sequence": _DIGITS | {"description": "Counts the frames of one capture service from 0."},
    "capturedns": _DIGITS | {"description": "Monotonic time of capture, nanoseconds."},
    "capturedat": {
        "type": "string",
        "format": "date-time",
        "description": "The same moment on the wall clock, with its zone.",
    },
    "encodedns": _DIGITS | {"description": "Monotonic time of the finished JPEG, nanoseconds."},
    "width": _DIGITS | {"description": "Pixels that boxes are told in, at most 8192."},
    "height": _DIGITS | {"description": "Pixels that boxes are told in, at most 8192."},
}


def schema_of(model: type[Event]) -> dict[str, Any]:
    """Build the JSON Schema of an event type.

    Args:
        model: The event's class.

    Returns:
        The schema, with the event's ``dataschema`` as ``$id``.
    """
    found = _frame_schema() if model is Frame else _data_schema(model)
    return {"$schema": DIALECT, "$id": model.schema_uri(), **found}


def file_of(model: type[Event]) -> Path:
    """Return the file of an event type's schema, such as ``schemas/frame.v1.json``."""
    return FOLDER / f"{model.kind}.v{model.version}.json"


def text_of(model: type[Event]) -> str:
    """Return the text of that file."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"


def export() -> list[Path]:
    """Write all schemas.

    Returns:
        The files.
    """
    FOLDER.mkdir(exist_ok=True)
    for model in EVENT_TYPES.values():
        file_of(model).write_text(text_of(model), encoding="utf-8")
    return [file_of(model) for model in EVENT_TYPES.values()]


def _data_schema(model: type[Event]) -> dict[str, Any]:
    found = model.model_json_schema()
    for name in _IN_ATTRIBUTES:
        del found["properties"][name]
    found["description"] = (model.__doc__ or "").partition("\n")[0]
    return found


def _frame_schema() -> dict[str, Any]:
    own = Frame.model_json_schema()
    stamp = own["$defs"]["FrameStamp"]["properties"]
    text = {"subject": stamp["frame_id"], "trainid": own["properties"]["train_id"]}
    properties = {
        name: described | {key: text[name][key] for key in ("type", "pattern") if name in text}
        for name, described in _FRAME_ATTRIBUTES.items()
    }
    return {
        "title": "Frame",
        "description": "Attributes of a frame's CloudEvent; its data is the JPEG itself.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in export())

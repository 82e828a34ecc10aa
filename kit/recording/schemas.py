"""What a recording says about its messages: JSON Schemas, in the form that Foxglove understands.

Foxglove reads a subset of JSON Schema: every field has one type, nothing refers to elsewhere.
Its own schemas make it show pictures and boxes: https://docs.foxglove.dev/docs/sdk/schemas
"""

from __future__ import annotations

from typing import Any

from kit.events import Event, Frame, Stage

PICTURE_SCHEMA = "foxglove.CompressedImage"
"""Name of the schema of frames with their pictures."""

BOXES_SCHEMA = "foxglove.ImageAnnotations"
"""Name of the schema of what is drawn over the pictures; made of predictions, for people."""

NOTE_SCHEMA = "kit.mission.note"
"""Name of the schema of what the runtime itself noted."""

_Schema = dict[str, Any]
_NUMBER: _Schema = {"type": "number"}
_TEXT: _Schema = {"type": "string"}


def _object(**fields: _Schema) -> _Schema:
    return {"type": "object", "properties": fields}


def _list_of(items: _Schema) -> _Schema:
    return {"type": "array", "items": items}


_TIME = _object(sec={"type": "integer"}, nsec={"type": "integer"})
_POINT = _object(x=_NUMBER, y=_NUMBER)
_COLOUR = _object(r=_NUMBER, g=_NUMBER, b=_NUMBER, a=_NUMBER)
_POINT_TYPES: _Schema = {
    "oneOf": [
        {"title": title, "const": value}
        for value, title in enumerate(("UNKNOWN", "POINTS", "LINE_LOOP", "LINE_STRIP", "LINE_LIST"))
    ]
}


def event_schema(model: type[Event]) -> _Schema:
    """Return the schema of an event as it stands in a recording: all of its fields but an image.

    Args:
        model: The event's class.
    """
    own = model.model_json_schema()
    own["properties"].pop("image", None)
    plain = _plain(own, own.get("$defs", {}))
    return {"title": model.type_name(), **plain}


def picture_schema() -> _Schema:
    """Return Foxglove's schema of a compressed image, with the frame's event beside it."""
    return {
        "title": PICTURE_SCHEMA,
        **_object(
            timestamp=_TIME,
            frame_id=_TEXT,
            data={"type": "string", "contentEncoding": "base64"},
            format=_TEXT,
            event=event_schema(Frame),
        ),
    }


def boxes_schema() -> _Schema:
    """Return the part of Foxglove's schema of image annotations that a recording uses."""
    circle = _object(timestamp=_TIME, position=_POINT, diameter=_NUMBER, thickness=_NUMBER)
    points = _object(
        timestamp=_TIME,
        type=_POINT_TYPES,
        points=_list_of(_POINT),
        outline_color=_COLOUR,
        outline_colors=_list_of(_COLOUR),
        fill_color=_COLOUR,
        thickness=_NUMBER,
    )
    text = _object(
        timestamp=_TIME,
        position=_POINT,
        text=_TEXT,
        font_size=_NUMBER,
        text_color=_COLOUR,
        background_color=_COLOUR,
    )
    lists = _object(circles=_list_of(circle), points=_list_of(points), texts=_list_of(text))
    return {"title": BOXES_SCHEMA, **lists}


def note_schema() -> _Schema:
    """Return the schema of a note: what happened, and facts that depend on it."""
    return {"title": NOTE_SCHEMA, **_object(what=_TEXT, facts=_object())}


def _plain(schema: _Schema, shared: _Schema) -> _Schema:
    """Resolve references and alternatives with null, and give tuples and dictionaries a form."""
    if "$ref" in schema:
        return _plain(shared[schema["$ref"].rpartition("/")[2]], shared)
    if "anyOf" in schema:
        (kind,) = (found for found in schema["anyOf"] if found.get("type") != "null")
        return _plain(kind, shared)
    if "const" in schema or "enum" in schema:
        return {"type": "string"}
    if schema["type"] == "array":
        items = schema.get("items") or schema["prefixItems"][0]
        return {"type": "array", "items": _plain(items, shared)}
    if schema["type"] == "object":
        fields = schema.get("properties")
        if fields is None:  # a dictionary: of the stages, or of names that nobody knows before
            by_stage = schema.get("propertyNames", {}).get("$ref", "").endswith(Stage.__name__)
            fields = {str(stage): {"type": "integer"} for stage in Stage} if by_stage else {}
        return _object(**{name: _plain(field, shared) for name, field in fields.items()})
    return {"type": schema["type"]}

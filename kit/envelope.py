"""Events as CloudEvents 1.0, whatever carries them.

Specification: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md

An image travels as raw JPEG bytes: it is the data of a frame's CloudEvent, and the frame's
other fields are its extension attributes. Every other event is a JSON object.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from kit.errors import EventError
from kit.events import EVENT_TYPES, MAX_TEXT, Event, Frame

_REQUIRED = ("id", "source", "type", "specversion", "time")


def to_cloudevent(event: Event, *, source: str = "kit") -> CloudEvent:
    """Wrap an event in its CloudEvents envelope.

    Args:
        event: The event.
        source: Name of the service that made it; becomes ``/train/<train id>/<source>``.

    Returns:
        An event of the CloudEvents SDK: data is ``bytes`` for a frame, a ``dict`` otherwise.
    """
    attributes: dict[str, Any] = {
        "id": event.event_id,
        "source": f"/train/{event.train_id}/{source}",
        "type": event.type_name(),
        "time": event.made_at,
        "dataschema": event.schema_uri(),
    }
    if event.stamp is not None:
        attributes["subject"] = event.stamp.frame_id
    if isinstance(event, Frame):
        attributes |= {
            "datacontenttype": "image/jpeg",
            "trainid": event.train_id,
            "sequence": str(event.frame.sequence),
            "capturedns": str(event.frame.captured_ns),
            "capturedat": event.frame.captured_at.isoformat(),
            "encodedns": str(event.encoded_ns),
            "width": str(event.width),
            "height": str(event.height),
        }
        return CloudEvent(attributes, event.image)
    attributes["datacontenttype"] = "application/json"
    data = event.model_dump(mode="json", exclude={"event_id", "made_at"}, exclude_none=True)
    return CloudEvent(attributes, data)


def from_cloudevent(cloud_event: CloudEvent) -> Event:
    """Read the event inside a CloudEvents envelope.

    Args:
        cloud_event: What the SDK parsed, from any binding.

    Returns:
        The event, validated.

    Raises:
        EventError: If the type is unknown or a field is missing or wrong.
    """
    attributes = cloud_event.get_attributes()
    model = EVENT_TYPES.get(str(attributes.get("type")))
    if model is None:
        raise EventError(
            "Unknown type of event",
            expected=f"one of {', '.join(sorted(EVENT_TYPES))}",
            got=str(attributes.get("type"))[:MAX_TEXT],
            fix="run the same version of the kit on both ends",
        )
    data = cloud_event.get_data()
    try:
        fields = _frame_fields(attributes, data) if model is Frame else _json_fields(data)
        return model.model_validate(
            fields | {"event_id": attributes["id"], "made_at": attributes.get("time")}
        )
    except (ValidationError, KeyError, TypeError) as error:
        raise EventError(
            f"A '{model.type_name()}' event does not fit its schema {model.schema_uri()}",
            got=_first_fault(error),
        ) from error


def cloudevent(
    attributes: Mapping[str, Any], data: dict[str, Any] | str | bytes | None
) -> CloudEvent:
    """Build an SDK event from attributes that came over a wire.

    Args:
        attributes: CloudEvents attributes by name, without a binding's prefix; ``time`` as
            text or as a ``datetime``.
        data: JSON object or raw bytes.

    Raises:
        EventError: If a required attribute is missing or has a wrong type.
    """
    found = dict(attributes)
    # The SDK makes up what is missing; what came over a wire must be complete.
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise _no_cloudevent(f"no attribute {', '.join(missing)}")
    try:
        if isinstance(found["time"], str):
            found["time"] = datetime.fromisoformat(found["time"])
        return CloudEvent(found, data)
    except (CloudEventValidationError, ValueError, TypeError) as error:
        raise _no_cloudevent(str(error)[:MAX_TEXT]) from error


def _no_cloudevent(got: str) -> EventError:
    return EventError(
        "This message is no CloudEvent 1.0",
        expected="the attributes id, source, type, time and specversion 1.0",
        got=got,
    )


def _frame_fields(attributes: Mapping[str, Any], data: object) -> dict[str, Any]:
    return {
        "train_id": attributes["trainid"],
        "frame": {
            "frame_id": attributes["subject"],
            "sequence": attributes["sequence"],
            "captured_ns": attributes["capturedns"],
            "captured_at": attributes["capturedat"],
        },
        "width": attributes["width"],
        "height": attributes["height"],
        "encoded_ns": attributes["encodedns"],
        "image": data,
    }


def _json_fields(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        msg = f"data must be a JSON object, got {type(data).__name__}"
        raise TypeError(msg)
    return data


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, fault['loc'])) or 'the event'}: {fault['msg']}"
    if isinstance(error, KeyError):
        return f"no attribute {error.args[0]!r}"
    return str(error)[:MAX_TEXT]

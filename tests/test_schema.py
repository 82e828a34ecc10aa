"""The exported JSON Schemas are the contract: real messages must fit them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from kit.events import EVENT_TYPES, Event, Frame
from kit.messaging.bindings import to_kafka, to_mqtt
from kit.schema import file_of, text_of
from tests.event_strategies import a_frame, events, one_of_each

MODELS = list(EVENT_TYPES.values())


def validator(model: type[Event]) -> Draft202012Validator:
    schema = json.loads(file_of(model).read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())


def on_mqtt(event: Event) -> Any:
    message = to_mqtt(event, source="test")
    if isinstance(event, Frame):
        return dict(message.user_properties)
    return json.loads(message.payload)


def on_kafka(event: Event) -> Any:
    message = to_kafka(event, source="test")
    if isinstance(event, Frame):
        return {name.removeprefix("ce_"): text.decode() for name, text in message.headers.items()}
    return json.loads(message.value)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_the_exported_schema_is_that_of_the_model(model: type[Event]) -> None:
    assert file_of(model).read_text(encoding="utf-8") == text_of(model), "run: python -m kit.schema"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_the_exported_schema_is_a_valid_schema(model: type[Event]) -> None:
    Draft202012Validator.check_schema(json.loads(file_of(model).read_text(encoding="utf-8")))


def test_no_schema_is_left_of_a_type_that_is_gone() -> None:
    folder = file_of(Frame).parent
    assert sorted(folder.iterdir()) == sorted(file_of(model) for model in MODELS)


@given(events)
def test_what_travels_fits_its_schema(event: Event) -> None:
    for encoded in (on_mqtt(event), on_kafka(event)):
        validator(type(event)).validate(encoded)


@pytest.mark.parametrize("event", one_of_each("t"), ids=lambda event: event.kind)
def test_a_message_names_the_schema_that_it_fits(event: Event) -> None:
    schema = json.loads(file_of(type(event)).read_text(encoding="utf-8"))
    properties = dict(to_mqtt(event, source="test").user_properties)
    assert properties["dataschema"] == schema["$id"]


@pytest.mark.parametrize("event", one_of_each("t")[1:], ids=lambda event: event.kind)
def test_a_schema_refuses_what_the_model_refuses(event: Event) -> None:
    with pytest.raises(ValidationError):
        validator(type(event)).validate(on_mqtt(event) | {"colour": "red"})


def test_the_schema_of_a_frame_needs_the_time_of_capture() -> None:
    attributes = on_mqtt(a_frame("t"))
    del attributes["capturedns"]
    with pytest.raises(ValidationError, match="capturedns"):
        validator(Frame).validate(attributes)

"""The events and their CloudEvents envelope."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from pydantic import ValidationError

from kit.envelope import cloudevent, from_cloudevent, to_cloudevent
from kit.errors import EventError
from kit.events import (
    EVENT_TYPES,
    LABELS,
    Action,
    Alive,
    Box,
    Command,
    Detection,
    Event,
    FrameStamp,
    Label,
    arm_proof,
)
from tests.event_strategies import a_command, a_frame, a_stamp, events


def valid_attributes() -> dict[str, object]:
    return {
        "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "source": "/train/t/test",
        "type": "kit.train.alive.v1",
        "specversion": "1.0",
        "time": "2026-11-23T10:00:00Z",
    }


@given(events)
def test_an_event_survives_its_envelope(event: Event) -> None:
    assert from_cloudevent(to_cloudevent(event)) == event


@given(events)
def test_an_envelope_names_type_source_schema_and_frame(event: Event) -> None:
    attributes = to_cloudevent(event, source="capture").get_attributes()
    assert attributes["type"] == event.type_name()
    assert attributes["source"] == f"/train/{event.train_id}/capture"
    assert attributes["dataschema"] == event.schema_uri()
    assert attributes.get("subject") == (event.stamp.frame_id if event.stamp else None)


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_frame("t").train_id = "other"


def test_class_ids_follow_the_order_of_the_labels() -> None:
    assert LABELS == (Label.SPEED_LIMIT, Label.DANGER_AHEAD, Label.STOP)


def test_there_are_seven_types_of_event() -> None:
    kinds = [model.kind for model in EVENT_TYPES.values()]
    assert kinds == ["frame", "prediction", "command", "state", "alive", "model", "capture"]


def test_ids_of_frames_sort_by_time_of_capture() -> None:
    moments = [datetime(2026, 11, 23, 10, 0, second, tzinfo=UTC) for second in range(5)]
    ids = [
        FrameStamp.new(sequence=n, captured_ns=n, captured_at=moment).frame_id
        for n, moment in enumerate(moments)
    ]
    assert ids == sorted(ids)


def test_alive_travels_on_a_topic_of_its_service() -> None:
    assert Alive(train_id="t", service="capture").topic == "train/t/alive/capture"


@pytest.mark.parametrize("action", [Action.SLOW, Action.CRUISE])
def test_a_train_is_moved_only_on_a_frame(action: Action) -> None:
    with pytest.raises(ValidationError, match="must name the frame"):
        Command(train_id="t", action=action, reason="because")


def test_an_emergency_stop_needs_no_frame() -> None:
    assert Command(train_id="t", action=Action.EMERGENCY_STOP, reason="now").frame is None


def test_arming_needs_a_proof() -> None:
    with pytest.raises(ValidationError, match="proof"):
        Command(train_id="t", action=Action.ARM, reason="go")


def test_a_proof_depends_on_key_train_and_challenge() -> None:
    proof = arm_proof("key", train_id="t", challenge="c")
    others = {
        arm_proof("key2", train_id="t", challenge="c"),
        arm_proof("key", train_id="u", challenge="c"),
        arm_proof("key", train_id="t", challenge="d"),
    }
    assert len(proof) == 64
    assert proof not in others


@pytest.mark.parametrize(
    "box",
    [(0, 0, 0, 5), (0, 0, 5, -1), (0, 0, float("nan"), 5), (float("inf"), 0, 5, 5), (1e9, 0, 5, 5)],
)
def test_a_box_must_be_a_real_rectangle(box: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Detection(label=Label.STOP, confidence=1, box=Box(*box))


@pytest.mark.parametrize("train_id", ["", "a/b", "+", "#", "a b", "x" * 41, "t\n", "é"])
def test_a_train_id_is_fit_for_a_topic(train_id: str) -> None:
    with pytest.raises(ValidationError):
        Alive(train_id=train_id, service="capture")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_at_the_end_of_the_calendar_is_refused(moment: str) -> None:
    with pytest.raises(ValidationError, match="2000 to 2200"):
        Alive(train_id="t", service="capture", made_at=moment)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Alive(train_id="t", service="capture", made_at=datetime(2026, 11, 23))  # noqa: DTZ001


def test_an_image_must_be_a_jpeg() -> None:
    with pytest.raises(ValidationError, match="JPEG"):
        a_frame("t").model_validate(a_frame("t").model_dump() | {"image": b"\x89PNG"})


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion", "time"])
def test_an_envelope_without_a_required_attribute_is_refused(name: str) -> None:
    attributes = valid_attributes()
    del attributes[name]
    with pytest.raises(EventError, match=f"no attribute {name}"):
        cloudevent(attributes, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("specversion", "0.3"),
        ("time", "yesterday"),
        ("time", "2026-11-23T10:00:00"),
        ("time", 5),
        ("id", ""),
        ("source", 7),
        ("Not-An-Attribute", "x"),
        ("data", "x"),
    ],
)
def test_an_envelope_with_a_wrong_attribute_is_refused(name: str, value: object) -> None:
    with pytest.raises(EventError, match=r"no CloudEvent 1\.0"):
        cloudevent(valid_attributes() | {name: value}, {})


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    unknown = cloudevent(valid_attributes() | {"type": "kit.train.alive.v2"}, {})
    with pytest.raises(EventError, match=r"kit\.train\.alive\.v1.*kit\.train\.alive\.v2"):
        from_cloudevent(unknown)


def test_an_unknown_field_is_refused_by_its_name() -> None:
    data = {"train_id": "t", "service": "capture", "colour": "red"}
    with pytest.raises(EventError, match="colour"):
        from_cloudevent(cloudevent(valid_attributes(), data))


def test_a_missing_attribute_of_a_frame_is_refused_by_its_name() -> None:
    wrapped = to_cloudevent(a_frame("t"))
    attributes = {k: v for k, v in wrapped.get_attributes().items() if k != "capturedns"}
    with pytest.raises(EventError, match="capturedns"):
        from_cloudevent(cloudevent(attributes, wrapped.get_data()))


@pytest.mark.parametrize("data", [None, [], "text", 5, b"bytes"])
def test_data_that_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(EventError, match="JSON object"):
        from_cloudevent(cloudevent(valid_attributes(), data))


def test_what_is_refused_is_not_repeated_at_length() -> None:
    with pytest.raises(EventError) as caught:
        from_cloudevent(cloudevent(valid_attributes() | {"type": "x" * 60_000}, {}))
    assert len(str(caught.value)) < 2000


def test_a_command_carries_its_frame_on() -> None:
    command = a_command("t")
    assert command.stamp == command.frame
    assert a_stamp(3).sequence == 3


def test_a_sign_of_life_without_pictures_is_what_older_readers_know() -> None:
    data = to_cloudevent(Alive(train_id="t", service="capture")).get_data()
    assert isinstance(data, dict)
    assert "pictures" not in data

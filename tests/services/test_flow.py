"""What each service makes of what it gets, over real brokers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.events import Action, Command, Event, Frame, FrameStamp, Label, Prediction, Stage
from kit.learning.predictions import approach
from kit.messaging.bindings import LATE_FRAMES_TOPIC
from kit.messaging.kafka import KafkaSource
from kit.messaging.kafka.cluster import TOPICS
from kit.messaging.mqtt import MqttClient
from kit.services.base import Service
from kit.services.capture import CaptureParameters, CaptureService
from kit.services.decision import DecisionService, DecisionServiceParameters
from kit.services.inference import InferenceParameters, InferenceService
from kit.services.streaming import StreamingParameters, StreamingService
from kit.vision.frames import decode_jpeg, encode_jpeg
from tests.waiting import PATIENCE_S, wait_until


class Outside:
    """Another program on the same broker: it publishes, and keeps what comes."""

    def __init__(self, client: MqttClient) -> None:
        self.client = client
        self.got: list[Event] = []
        self._changed = threading.Condition()

    def listen(self, topic: str) -> None:
        self.client.subscribe(topic, self._receive)

    def _receive(self, event: Event, _ns: int) -> None:
        with self._changed:
            self.got.append(event)
            self._changed.notify_all()

    def wait_for(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.got) >= count, PATIENCE_S)


@pytest.fixture
def settings(mqtt_url: str, kafka_bootstrap: str) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url), kafka_bootstrap=kafka_bootstrap)


@pytest.fixture
def outside(mqtt_url: str, train_id: str) -> Iterator[Outside]:
    with MqttClient(mqtt_url, service="outside", train_id=train_id) as client:
        yield Outside(client)


@contextmanager
def running(service: Service) -> Iterator[None]:
    """Run a service beside the test, and end it."""
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    assert service.ready.wait(PATIENCE_S)
    try:
        yield
    finally:
        service.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def frame(train_id: str, image: bytes, *, sequence: int = 0) -> Frame:
    stamp = FrameStamp.new(
        sequence=sequence, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
    )
    return Frame(train_id=train_id, frame=stamp, encoded_ns=time.monotonic_ns(), image=image)


def test_capture_turns_pictures_of_any_size_into_numbered_frames(
    settings: Settings,
    outside: Outside,
    train_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        picture = np.full((300 + 100 * number, 700, 3), 60 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    outside.listen(f"train/{train_id}/frame")
    parameters = CaptureParameters(train_id=train_id, source=str(tmp_path), fps=30)
    service = CaptureService(parameters, settings=settings)
    publish = service.client.publish

    def publish_all(event: Event) -> None:
        """Give each frame time to leave, lest the next one is dropped in its favour."""
        publish(event)
        if isinstance(event, Frame):
            assert service.client.flush(PATIENCE_S)

    monkeypatch.setattr(service.client, "publish", publish_all)
    summary = service.run()
    assert outside.wait_for(3)
    frames = [event for event in outside.got if isinstance(event, Frame)]
    assert summary.ended_by == "end of source"
    assert [f.frame.sequence for f in frames] == [0, 1, 2]
    assert [decode_jpeg(f.image).shape for f in frames] == [(400, 600, 3)] * 3
    assert [f.frame.frame_id for f in frames] == sorted(f.frame.frame_id for f in frames)
    assert all(f.frame.captured_ns <= f.encoded_ns for f in frames)


def test_inference_answers_for_each_frame_and_survives_a_torn_one(
    settings: Settings, outside: Outside, train_id: str
) -> None:
    image = encode_jpeg(np.full((400, 600, 3), 90, np.uint8))
    outside.listen(f"train/{train_id}/prediction")
    service = InferenceService(InferenceParameters(train_id=train_id), settings=settings)
    with running(service):
        outside.client.publish(frame(train_id, image, sequence=1))
        assert outside.wait_for(1)
        outside.client.publish(frame(train_id, image[:200], sequence=2))
        outside.client.flush(PATIENCE_S)
        wait_until(lambda: service.counters.get("undecodable") == 1)
        outside.client.publish(frame(train_id, image, sequence=3))
        assert outside.wait_for(2)
    predictions = [event for event in outside.got if isinstance(event, Prediction)]
    assert [p.frame.sequence for p in predictions] == [1, 3]
    marks = predictions[0].marks
    order = [Stage.ENCODED, Stage.FRAME_RECEIVED, Stage.DECODED, Stage.INFERRED]
    assert [marks[stage] for stage in order] == sorted(marks[stage] for stage in order)


def test_decision_answers_each_prediction_with_a_lease_and_stops_for_a_danger(
    settings: Settings, outside: Outside, train_id: str
) -> None:
    outside.listen(f"train/{train_id}/command")
    service = DecisionService(DecisionServiceParameters(train_id=train_id), settings=settings)
    made = approach(Label.DANGER_AHEAD, frames=12, fps=10, train_id=train_id)
    shift_ns = time.monotonic_ns() - made[-1].frame.captured_ns
    with running(service):
        for count, prediction in enumerate(made[-6:], start=1):
            stamp = prediction.frame
            moved = stamp.model_copy(update={"captured_ns": stamp.captured_ns + shift_ns})
            outside.client.publish(prediction.model_copy(update={"frame": moved}))
            assert outside.wait_for(count)
    commands = [event for event in outside.got if isinstance(event, Command)]
    assert len(commands) == 6
    assert all(c.reason and c.frame is not None and c.lease_ms > 0 for c in commands)
    assert commands[-1].frame == moved


def test_a_stale_prediction_never_makes_the_train_cruise(
    settings: Settings, outside: Outside, train_id: str
) -> None:
    outside.listen(f"train/{train_id}/command")
    service = DecisionService(DecisionServiceParameters(train_id=train_id), settings=settings)
    with running(service):
        outside.client.publish(
            approach(Label.STOP, frames=1, fps=10, train_id=train_id, flicker={0})[0]
        )
        assert outside.wait_for(1)
    (command,) = outside.got
    assert isinstance(command, Command)
    assert command.action is not Action.CRUISE
    assert "old" in command.reason


def test_streaming_hands_every_event_to_kafka_unchanged(
    settings: Settings, outside: Outside, train_id: str
) -> None:
    sent: list[Event] = [
        frame(train_id, encode_jpeg(np.zeros((400, 600, 3), np.uint8))),
        *approach(Label.STOP, frames=2, fps=10, train_id=train_id),
    ]
    assert settings.kafka_bootstrap is not None
    service = StreamingService(StreamingParameters(train_id=train_id), settings=settings)
    wherever = (*TOPICS, LATE_FRAMES_TOPIC)  # a frame that a busy broker does not take goes later
    with (
        KafkaSource(settings.kafka_bootstrap, settings=settings, topics=wherever) as source,
        running(service),
    ):
        for event in sent:
            outside.client.publish(event)
        got: list[Event] = []

        def came() -> bool:
            item = source.poll(0.5)
            if item and item[0].train_id == train_id and item[0].kind in {"frame", "prediction"}:
                got.append(item[0])
            return len(got) >= len(sent)

        wait_until(came)
    assert sorted(got, key=lambda e: e.event_id) == sorted(sent, key=lambda e: e.event_id)

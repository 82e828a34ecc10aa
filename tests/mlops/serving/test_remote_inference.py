"""The inference service on a model server: same predictions, and what happens when it goes away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.events import Command, Event, Motion, Prediction, TrainState
from kit.messaging.mqtt import MqttClient
from kit.messaging.ports import free_port
from kit.mlops.drawing.scene import draw_example
from kit.mlops.serving.server import ModelServer, serving
from kit.services.decision import DecisionService, DecisionServiceParameters
from kit.services.inference import InferenceParameters, InferenceService
from kit.train.controller import Controller, ControlParameters
from kit.vision.detector import Detector
from kit.vision.frames import decode_jpeg, encode_jpeg, fit_frame
from tests.services.test_flow import Outside, frame, running
from tests.train.hub_bench import ARM_KEY, ScriptedHub, arm, give
from tests.vision.onnx_models import red_rectangle
from tests.waiting import PATIENCE_S

BLANK = encode_jpeg(np.full((400, 600, 3), 90, np.uint8))
BRAKE = 127
PATIENT_S = 5.0
"""Deadline where the test is not about it: the machine may be busy."""
SHORT_S = 0.3
"""Deadline where nothing is going to answer."""


@pytest.fixture
def settings(mqtt_url: str) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url))


@pytest.fixture
def outside(mqtt_url: str, train_id: str) -> Iterator[Outside]:
    with MqttClient(mqtt_url, service="outside", train_id=train_id) as client:
        client_side = Outside(client)
        client_side.listen(f"train/{train_id}/prediction")
        yield client_side


def published(outside: Outside) -> list[Prediction]:
    return [event for event in outside.got if isinstance(event, Prediction)]


def inference(settings: Settings, train_id: str, url: str, **changes: object) -> InferenceService:
    fields = {"train_id": train_id, "model": url, "deadline_s": PATIENT_S}
    return InferenceService(InferenceParameters(**fields | changes), settings=settings)


def until(happened: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait for a condition that nothing announces."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        meanwhile()
        threading.Event().wait(0.02)


class Frames:
    """Frames that follow each other, each newer than the last."""

    def __init__(self, outside: Outside, train_id: str) -> None:
        self.sent = 0
        self._outside = outside
        self._train_id = train_id

    def send(self, jpeg: bytes = BLANK) -> None:
        self.sent += 1
        self._outside.client.publish(frame(self._train_id, jpeg, sequence=self.sent))


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_its_predictions_are_those_of_a_local_model(
    server: ModelServer, settings: Settings, outside: Outside, train_id: str, way: str
) -> None:
    local = Detector(provider="cpu")
    pictures = [fit_frame(draw_example(seed=9, index=index).image) for index in range(4)]
    jpegs = [encode_jpeg(picture) for picture in pictures]
    expected = [local.detect(decode_jpeg(jpeg)) for jpeg in jpegs]
    frames = Frames(outside, train_id)
    url = server.grpc_url if way == "grpc" else server.http_url
    service = inference(settings, train_id, url)
    with running(service):
        for count, jpeg in enumerate(jpegs, start=1):
            frames.send(jpeg)
            assert outside.wait_for(count)
    got = published(outside)
    assert sum(map(len, expected)) >= 3
    assert [
        [(sign.label, sign.confidence) for sign in prediction.detections] for prediction in got
    ] == [[(sign.label, sign.confidence) for sign in signs] for signs in expected]
    assert {(p.model, p.provider) for p in got} == {(local.info.version, local.info.provider)}
    assert "unanswered" not in service.counters


@pytest.mark.usefixtures("mlserver")
@pytest.mark.parametrize("way", ["grpc", "http"])
def test_while_the_server_is_away_nothing_is_predicted_and_with_it_the_service_is_back(
    settings: Settings, outside: Outside, train_id: str, tmp_path: Path, way: str
) -> None:
    ports = {"http_port": free_port(), "grpc_port": free_port()}
    frames = Frames(outside, train_id)
    with ExitStack() as stack:
        with serving(red_rectangle(tmp_path / "a.onnx", version="1.0.0"), **ports) as server:
            url = server.grpc_url if way == "grpc" else server.http_url
            service = inference(settings, train_id, url)
            stack.enter_context(running(service))
            frames.send()
            assert outside.wait_for(1)
        for missed in (1, 2):
            frames.send()
            until(lambda missed=missed: service.counters.get("unanswered") == missed)
        assert len(published(outside)) == 1
        with serving(red_rectangle(tmp_path / "b.onnx", version="2.0.0"), **ports):
            until(lambda: len(published(outside)) > 1, frames.send)
    got = published(outside)
    assert got[0].frame.sequence == 1
    assert got[1].frame.sequence > 3
    assert [p.model for p in got[:2]] == ["1.0.0", "2.0.0"]


@pytest.mark.usefixtures("mlserver")
@pytest.mark.parametrize("way", ["grpc", "http"])
def test_a_server_that_stands_still_is_not_waited_for(
    settings: Settings, outside: Outside, train_id: str, way: str
) -> None:
    frames = Frames(outside, train_id)
    with serving(http_port=0, grpc_port=0) as server:
        url = server.grpc_url if way == "grpc" else server.http_url
        service = inference(settings, train_id, url, deadline_s=SHORT_S)
        with running(service):
            until(lambda: published(outside), frames.send)
            (program,) = psutil.Process(server.child.pid).children()
            program.suspend()
            missed = service.counters.get("unanswered", 0)
            until(lambda: service.counters.get("unanswered", 0) >= missed + 2, frames.send)
            before = service.counters["predictions"]
            until(lambda: service.counters["unanswered"] >= missed + 3, frames.send)
            assert service.counters["predictions"] == before
            program.resume()
            until(lambda: service.counters["predictions"] > before, frames.send)


@pytest.mark.usefixtures("mlserver")
def test_a_train_whose_model_server_dies_brakes_and_stays_braked(
    settings: Settings, outside: Outside, train_id: str
) -> None:
    parameters = ControlParameters(max_age_ms=5000)
    hub = ScriptedHub()
    states: list[TrainState] = []

    def tell(state: TrainState) -> None:
        states.append(state)
        outside.client.publish(state)

    async def drive() -> None:
        loop = asyncio.get_running_loop()

        def obey(event: Event, received_ns: int) -> None:
            if isinstance(event, Command):
                loop.call_soon_threadsafe(controller.handle, event, received_ns)

        async def come(true: Callable[[], object]) -> None:
            end = loop.time() + PATIENCE_S
            while not true():
                assert loop.time() < end
                frames.send()
                await asyncio.sleep(0.05)

        frames = Frames(outside, train_id)
        async with controller:
            outside.client.subscribe(f"train/{train_id}/command", obey)
            with serving(http_port=0, grpc_port=0) as server:
                service = inference(settings, train_id, server.grpc_url)
                decision = DecisionService(
                    DecisionServiceParameters(train_id=train_id), settings=settings
                )
                with running(service), running(decision):
                    await come(lambda: published(outside))

                    def moved() -> bool:
                        if controller.latched:  # on a busy machine it may be so again and again
                            order = arm(controller).model_copy(update={"train_id": train_id})
                            give(controller, order)
                        return any(state.motion is Motion.CRUISING for state in states)

                    await come(moved)
                    for member in psutil.Process(server.child.pid).children(recursive=True):
                        member.kill()
                    await come(lambda: controller.motion is Motion.STOPPED)
                    at_stop = len(hub.motor)
                    missed = service.counters.get("unanswered", 0)
                    await come(lambda: service.counters.get("unanswered", 0) > missed + 3)
                    assert controller.latched
                    assert controller.motion is Motion.STOPPED
                    assert set(hub.motor[at_stop:]) <= {BRAKE}

    controller = Controller(hub, parameters, train_id=train_id, arm_key=ARM_KEY, on_state=tell)
    asyncio.run(drive())
    assert BRAKE in hub.motor
    assert any("no fresh decision" in state.reason for state in states)

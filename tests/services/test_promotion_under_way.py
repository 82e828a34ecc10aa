"""Promotions while frames stream through a real broker: no frame is lost, none answered twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError
from kit.events import (
    Alive,
    Event,
    Frame,
    FrameStamp,
    Label,
    ModelChange,
    ModelStatus,
    Prediction,
)
from kit.messaging.mqtt import MqttClient
from kit.mlops.registry.announcing import announcing
from kit.mlops.registry.promotion import publish_file
from kit.mlops.registry.store import Promotion, Registry, open_registry
from kit.mlops.registry.trust import SigningKey, make_keys
from kit.services.inference import InferenceParameters, InferenceService
from kit.vision.frames import encode_jpeg
from tests.mlops.registry.variants import slow, without_number, without_number_when_bright
from tests.vision.onnx_models import red_rectangle
from tests.waiting import PATIENCE_S

FPS = 30
Make = Callable[..., Path]


def jpeg(background: int) -> bytes:
    """A grey frame with a red rectangle."""
    picture = np.full((400, 600, 3), background, np.uint8)
    picture[100:180, 200:300] = (0, 0, 255)
    return encode_jpeg(picture)


DARK, BRIGHT = jpeg(20), jpeg(200)


@dataclass
class Line:
    """The train's other end: it films without pause, and keeps what the service says."""

    client: MqttClient
    train_id: str
    picture: bytes = DARK
    sent: list[int] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    changes: list[ModelChange] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _ended: threading.Event = field(default_factory=threading.Event)

    def receive(self, event: Event, _ns: int) -> None:
        with self._changed:
            if isinstance(event, Prediction):
                self.predictions.append(event)
            elif isinstance(event, ModelChange) and event.status is not ModelStatus.PROMOTED:
                self.changes.append(event)
            elif isinstance(event, Alive):
                self.counters = event.counters
            self._changed.notify_all()

    def wait_for(self, happened: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, PATIENCE_S), self.changes

    def wait_for_change(self, status: ModelStatus) -> ModelChange:
        self.wait_for(lambda: any(change.status is status for change in self.changes))
        return next(change for change in self.changes if change.status is status)

    def wait_for_more(self, predictions: int) -> None:
        wanted = len(self.predictions) + predictions
        self.wait_for(lambda: len(self.predictions) >= wanted)

    @contextmanager
    def filming(self) -> Iterator[None]:
        thread = threading.Thread(target=self._film, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(PATIENCE_S)

    def _film(self) -> None:
        sequence = 0
        while not self._ended.wait(1 / FPS):
            stamp = FrameStamp.new(
                sequence=sequence, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
            )
            dropped = self.client.stats.dropped
            self.client.publish(
                Frame(
                    train_id=self.train_id,
                    frame=stamp,
                    encoded_ns=time.monotonic_ns(),
                    image=self.picture,
                )
            )
            if self.client.stats.dropped == dropped:  # it left
                self.sent.append(sequence)
            sequence += 1

    def check(self) -> None:
        """Every frame that was sent was answered once, or dropped for a newer one and counted."""
        answered = [p.frame.sequence for p in self.predictions]
        assert answered == sorted(set(answered))
        assert set(answered) <= set(self.sent)
        assert len(answered) + self.counters["dropped"] == len(self.sent)
        assert self.counters.get("undecodable", 0) == 0
        for prediction in self.predictions:
            assert [d.label for d in prediction.detections] == [Label.DANGER_AHEAD]

    @property
    def versions(self) -> list[str]:
        """Who answered, in the order in which they took turns."""
        told = [p.model for p in self.predictions]
        return [v for n, v in enumerate(told) if n == 0 or told[n - 1] != v]


@dataclass
class Works:
    """Where models are made and promoted."""

    folder: Path
    registry: Registry
    key: SigningKey
    settings: Settings
    train_id: str

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "train_id": self.train_id,
            "model": str(self.folder / "1.onnx"),
            "registry": self.registry.url,
            "swap": {"shadow_frames": 10, "probation_frames": 15, "harmless_ms": 1000.0},
        }

    def promote(self, version: str, make: Make = red_rectangle) -> Promotion:
        """Publish and promote, past the gate, and tell the train."""
        path = make(self.folder / f"{version}.onnx", version=version)
        publish_file(path, self.registry, key=self.key)
        promotion = self.registry.promote(version, by="ada")
        assert self.settings.mqtt_url is not None
        url = self.settings.mqtt_url.get_secret_value()
        with announcing([self.train_id], url=url, settings=self.settings) as announcer:
            announcer.tell(promotion, registry=self.registry.url)
        return promotion

    @contextmanager
    def service(self, line: Line, **changes: Any) -> Iterator[InferenceService]:
        """Run the service in a thread and film, until every frame sent is accounted for."""
        parameters = InferenceParameters.parse(**{**self.parameters, **changes})
        service = InferenceService(parameters, settings=self.settings)
        failures: list[BaseException] = []

        def run() -> None:
            try:
                service.run()
            except BaseException as error:  # noqa: BLE001  # told below, in the test's own thread
                failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert service.ready.wait(PATIENCE_S), failures
        try:
            with line.filming():
                line.wait_for_more(3)
                yield service
            line.client.flush(PATIENCE_S)
            line.wait_for(
                lambda: len(line.predictions) + service.counters["dropped"] == len(line.sent)
            )
        finally:
            service.stop()
            thread.join(PATIENCE_S)
        assert failures == []
        line.counters = dict(service.counters)


@pytest.fixture
def works(tmp_path: Path, mqtt_url: str, train_id: str) -> Works:
    key = make_keys(tmp_path / "keys")
    settings = Settings(mqtt_url=SecretStr(mqtt_url), keys_dir=tmp_path / "keys")
    registry = open_registry(f"file://{tmp_path / 'registry'}", settings=settings)
    red_rectangle(tmp_path / "1.onnx", version="1")
    return Works(tmp_path, registry, key, settings, train_id)


@pytest.fixture
def line(mqtt_url: str, train_id: str) -> Iterator[Line]:
    with MqttClient(mqtt_url, service="line", train_id=train_id) as client:
        line = Line(client, train_id)
        for topic in ("prediction", "model", "alive/inference"):
            client.subscribe(f"train/{train_id}/{topic}", line.receive)
        yield line


def test_a_promoted_model_takes_over_without_a_frame_lost(works: Works, line: Line) -> None:
    with works.service(line):
        promotion = works.promote("2")
        change = line.wait_for_change(ModelStatus.RUNNING)
        line.wait_for_more(30)
    line.check()
    assert line.versions == ["1", "2"]
    assert (change.model, change.sha256, change.previous) == ("2", promotion.sha256, "1")
    assert change.registry == works.registry.url
    assert line.counters["models_taken"] == 1
    assert [c.status for c in line.changes] == [ModelStatus.RUNNING]


@pytest.mark.parametrize(
    ("make", "rules", "reason"),
    [
        (without_number, {}, "not a number"),
        (slow, {"harmless_ms": 0.0, "shadow_latency_ratio": 2.0}, "ms a frame"),
    ],
    ids=["answers nothing", "far slower"],
)
def test_a_bad_model_is_refused_and_the_one_in_use_goes_on(
    works: Works, line: Line, make: Make, rules: dict[str, float], reason: str
) -> None:
    with works.service(line, swap={"shadow_frames": 10, **rules}):
        works.promote("2", make)
        change = line.wait_for_change(ModelStatus.REFUSED)
        line.wait_for_more(20)
    line.check()
    assert line.versions == ["1"]
    assert (change.model, change.previous) == ("2", "1")
    assert reason in change.reason


def test_a_model_that_turns_bad_is_rolled_back_and_no_frame_waits_for_it(
    works: Works, line: Line
) -> None:
    swap = {"shadow_frames": 10, "probation_frames": 10_000, "harmless_ms": 1000.0}
    with works.service(line, swap=swap):
        works.promote("2", without_number_when_bright)
        line.wait_for_change(ModelStatus.RUNNING)
        line.wait_for_more(10)
        line.picture = BRIGHT
        change = line.wait_for_change(ModelStatus.ROLLED_BACK)
        line.wait_for_more(20)
    line.check()
    assert line.versions == ["1", "2", "1"]
    assert (change.model, change.previous) == ("2", "1")
    assert "not a number" in change.reason


def test_what_a_stranger_signed_is_refused(works: Works, line: Line, tmp_path: Path) -> None:
    with works.service(line):
        works.key = make_keys(tmp_path / "stranger")
        publish_file(red_rectangle(tmp_path / "2.onnx", version="2"), works.registry, key=works.key)
        works.registry.trusted = _trusting_both(works.registry, tmp_path)
        works.promote("2")
        change = line.wait_for_change(ModelStatus.REFUSED)
        line.wait_for_more(5)
    line.check()
    assert line.versions == ["1"]
    assert "not trusted" in change.reason


@pytest.mark.parametrize("harvest", ["", "harvest"], ids=["plain", "with a harvest"])
def test_each_model_counts_by_its_own_threshold(
    works: Works, line: Line, tmp_path: Path, harvest: str
) -> None:
    """The first model does not believe its own score of 0.875, the second one does."""
    red_rectangle(tmp_path / "1.onnx", version="1", threshold=0.9)
    with works.service(line, harvest=str(tmp_path / harvest) if harvest else ""):
        works.promote("2")
        line.wait_for_change(ModelStatus.RUNNING)
        line.wait_for_more(5)
    assert {(p.model, len(p.detections)) for p in line.predictions} == {("1", 0), ("2", 1)}


def test_a_train_that_comes_later_starts_with_the_promoted_model(works: Works, line: Line) -> None:
    works.promote("2")
    with works.service(line):
        line.wait_for_change(ModelStatus.RUNNING)
        line.wait_for_more(30)
    line.check()
    assert line.versions == ["2"]


def test_who_comes_later_still_learns_which_model_runs(
    works: Works, line: Line, mqtt_url: str
) -> None:
    with works.service(line):
        works.promote("2")
        line.wait_for_change(ModelStatus.RUNNING)
    retained: list[Event] = []
    arrived = threading.Event()

    def receive(event: Event, _ns: int) -> None:
        retained.append(event)
        arrived.set()

    with MqttClient(mqtt_url, service="late", train_id=works.train_id) as late:
        late.subscribe(f"train/{works.train_id}/model", receive)
        assert arrived.wait(PATIENCE_S)
    (event,) = retained
    assert isinstance(event, ModelChange)
    assert (event.status, event.model) == (ModelStatus.RUNNING, "2")


def test_the_service_as_a_process_swaps_as_well(works: Works, line: Line) -> None:
    with ExitStack() as stack:
        child = stack.enter_context(
            Child.module(
                "kit.services",
                "inference",
                "--parameters",
                json.dumps(works.parameters),
                name="inference",
                env=works.settings.environment(),
            )
        )
        child.ready(timeout_s=PATIENCE_S)
        with line.filming():
            line.wait_for_more(3)
            works.promote("2")
            line.wait_for_change(ModelStatus.RUNNING)
            line.wait_for_more(30)
        line.client.flush(PATIENCE_S)
        line.wait_for(
            lambda: len(line.predictions) + line.counters.get("dropped", 0) == len(line.sent)
        )
    line.check()
    assert line.versions == ["1", "2"]


def test_a_model_server_and_a_registry_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="not both"):
        InferenceParameters.parse(model="grpc://127.0.0.1:8091/signs", registry="runs/registry")


def test_without_a_registry_promotions_are_not_listened_to(works: Works, line: Line) -> None:
    with works.service(line, registry=""):
        works.promote("2")
        line.wait_for_more(20)
    line.check()
    assert (line.versions, line.changes) == (["1"], [])


def _trusting_both(registry: Registry, folder: Path) -> Any:
    """Let the test's own hand believe the stranger; the service does not."""
    from kit.mlops.registry.trust import load_trusted

    for path in (folder / "keys" / "trusted").iterdir():
        (folder / "stranger" / "trusted" / path.name).write_bytes(path.read_bytes())
    return load_trusted(folder / "stranger")

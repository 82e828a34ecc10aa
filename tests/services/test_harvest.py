"""Harvesting beside the live frames: what lands in the folder, and that nothing waits for it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.events import Event, Frame, FrameStamp, Prediction
from kit.messaging.mqtt import MqttClient
from kit.services.harvest import AttentiveDetector, Harvester, HarvestRules
from kit.services.inference import InferenceParameters, InferenceService
from kit.sim.renderer import Renderer
from kit.sim.scenario import load_scenario
from kit.sim.world import World, WorldState
from kit.vision.detector import Detector
from kit.vision.frames import encode_jpeg
from kit.watching.doubt import LEAST_CONFIDENCE, DoubtRules, Reason
from kit.watching.drift import Reference
from kit.watching.granary import Granary, Outcome
from kit.watching.harvest import REFERENCE, picture_path, read_harvest
from tests.waiting import PATIENCE_S, wait_until
from tests.watching import make


class Scripted:
    """A detector that sees what a script says, picture after picture."""

    def __init__(self, *script):
        self.script = list(script)
        self.info = Detector().info

    confidence = LEAST_CONFIDENCE

    def detect(self, _image):
        return self.script.pop(0)

    def close(self):
        self.script.clear()


def harvest(folder, *script, rules=None, frames=None):
    """Offer frames one by one, each when the one before was judged, and return the harvester."""
    detector = AttentiveDetector(Scripted(*script), confidence=0.5)
    with Harvester(folder, rules=rules) as harvester:
        for index, _ in enumerate(script):
            frame = make.frame(index) if frames is None else frames[index]
            image = make.picture(index)
            detector.detect(image)
            harvester.offer(frame, image, by=detector)
            wait_until(harvester._waiting.empty)
    return harvester


SURE, UNSURE, WEAK = (make.sign(confidence=c) for c in (0.95, 0.52, 0.41))


def test_a_sign_missed_between_two_frames_is_kept_with_the_bytes_that_came(tmp_path):
    frames = [make.frame(index) for index in range(3)]
    harvest(tmp_path, (SURE,), (), (SURE,), frames=frames)
    (entry,) = read_harvest(tmp_path)
    assert entry.frame == frames[1].frame
    assert entry.reasons == (Reason.MISSED,)
    assert entry.model == Detector().info.version
    assert picture_path(tmp_path, entry).read_bytes() == frames[1].image


def test_the_last_frame_is_judged_too(tmp_path):
    harvest(tmp_path, (), (UNSURE,))
    assert [entry.frame.sequence for entry in read_harvest(tmp_path)] == [1]


def test_a_weak_detection_is_doubted_though_nobody_is_told_of_it(tmp_path):
    detector = AttentiveDetector(Scripted((SURE, WEAK)), confidence=0.5)
    assert detector.detect(make.picture(0)) == (SURE,)
    assert detector.all == (SURE, WEAK)
    harvest(tmp_path, (WEAK,))
    (entry,) = read_harvest(tmp_path)
    assert entry.detections == (WEAK,)
    assert entry.seen == ()


def test_sure_frames_leave_nothing_but_the_samples_asked_for(tmp_path):
    rules = HarvestRules(sample_every=4)
    harvester = harvest(tmp_path, *[(SURE,)] * 9, rules=rules)
    entries = read_harvest(tmp_path)
    assert [(e.frame.sequence, e.reasons) for e in entries] == [
        (3, (Reason.SAMPLE,)),
        (7, (Reason.SAMPLE,)),
    ]
    assert harvester.counters["doubtful"] == 0


def test_the_same_frames_leave_the_same_harvest(tmp_path):
    script = [(SURE,), (UNSURE,), (), (SURE,), (WEAK, SURE), (make.sign(300),)] * 3
    frames = [make.frame(index) for index in range(len(script))]
    rules = HarvestRules(pictures=4)
    for name in ("one", "two"):
        harvest(tmp_path / name, *script, rules=rules, frames=frames)
    one, two = (read_harvest(tmp_path / name) for name in ("one", "two"))
    assert one == two
    assert len(one) == 4


def test_the_first_frames_make_the_reference_and_a_darker_room_drifts(tmp_path):
    rules = HarvestRules(drift_window=30)
    detector = AttentiveDetector(Scripted(*[(SURE,)] * 90), confidence=0.5)
    with Harvester(tmp_path, rules=rules) as harvester:
        for index in range(90):
            image = make.picture(index)
            image = image if index < 45 else (image * 0.3).astype(np.uint8)
            detector.detect(image)
            harvester.offer(make.frame(index, image), image, by=detector)
            wait_until(harvester._waiting.empty)
    assert Reference.load(tmp_path / REFERENCE).frames == 30
    metrics = harvester.metrics()
    assert metrics["drift_brightness"] > 1
    assert metrics["drift_detections"] < 0.1
    assert metrics["harvest_judged"] == 90
    assert str(harvester.numbers()["drift"]).startswith("changed")


def test_a_reference_that_is_there_is_used_and_a_damaged_one_is_made_anew(tmp_path):
    rules = HarvestRules(drift_window=30)
    harvest(tmp_path, *[(SURE,)] * 31, rules=rules)
    made = Reference.load(tmp_path / REFERENCE)
    harvest(tmp_path, *[()] * 31, rules=rules)
    assert Reference.load(tmp_path / REFERENCE) == made
    (tmp_path / REFERENCE).write_text("torn")
    harvester = harvest(tmp_path, *[()] * 31, rules=rules)
    assert harvester.counters["failed"] == 1
    assert Reference.load(tmp_path / REFERENCE) != made


def test_frames_are_passed_over_and_counted_when_the_disk_is_slow(tmp_path, monkeypatch):
    writing, may_go_on = threading.Event(), threading.Event()

    def slow(_self, _entry, _jpeg):
        writing.set()
        assert may_go_on.wait(PATIENCE_S)
        return Outcome.KEPT

    monkeypatch.setattr(Granary, "keep", slow)
    detector = AttentiveDetector(Scripted(*[(UNSURE,)] * 20), confidence=0.5)
    with Harvester(tmp_path) as harvester:
        for index in range(2):
            detector.detect(make.picture(index))
            harvester.offer(make.frame(index), make.picture(index), by=detector)
        assert writing.wait(PATIENCE_S)
        for index in range(2, 20):  # returns at once, or this test would never end
            detector.detect(make.picture(index))
            harvester.offer(make.frame(index), make.picture(index), by=detector)
        assert harvester.counters["dropped"] >= 16
        may_go_on.set()
    counters = harvester.counters
    assert counters["judged"] + counters["dropped"] == 20


def test_an_unwritable_folder_is_counted_and_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    harvester = harvest(tmp_path / "file" / "harvest", (UNSURE,), (UNSURE,))
    assert harvester.counters["failed"] == 2
    assert "file" in harvester.trouble
    assert harvester.numbers()["harvest"] == harvester.trouble


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr("kit.services.harvest.STOP_TIMEOUT_S", PATIENCE_S)


@pytest.fixture(scope="module")
def stream():
    """Twenty frames of a train that comes near a sign, as JPEG."""
    renderer = Renderer(load_scenario("standard"), seed=3)
    still = vars(World(renderer.scenario).state)
    places = np.linspace(2.0, 2.4, 20)
    return [
        encode_jpeg(renderer.render(WorldState(**{**still, "position_m": float(x)}))[0])
        for x in places
    ]


def test_what_is_said_is_the_same_with_a_harvest_and_without(stream):
    from kit.vision.frames import decode_jpeg

    plain = Detector(confidence=0.5)
    attentive = AttentiveDetector(Detector(confidence=LEAST_CONFIDENCE), confidence=0.5)
    for jpeg in stream:
        image = decode_jpeg(jpeg)
        assert attentive.detect(image) == plain.detect(image)
    assert attentive.info == plain.info
    assert attentive.confidence == plain.confidence


@pytest.fixture
def settings(mqtt_url: str) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url))


def infer(settings: Settings, train_id: str, stream: list[bytes], harvest: Path):
    """Send a stream to an inference service, each frame when the one before was answered."""
    rules = HarvestRules(doubt=DoubtRules(band=0.5, min_side_px=0))
    parameters = InferenceParameters(
        train_id=train_id, harvest=str(harvest), harvest_rules=rules, confidence=0.5
    )
    service = InferenceService(parameters, settings=settings)
    got: list[Prediction] = []
    answered = threading.Semaphore(0)

    def receive(event: Event, _ns: int) -> None:
        if isinstance(event, Prediction):
            got.append(event)
            answered.release()

    url = settings.mqtt_url.get_secret_value()
    with MqttClient(url, service="outside", train_id=train_id) as client:
        client.subscribe(f"train/{train_id}/prediction", receive)
        thread = threading.Thread(target=service.run, daemon=True)
        thread.start()
        assert service.ready.wait(PATIENCE_S)
        try:
            for sequence, jpeg in enumerate(stream):
                client.publish(frame(train_id, jpeg, sequence))
                assert answered.acquire(timeout=PATIENCE_S)
                wait_until(service._harvester._waiting.empty)
            numbers = service.numbers()
        finally:
            service.stop()
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
    return got, service, numbers


def frame(train_id: str, jpeg: bytes, sequence: int) -> Frame:
    stamp = FrameStamp.new(
        sequence=sequence, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
    )
    return Frame(train_id=train_id, frame=stamp, encoded_ns=time.monotonic_ns(), image=jpeg)


def test_doubtful_frames_of_a_stream_land_in_the_folder(settings, train_id, stream, tmp_path):
    got, service, numbers = infer(settings, train_id, stream, tmp_path)
    assert [p.frame.sequence for p in got] == list(range(len(stream)))
    entries = read_harvest(tmp_path)
    assert entries
    by_id = {p.frame.frame_id: p for p in got}
    for entry in entries:
        sequence = by_id[entry.name].frame.sequence
        assert entry.seen == by_id[entry.name].detections
        assert picture_path(tmp_path, entry).read_bytes() == stream[sequence]
        assert entry.train_id == train_id
    assert service._harvester.counters["judged"] == len(stream)
    assert {"doubtful", "harvest", "drift"} <= set(numbers)


def test_an_unwritable_folder_costs_no_prediction(settings, train_id, stream, tmp_path):
    (tmp_path / "file").write_text("in the way")
    got, service, _ = infer(settings, train_id, stream, tmp_path / "file" / "harvest")
    assert [p.frame.sequence for p in got] == list(range(len(stream)))
    assert service._harvester.counters["failed"] > 0
    assert service.counters["predictions"] == len(stream)


def test_without_a_folder_nothing_is_kept(settings, train_id, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    service = InferenceService(
        InferenceParameters(train_id=train_id, seconds=0.2), settings=settings
    )
    service.run()
    assert service._harvester is None
    assert list(tmp_path.iterdir()) == []

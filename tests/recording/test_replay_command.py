"""``kit replay`` through real brokers: what listens sees it as live."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.console.trains import TrainView
from kit.errors import ConfigError
from kit.events import Alive, Event, Frame, Prediction
from kit.messaging.kafka import KafkaSource
from kit.messaging.mqtt import MqttClient
from kit.recording.commands import replay
from kit.recording.player import Player
from kit.recording.reader import Recording
from kit.services.inference import InferenceParameters, InferenceService
from tests.recording.made import all_events, write
from tests.waiting import PATIENCE_S

FRAMES = 30


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of three seconds, with a service that is online until its end."""
    return write(tmp_path_factory.mktemp("recorded") / "run.mcap", all_events(FRAMES))


@pytest.fixture
def replay_id() -> str:
    return f"replay-{uuid4().hex[:12]}"


@pytest.fixture
def environment(mqtt_url: str, kafka_bootstrap: str) -> dict[str, str]:
    return {**os.environ, "KIT_MQTT_URL": mqtt_url, "KIT_KAFKA_BOOTSTRAP": kafka_bootstrap}


def command(recorded: Path, replay_id: str, *more: str) -> list[str]:
    kit = [sys.executable, "-m", "kit", "replay", str(recorded), "--no-console", "--json"]
    return [*kit, "--train-id", replay_id, *more]


class Listener:
    """Another program on the same MQTT broker."""

    def __init__(self) -> None:
        self.got: list[Event] = []
        self.changed = threading.Condition()

    def receive(self, event: Event, _received_ns: int) -> None:
        with self.changed:
            self.got.append(event)
            self.changed.notify_all()

    def frames(self) -> int:
        return sum(isinstance(event, Frame) for event in self.got)


@pytest.fixture
def listener(mqtt_url: str, replay_id: str) -> Iterator[Listener]:
    it = Listener()
    with MqttClient(mqtt_url, service="listener", train_id=replay_id) as client:
        client.subscribe(f"train/{replay_id}/#", it.receive)
        yield it


def live_signs(view: TrainView, *, now_ns: int) -> set[str]:
    """What of a train that is there a console would show at a moment."""
    status, picture = view.status(now_ns=now_ns), view.picture(now_ns=now_ns)
    lights = {light["name"]: light["light"] for light in status["services"]}
    shown = {
        "frames of this machine": status["latency_ms"] is not None,
        "it drives": status["state"] is not None and status["state"]["motion"] == "cruising",
        "capture is there": lights["capture"] == "online",
        "a picture with its boxes": picture is not None and picture.prediction is not None,
    }
    return {name for name, is_shown in shown.items() if is_shown}


def test_a_console_sees_the_recording_as_live(
    recorded: Path, replay_id: str, environment: dict[str, str], kafka_bootstrap: str
) -> None:
    view = TrainView(replay_id)
    seen: set[str] = set()
    with (
        KafkaSource(kafka_bootstrap, settings=Settings(kafka_bootstrap=kafka_bootstrap)) as source,
        subprocess.Popen(
            command(recorded, replay_id), env=environment, stdout=subprocess.PIPE, text=True
        ) as child,
    ):
        deadline = time.monotonic() + PATIENCE_S
        while len(seen) < 4 and time.monotonic() < deadline:
            item = source.poll(0.2)
            if item is None or item[0].train_id != replay_id:
                continue
            event, received_ns = item
            view.observe(event, received_ns=received_ns, received_s=time.time())
            seen |= live_signs(view, now_ns=received_ns)
        output, _ = child.communicate(timeout=PATIENCE_S)
    assert seen == {
        "frames of this machine",
        "it drives",
        "capture is there",
        "a picture with its boxes",
    }
    assert child.returncode == 0
    result = json.loads(output.splitlines()[-1])
    assert result["events"]["frame"] == FRAMES
    assert result["damage"] == []


def test_programs_on_mqtt_get_it_too_and_ctrl_c_ends_a_loop_well(
    recorded: Path, replay_id: str, environment: dict[str, str], listener: Listener
) -> None:
    more = ("--loop", "--speed", "10", "--no-kafka", "--only", "frame", "--only", "alive")
    with subprocess.Popen(
        command(recorded, replay_id, *more), env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        with listener.changed:
            assert listener.changed.wait_for(lambda: listener.frames() > FRAMES, PATIENCE_S)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0
    assert json.loads(output.splitlines()[-1])["loops"] >= 1
    last = {e.service: e.status for e in listener.got if isinstance(e, Alive)}
    with listener.changed:
        assert listener.changed.wait_for(
            lambda: (
                {e.service: e.status for e in listener.got if isinstance(e, Alive)}
                == {"capture": "offline", "replay": "offline", "listener": "online"}
            ),
            PATIENCE_S,
        ), last
    assert {event.kind for event in listener.got} == {"frame", "alive"}


def test_the_model_looks_at_the_played_frames_as_at_any_others(
    recorded: Path, replay_id: str, mqtt_url: str, listener: Listener
) -> None:
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    service = InferenceService(InferenceParameters(train_id=replay_id), settings=settings)
    worker = threading.Thread(target=service.run, daemon=True)
    worker.start()
    assert service.ready.wait(PATIENCE_S)
    player = Player(Recording(recorded), train_id=replay_id, kinds=["frame"])
    played: set[str] = set()
    with MqttClient(mqtt_url, service="replay", train_id=replay_id) as client:

        def publish(event: Event) -> None:
            assert isinstance(event, Frame)
            played.add(event.frame.frame_id)
            client.publish(event)

        player.play(publish)
    with listener.changed:
        assert listener.changed.wait_for(
            lambda: any(isinstance(event, Prediction) for event in listener.got), PATIENCE_S
        )
    service.stop()
    worker.join(PATIENCE_S)
    seen = {event.frame.frame_id for event in listener.got if isinstance(event, Prediction)}
    assert seen <= played


def test_what_cannot_be_played_ends_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no such recording"):
        replay(tmp_path / "nothing.mcap")


def test_the_name_of_a_train_that_may_be_driven_is_refused(recorded: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be played as this train"):
        replay(recorded, train_id="train-1")

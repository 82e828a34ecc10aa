"""A test stand: the real services in processes of their own, a real broker, the virtual set."""

from __future__ import annotations

import json
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from kit.bench.wire_log import WireLog
from kit.child import Child
from kit.config import Settings
from kit.errors import MissionError
from kit.messaging.brokers import embedded_kafka, embedded_mqtt
from kit.messaging.mqtt import Handler, MqttClient
from kit.services.operator import Operator

TRAIN_ID = "bench"
"""Which train the bench drives."""

START_TIMEOUT_S = 60.0
"""How long one program may take to start, seconds."""

_FPS = 10.0


@dataclass(frozen=True)
class Stand:
    """What runs.

    Attributes:
        settings: The brokers and the arm key.
        operator: Arms and stops the train, and knows its state.
        log: What the hub got.
        pids: Process of each part: ``broker``, ``camera``, ``hub``, the services, and ``kafka``
            if there is one.
    """

    settings: Settings
    operator: Operator
    log: WireLog
    pids: Mapping[str, int]


@dataclass(frozen=True)
class Ground:
    """What any arrangement of services stands on: brokers of its own and the virtual set.

    Attributes:
        settings: The brokers and an arm key.
        folder: For logs and notes; gone at the end.
        camera: Address of the virtual set's camera.
        hub: Address of its hub.
        truth: File in which the virtual set notes what the hub got.
        pids: Process of ``broker``, ``camera``, ``hub``, and ``kafka`` if there is one.
    """

    settings: Settings
    folder: Path
    camera: str
    hub: str
    truth: Path
    pids: Mapping[str, int]


@contextmanager
def ground(*, fps: float = _FPS, kafka: bool = False) -> Iterator[Ground]:
    """Start the brokers and the virtual set.

    Args:
        fps: Pictures a second of the virtual camera.
        kafka: Whether there is a Kafka broker, too.

    Yields:
        The ground; no service runs on it yet.

    Raises:
        KitError: If something does not start.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kit-bench-")))
        broker = stack.enter_context(embedded_mqtt(log=folder / "broker.log"))
        key = SecretStr(secrets.token_hex(16))
        settings = Settings(mqtt_url=SecretStr(broker.url), arm_key=key, spool_dir=folder)
        pids = {"broker": broker.pid}
        if kafka:
            far = stack.enter_context(embedded_kafka(log=folder / "kafka.log"))
            settings = settings.model_copy(update={"kafka_bootstrap": far.bootstrap})
            pids["kafka"] = far.pid
        truth = folder / "truth.jsonl"
        arguments = ("--scenario", "endless", "--fps", f"{fps:g}", "--truth", str(truth))
        virtual_set = stack.enter_context(
            Child.module("kit.sim", *arguments, name="virtual set", log=folder / "sim.log")
        )
        facts = virtual_set.ready(timeout_s=START_TIMEOUT_S)
        pids |= {"hub": virtual_set.pid, "camera": _only_child(virtual_set.pid)}
        yield Ground(settings, folder, facts["camera"], facts["hub"], truth, pids)


@contextmanager
def stand(
    services: Sequence[str],
    *,
    control: Mapping[str, Any] | None = None,
    streaming: Mapping[str, Any] | None = None,
    fps: float = _FPS,
    kafka: bool | str = False,
    on_event: Handler | None = None,
) -> Iterator[Stand]:
    """Start the virtual set, a broker, the control service and others.

    Args:
        services: Which others, in the order of the flow.
        control: Parameters of the control service besides train and hub.
        streaming: Parameters of the streaming service besides the train.
        fps: Frames a second.
        kafka: Whether there is a Kafka broker, too; or ``host:port`` of one that runs.
        on_event: Called with all that the train says on MQTT; listens before any service does.

    Yields:
        The stand; the train stands and is latched.

    Raises:
        KitError: If something does not start.
    """
    with ground(fps=fps, kafka=kafka is True) as on, ExitStack() as stack:
        pids = dict(on.pids)
        settings = on.settings
        if isinstance(kafka, str):
            settings = settings.model_copy(update={"kafka_bootstrap": kafka})
        if on_event is not None:
            assert settings.mqtt_url is not None
            url = settings.mqtt_url.get_secret_value()
            client = MqttClient(url, service="bench", train_id=TRAIN_ID)
            stack.enter_context(client)
            client.subscribe(f"train/{TRAIN_ID}/#", on_event)
        parameters: dict[str, dict[str, Any]] = {
            "capture": {"source": on.camera, "fps": fps},
            "control": {"hub": on.hub, **(control or {})},
            "streaming": {**(streaming or {})},
        }
        for name in (*services, "control"):
            values = {"train_id": TRAIN_ID, **parameters.get(name, {})}
            child = Child.module(
                "kit.services",
                name,
                "--parameters",
                json.dumps(values),
                name=name,
                env=settings.environment(),
                log=on.folder / f"{name}.log",
            )
            stack.enter_context(child)
            child.ready(timeout_s=START_TIMEOUT_S)
            pids[name] = child.pid
        operator = stack.enter_context(Operator(train_id=TRAIN_ID, settings=settings))
        operator.wait_for_standing(timeout_s=START_TIMEOUT_S)
        yield Stand(settings, operator, WireLog(on.truth), pids)


@contextmanager
def silenced(pid: int) -> Iterator[None]:
    """Have a process say and do nothing for as long as the block lasts.

    Args:
        pid: The process.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _only_child(pid: int) -> int:
    children = psutil.Process(pid).children()
    if len(children) != 1:
        raise MissionError(
            "The virtual set's camera was not found",
            expected="one child process of the virtual set",
            got=f"{len(children)} of them",
        )
    return int(children[0].pid)

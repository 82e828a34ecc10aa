"""What all faults share: brokers that can be killed, the virtual set, a console, observers."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import SecretStr

from kit.chaos.ear import Ear
from kit.chaos.intruder import Intruder
from kit.chaos.witness import Witness
from kit.child import Child
from kit.config import Settings
from kit.messaging.brokers import embedded_kafka, embedded_mqtt
from kit.messaging.mqtt import MqttClient
from kit.messaging.tansu_broker import KafkaBroker
from kit.services.operator import Operator
from kit.sim.mishap_desk import MishapDesk

SCENARIO = "endless"
"""A loop in which nothing ever asks for a stop."""

FPS = 10.0
"""Frames a second."""

START_TIMEOUT_S = 90.0
"""How long the virtual set may take to start, seconds."""


class BrokerProcess:
    """An embedded MQTT broker that comes back at the same address after it was killed."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._broker = self._stack.enter_context(embedded_mqtt())

    @property
    def url(self) -> str:
        """Where it is, with its password."""
        return self._broker.url

    @property
    def pid(self) -> int:
        """Its process."""
        return self._broker.pid

    def kill(self) -> None:
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)

    def restart(self) -> None:
        """Let another one take its place."""
        url = self.url
        self._stack.close()
        self._broker = self._stack.enter_context(embedded_mqtt(url=url))

    def stop(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
        self._stack.close()


@dataclass(frozen=True)
class Ground:
    """What runs beside the services.

    Attributes:
        settings: With both brokers and an arm key.
        folder: For logs and the set's notes.
        broker: MQTT.
        kafka: Kafka.
        camera: What the capture service looks through.
        hub: What the control service connects to.
        desk: Where mishaps are asked for.
        console: The console's process.
        witness: Sees the train.
        ear: Hears the services.
        operator: Holds the arm key.
        intruder: Has the broker's password, and no key.
    """

    settings: Settings
    folder: Path
    broker: BrokerProcess
    kafka: KafkaBroker
    camera: str
    hub: str
    desk: MishapDesk
    console: Child
    witness: Witness
    ear: Ear
    operator: Operator
    intruder: Intruder

    def kafka_processes(self) -> list[psutil.Process]:
        """Return the processes of Kafka itself, without its keeper."""
        return psutil.Process(self.kafka.pid).children(recursive=True)


@contextmanager
def open_ground(folder: Path) -> Iterator[Ground]:
    """Start everything but the services.

    Args:
        folder: For logs and the set's notes.

    Raises:
        KitError: If something does not start.
    """
    with ExitStack() as stack:
        broker = BrokerProcess()
        stack.callback(broker.stop)
        kafka = stack.enter_context(embedded_kafka(log=folder / "kafka.log"))
        settings = Settings(
            mqtt_url=SecretStr(broker.url),
            kafka_bootstrap=kafka.bootstrap,
            arm_key=SecretStr(secrets.token_hex(16)),
            runs_dir=folder,
            spool_dir=folder,
        )
        truth = folder / "truth.jsonl"
        virtual_set = stack.enter_context(_virtual_set(truth, folder / "sim.log"))
        facts = virtual_set.ready(timeout_s=START_TIMEOUT_S)
        console = stack.enter_context(_console(settings, folder / "console.log"))
        console.ready(timeout_s=START_TIMEOUT_S)
        ear = Ear()
        client = stack.enter_context(
            MqttClient(broker.url, service="chaos", train_id=settings.train_id)
        )
        client.subscribe(f"train/{settings.train_id}/#", ear.receive)
        yield Ground(
            settings=settings,
            folder=folder,
            broker=broker,
            kafka=kafka,
            camera=facts["camera"],
            hub=facts["hub"],
            desk=stack.enter_context(MishapDesk(facts["mishaps"])),
            console=console,
            witness=stack.enter_context(Witness(truth)),
            ear=ear,
            operator=stack.enter_context(Operator(train_id=settings.train_id, settings=settings)),
            intruder=stack.enter_context(Intruder(broker.url, train_id=settings.train_id)),
        )


def _virtual_set(truth: Path, log: Path) -> Child:
    return Child.module(
        *("kit.sim", "--scenario", SCENARIO, "--seed", "1", "--fps", f"{FPS:g}"),
        *("--truth", str(truth), "--mishaps"),
        name="virtual set",
        log=log,
    )


def _console(settings: Settings, log: Path) -> Child:
    return Child.module(
        "kit.console", "--port", "0", name="console", env=settings.environment(), log=log
    )

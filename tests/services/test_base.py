"""How every service starts, ends, tells of itself and fails."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.errors import BrokerError, CameraError, ConfigError
from kit.events import Alive
from kit.messaging.mqtt import MqttClient
from kit.services.base import Service, ServiceParameters, Snapshot
from kit.services.catalogue import SERVICES, service_class
from tests.waiting import PATIENCE_S


class Counting(Service[ServiceParameters]):
    """A service that counts its steps, and fails at one if asked to."""

    name: ClassVar[str] = "counting"
    parameters_type: ClassVar[type[ServiceParameters]] = ServiceParameters
    fails_at: int | None = None
    cannot_open = False
    closed = False

    @contextmanager
    def working(self) -> Iterator[None]:
        if self.cannot_open:
            raise CameraError("There is no camera")
        try:
            yield
        finally:
            self.closed = True

    def loop(self) -> None:
        for _ in range(self.fails_at or 1):  # so many at least, however late this thread comes
            self.step()
        super().loop()

    def step(self) -> None:
        self.count("steps")
        if self.counters["steps"] == self.fails_at:
            raise CameraError("The camera went away")
        self._ended.wait(0.001)


@pytest.fixture
def settings(mqtt_url: str) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url))


@pytest.fixture
def service(settings: Settings, train_id: str) -> Counting:
    return Counting(ServiceParameters(train_id=train_id, seconds=0.2), settings=settings)


@contextmanager
def watching(service: Counting, status: str) -> Iterator[tuple[threading.Event, list[Alive]]]:
    """Collect a service's signs of life from another client."""
    seen: list[Alive] = []
    arrived = threading.Event()

    def receive(event: object, _ns: int) -> None:
        if isinstance(event, Alive) and event.service == service.name:
            seen.append(event)
            if event.status == status:
                arrived.set()

    train = service.parameters.train_id
    url = service.settings.mqtt_url
    assert url is not None
    with MqttClient(url.get_secret_value(), service="watcher", train_id=train) as client:
        client.subscribe(f"train/{train}/alive/{service.name}", receive)
        yield arrived, seen


def test_it_ends_after_its_seconds_and_says_what_it_counted(service: Counting) -> None:
    summary = service.run()
    assert summary.ended_by == "seconds"
    assert summary.elapsed_s >= 0.2
    assert summary.counters["steps"] > 0
    assert service.closed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(
    settings: Settings, train_id: str, number: signal.Signals
) -> None:
    service = Counting(ServiceParameters(train_id=train_id), settings=settings)
    summary = service.run(once_ready=lambda: os.kill(os.getpid(), number))
    assert summary.ended_by == "signal"
    assert service.closed


def test_the_signal_handlers_of_before_are_back_afterwards(service: Counting) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    service.run()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_it_is_seen_online_with_its_counters_and_offline_with_the_cause(
    service: Counting,
) -> None:
    with watching(service, "offline") as (gone, seen):
        summary = service.run()
        assert gone.wait(PATIENCE_S)
    assert [alive.status for alive in seen][-2:] == ["online", "offline"]
    assert {alive.pid for alive in seen} == {os.getpid()}
    assert seen[-1].counters["steps"] == summary.counters["steps"]
    assert seen[-1].detail == "ended by seconds"


def test_a_failure_of_the_work_is_raised_and_told(service: Counting) -> None:
    service.fails_at = 3
    with watching(service, "offline") as (gone, seen):
        with pytest.raises(CameraError, match="went away"):
            service.run()
        assert gone.wait(PATIENCE_S)
    assert "went away" in seen[-1].detail
    assert service.closed


def test_what_cannot_be_opened_is_raised_and_told(service: Counting) -> None:
    service.cannot_open = True
    with watching(service, "offline") as (gone, seen):
        with pytest.raises(CameraError, match="no camera"):
            service.run()
        assert gone.wait(PATIENCE_S)
    assert "no camera" in seen[-1].detail


def test_it_shows_itself_while_it_runs_and_at_the_end(service: Counting) -> None:
    shown: list[Snapshot] = []
    summary = service.run(show=shown.append)
    assert shown[-1].numbers["steps"] == summary.counters["steps"]


def test_without_a_broker_it_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="KIT_MQTT_URL"):
        Counting(ServiceParameters(), settings=Settings())


def test_a_broker_that_is_not_there_is_named_without_its_password(train_id: str) -> None:
    settings = Settings(mqtt_url=SecretStr("mqtt://user:secret@127.0.0.1:9"))
    service = Counting(ServiceParameters(train_id=train_id), settings=settings)
    service.client.start = lambda: MqttClient.start(service.client, timeout_s=0.5)  # type: ignore[method-assign]
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:9") as failure:
        service.run()
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_names_itself_and_refuses_unknown_parameters(name: str) -> None:
    kind = service_class(name)
    assert kind.name == name
    with pytest.raises(ConfigError, match="no_such_parameter"):
        kind.parameters_type.parse(no_such_parameter=1)


def test_an_unknown_service_is_refused_with_the_names_of_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="capture, inference"):
        service_class("teleport")


def test_a_failure_of_what_is_shown_ends_the_work_too(service: Counting) -> None:
    def broken(_snapshot: Snapshot) -> None:
        raise ValueError("no screen")

    patient = Counting(
        ServiceParameters(train_id=service.parameters.train_id), settings=service.settings
    )
    with pytest.raises(ValueError, match="no screen"):
        patient.run(show=broken)
    assert patient.ending
    assert patient.closed

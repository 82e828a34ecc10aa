"""What one service tells a monitor of itself, from its beginning to its end."""

from __future__ import annotations

import re
import socket
import threading
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.events import Alive, Event, Stage
from kit.messaging.brokers import embedded_mqtt
from kit.messaging.mqtt import MqttClient
from kit.monitoring.metrics import Counted
from kit.services import watched
from kit.services.base import Service, ServiceParameters
from tests.monitoring.scraping import accepted_by_promtool, fetch, health, scrape, value
from tests.waiting import PATIENCE_S


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no service pass for idle because the machine is busy."""
    monkeypatch.setattr(watched, "IDLE_S", 600.0)


class Working(Service[ServiceParameters]):
    """Takes a step whenever it is given one to take."""

    name: ClassVar[str] = "capture"
    parameters_type: ClassVar[type[ServiceParameters]] = ServiceParameters
    counted: ClassVar[Mapping[str, Counted]] = {"steps": Counted("kit_frames_captured_total")}
    work: ClassVar[str] = "step"

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self.may_begin = threading.Event()
        self.steps = threading.Semaphore(0)
        self.stepped = threading.Semaphore(0)

    @contextmanager
    def working(self) -> Iterator[None]:
        self.may_begin.wait(PATIENCE_S)
        yield

    def step(self) -> None:
        if self.steps.acquire(timeout=0.05):
            self.count("steps")
            self.took(Stage.ENCODED, 12_000_000)
            self.worked()
            self.stepped.release()

    def let_step(self) -> None:
        self.steps.release()
        assert self.stepped.acquire(timeout=PATIENCE_S)


def settings(mqtt_url: str, port: int | None = 0) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url), metrics_port=port)


@contextmanager
def running(service: Working, *, begin: bool = True) -> Iterator[Working]:
    """Run a service beside the test, and end it."""
    exporting = threading.Event()
    before = service.working

    @contextmanager
    def working() -> Iterator[None]:
        exporting.set()
        with before():
            yield

    service.working = working  # type: ignore[method-assign]
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    assert exporting.wait(PATIENCE_S)
    if begin:
        service.may_begin.set()
        assert service.ready.wait(PATIENCE_S)
    try:
        yield service
    finally:
        service.may_begin.set()
        service.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.fixture
def service(mqtt_url: str, train_id: str) -> Iterator[Working]:
    parameters = ServiceParameters(train_id=train_id)
    with running(Working(parameters, settings=settings(mqtt_url))) as it:
        yield it


def port_of(service: Working) -> int:
    assert service.metrics_port is not None
    return service.metrics_port


def test_counters_and_stages_move_with_the_work(service: Working) -> None:
    service.let_step()
    before = scrape(port_of(service))
    service.let_step()
    after = scrape(port_of(service))
    assert value(before, "kit_frames_captured_total") == 1
    assert value(after, "kit_frames_captured_total") == 2
    assert value(after, "kit_stage_duration_seconds_count", stage="encoded") == 2
    assert value(after, "kit_stage_duration_seconds_sum", stage="encoded") == pytest.approx(0.024)
    assert value(after, "kit_stage_duration_seconds_bucket", le="0.01") == 0
    assert value(after, "kit_stage_duration_seconds_bucket", le="0.015") == 2


def test_a_counter_that_has_not_counted_yet_is_there_as_zero(service: Working) -> None:
    assert value(scrape(port_of(service)), "kit_frames_captured_total") == 0


def test_the_connection_is_told(service: Working) -> None:
    found = scrape(port_of(service))
    assert value(found, "kit_mqtt_connected") == 1
    assert value(found, "kit_mqtt_published_total") >= 1
    assert value(found, "kit_mqtt_reconnects_total") == 0
    assert value(found, "kit_service_uptime_seconds") >= 0


def test_promtool_accepts_it(service: Working) -> None:
    service.let_step()
    accepted_by_promtool(fetch(port_of(service))[2])


def test_a_client_that_knows_openmetrics_gets_it(service: Working) -> None:
    _, plain, _ = fetch(port_of(service))
    _, kind, text = fetch(port_of(service), accept="application/openmetrics-text;version=1.0.0")
    assert plain.startswith("text/plain")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


def test_it_is_healthy_while_it_works(service: Working) -> None:
    service.let_step()
    status, answer = health(port_of(service))
    assert (status, answer["healthy"], answer["troubles"]) == (200, True, [])
    assert answer["train"] == service.parameters.train_id
    assert value(scrape(port_of(service)), "kit_service_healthy") == 1


def test_it_is_ill_when_it_does_nothing_any_more(
    service: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.let_step()
    monkeypatch.setattr(watched, "IDLE_S", -1.0)
    status, answer = health(port_of(service))
    assert status == 503
    (trouble,) = answer["troubles"]
    assert re.fullmatch(r"no step for \d+ s", trouble)
    assert value(scrape(port_of(service)), "kit_service_healthy") == 0


def test_it_is_ill_before_it_has_begun(mqtt_url: str, train_id: str) -> None:
    waiting = Working(ServiceParameters(train_id=train_id), settings=settings(mqtt_url))
    with running(waiting, begin=False):
        status, answer = health(port_of(waiting))
    assert (status, answer["troubles"]) == (503, ["it has not begun its work"])


def test_it_is_ill_without_its_broker(train_id: str) -> None:
    gone = threading.Event()
    with ExitStack() as stack:
        with embedded_mqtt() as broker:
            service = Working(ServiceParameters(train_id=train_id), settings=settings(broker.url))
            service.client.on_connection(lambda there: None if there else gone.set())
            stack.enter_context(running(service))
        assert gone.wait(PATIENCE_S)
        service.let_step()
        assert health(port_of(service))[1]["troubles"] == ["no connection to the MQTT broker"]
        assert value(scrape(port_of(service)), "kit_mqtt_connected") == 0


def test_other_paths_say_what_there_is(service: Working) -> None:
    assert fetch(port_of(service), "/")[::2] == (404, "There is /metrics and /healthz.\n")


def test_its_sign_of_life_says_where_it_is_and_its_goodbye_no_more(
    mqtt_url: str, train_id: str
) -> None:
    ports: list[int | None] = []
    told, gone = threading.Event(), threading.Event()

    def receive(event: Event, _ns: int) -> None:
        if isinstance(event, Alive):
            ports.append(event.metrics_port)
            (told if event.metrics_port else gone).set()
            if event.status == "online" and event.metrics_port is None:
                gone.clear()

    with MqttClient(mqtt_url, service="watcher", train_id=train_id) as client:
        client.subscribe(f"train/{train_id}/alive/capture", receive)
        parameters = ServiceParameters(train_id=train_id)
        with running(Working(parameters, settings=settings(mqtt_url))) as service:
            port = port_of(service)
            assert told.wait(PATIENCE_S)
        assert gone.wait(PATIENCE_S)
    assert port in ports
    assert ports[-1] is None
    with pytest.raises(urllib.error.URLError):
        fetch(port)


def test_it_shows_where_its_metrics_are(service: Working) -> None:
    where = service.snapshot().numbers["metrics"]
    assert where == f"http://127.0.0.1:{service.metrics_port}/metrics"


def test_unless_asked_for_nothing_listens(mqtt_url: str, train_id: str) -> None:
    parameters = ServiceParameters(train_id=train_id)
    before = set(threading.enumerate())
    with running(Working(parameters, settings=settings(mqtt_url, None))) as service:
        assert service.metrics_port is None
        assert "metrics" not in service.snapshot().numbers
        assert "exporter" not in {new.name for new in set(threading.enumerate()) - before}


def test_each_service_has_a_port_of_its_own_from_the_first_one_on(
    mqtt_url: str, train_id: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    parameters = ServiceParameters(train_id=train_id)
    with running(Working(parameters, settings=settings(mqtt_url, free))) as service:
        assert service.metrics_port == free


def test_a_port_that_is_taken_is_told_and_does_not_keep_the_service_from_running(
    mqtt_url: str, train_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        parameters = ServiceParameters(train_id=train_id)
        with running(Working(parameters, settings=settings(mqtt_url, port))) as service:
            assert service.metrics_port not in {None, port}
            assert health(port_of(service))[0] in {200, 503}
    assert f"port {port} for metrics cannot be had" in caplog.text

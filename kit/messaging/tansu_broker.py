"""The embedded Kafka broker: tansu, kept in bounds.

It holds everything in memory, forgets nothing, and looks through all of it for whoever reads. So
it is started afresh, on the same port, when it has grown too large or too old, or has died. Sinks
and sources wait that second out; a console misses what it had not read yet. No cluster that was
named by its owner is treated so.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from kit.child import Child
from kit.errors import BrokerError
from kit.messaging.ports import free_port, wait_listening

LIMIT_BYTES = 200_000_000
"""Resident memory beyond which it starts afresh; ten frames a second take five minutes."""

LIMIT_S = 240.0
"""Age at which it starts afresh, seconds: some 9000 events of a train, after which its readers
would soon fall behind."""

LOOK_EVERY_S = 2.0
"""How often it is looked at, seconds."""

_ATTEMPTS = 3

_logger = logging.getLogger(__name__)


class KafkaBroker:
    """A running Kafka broker; a context manager.

    Args:
        program: Path of tansu.
        log: File for its messages; they go to standard error if not given.
        limit_bytes: Resident memory beyond which it starts afresh.
        limit_s: Age beyond which it does.
        look_every_s: How often to look, seconds.
        advertised: ``host:port`` to which clients are sent, such as that of a proxy; its own
            if None.

    Attributes:
        bootstrap: ``host:port``.

    Raises:
        BrokerError: If it does not start.
    """

    def __init__(
        self,
        program: str,
        *,
        log: Path | None = None,
        limit_bytes: int = LIMIT_BYTES,
        limit_s: float = LIMIT_S,
        look_every_s: float = LOOK_EVERY_S,
        advertised: str | None = None,
    ) -> None:
        self._advertised = advertised
        self.bootstrap = ""
        self.restarts = 0
        self._program = program
        self._log = log
        self._limit_bytes = limit_bytes
        self._limit_s = limit_s
        self._look_every_s = look_every_s
        self._ended = threading.Event()
        self._child = self._begin()
        self._watcher = threading.Thread(target=self._watch, name="kafka-broker", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """The process that keeps tansu now."""
        return self._child.pid

    @property
    def resident_bytes(self) -> int:
        """Resident memory of tansu, bytes; 0 if it is gone."""
        try:
            family = psutil.Process(self.pid).children(recursive=True)
            return sum(member.memory_info().rss for member in family)
        except psutil.NoSuchProcess:
            return 0

    def stop(self) -> None:
        """End it; safe to call twice."""
        self._ended.set()
        self._watcher.join()
        self._child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _begin(self) -> Child:
        for _ in range(_ATTEMPTS):
            self.bootstrap = f"127.0.0.1:{free_port()}"
            child = self._start()
            if wait_listening(child.pid, self.bootstrap):
                return child
            code = child.stop()
        raise BrokerError(
            "The embedded Kafka broker did not start",
            got=f"exit code {code}",
            fix=f"read {self._log}" if self._log else "read its messages above, or name a broker",
        )

    def _watch(self) -> None:
        begun_s = time.monotonic()
        while not self._ended.wait(self._look_every_s):
            young = time.monotonic() - begun_s <= self._limit_s
            if self._child.alive and young and self.resident_bytes <= self._limit_bytes:
                continue
            begun_s = time.monotonic()
            _logger.info("The embedded Kafka broker starts afresh")
            self._child.stop()
            self._child = self._start()
            self.restarts += 1
            wait_listening(self._child.pid, self.bootstrap)

    def _start(self) -> Child:
        address = f"tcp://{self.bootstrap}"
        advertised = f"tcp://{self._advertised or self.bootstrap}"
        return Child.program(
            *(self._program, "broker", "--storage-engine", "memory://tansu/", "--silent"),
            *("--listener-url", address, "--advertised-listener-url", advertised),
            name="kafka-broker",
            log=self._log,
        )

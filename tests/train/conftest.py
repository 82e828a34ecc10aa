"""What the train's tests share: a virtual hub in another process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.child import Child
from tests.train.hub_process import ENDED, LINKED
from tests.waiting import PATIENCE_S, wait_until


@dataclass
class RemoteHub:
    """A virtual hub in another process, as one test sees it.

    Attributes:
        source: What :class:`kit.train.hub.Hub` takes.
        log: Its log.
        since: How many messages it had received before the test.
    """

    source: str
    log: Path
    since: int = 0

    @classmethod
    def unlinked(cls, source: str, log: Path) -> RemoteHub:
        """Return a hub once its former links have ended, and what they wrote has arrived."""
        hub = cls(source, log)
        hub.wait(lambda: hub._count(LINKED) == hub._count(ENDED))
        return cls(source, log, len(hub.written))

    @property
    def written(self) -> list[tuple[int, str]]:
        """Messages received: monotonic nanoseconds and hexadecimal bytes."""
        messages = [(at, data) for at, data in self._told() if data not in (LINKED, ENDED)]
        return messages[self.since :]

    @property
    def last_link(self) -> list[str]:
        """Messages received since the last link came up, hexadecimal."""
        told = [data for _, data in self._told()]
        return told[len(told) - told[::-1].index(LINKED) :]

    @property
    def motor(self) -> list[int]:
        """What the motor on port A was told, 127 for a brake."""
        found = [bytes.fromhex(data) for _, data in self.written]
        return [data[7] for data in found if data[2:4] == b"\x81\x00"]

    def _told(self) -> list[tuple[int, str]]:
        text = self.log.read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [(int(at), data) for at, data in (line.split() for line in lines)]

    def _count(self, what: str) -> int:
        return sum(data == what for _, data in self._told())

    def wait(self, true: Callable[[], object]) -> None:
        """Wait until a condition holds, such as one on the log."""
        wait_until(true, lambda: f"the hub's log:\n{self.log.read_text()}")


def serve(log: Path, port: int = 0) -> Child:
    """Start a virtual hub."""
    argv = [sys.executable, "-m", "tests.train.hub_process", "--log", str(log)]
    return Child([*argv, "--port", str(port)], name="virtual hub")


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A virtual hub in another process, for all tests: starting one takes seconds."""
    log = tmp_path_factory.mktemp("hub") / "hub.log"
    with serve(log) as child:
        yield child.ready(timeout_s=PATIENCE_S)["hub"], log


@pytest.fixture
def remote_hub(hub_server: tuple[str, Path]) -> RemoteHub:
    """A virtual hub in another process."""
    source, log = hub_server
    return RemoteHub.unlinked(source, log)

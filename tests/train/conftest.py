"""What the train's tests share: a virtual hub in another process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.child import Child
from tests.waiting import PATIENCE_S, wait_until


@dataclass
class RemoteHub:
    """A virtual hub in another process, as one test sees it.

    Attributes:
        source: What :class:`kit.train.hub.Hub` takes.
        log: Its log.
        since: How many lines the log had before the test.
    """

    source: str
    log: Path
    since: int

    @property
    def written(self) -> list[tuple[int, str]]:
        """Messages received: monotonic nanoseconds and hexadecimal bytes."""
        text = self.log.read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()[self.since :]
        return [(int(at), data) for at, data in (line.split() for line in lines)]

    @property
    def motor(self) -> list[int]:
        """What the motor on port A was told, 127 for a brake."""
        found = [bytes.fromhex(data) for _, data in self.written]
        return [data[7] for data in found if data[2:4] == b"\x81\x00"]

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
    return RemoteHub(source, log, len(log.read_text().splitlines()))

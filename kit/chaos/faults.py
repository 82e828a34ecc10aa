"""How to break processes, wires, camera, hub and disk; each mends what it broke on leaving."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

from kit.chaos.proxy import CLEAR, OUTAGE
from kit.chaos.stage import Stage
from kit.errors import MissionError
from kit.sim.mishaps import CameraMishap, HubMishap

SLOWDOWN = 10
"""How many times slower a throttled process runs."""

_PERIOD_S = 0.1
_KAFKA_BACK_S = 30.0
_POLL_S = 0.02


@contextmanager
def killed(stage: Stage, *, name: str) -> Iterator[None]:
    """Kill a service; it is started again afterwards."""
    stage.signal(name, signal.SIGKILL)
    yield
    stage.start(name)


@contextmanager
def halted(stage: Stage, *, name: str) -> Iterator[None]:
    """Halt a process with SIGSTOP, and let it go on."""
    pid = stage.pid(name)
    _signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pid, signal.SIGCONT)


@contextmanager
def gone(stage: Stage, *, name: str) -> Iterator[None]:
    """Kill a process that nobody starts again, or that somebody else does."""
    stage.signal(name, signal.SIGKILL)
    yield


@contextmanager
def half_open(stage: Stage, *, name: str) -> Iterator[None]:
    """Let nothing through between a service and the broker; both think they are connected."""
    proxy = stage.proxies[name]
    proxy.conditions = OUTAGE
    try:
        yield
    finally:
        proxy.conditions = CLEAR


@contextmanager
def broker_killed(stage: Stage) -> Iterator[None]:
    """Kill the MQTT broker; another one takes its place afterwards."""
    stage.ground.broker.kill()
    yield
    stage.ground.broker.restart()


@contextmanager
def kafka_killed(stage: Stage) -> Iterator[None]:
    """Kill Kafka; its keeper starts it again, which is waited for."""
    broker = stage.ground.kafka
    restarts = broker.restarts
    for process in stage.ground.kafka_processes():
        process.kill()
    yield
    end = time.monotonic() + _KAFKA_BACK_S
    while broker.restarts == restarts:
        if time.monotonic() > end:
            raise MissionError(f"Kafka was not started again within {_KAFKA_BACK_S:g} s")
        time.sleep(_POLL_S)


@contextmanager
def kafka_halted(stage: Stage) -> Iterator[None]:
    """Halt Kafka, and let it go on."""
    processes = stage.ground.kafka_processes()
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def camera(stage: Stage, *, mishap: CameraMishap) -> Iterator[None]:
    """Break the camera."""
    stage.ground.desk.camera(mishap)
    yield
    stage.ground.desk.camera(CameraMishap.NONE)


@contextmanager
def hub(stage: Stage, *, mishap: HubMishap) -> Iterator[None]:
    """Have something happen to the hub."""
    stage.ground.desk.hub(mishap)
    yield
    stage.ground.desk.hub(HubMishap.BACK)


@contextmanager
def throttled(stage: Stage, *, name: str) -> Iterator[None]:
    """Let a process run for a tenth of the time only, in short turns."""
    pid, ended = stage.pid(name), threading.Event()

    def throttle() -> None:
        while not ended.is_set():
            _signal(pid, signal.SIGSTOP)
            ended.wait(_PERIOD_S * (1 - 1 / SLOWDOWN))
            _signal(pid, signal.SIGCONT)
            ended.wait(_PERIOD_S / SLOWDOWN)

    thread = threading.Thread(target=throttle, name="throttle", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def no_disk(stage: Stage, *, names: tuple[str, ...]) -> Iterator[None]:
    """Let processes write not a byte more to any file: each write fails, as on a full disk."""
    pids = [stage.pid(name) for name in names]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_soft, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def both(
    stage: Stage, *, faults: tuple[Callable[[Stage], AbstractContextManager[None]], ...]
) -> Iterator[None]:
    """Let several things break at once."""
    with ExitStack() as stack:
        for inject in faults:
            stack.enter_context(inject(stage))
        yield


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)

"""A test stand: the real services in processes of their own, a real broker, the virtual set."""

from __future__ import annotations

import json
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from kit.bench.wire_log import WireLog
from kit.child import Child
from kit.config import Settings
from kit.errors import MissionError
from kit.messaging.brokers import embedded_mqtt
from kit.services.operator import Operator

TRAIN_ID = "bench"
"""Which train the bench drives."""

START_TIMEOUT_S = 60.0
"""How long one program may take to start, seconds."""

_FPS = 10.0


@dataclass(frozen=True)
class Stand:
    """What runs.

    Attributes:
        settings: The broker and the arm key.
        operator: Arms and stops the train, and knows its state.
        log: What the hub got.
        pids: Process of each part: ``camera``, ``broker`` and the services.
    """

    settings: Settings
    operator: Operator
    log: WireLog
    pids: Mapping[str, int]


@contextmanager
def stand(services: Sequence[str], *, control: Mapping[str, Any] | None = None) -> Iterator[Stand]:
    """Start the virtual set, a broker, the control service and others.

    Args:
        services: Which others, in the order of the flow.
        control: Parameters of the control service besides train and hub.

    Yields:
        The stand; the train stands and is latched.

    Raises:
        KitError: If something does not start.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kit-bench-")))
        broker = stack.enter_context(embedded_mqtt(log=folder / "broker.log"))
        key = SecretStr(secrets.token_hex(16))
        settings = Settings(mqtt_url=SecretStr(broker.url), arm_key=key)
        truth = folder / "truth.jsonl"
        arguments = ("--scenario", "endless", "--fps", f"{_FPS:g}", "--truth", str(truth))
        virtual_set = stack.enter_context(
            Child.module("kit.sim", *arguments, name="virtual set", log=folder / "sim.log")
        )
        facts = virtual_set.ready(timeout_s=START_TIMEOUT_S)
        pids = {"broker": broker.pid, "camera": _only_child(virtual_set.pid)}
        parameters: dict[str, dict[str, Any]] = {
            "capture": {"source": facts["camera"], "fps": _FPS},
            "control": {"hub": facts["hub"], **(control or {})},
        }
        for name in (*services, "control"):
            values = {"train_id": TRAIN_ID, **parameters.get(name, {})}
            child = Child.module(
                "kit.services",
                name,
                "--parameters",
                json.dumps(values),
                name=name,
                env=settings.environment(),
                log=folder / f"{name}.log",
            )
            stack.enter_context(child)
            child.ready(timeout_s=START_TIMEOUT_S)
            pids[name] = child.pid
        operator = stack.enter_context(Operator(train_id=TRAIN_ID, settings=settings))
        operator.wait_for_standing(timeout_s=START_TIMEOUT_S)
        yield Stand(settings, operator, WireLog(truth), pids)


@contextmanager
def silenced(pid: int) -> Iterator[None]:
    """Have a process say and do nothing for as long as the block lasts.

    Args:
        pid: The process.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _only_child(pid: int) -> int:
    children = psutil.Process(pid).children()
    if len(children) != 1:
        raise MissionError(
            "The virtual set's camera was not found",
            expected="one child process of the virtual set",
            got=f"{len(children)} of them",
        )
    return int(children[0].pid)

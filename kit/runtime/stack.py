"""What a mission stands on: brokers, the virtual set and the console, started where missing.

Everything that is started here is a child of this process and ends with it, in order on a
clean end and by itself if this process is killed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.messaging.brokers import ensure_brokers
from kit.runtime.plan import Plan

START_TIMEOUT_S = 60.0
"""How long the virtual set or the console may take to start, seconds."""


@dataclass(frozen=True)
class Stack:
    """What runs.

    Attributes:
        settings: With all brokers named and an arm key.
        source: What the capture service is to look through.
        hub: What the control service is to connect to.
        truth: File in which the virtual set writes what really happens; None without it.
        console_url: Address of the console page, for an operator, once; None without it.
        helpers: The child processes that were started: name and process.
    """

    settings: Settings
    source: str
    hub: str
    truth: Path | None
    console_url: str | None
    helpers: tuple[Child, ...]


@contextmanager
def running_stack(plan: Plan, *, settings: Settings, logs: Path, truth: Path) -> Iterator[Stack]:
    """Start what the mission needs and nobody has named.

    Args:
        plan: The mission.
        settings: What is configured.
        logs: Folder for what the helpers write on their standard error.
        truth: File in which the virtual set is to write what really happens.

    Yields:
        The stack, ready for services.

    Raises:
        KitError: If something does not start.
    """
    with ExitStack() as stack:
        if settings.kafka_bootstrap is None:  # a broker of this run: what it missed ends with it
            settings = settings.model_copy(update={"spool_dir": logs})
        settings = stack.enter_context(ensure_brokers(settings))
        if settings.arm_key is None:
            settings = settings.model_copy(update={"arm_key": SecretStr(secrets.token_hex(16))})
        helpers: list[Child] = []
        camera, hub = plan.source or "", plan.hub or ""
        if plan.needs_virtual_set:
            child = stack.enter_context(_virtual_set(plan, log=logs / "sim.log", truth=truth))
            facts = child.ready(timeout_s=START_TIMEOUT_S)
            camera, hub = plan.source or facts["camera"], plan.hub or facts["hub"]
            helpers.append(child)
        console_url = None
        if plan.console:
            child = stack.enter_context(_console(settings, log=logs / "console.log"))
            console_url = child.ready(timeout_s=START_TIMEOUT_S)["operator_url"]
            helpers.append(child)
        yield Stack(
            settings=settings,
            source=camera,
            hub=hub,
            truth=truth if plan.on_track else None,
            console_url=console_url,
            helpers=tuple(helpers),
        )


def _virtual_set(plan: Plan, *, log: Path, truth: Path) -> Child:
    return Child.module(
        "kit.sim",
        "--scenario",
        plan.set_scenario,
        "--seed",
        str(plan.seed),
        "--fps",
        f"{plan.fps:g}",
        "--truth",
        str(truth),
        name="virtual set",
        log=log,
    )


def _console(settings: Settings, *, log: Path) -> Child:
    return Child.module(
        "kit.console", "--port", "0", name="console", env=settings.environment(), log=log
    )

"""The services at work on the ground, with a hand on each process and each wire."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import psutil
from pydantic import SecretStr

from kit.chaos.ground import FPS, Ground
from kit.chaos.proxy import CLEAR, Proxy
from kit.errors import HubError, MissionError
from kit.events import Motion
from kit.messaging.url import BrokerUrl
from kit.runtime.crew import service_parameters
from kit.runtime.members import Member, ProcessMember
from kit.runtime.plan import Plan
from kit.runtime.stack import Stack
from kit.services.catalogue import SERVICES
from kit.sim.mishaps import CameraMishap, HubMishap

READY_TIMEOUT_S = 60.0
"""How long the services may take until frames flow from end to end, seconds."""

MOVE_TIMEOUT_S = 30.0
"""How long it may take to arm a train and have it at its speed, seconds."""

CRUISING_MPS = 0.35
"""A train that is faster is on its way, metres a second."""

DRIVES_MPS = 0.1
"""A train that was armed again and is faster than this drives again, metres a second."""

_END_TIMEOUT_S = 8.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wiring:
    """How the services are joined to the ground.

    Attributes:
        env: Variables on top of a service's environment, by its name.
        hub: What the control service connects to; the ground's hub if None.
    """

    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hub: str | None = None


class Stage:
    """The five services as processes, each behind a proxy of its own; a context manager.

    Args:
        ground: What they stand on.
        wiring: How they are joined to it.
    """

    def __init__(self, ground: Ground, wiring: Wiring | None = None) -> None:
        self.ground = ground
        self.proxies: dict[str, Proxy] = {}
        self._wiring = wiring or Wiring()
        self._members: dict[str, Member] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        upstream = BrokerUrl.parse(self.ground.broker.url).address
        with ExitStack() as stack:
            for name in SERVICES:
                self.proxies[name] = stack.enter_context(Proxy(upstream))
            stack.callback(self._end_all)
            for name in SERVICES:
                self.start(name)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pid(self, name: str) -> int:
        """Return the process of a service, of its ``guardian``, or of the ``broker``."""
        if name == "broker":
            return self.ground.broker.pid
        if name == "console":
            return self.ground.console.pid
        if name == "guardian":
            return self._guardian().pid
        pid = self._members[name].pid
        assert pid is not None
        return pid

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a process; see :meth:`pid` for the names."""
        os.kill(self.pid(name), number)

    def start(self, name: str) -> None:
        """Start a service, as whoever minds the services would after it died."""
        ground = self.ground
        plan = Plan.parse(source=ground.camera, hub=ground.hub, fps=FPS, runtime="processes")
        stack = Stack(
            settings=ground.settings,
            source=ground.camera,
            hub=self._wiring.hub or ground.hub,
            truth=None,
            console_url=None,
            helpers=(),
        )
        member = ProcessMember(
            name,
            parameters=service_parameters(plan, stack)[name],
            env=self._environment(name),
            log=ground.folder / f"{name}.log",
            on_end=lambda _member: None,
        )
        member.start()
        self._members[name] = member

    def alive(self, name: str) -> bool:
        """Return whether a service's process runs."""
        return not self._members[name].ended.is_set()

    def heal(self) -> None:
        """Mend whatever is broken: processes, wires, camera, hub and brokers."""
        for proxy in self.proxies.values():
            if not proxy.conditions.passing:
                proxy.conditions = CLEAR
        self.ground.desk.camera(CameraMishap.NONE)
        self.ground.desk.hub(HubMishap.BACK)
        if not psutil.pid_exists(self.ground.broker.pid):
            self.ground.broker.restart()
        for name in SERVICES:
            if self.alive(name):
                self.signal(name, signal.SIGCONT)
            else:
                self.start(name)

    def flows(self, since_ns: int) -> bool:
        """Return whether all services do their work again.

        Args:
            since_ns: What was done before does not count, monotonic nanoseconds.
        """
        ear = self.ground.ear
        streams = ear.online("streaming", since_ns)
        state = ear.state
        stands = state is not None and (not state.latched or state.motion is Motion.STOPPED)
        return ear.flows(since_ns) and streams and stands

    def wait_flowing(self, *, timeout_s: float = READY_TIMEOUT_S) -> float:
        """Wait until all services do their work.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            How long it took, milliseconds.

        Raises:
            MissionError: If they do not.
        """
        since_ns = time.monotonic_ns()
        if not self.ground.ear.wait_for(lambda: self.flows(since_ns), timeout_s=timeout_s):
            silent = [n for n in SERVICES if not self.ground.ear.online(n, since_ns)]
            state = self.ground.ear.state
            raise MissionError(
                f"The services do not work again within {timeout_s:g} s",
                got=f"silent: {', '.join(silent) or 'none'}; train: {state and state.reason}",
                fix=f"read the logs in {self.ground.folder}",
            )
        return (time.monotonic_ns() - since_ns) / 1e6

    def recover(self) -> tuple[float | None, int]:
        """Wait until all services work again after something was mended.

        Returns:
            How long that took, milliseconds, or None if they do not; and until when, monotonic
            nanoseconds, nobody has armed the train.
        """
        try:
            took_ms: float | None = self.wait_flowing()
        except MissionError as error:
            _log.warning("%s", error)
            took_ms = None
        return took_ms, time.monotonic_ns()

    def arm(self) -> None:
        """Arm the train.

        Raises:
            HubError: If it cannot be armed.
        """
        operator = self.ground.operator
        try:
            operator.arm()
        except HubError:  # it was stopped again meanwhile: it may be armed once more
            operator.arm()

    def depart(self) -> None:
        """Have the train under way, at its speed; it is armed if it is latched.

        Raises:
            MissionError: If it does not get there.
        """
        self._move(lambda: self.ground.witness.speed_mps > CRUISING_MPS)

    def drive_again(self) -> bool:
        """Arm the train and return whether it moves."""
        try:
            self._move(lambda: self.ground.witness.speed_mps > DRIVES_MPS)
        except (MissionError, HubError):
            return False
        return True

    def stop_train(self) -> None:
        """Stop the train, by the operator's emergency stop, and wait until it stands.

        Raises:
            MissionError: If it does not.
        """
        self.ground.operator.emergency_stop("the trial is over")
        if not self.ground.witness.wait_for(
            lambda: self.ground.witness.speed_mps == 0, timeout_s=MOVE_TIMEOUT_S
        ):
            raise MissionError("The train does not obey the emergency stop")

    def _move(self, moves: Callable[[], bool]) -> None:
        """Arm the train until it moves: a busy machine may stop it before it is under way."""
        witness, end = self.ground.witness, time.monotonic() + MOVE_TIMEOUT_S
        while time.monotonic() < end:
            self.arm()
            witness.wait_for(lambda: moves() or self._latched(), timeout_s=MOVE_TIMEOUT_S)
            if moves():
                return
        state = self.ground.ear.state
        raise MissionError(
            "The armed train does not move",
            got=state and state.reason,
            fix="if frames are too old, the machine is too busy: end other programs, try again",
        )

    def _latched(self) -> bool:
        state = self.ground.ear.state
        return state is not None and state.latched

    def _environment(self, name: str) -> dict[str, str]:
        url = BrokerUrl.parse(self.ground.broker.url)
        host, _, port = self.proxies[name].address.rpartition(":")
        behind = BrokerUrl(host, int(port), username=url.username, password=url.password)
        settings = self.ground.settings.model_copy(update={"mqtt_url": SecretStr(behind.plain)})
        return {**settings.environment(), **self._wiring.env.get(name, {})}

    def _guardian(self) -> psutil.Process:
        family = psutil.Process(self.pid("control")).children(recursive=True)
        for process in family:
            if "kit.train.guardian" in process.cmdline():
                return process
        raise MissionError("The control service has no guardian")

    def _end_all(self) -> None:
        for name, member in self._members.items():
            with suppress(ProcessLookupError):
                self.signal(name, signal.SIGCONT)
            member.interrupt()
        for member in self._members.values():
            if not member.wait(_END_TIMEOUT_S):
                member.kill()
                member.wait(_END_TIMEOUT_S)


@contextmanager
def open_stage(ground: Ground, wiring: Wiring | None = None) -> Iterator[Stage]:
    """Run the services on the ground.

    Args:
        ground: What they stand on.
        wiring: How they are joined to it.

    Raises:
        MissionError: If they do not come to work.
    """
    with Stage(ground, wiring) as stage:
        stage.wait_flowing(timeout_s=2 * READY_TIMEOUT_S)
        yield stage

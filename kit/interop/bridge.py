"""The bridge: a role for each service that is the older demo's, in one process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kit.config import Settings
from kit.errors import ConfigError, KitError
from kit.interop.control_role import ControlRole
from kit.interop.formats import COMMAND_TOPIC
from kit.interop.monitoring_role import MonitoringRole
from kit.interop.roles import CaptureRole, DecisionRole, InferenceRole, Older, Side
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters
from kit.services.control import ControlServiceParameters

READY_TIMEOUT_S = 30.0
"""How long the roles may take to be ready, seconds."""

_ROLES: Mapping[Older, type[CaptureRole | InferenceRole | DecisionRole | MonitoringRole]] = {
    Older.CAPTURE: CaptureRole,
    Older.INFERENCE: InferenceRole,
    Older.DECISION: DecisionRole,
    Older.MONITORING: MonitoringRole,
}


class Bridge:
    """Joins the kit with services of the older demo.

    Args:
        theirs: Which services are theirs; the kit's services of these names must not run.
        train_id: Which train.
        settings: Where the brokers are; from the environment if not given.
        controller_topic: The topic to which their controller listens. If both their decision and
            their controller are there, it must be one of its own, so that the kit's latch
            stays between the two.

    Raises:
        ConfigError: If that cannot be.
    """

    def __init__(
        self,
        theirs: Iterable[Older],
        *,
        train_id: str,
        settings: Settings | None = None,
        controller_topic: str = COMMAND_TOPIC,
    ) -> None:
        self.side = Side(frozenset(theirs), controller_topic=controller_topic)
        if not self.side.theirs:
            raise ConfigError(
                "The bridge has nothing to do", expected=f"some of {', '.join(Older)} as theirs"
            )
        both = self.side.are_theirs(Older.DECISION, Older.CONTROLLER)
        if both and controller_topic == COMMAND_TOPIC:
            raise ConfigError(
                "Their decision would command their controller past the kit's latch",
                expected=f"a topic other than '{COMMAND_TOPIC}' for their controller",
                fix="have their controller listen to another topic, and name it with "
                "--controller-topic",
            )
        known = settings or Settings.load()
        self.roles: list[Service[Any]] = [
            role(ServiceParameters.parse(train_id=train_id), settings=known, side=self.side)
            for older, role in _ROLES.items()
            if older in self.side.theirs
        ]
        if Older.CONTROLLER in self.side.theirs:
            parameters = ControlServiceParameters(train_id=train_id, guardian=False)
            self.roles.append(ControlRole(parameters, settings=known, side=self.side))
        self._ended = threading.Event()
        self._failure: KitError | None = None

    def stop(self) -> None:
        """Ask the bridge to end; safe from any thread."""
        self._ended.set()

    def run(
        self, *, seconds: float = 0.0, once_ready: Callable[[], None] = lambda: None
    ) -> dict[str, dict[str, int]]:
        """Work until told to end.

        Args:
            seconds: How long; 0 means until :meth:`stop`.
            once_ready: Called when all roles work.

        Returns:
            What each role counted, by its name.

        Raises:
            KitError: If a role cannot work.
        """
        threads = [
            threading.Thread(target=self._run, args=(role,), name=role.name) for role in self.roles
        ]
        for thread in threads:
            thread.start()
        try:
            for role in self.roles:
                while not role.ready.wait(STEP_TIMEOUT_S) and not self._ended.is_set():
                    pass
            if not self._ended.is_set():
                once_ready()
            self._ended.wait(seconds or None)
        finally:
            for role in self.roles:
                role.stop()
            for thread in threads:
                thread.join()
        if self._failure is not None:
            raise self._failure
        return {role.name: dict(role.counters) for role in self.roles}

    def _run(self, role: Service[Any]) -> None:
        try:
            role.run()
        except KitError as error:
            self._failure = self._failure or error
        finally:
            self._ended.set()  # one that ends takes all with it: half a bridge is none

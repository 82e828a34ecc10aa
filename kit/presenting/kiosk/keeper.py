"""Keeps the kiosk's own MQTT broker: one that dies is followed by another in its place."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from kit.child import Child
from kit.errors import KitError, missing_extra
from kit.messaging.brokers import URL_VARIABLE
from kit.messaging.ports import START_TIMEOUT_S

LOOK_EVERY_S = 0.2
"""How often it is looked whether the broker runs, seconds."""

_MODULE = "kit.messaging.iotcore_broker"
_log = logging.getLogger(__name__)


class BrokerKeeper:
    """Runs an embedded MQTT broker for a whole day; use it as a context manager.

    A mission under way when the broker dies ends, its train standing; the next visitor's finds the
    new broker at the same address, with the same password.

    Attributes:
        url: How to reach it, password included.
        restarts: How often a broker took the place of another one.
    """

    def __init__(self) -> None:
        self.url = ""
        self.restarts = 0
        self._over = threading.Event()
        self._child: Child | None = None
        self._thread = threading.Thread(target=self._watch, name="broker-keeper", daemon=True)

    @property
    def pid(self) -> int:
        """Process of the broker that runs now."""
        assert self._child is not None
        return self._child.pid

    def __enter__(self) -> Self:
        try:
            import iotcore  # noqa: F401  # only the child needs it, but here the error can be told
        except ImportError as error:
            raise missing_extra("iotcore", "sim") from error
        self._child = Child.module(_MODULE, name="mqtt-broker")
        self.url = str(self._child.ready(timeout_s=START_TIMEOUT_S)["url"])
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._child is not None:
            self._child.stop()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            if self._child is not None and not self._child.alive:
                self._child.stop()  # closes its pipe
                self._replace()

    def _replace(self) -> None:
        _log.warning("the MQTT broker ended; another one takes its place")
        child = Child.module(_MODULE, name="mqtt-broker", env={URL_VARIABLE: self.url})
        try:
            child.ready(timeout_s=START_TIMEOUT_S)
        except KitError:
            _log.exception("the MQTT broker did not come back; trying again")
        self._child = child
        self.restarts += 1

"""What all services share: parameters, a clean end, signs of life, live numbers."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from kit.config import Settings, validated
from kit.errors import ConfigError
from kit.events import Alive
from kit.messaging.mqtt import MqttClient
from kit.reasons import Reason
from kit.services.watched import Watched

ALIVE_EVERY_S = 1.0
"""How often a service says that it is alive, seconds."""

SHOW_EVERY_S = 0.5
"""How often live numbers are refreshed, seconds."""

STEP_TIMEOUT_S = 0.1
"""How long one step may wait for work before it looks whether it should end, seconds."""


class ServiceParameters(BaseModel):
    """Parameters of every service.

    Attributes:
        train_id: Which train.
        seconds: How long to run; 0 means until stopped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")] = "train-1"
    seconds: Annotated[float, Field(ge=0)] = 0.0

    @classmethod
    def parse(cls, **values: Any) -> Self:
        """Validate parameters that came from outside.

        Raises:
            ConfigError: If one is unknown or has a value that cannot be; names it.
        """
        return validated(cls, values)


@dataclass(frozen=True)
class Snapshot:
    """What a service shows of itself while it runs.

    Attributes:
        service: Its name.
        elapsed_s: Seconds since it began.
        numbers: Names and values to show, in order.
        picture: Colour picture to show, ``(H, W, 3)`` uint8 BGR, or None.
    """

    service: str
    elapsed_s: float
    numbers: Mapping[str, int | float | str]
    picture: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Summary:
    """What a service did, once it ended.

    Attributes:
        service: Its name.
        elapsed_s: Seconds it ran.
        ended_by: ``seconds``, ``signal``, ``stop`` or ``end of source``.
        counters: What it counted: events in and out, dropped, rejected.
    """

    service: str
    elapsed_s: float
    ended_by: str
    counters: Mapping[str, int] = field(default_factory=dict)


P = TypeVar("P", bound=ServiceParameters)


class Service(Watched, Generic[P]):
    """A loop that takes in, works and gives out, until it is told to end.

    The loop runs in a thread of its own, so that what is shown never delays what is done.

    Args:
        parameters: Validated parameters.
        settings: Where the brokers are; from the environment if not given.
    """

    name: ClassVar[str]
    parameters_type: ClassVar[type[ServiceParameters]]
    session_s: ClassVar[int] = 0
    """How long the MQTT broker keeps what comes while the service is away, seconds."""

    def __init__(self, parameters: P, *, settings: Settings | None = None) -> None:
        super().__init__()
        self.parameters = parameters
        self.settings = settings or Settings.load()
        if self.settings.mqtt_url is None:
            raise ConfigError(
                f"The service '{self.name}' knows no MQTT broker",
                expected="the environment variable KIT_MQTT_URL",
                fix="run it through 'kit demo' or a notebook, which start a broker, or name yours",
            )
        self.counters: dict[str, int] = {}
        self.ready = threading.Event()
        self._ended = threading.Event()
        self._ended_by = ""
        self._failure: BaseException | None = None
        self._began = 0.0
        self.client = MqttClient(
            self.settings.mqtt_url.get_secret_value(),
            service=self.name,
            train_id=parameters.train_id,
            ca_file=self.settings.mqtt_ca_file,
            session_s=self.session_s,
        )

    @abstractmethod
    def step(self) -> None:
        """Do one piece of work, waiting for it for ``STEP_TIMEOUT_S`` at most."""

    @abstractmethod
    def working(self) -> AbstractContextManager[None]:
        """Hold what the work needs: cameras, models, subscriptions."""

    def numbers(self) -> dict[str, int | float | str]:
        """Return the live numbers to show. Override to add."""
        return dict(self.counters)

    def picture(self) -> npt.NDArray[np.uint8] | None:
        """Return the live picture to show, ``(H, W, 3)`` uint8 BGR, or None."""
        return None

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter that the service shows and publishes."""
        self.counters[name] = self.counters.get(name, 0) + by

    def stop(self, why: str = "stop") -> None:
        """Ask the service to end; safe from any thread."""
        if not self._ended.is_set():
            self._ended_by = why
            self._ended.set()

    @property
    def elapsed_s(self) -> float:
        """Seconds since :meth:`run` began to work."""
        return time.monotonic() - self._began if self._began else 0.0

    def snapshot(self) -> Snapshot:
        """Return what to show now."""
        where = {"metrics": self.metrics_url} if self.metrics_url else {}
        return Snapshot(self.name, self.elapsed_s, self.numbers() | where, self.picture())

    def run(
        self,
        *,
        show: Callable[[Snapshot], None] | None = None,
        once_ready: Callable[[], None] | None = None,
    ) -> Summary:
        """Work until ``seconds`` have passed, SIGTERM, SIGINT or :meth:`stop`.

        Args:
            show: Called about twice a second with what to show, and once more at the end.
            once_ready: Called once, in a thread of its own, when the work has begun.

        Returns:
            What was done.

        Raises:
            KitError: If what the work needs is missing or breaks for good.
        """
        with ExitStack() as stack:
            stack.enter_context(_signals(self.stop))
            stack.enter_context(self.client)
            stack.callback(self._say_goodbye)
            stack.enter_context(self._keeping_failure())
            stack.enter_context(self.exporting(self.settings.metrics_port))
            stack.enter_context(self.working())
            self._began = time.monotonic()
            gc.freeze()  # what start-up left behind need not be searched again and again
            worker = threading.Thread(target=self._work, name=self.name, daemon=True)
            worker.start()
            if once_ready:
                threading.Thread(target=self._once_ready, args=(once_ready,), daemon=True).start()
            try:
                self._watch(show)
            finally:
                self.stop("failure")
                worker.join()
            if show:
                show(self.snapshot())
        if self._failure is not None:
            raise self._failure
        return Summary(self.name, self.elapsed_s, self._ended_by, dict(self.counters))

    def loop(self) -> None:
        """Work until the end was asked for; runs in the service's own thread."""
        self.ready.set()
        while not self.ending:
            self.step()

    @property
    def ending(self) -> bool:
        """Whether the end was asked for."""
        return self._ended.is_set()

    def _once_ready(self, call: Callable[[], None]) -> None:
        while not self.ending:
            if self.ready.wait(STEP_TIMEOUT_S):
                call()
                return

    def _work(self) -> None:
        try:
            self.loop()
        except BaseException as error:  # noqa: BLE001  # raised again in run(), in its own thread
            self._failure = error
            self.stop("failure")

    def _watch(self, show: Callable[[Snapshot], None] | None) -> None:
        deadline = self._began + self.parameters.seconds if self.parameters.seconds else None
        alive_at = 0.0
        while not self._ended.wait(SHOW_EVERY_S if deadline is None else self._nap(deadline)):
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                self.stop("seconds")
                return
            if now - alive_at >= ALIVE_EVERY_S:
                alive_at = now
                self.client.publish(self._alive())
            if show:
                show(self.snapshot())

    def _nap(self, deadline: float) -> float:
        return max(0.0, min(SHOW_EVERY_S, deadline - time.monotonic()))

    def _alive(self, **changes: Any) -> Alive:
        return Alive(
            train_id=self.parameters.train_id,
            service=self.name,
            pid=os.getpid(),
            counters={**self.counters, "rejected": self.client.stats.rejected},
            metrics_port=self.metrics_port,
            **changes,
        )

    @contextmanager
    def _keeping_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._failure = error
            raise

    def _say_goodbye(self) -> None:
        detail = (
            str(self._failure)[:500] if self._failure else Reason.ENDED_BY.say(what=self._ended_by)
        )
        self.client.publish(self._alive(status="offline", detail=detail))


@contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the service cleanly, where signals can be had."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop("signal")

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

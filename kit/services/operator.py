"""The operator's side: arm a train, stop it at once, have capture pause, watch its state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kit.config import Settings
from kit.errors import BrokerError, ConfigError, HubError
from kit.events import (
    Action,
    Alive,
    CaptureSwitch,
    Command,
    Event,
    Motion,
    Origin,
    TrainState,
    arm_proof,
)
from kit.messaging.mqtt import MqttClient
from kit.reasons import Reason

ARM_TIMEOUT_S = 10.0
"""How long to wait for the train to answer, seconds."""

STAND_TIMEOUT_S = 5.0
"""How long to wait for the train to say that it stands, seconds; it says so every second."""

CAPTURE_TIMEOUT_S = 5.0
"""How long to wait for capture to say that it obeyed, seconds; it says so every second."""

_STANDING = frozenset({Motion.STOPPED, Motion.FAULT})


class Operator:
    """Arms and stops one train over MQTT; a context manager.

    Args:
        train_id: Which train.
        settings: Broker and arm key; from the environment if not given.
        service: Name under which this operator is seen.
    """

    def __init__(
        self, *, train_id: str, settings: Settings | None = None, service: str = "operator"
    ) -> None:
        self.train_id = train_id
        self._settings = settings or Settings.load()
        if self._settings.mqtt_url is None or self._settings.arm_key is None:
            raise ConfigError(
                "An operator needs a broker and the train's arm key",
                expected="the environment variables KIT_MQTT_URL and KIT_ARM_KEY",
            )
        self._key = self._settings.arm_key.get_secret_value()
        self._changed = threading.Condition()
        self._state: TrainState | None = None
        self.client = MqttClient(
            self._settings.mqtt_url.get_secret_value(),
            service=service,
            train_id=train_id,
            ca_file=self._settings.mqtt_ca_file,
        )

    @property
    def state(self) -> TrainState | None:
        """The train's latest state, or None while it has not told."""
        return self._state

    def wait_for_standing(self, *, timeout_s: float = ARM_TIMEOUT_S) -> TrainState:
        """Wait until the train stands, or is not latched at all.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            The state in which it can be armed.

        Raises:
            HubError: If it does not come to stand in time.
        """
        return self.wait_for(lambda s: not s.latched or s.motion in _STANDING, timeout_s)

    def arm(
        self, *, answering: TrainState | None = None, timeout_s: float = ARM_TIMEOUT_S
    ) -> TrainState:
        """Release a latched train, so that it follows the next decision.

        Args:
            answering: The state whose challenge is answered, so that a train that was stopped
                since then stays latched; the latest one in which it stands if None.
            timeout_s: How long to wait for it to stand, and again for its answer, seconds.

        Returns:
            The state in which it is no longer latched.

        Raises:
            HubError: If the train is silent, does not stand, or stays latched.
        """
        asking = answering or self.wait_for_standing(timeout_s=timeout_s)
        if not asking.latched or asking.challenge is None:
            return asking
        proof = arm_proof(self._key, train_id=self.train_id, challenge=asking.challenge)
        self._say(Action.ARM, Reason.ARMED_BY_OPERATOR, proof=proof)
        answer = self.wait_for(lambda s: s.challenge != asking.challenge, timeout_s)
        if answer.latched:
            raise HubError(Reason.STOPPED_WHILE_ARMING, got=answer.reason)
        return answer

    def emergency_stop(self, reason: str = Reason.BY_OPERATOR) -> None:
        """Stop the train at once and latch it.

        Raises:
            BrokerError: If the broker does not take the command.
        """
        self._say(Action.EMERGENCY_STOP, reason)

    def wait_for(self, wanted: Callable[[TrainState], bool], timeout_s: float) -> TrainState:
        """Wait for a state of the train.

        Args:
            wanted: Tells whether a state is the one.
            timeout_s: How long to wait, seconds.

        Returns:
            The first state that is.

        Raises:
            HubError: If none came in time; names the latest state.
        """

        def found() -> bool:
            return self._state is not None and wanted(self._state)

        with self._changed:
            if self._changed.wait_for(found, timeout_s):
                assert self._state is not None
                return self._state
            latest = f"{self._state.motion}: {self._state.reason}" if self._state else "no word"
        raise HubError(
            Reason.TRAIN_SILENT.say(train=self.train_id, seconds=f"{timeout_s:g}"),
            got=latest,
            fix=Reason.FIX_CONTROL,
        )

    def __enter__(self) -> Self:
        self.client.start()
        self.client.subscribe(f"train/{self.train_id}/state", self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.stop()

    def _receive(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, TrainState):
            with self._changed:
                self._state = event
                self._changed.notify_all()

    def _say(self, action: Action, reason: str, *, proof: str | None = None) -> None:
        self.client.publish(
            Command(
                train_id=self.train_id,
                action=action,
                reason=reason,
                origin=Origin.OPERATOR,
                proof=proof,
            )
        )
        if not self.client.flush(ARM_TIMEOUT_S):
            raise _not_taken(self.client.address, action)


def emergency_stop(
    settings: Settings, *, train_id: str, reason: str, timeout_s: float = STAND_TIMEOUT_S
) -> TrainState | None:
    """Stop a train at once and latch it; unlike an :class:`Operator`, without a key.

    Args:
        settings: The broker.
        train_id: Which train.
        reason: Why, in words for people.
        timeout_s: How long to wait for the train to say that it stands, seconds.

    Returns:
        The state in which it stands; None if it has not said so in time.

    Raises:
        ConfigError: If no broker is named.
        BrokerError: If the broker cannot be reached, or does not take the command.
    """
    if settings.mqtt_url is None:
        raise ConfigError(
            "A train is stopped through its broker, and none is named",
            expected="the environment variable KIT_MQTT_URL",
            fix="press the hub's green button",
        )
    told = threading.Condition()
    stands: list[TrainState] = []

    def receive(event: Event, _received_ns: int) -> None:
        if isinstance(event, TrainState) and event.latched and event.motion in _STANDING:
            with told:
                stands.append(event)
                told.notify_all()

    url = settings.mqtt_url.get_secret_value()
    command = Command(
        train_id=train_id,
        action=Action.EMERGENCY_STOP,
        reason=reason,
        origin=Origin.OPERATOR,
    )
    with MqttClient(
        url, service="stop", train_id=train_id, ca_file=settings.mqtt_ca_file
    ) as client:
        client.publish(command)
        if not client.flush(ARM_TIMEOUT_S):
            raise _not_taken(client.address, Action.EMERGENCY_STOP)
        client.subscribe(f"train/{train_id}/state", receive)
        with told:
            told.wait_for(lambda: stands, timeout_s)
    return stands[-1] if stands else None


def switch_capture(
    settings: Settings,
    *,
    train_id: str,
    on: bool,
    reason: str,
    timeout_s: float = CAPTURE_TIMEOUT_S,
) -> bool:
    """Have a train's capture pause, or go on.

    A train without pictures brakes and latches when its lease ends. That they come again does
    not release it.

    Args:
        settings: The broker.
        train_id: Which train.
        on: Whether pictures are wanted.
        reason: Why, in words for people.
        timeout_s: How long to wait for capture to say that it obeyed, seconds.

    Returns:
        Whether it has said so.

    Raises:
        ConfigError: If no broker is named.
        BrokerError: If the broker cannot be reached, or does not take the order.
    """
    if settings.mqtt_url is None:
        raise ConfigError(
            "Capture is switched through the train's broker, and none is named",
            expected="the environment variable KIT_MQTT_URL",
        )
    obeyed = threading.Event()

    def receive(event: Event, _received_ns: int) -> None:
        if isinstance(event, Alive) and event.status == "online" and event.paused is not on:
            obeyed.set()

    url = settings.mqtt_url.get_secret_value()
    with MqttClient(
        url, service="switch", train_id=train_id, ca_file=settings.mqtt_ca_file
    ) as client:
        client.publish(CaptureSwitch(train_id=train_id, on=on, reason=reason))
        if not client.flush(ARM_TIMEOUT_S):
            raise BrokerError(f"The broker at {client.address} did not take the order to capture")
        client.subscribe(f"train/{train_id}/alive/capture", receive)
        return obeyed.wait(timeout_s)


def _not_taken(address: str, action: Action) -> BrokerError:
    return BrokerError(
        f"The broker at {address} did not take the command '{action}'",
        fix="stop the train by hand: press the hub's green button",
    )

"""The MQTT broker of the older demo's services: topics and bytes, no events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from ulid import ULID

from kit.messaging.bindings import MqttMessage
from kit.messaging.counters import Counters
from kit.messaging.link import Link
from kit.messaging.mqtt import CONNECT_TIMEOUT_S
from kit.messaging.url import BrokerUrl


class OlderBroker:
    """A connection to it.

    Args:
        url: ``mqtt://[user[:password]@]host[:port]``, or ``mqtts://`` for TLS.
        name: Which client this is.
        ca_file: Certificate authority of the broker, PEM; the system's if not given.
        will: Topic and payload that the broker says when this process vanishes.

    Raises:
        ConfigError: If the URL or the certificate file is wrong.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        ca_file: Path | None = None,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self._handlers: dict[str, Callable[[bytes], None]] = {}
        self._watchers: list[Callable[[bool], None]] = []
        self._link = Link(
            BrokerUrl.parse(url),
            client_id=f"{name}-{str(ULID())[-8:]}",
            will=(lambda: _message(*will, qos=1)) if will else None,
            on_message=self._receive,
            on_change=self._changed,
            counters=Counters(),
            ca_file=ca_file,
        )

    def on_connection(self, callback: Callable[[bool], None]) -> None:
        """Have a function called, on the network's thread, when the broker came or went."""
        self._watchers.append(callback)

    def subscribe(self, topic: str, handler: Callable[[bytes], None]) -> None:
        """Have a function called with each payload of a topic, on the network's thread."""
        self._handlers[topic] = handler
        self._link.subscribe(topic, CONNECT_TIMEOUT_S)

    def publish(self, topic: str, payload: bytes, *, qos: int = 0) -> paho.MQTTMessageInfo:
        """Send a payload; never blocks."""
        return self._link.send(_message(topic, payload, qos=qos))

    def say(self, topic: str, payload: bytes) -> Callable[[float], bool]:
        """Send a payload that must arrive.

        Returns:
            A function that waits, for the seconds given, and tells whether the broker took it.
        """
        info = self.publish(topic, payload, qos=1)

        def taken(timeout_s: float) -> bool:
            try:
                info.wait_for_publish(timeout_s)
                return info.is_published()
            except (RuntimeError, ValueError):  # paho: lost with the connection, or never queued
                return False

        return taken

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold the connection.

        Raises:
            BrokerError: If the broker cannot be reached, or refuses us or a subscription.
        """
        try:
            self._link.open(CONNECT_TIMEOUT_S)
            yield
        finally:
            self._link.close()

    def _receive(self, message: paho.MQTTMessage) -> None:
        handler = self._handlers.get(message.topic)
        if handler is not None:
            handler(bytes(message.payload))

    def _changed(self, connected: bool) -> None:  # noqa: FBT001  # the link's way
        for watcher in self._watchers:
            watcher(connected)


def _message(topic: str, payload: bytes, *, qos: int) -> MqttMessage:
    return MqttMessage(topic, payload, qos, retain=False, content_type="", user_properties=())

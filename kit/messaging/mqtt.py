"""The MQTT 5 client of every service: events in, events out, and a will for when it dies.

Nothing here makes a publisher wait: what cannot leave now is dropped and counted, for the next
frame brings something newer. Only a stop is kept until the broker is back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from ulid import ULID

from kit.errors import ConfigError, EventError
from kit.events import Action, Alive, Command, Event, Frame
from kit.messaging.bindings import MqttMessage, from_mqtt, to_mqtt
from kit.messaging.counters import Counters
from kit.messaging.link import Link
from kit.messaging.url import BrokerUrl

CONNECT_TIMEOUT_S = 10.0
"""How long the broker may take to let us in or to confirm a subscription, seconds."""

GOODBYE_TIMEOUT_S = 2.0
"""How long :meth:`MqttClient.stop` waits for what is still on its way, seconds."""

_STOPS = frozenset({Action.STOP, Action.EMERGENCY_STOP})

Handler = Callable[[Event, int], None]
"""Takes an event and the monotonic nanoseconds of its reception; must be quick."""


@dataclass(frozen=True)
class MqttStats:
    """What a client counted since it was made.

    Attributes:
        connected: Whether the broker is there now.
        published: Events handed to the network.
        dropped: Events not sent: no connection, or the frame before still on its way.
        received: Events given to handlers.
        rejected: Messages that were no valid event.
        refused: What the broker refused: us, a subscription, a message.
        failed: Calls of a handler that raised.
        reconnects: How often a lost connection came back.
        last_errors: The newest reasons, at most 20, oldest first.
    """

    connected: bool = False
    published: int = 0
    dropped: int = 0
    received: int = 0
    rejected: int = 0
    refused: int = 0
    failed: int = 0
    reconnects: int = 0
    last_errors: tuple[str, ...] = ()


class MqttClient:
    """A service's connection to the broker; a context manager.

    While it is connected, ``train/<train id>/alive/<service>`` says ``online``; when it stops
    or dies, ``offline``. It reconnects by itself and takes its subscriptions along.

    Args:
        url: ``mqtt://[user[:password]@]host[:port]``, or ``mqtts://`` for TLS.
        service: Name of the service, such as ``capture``.
        train_id: Which train.
        ca_file: Certificate authority of the broker, PEM; the system's if not given.
        session_s: How long the broker keeps subscriptions, and what they would have brought at
            quality 1, while we are away, seconds; 0 for not at all. With a session there can be
            one such client of a train: another one takes its place.

    Raises:
        ConfigError: If the URL or the certificate file is wrong.
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        train_id: str,
        ca_file: Path | None = None,
        session_s: int = 0,
    ) -> None:
        self.service = service
        self.train_id = train_id
        self._counters = Counters()
        self._handlers: dict[str, list[Handler]] = {}
        self._watchers: list[Callable[[bool], None]] = []
        self._on_their_way: dict[int, paho.MQTTMessageInfo] = {}
        self._last_frame: paho.MQTTMessageInfo | None = None
        self._ever_connected = False
        self._said_offline = False
        self._link = Link(
            BrokerUrl.parse(url),
            client_id=f"{train_id}-{service}" + ("" if session_s else f"-{str(ULID())[-8:]}"),
            will=self._will,
            on_message=self._receive,
            on_change=self._connection_changed,
            counters=self._counters,
            ca_file=ca_file,
            session_s=session_s,
        )

    @property
    def address(self) -> str:
        """``host:port`` of the broker."""
        return self._link.url.address

    @property
    def stats(self) -> MqttStats:
        """What was counted so far."""
        return MqttStats(
            connected=self._link.connected,
            last_errors=self._counters.last_errors,
            **self._counters.numbers,
        )

    def start(self, *, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Connect, and confirm the subscriptions made so far.

        Args:
            timeout_s: How long to try, seconds.

        Raises:
            BrokerError: If the broker cannot be reached, or refuses us or a subscription.
        """
        try:
            self._link.open(timeout_s)
        except BaseException:
            self._link.close()
            raise

    def stop(self) -> None:
        """Say goodbye and disconnect; safe to call twice."""
        if self._link.connected:
            if not self._said_offline:
                self.publish(self._alive("offline"))
            self.flush(GOODBYE_TIMEOUT_S)
        self._link.close()

    def publish(self, event: Event) -> None:
        """Send an event; never blocks and never raises.

        Without a connection, or while the frame before is still on its way, the event is
        dropped and counted. A stop is kept and sent once the broker is back.

        Args:
            event: What to send, on the topic and with the quality of service of its kind.
        """
        is_stop = isinstance(event, Command) and event.action in _STOPS
        is_frame = isinstance(event, Frame)
        if not (self._link.connected or is_stop) or (is_frame and self._frame_on_its_way()):
            self._counters.add("dropped")
            return
        try:
            info = self._link.send(message := to_mqtt(event, source=self.service))
        except EventError as error:
            self._counters.fault("dropped", error)
            return
        kept = is_stop and info.rc is MQTTErrorCode.MQTT_ERR_NO_CONN
        sent = info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS
        self._counters.add("published" if sent or kept else "dropped")
        self._on_their_way[message.qos] = info
        if is_frame:
            self._last_frame = info
        elif isinstance(event, Alive) and event.service == self.service:
            self._said_offline = event.status == "offline"

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was published has left, acknowledged where that is asked for.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            Whether all of it has.
        """
        deadline = time.monotonic() + timeout_s
        for info in list(self._on_their_way.values()):
            try:
                info.wait_for_publish(max(0.0, deadline - time.monotonic()))
                if not info.is_published():
                    return False
            except (RuntimeError, ValueError):  # paho: lost with the connection, or never queued
                return False
        return True

    def subscribe(
        self, topic_filter: str, handler: Handler, *, timeout_s: float = CONNECT_TIMEOUT_S
    ) -> None:
        """Have a handler called with each event on some topics.

        Once started, it returns when the broker has confirmed; so do not call it from a
        handler. Filters of one client must not overlap: brokers differ on what comes twice.

        Args:
            topic_filter: Such as ``train/+/frame``.
            handler: Called on the network's thread, so it must be quick; what it raises is
                counted and logged.
            timeout_s: How long the broker may take to confirm, seconds.

        Raises:
            ConfigError: If the filter is none.
            BrokerError: If the broker does not confirm it.
        """
        if not _is_filter(topic_filter):
            raise ConfigError("This is no MQTT topic filter", got=topic_filter)
        self._handlers.setdefault(topic_filter, []).append(handler)
        self._link.subscribe(topic_filter, timeout_s)

    def on_connection(self, callback: Callable[[bool], None]) -> None:
        """Have a callback called on the network's thread at each change of the connection.

        Args:
            callback: Takes whether the broker is there now.
        """
        self._watchers.append(callback)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"MqttClient({self.service!r} at {self.address})"

    def _connection_changed(self, connected: bool) -> None:  # noqa: FBT001  # paho's way
        if connected:
            if self._ever_connected:
                self._counters.add("reconnects")
            self._ever_connected = True
            self.publish(self._alive("online"))
        for watcher in self._watchers:
            watcher(connected)

    def _receive(self, message: paho.MQTTMessage) -> None:
        received_ns = time.monotonic_ns()
        properties = message.properties
        try:
            topic = message.topic
            event = from_mqtt(
                bytes(message.payload),
                topic=topic,
                content_type=getattr(properties, "ContentType", None),
                user_properties=getattr(properties, "UserProperty", ()),
            )
        except (EventError, UnicodeDecodeError) as error:
            self._counters.fault("rejected", error)
            return
        self._counters.add("received")
        for topic_filter, handlers in list(self._handlers.items()):
            if paho.topic_matches_sub(topic_filter, topic):
                for handler in handlers:
                    handler(event, received_ns)

    def _frame_on_its_way(self) -> bool:
        info = self._last_frame
        return (
            info is not None
            and info.rc is MQTTErrorCode.MQTT_ERR_SUCCESS
            and not info.is_published()
        )

    def _will(self) -> MqttMessage:
        self._said_offline = False
        return to_mqtt(
            self._alive("offline", detail="the connection was lost"), source=self.service
        )

    def _alive(self, status: Literal["online", "offline"], *, detail: str = "") -> Alive:
        return Alive(
            train_id=self.train_id,
            service=self.service,
            status=status,
            pid=os.getpid(),
            detail=detail,
        )


def _is_filter(text: str) -> bool:
    levels = text.split("/")
    wild = all(level in {"+", "#"} for level in levels if "+" in level or "#" in level)
    return bool(text) and wild and "#" not in levels[:-1] and "\0" not in text

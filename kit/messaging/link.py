"""One MQTT 5 connection that keeps itself up: the transport below :mod:`kit.messaging.mqtt`.

It knows messages, not events: it connects with a will, comes back after a loss, and asks again
for what was subscribed to.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from kit.errors import BrokerError, ConfigError
from kit.messaging.bindings import MAX_IMAGE_BYTES, MqttMessage
from kit.messaging.counters import Counters
from kit.messaging.url import BrokerUrl
from kit.reasons import Reason

KEEPALIVE_S = 5
"""After how much silence a connection is probed, seconds; a dead one is given up after two."""

RECONNECT_MIN_S = 0.1
"""Wait before the first attempt to reconnect, seconds; it doubles each time."""

RECONNECT_MAX_S = 2.0
"""Longest wait between attempts to reconnect, seconds."""

SEND_BUFFER_BYTES = 131_072
"""Size of the socket's send buffer: about three frames, so that a slow link drops, not lags."""

MAX_QUEUED = 200
"""How many unacknowledged messages are kept, stops that wait for the broker included."""

_logger = logging.getLogger(__name__)


class Link:
    """A connection to a broker.

    Args:
        url: Where the broker is.
        client_id: Which client this is; the broker keeps one connection of that name.
        will: Makes what the broker says when we vanish; asked anew at each connection. Without
            one it says nothing.
        on_message: Called with each message, on the network's thread.
        on_change: Called when the connection came (True) or went (False), on that thread.
        counters: Gets ``failed``, ``refused`` and ``reconnects``.
        ca_file: Certificate authority for TLS, PEM; the system's if not given.
        session_s: How long the broker keeps our session while we are away, seconds; 0 for none.

    Raises:
        ConfigError: If the certificate file cannot be read.
    """

    def __init__(
        self,
        url: BrokerUrl,
        *,
        client_id: str,
        will: Callable[[], MqttMessage] | None,
        on_message: Callable[[paho.MQTTMessage], None],
        on_change: Callable[[bool], None],
        counters: Counters,
        ca_file: Path | None = None,
        session_s: int = 0,
    ) -> None:
        self.url = url
        self._session_s = session_s
        self.connected = False
        self.started = False
        self._greeted = False
        self._will = will
        self._on_message = on_message
        self._on_change = on_change
        self._counters = counters
        self._changed = threading.Condition()
        self._trouble = "no answer"
        self._refused = False
        self._filters: list[str] = []
        self._asked: dict[int, list[str]] = {}
        self._granted: dict[str, ReasonCode] = {}
        self._client = self._build(client_id, ca_file)

    def open(self, timeout_s: float) -> None:
        """Connect, and have the subscriptions confirmed.

        Args:
            timeout_s: How long to try, seconds.

        Raises:
            BrokerError: If the broker cannot be reached, or refuses us or a subscription.
        """
        self.started = True
        self._client.connect_async(
            self.url.host,
            self.url.port,
            keepalive=KEEPALIVE_S,
            clean_start=not self._session_s,
            properties=_properties(
                PacketTypes.CONNECT,
                MaximumPacketSize=2 * MAX_IMAGE_BYTES,
                SessionExpiryInterval=self._session_s,
            ),
        )
        self._client.loop_start()
        with self._changed:
            # Not before `on_change` was told: what it publishes comes before what our caller does.
            self._changed.wait_for(lambda: self._greeted or self._refused, timeout_s)
            if not self._greeted:
                raise self._unreachable(timeout_s)
        self._await_grants(timeout_s)

    def close(self) -> None:
        """Disconnect; safe to call twice."""
        self._client.disconnect()
        self._client.loop_stop()
        self.connected = False

    def send(self, message: MqttMessage) -> paho.MQTTMessageInfo:
        """Hand a message to the network's thread; never blocks."""
        return self._client.publish(**_arguments(message, PacketTypes.PUBLISH))

    def subscribe(self, topic_filter: str, timeout_s: float) -> None:
        """Ask for a topic, now or as soon as the connection is there.

        Args:
            topic_filter: Such as ``train/+/frame``.
            timeout_s: How long to wait for the broker's word once started, seconds.

        Raises:
            BrokerError: If the broker does not confirm it.
        """
        with self._changed:
            if topic_filter not in self._filters:
                self._filters.append(topic_filter)
                if self.connected:
                    self._ask([topic_filter])
        if self.started:
            self._await_grants(timeout_s)

    def _build(self, client_id: str, ca_file: Path | None) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        if self.url.username is not None:
            client.username_pw_set(self.url.username, self.url.password)
        if self.url.tls:
            client.tls_set_context(_tls(ca_file))
        # paho asks for whole seconds, but only sleeps for them.
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)  # type: ignore[arg-type]
        client.max_queued_messages_set(MAX_QUEUED)
        client.on_pre_connect = self._before_connect
        client.on_socket_open = _tune
        client.on_connect = self._connect_answered
        client.on_connect_fail = self._connect_failed
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribe_answered
        client.on_publish = self._publish_answered
        client.on_message = self._message_came
        return client

    def _before_connect(self, client: paho.Client, _data: object) -> None:
        if self._will is not None:
            client.will_set(**_arguments(self._will(), PacketTypes.WILLMESSAGE))

    def _connect_answered(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        with self._changed:
            if reason.is_failure:
                self._refused, self._trouble = True, str(reason)
                self._counters.fault("refused", reason)
                self._changed.notify_all()
                return
            self._granted.clear()
            if self._filters:
                self._ask(self._filters)
            self.connected = True
        self._guard(self._on_change, True)
        with self._changed:
            self._greeted = self.connected
            self._changed.notify_all()

    def _connect_failed(self, _client: paho.Client, _data: object) -> None:
        # paho calls this while it handles the error that tells why.
        self._trouble = str(sys.exc_info()[1] or self._trouble)

    def _disconnected(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        with self._changed:
            was_connected, self.connected, self._greeted = self.connected, False, False
            if not (was_connected or self._refused):
                self._trouble = "it closes the connection instead of letting us in"
            self._changed.notify_all()
        if was_connected:
            _logger.info("MQTT connection to %s ended: %s", self.url.address, reason)
            self._guard(self._on_change, False)

    def _subscribe_answered(
        self, _client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        with self._changed:
            for topic_filter, reason in zip(self._asked.pop(mid, ()), reasons, strict=False):
                self._granted[topic_filter] = reason
                if reason.is_failure:
                    self._counters.fault("refused", f"{topic_filter}: {reason}")
            self._changed.notify_all()

    def _publish_answered(
        self, client: paho.Client, _data: object, _mid: int, reason: ReasonCode, _p: object
    ) -> None:
        acknowledge_now(client)
        if reason.is_failure:
            self._counters.fault("refused", f"publish: {reason}")

    def _message_came(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        acknowledge_now(client)
        self._guard(self._on_message, message)

    def _guard(self, call: Callable[[Any], None], argument: object) -> None:
        try:
            call(argument)
        except Exception as error:  # else paho's thread would end, and the link
            self._counters.fault("failed", f"{type(error).__name__}: {error}")
            _logger.exception("A handler of MQTT failed")

    def _ask(self, filters: list[str]) -> None:
        _, mid = self._client.subscribe([(topic_filter, 1) for topic_filter in filters])
        if mid is not None:
            self._asked[mid] = list(filters)

    def _await_grants(self, timeout_s: float) -> None:
        with self._changed:
            filters = tuple(self._filters)
            self._changed.wait_for(lambda: self._granted.keys() >= set(filters), timeout_s)
            for topic_filter in filters:
                reason = self._granted.get(topic_filter)
                if reason is None or reason.is_failure:
                    raise BrokerError(
                        f"The MQTT broker at {self.url.address} gives no subscription",
                        expected=f"permission to read {topic_filter}",
                        got=str(reason) if reason else f"no answer within {timeout_s:g} s",
                    )

    def _unreachable(self, timeout_s: float) -> BrokerError:
        return BrokerError(
            Reason.BROKER_AWAY.say(address=self.url.address),
            expected=f"to be let in within {timeout_s:g} s",
            got=self._trouble,
            fix="check that the broker runs, that it speaks MQTT 5, and the user and password",
        )


def _tune(_client: paho.Client, _data: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def acknowledge_now(client: paho.Client) -> None:
    """Have the kernel acknowledge what came, rather than some 40 ms later.

    A broker that leaves Nagle's algorithm on, as rumqttd does, holds its next small message back
    until then: a delay of up to 40 ms as soon as messages come faster than that. Linux only, and
    to be asked for anew each time (tcp(7)).

    Args:
        client: Whose connection.
    """
    sock: Any = client.socket()
    if sock is not None and hasattr(socket, "TCP_QUICKACK"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            "The certificate authority of the MQTT broker cannot be read",
            expected="a PEM file",
            got=f"{ca_file}: {error}",
        ) from error


def _arguments(message: MqttMessage, packet: int) -> dict[str, Any]:
    return {
        "topic": message.topic,
        "payload": message.payload,
        "qos": message.qos,
        "retain": message.retain,
        "properties": _properties(
            packet,
            ContentType=message.content_type,
            UserProperty=list(message.user_properties),
        ),
    }


def _properties(packet: int, **values: object) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties

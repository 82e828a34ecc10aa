"""Someone else on the broker, with its password: hears all, repeats it, or says what he likes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kit.errors import BrokerError
from kit.events import Event
from kit.messaging.bindings import MqttMessage, to_mqtt
from kit.messaging.url import BrokerUrl

KEPT = 300
"""Messages of each kind that are remembered."""

_TIMEOUT_S = 10.0
_ID = "id"  # the CloudEvents attribute that no two messages share


@dataclass(frozen=True)
class Overheard:
    """A message as it went over the broker.

    Attributes:
        message: The message.
        at_s: When it came, monotonic seconds.
    """

    message: MqttMessage
    at_s: float

    @property
    def event_id(self) -> str:
        """Its CloudEvents id, empty if it has none."""
        return dict(self.message.user_properties).get(_ID, "")


class Intruder:
    """A raw MQTT 5 client; a context manager.

    Args:
        url: The broker, with its password.
        train_id: Whose messages he hears.

    Attributes:
        on_message: Called with each message that he has not said or heard before.
    """

    def __init__(self, url: str, *, train_id: str) -> None:
        self.on_message: Callable[[Overheard], None] | None = None
        self._url = BrokerUrl.parse(url)
        self._train_id = train_id
        self._connected, self._gone = threading.Event(), threading.Event()
        self._known: set[str] = set()
        self._heard: dict[str, deque[Overheard]] = {}
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set(self._url.username, self._url.password)
        client.max_inflight_messages_set(1000)
        client.on_connect = self._entered
        client.on_disconnect = lambda *_: self._gone.set()
        client.on_message = self._hear
        self._client = client

    def say(self, message: MqttMessage) -> None:
        """Publish a message as it is."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if message.content_type:
            properties.ContentType = message.content_type
        properties.UserProperty = list(message.user_properties)
        self._client.publish(message.topic, message.payload, qos=0, properties=properties)

    def claim(self, event: Event) -> None:
        """Publish an event of his own making, in the right form."""
        self.say(to_mqtt(event, source="intruder"))

    def of(self, kind: str) -> list[Overheard]:
        """Return what he heard lately of a kind, such as ``command``, oldest first."""
        return list(self._heard.get(kind, ()))

    @property
    def all(self) -> list[Overheard]:
        """What he heard lately of all kinds."""
        return [one for kind in tuple(self._heard) for one in self.of(kind)]

    def wait_gone(self) -> bool:
        """Wait until the broker has thrown him out; return whether it has."""
        return self._gone.wait(_TIMEOUT_S)

    def __enter__(self) -> Self:
        self._client.connect(self._url.host, self._url.port)
        self._client.loop_start()
        if not self._connected.wait(_TIMEOUT_S):
            raise BrokerError("The broker does not let the intruder in")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _entered(self, client: paho.Client, *_: Any) -> None:
        client.subscribe(f"train/{self._train_id}/+", qos=0)
        self._connected.set()

    def _hear(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        properties = message.properties
        one = Overheard(
            MqttMessage(
                topic=message.topic,
                payload=bytes(message.payload),
                qos=0,
                retain=False,
                content_type=getattr(properties, "ContentType", ""),
                user_properties=tuple(getattr(properties, "UserProperty", ())),
            ),
            time.monotonic(),
        )
        if one.event_id in self._known:  # his own repetition comes back to him too
            return
        self._known.add(one.event_id)
        kind = one.message.topic.rpartition("/")[2]
        self._heard.setdefault(kind, deque(maxlen=KEPT)).append(one)
        if self.on_message:
            self.on_message(one)


@contextmanager
def busy(work: Callable[[], None], *, every_s: float) -> Iterator[None]:
    """Do something again and again beside what happens in the ``with`` block.

    Args:
        work: What to do.
        every_s: Pause after each time, seconds.
    """
    ended = threading.Event()
    failures: list[Exception] = []

    def repeat() -> None:
        try:
            while not ended.wait(every_s):
                work()
        except Exception as error:  # noqa: BLE001  # raised again below, in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=repeat, name="intruder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]

"""Their page: our pictures with boxes go to it, and its buttons come from it, over Kafka."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from ulid import ULID

from kit.config import Settings
from kit.errors import ConfigError, EventError
from kit.events import Action, Command, Event, Frame, Origin, Prediction
from kit.interop.formats import (
    CAPTURE_TOPIC,
    MAX_BYTES,
    MONITORING_TOPIC,
    CaptureOrder,
    decode_order,
    encode_monitoring,
)
from kit.interop.pictures import encode_webp
from kit.interop.roles import Older, Role, Side
from kit.interop.translation import to_result
from kit.messaging.kafka.cluster import client_config, client_logger, wrong_config
from kit.messaging.mailbox import LatestMailbox
from kit.reasons import Reason
from kit.services.base import STEP_TIMEOUT_S, ServiceParameters
from kit.vision.frames import decode_jpeg
from kit.vision.overlay import draw

FRAMES_KEPT = 10
"""How many frames wait for what the model sees in them."""

_POLL_S = 0.2
_ADMIN_S = 5.0
_DELIVERY_MS = 2000
_STOPS = {
    CaptureOrder.STOP: Reason.THEIR_CAPTURE_STOP,
    CaptureOrder.STOP_MOVEMENT: Reason.THEIR_TRAIN_STOP,
}


class MonitoringRole(Role):
    """Shows their page what the train sees, and obeys it where that is safe.

    ``stop`` and ``stopMovement`` are an emergency stop: a train that nobody watches stands.
    ``start`` and ``startMovement`` are counted and change nothing, since only who holds the key
    arms a train of the kit.

    Args:
        parameters: Which train, and how long.
        settings: Where the brokers are.
        side: The older demo's side.
    """

    name: ClassVar[str] = "monitoring"
    silent_after_s: ClassVar[float] = float("inf")

    def __init__(self, parameters: ServiceParameters, *, settings: Settings, side: Side) -> None:
        super().__init__(parameters, settings=settings, side=side)
        bootstrap = self.settings.older_kafka_bootstrap or self.settings.kafka_bootstrap
        if bootstrap is None:
            raise ConfigError(
                "The bridge knows no Kafka cluster for their monitoring page",
                expected="KIT_KAFKA_BOOTSTRAP in the environment, and KIT_OLDER_KAFKA_BOOTSTRAP "
                "if theirs is another",
            )
        self._config = client_config(bootstrap, self.settings)
        self.listening = threading.Event()
        self._frames: OrderedDict[str, Frame] = OrderedDict()
        self._pairs: LatestMailbox[tuple[Frame, Prediction]] = LatestMailbox()
        self.heard()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the subscriptions, a producer and a consumer."""
        self._producer = self._build(Producer, {"message.timeout.ms": _DELIVERY_MS})
        self._consumer = self._build(
            Consumer, {"group.id": "runaway-train-kit", "enable.auto.commit": False}
        )
        listener = threading.Thread(target=self._listen, name="their-page", daemon=True)
        with super().working():
            listener.start()
            try:
                yield
            finally:
                self.stop()
                listener.join()
                self._consumer.close()

    def join(self) -> None:
        """Listen to our frames and predictions, unless their decision feeds the page itself."""
        if not self.side.are_theirs(Older.DECISION):
            train = f"train/{self.parameters.train_id}"
            self.client.subscribe(f"{train}/frame", self._take_frame)
            self.client.subscribe(f"{train}/prediction", self._take_prediction)

    def _build(self, kind: Any, more: dict[str, Any]) -> Any:
        try:
            common = self._config | {"message.max.bytes": MAX_BYTES, "error_cb": self._went_wrong}
            return kind(common | more, logger=client_logger)
        except KafkaException as error:
            raise wrong_config(error) from error

    def _take_frame(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, Frame):
            self._frames[event.frame.frame_id] = event
            while len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)

    def _take_prediction(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, Prediction):
            frame = self._frames.pop(event.frame.frame_id, None)
            if frame is not None:
                self._pairs.put((frame, event))

    def step(self) -> None:
        """Send the newest picture with its boxes."""
        self.worked()
        self._producer.poll(0)
        pair = self._pairs.get(STEP_TIMEOUT_S)
        self.counters["dropped"] = self._pairs.dropped
        if pair is None:
            return
        frame, prediction = pair
        try:
            picture = draw(decode_jpeg(frame.image), prediction.detections)
        except EventError as error:
            self.reject(error)
            return
        result = to_result(
            prediction,
            older_id=self.side.book.new_id(frame.frame),
            webp=encode_webp(picture),
            width=frame.width,
            height=frame.height,
        )
        value = encode_monitoring(
            result,
            event_id=str(ULID()),
            source=f"/train/{self.parameters.train_id}/bridge",
            time=datetime.now(UTC),
        )
        try:
            self._producer.produce(MONITORING_TOPIC, value=value)
        except (BufferError, KafkaException):  # Kafka is away: the next picture is newer
            self.count("dropped")
        else:
            self.count("shown")

    def _listen(self) -> None:
        """Take the page's orders from now on, and again after Kafka was away."""
        while not self.ending and not self._assigned():
            self._ended.wait(_POLL_S)
        while not self.ending:
            message = self._consumer.poll(_POLL_S)
            if message is None or message.error() is not None:
                continue
            try:
                self._obey(decode_order(message.value() or b""))
            except EventError as error:
                self.reject(error)

    def _assigned(self) -> bool:
        admin = AdminClient(self._config, logger=client_logger)
        try:
            for topic in (MONITORING_TOPIC, CAPTURE_TOPIC):
                made = admin.create_topics([NewTopic(topic, num_partitions=1)])
                made[topic].exception(_ADMIN_S)
            known = self._consumer.list_topics(CAPTURE_TOPIC, timeout=_ADMIN_S)
            places = []
            for partition in known.topics[CAPTURE_TOPIC].partitions:
                place = TopicPartition(CAPTURE_TOPIC, partition)
                place.offset = self._consumer.get_watermark_offsets(place, timeout=_ADMIN_S)[1]
                places.append(place)
        except (KafkaException, TimeoutError) as error:
            self.trouble = str(error)
            return False
        self._consumer.assign(places)
        self.listening.set()
        return bool(places)

    def _obey(self, order: CaptureOrder) -> None:
        reason = _STOPS.get(order)
        if reason is None:
            self.count("starts refused")
            return
        self.client.publish(
            Command(
                train_id=self.parameters.train_id,
                action=Action.EMERGENCY_STOP,
                reason=reason,
                origin=Origin.OPERATOR,
            )
        )
        self.count("stops")

    def _went_wrong(self, error: object) -> None:
        self.trouble = f"{time.strftime('%H:%M:%S')} {error}"

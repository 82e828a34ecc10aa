"""What the bridge does in the place of a service of ours, for each service that is theirs.

Each role is a service of the kit with the name of the one that it stands in for, with its signs of
life and its last will: so the train stops when the bridge dies, or when theirs falls silent.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from kit.config import Settings
from kit.errors import ConfigError, EventError
from kit.events import FRAME_HEIGHT, FRAME_WIDTH, Alive, Event, Frame, Prediction, Stage
from kit.interop.attribution import Attribution
from kit.interop.book import Book, Entry
from kit.interop.formats import (
    COMMAND_TOPIC,
    IMAGE_TOPIC,
    RESULT_TOPIC,
    OlderImage,
    decode_command,
    decode_image,
    decode_result,
    encode_image,
    encode_result,
)
from kit.interop.older_broker import OlderBroker
from kit.interop.pictures import Fit, decode_webp, frame_to_webp, webp_to_frame
from kit.interop.translation import MODEL, stamp_of, to_command, to_detections, to_result
from kit.messaging.mailbox import LatestMailbox
from kit.services.base import STEP_TIMEOUT_S, Service, ServiceParameters

SILENT_S = 3.0
"""After this long without a word, a service of theirs counts as gone, seconds."""


class Older(StrEnum):
    """The services of the older demo."""

    CAPTURE = "capture"
    INFERENCE = "inference"
    DECISION = "decision"
    CONTROLLER = "controller"
    MONITORING = "monitoring"


@dataclass(frozen=True)
class Side:
    """The older demo's side of the bridge.

    Attributes:
        theirs: Which services are theirs.
        book: What went over the bridge.
        attribution: Which frame their commands belong to.
        controller_topic: The topic to which their controller listens.
    """

    theirs: frozenset[Older]
    book: Book = field(default_factory=Book)
    attribution: Attribution = field(default_factory=Attribution)
    controller_topic: str = COMMAND_TOPIC

    def are_theirs(self, *services: Older) -> bool:
        """Whether all of these are theirs."""
        return self.theirs.issuperset(services)


def older_mqtt_url(settings: Settings) -> str:
    """Return the URL of their broker, which may be ours.

    Raises:
        ConfigError: If neither is named.
    """
    found = settings.older_mqtt_url or settings.mqtt_url
    if found is None:
        raise ConfigError(
            "The bridge knows no MQTT broker",
            expected="KIT_MQTT_URL in the environment, and KIT_OLDER_MQTT_URL if theirs is another",
        )
    return found.get_secret_value()


class Role(Service[ServiceParameters]):
    """Common to all roles: their broker, and whether theirs is heard of.

    Args:
        parameters: Which train, and how long.
        settings: Where the brokers are.
        side: The older demo's side.
    """

    parameters_type: ClassVar[type[ServiceParameters]] = ServiceParameters
    silent_after_s: ClassVar[float] = SILENT_S

    def __init__(self, parameters: ServiceParameters, *, settings: Settings, side: Side) -> None:
        super().__init__(parameters, settings=settings)
        self.side = side
        self._heard_s: float | None = None
        self.older = OlderBroker(
            older_mqtt_url(self.settings),
            name=f"{parameters.train_id}-bridge-{self.name}",
            ca_file=self.settings.mqtt_ca_file,
        )

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold both sides' subscriptions."""
        with self.older.open():
            self.join()
            yield

    @abstractmethod
    def join(self) -> None:
        """Subscribe on both sides."""

    def step(self) -> None:
        """Wait: the work is done as messages arrive."""
        self.worked()
        self._ended.wait(STEP_TIMEOUT_S)

    def heard(self) -> None:
        """Note a word of theirs."""
        self._heard_s = time.monotonic()

    def reject(self, error: EventError) -> None:
        """Note a message that is none."""
        self.count("rejected by the bridge")
        self.trouble = str(error)

    trouble = ""

    def _alive(self, **changes: Any) -> Alive:
        silent_s = time.monotonic() - (self._heard_s or 0.0)
        if self._heard_s is None:
            changes = {"status": "offline", "detail": "nothing heard of theirs yet"} | changes
        elif silent_s > self.silent_after_s:
            detail = f"theirs has been silent for {silent_s:.0f} s"
            changes = {"status": "offline", "detail": detail} | changes
        else:
            changes = {"detail": "the older demo's, over the bridge"} | changes
        return super()._alive(**changes)


class CaptureRole(Role):
    """Their capture: their pictures become frames."""

    name: ClassVar[str] = "capture"

    def join(self) -> None:
        """Listen to their pictures."""
        self._images: LatestMailbox[tuple[OlderImage, int, datetime]] = LatestMailbox()
        self.older.subscribe(IMAGE_TOPIC, self._receive)

    def _receive(self, payload: bytes) -> None:
        now_ns, now = time.monotonic_ns(), datetime.now(UTC)
        try:
            self._images.put((decode_image(payload), now_ns, now))
        except EventError as error:
            self.reject(error)
        else:
            self.heard()

    def step(self) -> None:
        """Turn their newest picture into a frame."""
        self.worked()
        item = self._images.get(STEP_TIMEOUT_S)
        self.counters["dropped"] = self._images.dropped
        if item is None:
            return
        image, now_ns, now = item
        try:
            height, width = decode_webp(image.image).shape[:2]
            jpeg, fit = webp_to_frame(image.image)
            sequence = self.counters.get("frames", 0)
            stamp = stamp_of(image.id, sequence=sequence, now_ns=now_ns, now=now)
        except EventError as error:
            self.reject(error)
            return
        self.side.book.note(Entry(image.id, stamp, fit, image.image, width, height))
        self.client.publish(
            Frame(
                train_id=self.parameters.train_id,
                event_id=stamp.frame_id,
                frame=stamp,
                encoded_ns=time.monotonic_ns(),
                image=jpeg,
            )
        )
        self.count("frames")


class InferenceRole(Role):
    """Their inference: our frames become their pictures, their results our predictions."""

    name: ClassVar[str] = "inference"

    def join(self) -> None:
        """Listen to our frames, unless theirs made them, and to their results."""
        self._frames: LatestMailbox[Frame] = LatestMailbox()
        if not self.side.are_theirs(Older.CAPTURE):
            self.client.subscribe(f"train/{self.parameters.train_id}/frame", self._take_frame)
        self.older.subscribe(RESULT_TOPIC, self._receive)

    def _take_frame(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, Frame):
            self._frames.put(event)

    def step(self) -> None:
        """Send our newest frame to them."""
        self.worked()
        frame = self._frames.get(STEP_TIMEOUT_S)
        self.counters["dropped"] = self._frames.dropped
        if frame is None:
            return
        if self.side.are_theirs(Older.DECISION) and self.side.attribution.resting:
            self.count("held back")
            return
        try:
            entry = entry_of(frame, self.side.book)
        except EventError as error:
            self.reject(error)
            return
        self.older.publish(IMAGE_TOPIC, encode_image(OlderImage(entry.older_id, entry.webp)))
        self.count("images")

    def _receive(self, payload: bytes) -> None:
        received_ns = time.monotonic_ns()
        try:
            result = decode_result(payload)
        except EventError as error:
            self.reject(error)
            return
        self.heard()
        entry = self.side.book.find(result.id)
        if entry is None:  # a picture that did not come from here, or long ago
            self.count("unknown")
            return
        self.client.publish(
            Prediction(
                train_id=self.parameters.train_id,
                frame=entry.stamp,
                detections=to_detections(result, entry.fit),
                model=MODEL,
                provider="unknown",
                marks={Stage.INFERRED: received_ns},
            )
        )
        self.count("predictions")


class DecisionRole(Role):
    """Their decision: our predictions become their results, their commands ours."""

    name: ClassVar[str] = "decision"

    def join(self) -> None:
        """Listen to our frames and predictions, or to their results, and to their commands."""
        self._deciding = threading.Lock()
        self._frame: Frame | None = None
        self._predictions: LatestMailbox[Prediction] = LatestMailbox()
        self.older.subscribe(COMMAND_TOPIC, self._receive)
        if self.side.are_theirs(Older.INFERENCE):
            self.older.subscribe(RESULT_TOPIC, self._overhear)
            return
        train = f"train/{self.parameters.train_id}"
        self.client.subscribe(f"{train}/frame", self._take_frame)
        self.client.subscribe(f"{train}/prediction", self._take_prediction)

    def _take_frame(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, Frame):
            self._frame = event

    def _take_prediction(self, event: Event, _received_ns: int) -> None:
        if isinstance(event, Prediction):
            self._predictions.put(event)

    def step(self) -> None:
        """Send our newest prediction to them."""
        self.worked()
        prediction = self._predictions.get(STEP_TIMEOUT_S)
        if prediction is None:
            return
        entry = self._picture(prediction)
        with self._deciding:
            if not self.side.attribution.asks(prediction.frame):
                self.count("held back")
                return
            result = to_result(
                prediction,
                older_id=entry.older_id if entry else self.side.book.new_id(prediction.frame),
                webp=entry.webp if entry else b"",
                width=entry.width if entry else FRAME_WIDTH,
                height=entry.height if entry else FRAME_HEIGHT,
            )
            self.older.publish(RESULT_TOPIC, encode_result(result))
        self.count("results")

    def _picture(self, prediction: Prediction) -> Entry | None:
        frame = self._frame
        if frame is None or frame.frame.frame_id != prediction.frame.frame_id:
            return self.side.book.of_frame(prediction.frame.frame_id)
        try:
            return entry_of(frame, self.side.book)
        except EventError as error:
            self.reject(error)
            return None

    def _overhear(self, payload: bytes) -> None:
        """Note a result that goes from their inference to their decision."""
        try:
            entry = self.side.book.find(decode_result(payload).id)
        except EventError as error:
            self.reject(error)
            return
        if entry is not None:
            self.side.attribution.asks(entry.stamp)

    def _receive(self, payload: bytes) -> None:
        received_ns = time.monotonic_ns()
        try:
            older = decode_command(payload)
        except EventError as error:
            self.reject(error)
            return
        self.heard()
        with self._deciding:  # not between a result's note and its way
            frame = self.side.attribution.answers()
        command = to_command(
            older,
            train_id=self.parameters.train_id,
            frame=frame,
            marks={Stage.DECIDED: received_ns},
        )
        if command is None:
            self.count("unattributed")
            return
        self.client.publish(command)
        self.count("commands")


def entry_of(frame: Frame, book: Book) -> Entry:
    """Return a frame's entry, made now if nobody has needed its picture yet.

    Raises:
        EventError: If its JPEG is torn.
    """
    known = book.of_frame(frame.frame.frame_id)
    if known is not None:
        return known
    webp = frame_to_webp(frame)
    made = Entry(book.new_id(frame.frame), frame.frame, Fit(), webp, frame.width, frame.height)
    book.note(made)
    return made

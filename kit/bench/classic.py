"""The classic arrangement, to measure the kit against: ``python -m kit.bench.classic ROLE``.

This is how such a demo is often joined first, and how the older one was: four programs, pictures
as base64 in JSON, the model inside the MQTT callback, quality of service 0 for all, and nothing is
ever dropped: what comes faster than it is worked off waits in a queue. It speaks the formats of
:mod:`kit.interop.formats` and shares with the kit what is not the arrangement: camera, JPEG,
model, the tuned MQTT connection and the brokers.

It is a piece of the bench and no part of the product. Its last program notes when a command came
and obeys none; it lets the virtual train, and no other, go round, so that the camera has the same
to paint as for the kit.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ulid import ULID

from kit.child import announce_ready, exit_with_parent
from kit.config import Settings
from kit.errors import ConfigError, KitError
from kit.events import LABELS, Box, Detection
from kit.interop.formats import (
    COMMAND_TOPIC,
    IMAGE_TOPIC,
    MONITORING_TOPIC,
    RESULT_TOPIC,
    OlderCommand,
    OlderDetection,
    OlderImage,
    OlderResult,
    decode_command,
    decode_image,
    decode_result,
    encode_command,
    encode_image,
    encode_monitoring,
    encode_result,
)
from kit.interop.older_broker import OlderBroker
from kit.interop.pictures import scale_of, to_square
from kit.sim.journal import Journal
from kit.train.motion import ControlParameters
from kit.vision.frames import Image, decode_jpeg, encode_jpeg, fit_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = ("controller", "decision", "model", "capture")
"""The programs, in the order in which they are started: each finds its listener there."""

VIRTUAL_HUB = "hci:"
"""What the address of a hub begins with that is no real one."""

_NOTHING_LEFT_S = 2.0


def main() -> int:
    """Play one role until the parent ends; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kit.bench.classic")
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--notes", type=Path, required=True, help="file for times, JSON lines")
    parser.add_argument("--source", default="", help="the camera, for capture")
    parser.add_argument("--fps", type=float, default=10.0, help="pictures a second, for capture")
    parser.add_argument("--hub", default="", help="the virtual set's hub, for the controller")
    arguments = parser.parse_args()
    exit_with_parent()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    try:
        with ExitStack() as stack:
            notes = stack.enter_context(Journal(arguments.notes, fresh=False))
            work = stack.enter_context(_playing(arguments, notes.note))
            announce_ready(role=arguments.role)
            while not ended.is_set():
                work(ended)
    except KitError as error:
        sys.stderr.write(f"classic {arguments.role}: {error}\n")
        return 1
    return 0


_Note = Callable[..., None]
_Work = Callable[[threading.Event], object]


def _playing(arguments: argparse.Namespace, note: _Note) -> AbstractContextManager[_Work]:
    settings = Settings.load()
    assert settings.mqtt_url is not None  # the bench names both brokers
    broker = OlderBroker(settings.mqtt_url.get_secret_value(), name=f"classic-{arguments.role}")
    match arguments.role:
        case "capture":
            return _capture(broker, note, source=arguments.source, fps=arguments.fps)
        case "model":
            return _model(broker, note)
        case "decision":
            return _decision(broker, note, settings)
        case _:
            return _controller(broker, note, hub=arguments.hub)


@contextmanager
def _capture(broker: OlderBroker, note: _Note, *, source: str, fps: float) -> Iterator[_Work]:
    from kit.vision.cameras import open_camera

    with broker.open(), open_camera(source, fps=fps) as camera:
        count = 0

        def work(ended: threading.Event) -> None:
            nonlocal count
            picture = camera.read()
            if picture is None:
                ended.set()
                return
            older_id = int(picture.captured_at.timestamp() * 1000)
            payload = encode_image(OlderImage(older_id, encode_jpeg(fit_frame(picture.image))))
            encoded_ns = time.monotonic_ns()
            broker.publish(IMAGE_TOPIC, payload)
            note(
                "captured",
                sequence=count,
                id=older_id,
                captured_ns=picture.captured_ns,
                encoded_ns=encoded_ns,
                size=len(payload),
            )
            count += 1

        yield work


@contextmanager
def _model(broker: OlderBroker, note: _Note) -> Iterator[_Work]:
    from kit.vision.detector import Detector

    detector = Detector()

    def look(payload: bytes) -> None:
        received_ns = time.monotonic_ns()
        asked = decode_image(payload)
        image = decode_jpeg(asked.image)
        decoded_ns = time.monotonic_ns()
        found = to_older(detector.detect(image), asked, image)
        answer = encode_result(found)
        inferred_ns = time.monotonic_ns()
        broker.publish(RESULT_TOPIC, answer)
        note(
            "inferred",
            id=asked.id,
            received_ns=received_ns,
            decoded_ns=decoded_ns,
            inferred_ns=inferred_ns,
        )

    broker.subscribe(IMAGE_TOPIC, look)
    with broker.open():
        yield threading.Event.wait


@contextmanager
def _decision(broker: OlderBroker, note: _Note, settings: Settings) -> Iterator[_Work]:
    from confluent_kafka import Producer

    from kit.messaging.kafka.cluster import client_config, client_logger
    from kit.vision.overlay import draw

    assert settings.kafka_bootstrap is not None
    producer = Producer(client_config(settings.kafka_bootstrap, settings), logger=client_logger)

    def decide(payload: bytes) -> None:
        received_ns = time.monotonic_ns()
        seen = decode_result(payload)
        command = first_command(seen)
        decided_ns = time.monotonic_ns()
        broker.publish(COMMAND_TOPIC, encode_command(command))
        note("decided", id=seen.id, received_ns=received_ns, decided_ns=decided_ns)
        picture = draw(decode_jpeg(seen.image), from_older(seen))
        value = encode_monitoring(
            replace(seen, image=encode_jpeg(picture)),
            event_id=str(ULID()),
            source="/bench/classic",
            time=datetime.now(UTC),
        )
        producer.produce(MONITORING_TOPIC, value)
        producer.poll(0)

    broker.subscribe(RESULT_TOPIC, decide)
    with broker.open():
        yield threading.Event.wait
    producer.flush(_NOTHING_LEFT_S)


@contextmanager
def _controller(broker: OlderBroker, note: _Note, *, hub: str) -> Iterator[_Work]:
    if not hub.startswith(VIRTUAL_HUB):
        raise ConfigError(
            "The classic arrangement must not move a real train: nothing in it would stop one",
            expected=f"the virtual set's hub, {VIRTUAL_HUB}...",
            got=hub,
        )

    def obey(payload: bytes) -> None:
        received_ns = time.monotonic_ns()
        note("commanded", command=decode_command(payload).value, received_ns=received_ns)

    broker.subscribe(COMMAND_TOPIC, obey)
    with broker.open():
        yield lambda ended: asyncio.run(_go_round(hub, ended))


async def _go_round(address: str, ended: threading.Event) -> None:
    from kit.train.hub import Hub

    async with Hub(address) as hub:
        await hub.set_power(ControlParameters().cruise_percent)
        await asyncio.to_thread(ended.wait)
        await hub.brake()


def to_older(found: tuple[Detection, ...], asked: OlderImage, image: Image) -> OlderResult:
    """Express what the model saw as the older demo's model would.

    Args:
        found: Boxes in pixels of the picture.
        asked: The picture's id and bytes, which travel on with the result.
        image: The picture, ``(H, W, 3)`` uint8.
    """
    height, width = image.shape[:2]
    scale = scale_of(width, height)
    detections = tuple(
        OlderDetection(
            class_id=LABELS.index(one.label),
            class_name=one.label.value,
            confidence=one.confidence,
            box=to_square(one.box, scale=scale),
        )
        for one in found
    )
    return OlderResult(asked.id, asked.image, detections, scale)


def from_older(seen: OlderResult) -> tuple[Detection, ...]:
    """Return the detections of a result, with boxes in pixels of its picture."""
    return tuple(
        Detection(
            label=LABELS[one.class_id],
            confidence=one.confidence,
            box=Box(*(number * seen.scale for number in one.box)),
        )
        for one in seen.detections
    )


def first_command(seen: OlderResult) -> OlderCommand:
    """Decide as the older demo does: by the first sign alone; slow for 0, stop for others."""
    if not seen.detections:
        return OlderCommand.NONE
    return OlderCommand.SLOW if seen.detections[0].class_id == 0 else OlderCommand.STOP


if __name__ == "__main__":
    sys.exit(main())

"""Frames without any traffic sign, from four sources, and the false alarms in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.events import FRAME_HEIGHT, FRAME_WIDTH
from kit.labels import say
from kit.mlops.drawing import rooms
from kit.mlops.drawing.figures import EVERYTHING
from kit.mlops.drawing.light import photograph
from kit.mlops.measuring.labelled import LabelledPhoto, no_boxes
from kit.mlops.measuring.mistakes import Kind, Mistake
from kit.mlops.measuring.observing import FindsSigns, as_rows
from kit.mlops.measuring.records import NOT_IN_JSON
from kit.vision.frames import Image

SEED = 20_260_101
"""Training's seeds are far smaller, so these frames are new to every model."""

WORST = 24
"""False alarms whose pictures are kept."""

_FRAMES_A_TRACK = 10
_Rng = np.random.Generator


@dataclass(frozen=True)
class Alarms:
    """False alarms of one source of frames.

    Attributes:
        frames: Frames looked at.
        alarms: Detections in them.
        alarmed_frames: Frames with at least one.
        per_thousand: Alarms in a thousand frames; None without frames.
        labels: Alarms by class name.
    """

    frames: int
    alarms: int
    alarmed_frames: int
    per_thousand: float | None
    labels: dict[str, int]


@dataclass(frozen=True)
class SignFree:
    """False alarms on frames without signs.

    Attributes:
        threshold: Confidence from which a detection is an alarm.
        total: Of all sources together.
        sources: By source; one whose photos are not installed here has no frames.
        worst: The surest alarms, at most `WORST`.
    """

    threshold: float
    total: Alarms
    sources: dict[str, Alarms]
    worst: tuple[Mistake, ...] = field(repr=False, metadata=NOT_IN_JSON)


def count_alarms(
    detector: FindsSigns, *, frames: int, threshold: float, seed: int = SEED
) -> SignFree:
    """Let a detector look at frames without signs, as many of each source.

    Sources without pictures on this machine give none, and the others more.

    Args:
        detector: Looks at them.
        frames: How many in all.
        threshold: Confidence from which a detection is an alarm.
        seed: The same seed gives the same frames where the same photos are installed.
    """
    ready = [name for name, source in SOURCES.items() if source.ready()]
    shares = dict.fromkeys(SOURCES, 0)
    for index in range(frames):
        shares[ready[index % len(ready)]] += 1
    counted: dict[str, list[list[str]]] = {name: [] for name in SOURCES}
    worst: list[Mistake] = []
    for name, count in shares.items():
        for index, image in enumerate(SOURCES[name].draw(count, seed)):
            alarms = _alarms_in(detector, image, f"{name} {index}", threshold)
            counted[name].append([alarm.label for alarm in alarms])
            # Each alarm keeps its frame, so the others are let go at once.
            worst = sorted([*worst, *alarms], key=lambda one: -(one.confidence or 0))[:WORST]
    return SignFree(
        threshold=threshold,
        total=_sum([labels for found in counted.values() for labels in found]),
        sources={name: _sum(found) for name, found in counted.items()},
        worst=tuple(worst),
    )


def sign_free_frames(source: str, *, count: int, seed: int = SEED) -> Iterator[Image]:
    """Draw frames without signs.

    Args:
        source: A name of `SOURCES`.
        count: How many.
        seed: The same seed gives the same frames.

    Yields:
        BGR (400, 600, 3) uint8; none if the source has no pictures on this machine.
    """
    if SOURCES[source].ready():
        yield from SOURCES[source].draw(count, seed)


@dataclass(frozen=True)
class Source:
    """Where frames without signs come from.

    Attributes:
        draw: Given a count and a seed, yields frames.
        ready: Whether this machine has what it needs.
    """

    draw: Callable[[int, int], Iterator[Image]]
    ready: Callable[[], bool] = lambda: True


def _draw_rooms(count: int, seed: int) -> Iterator[Image]:
    for index in range(count):
        rng = np.random.default_rng((seed, index, 1))
        yield _furnish(rooms.draw_wall(rng, FRAME_WIDTH), rng)


def _draw_stamps(count: int, seed: int) -> Iterator[Image]:
    stamps = rooms.find_stamps(held_out=True)
    for index in range(count):
        rng = np.random.default_rng((seed, index, 2))
        wall = rooms.draw_wall(rng, FRAME_WIDTH)
        for _ in range(int(rng.integers(3, 10))):
            rooms.paste_stamp(wall, stamps, rng)
        yield _furnish(wall, rng, things=2)


def _cut_photos(count: int, seed: int) -> Iterator[Image]:
    photos = [p for p in map(rooms.load_photo, rooms.find_photos(held_out=True)) if p is not None]
    for index in range(count):
        rng = np.random.default_rng((seed, index, 3))
        photo = photos[index % len(photos)]
        height, width = photo.shape[:2]
        wide = min(width, height * FRAME_WIDTH / FRAME_HEIGHT) * rng.uniform(0.35, 1.0)
        tall = wide * FRAME_HEIGHT / FRAME_WIDTH
        x, y = rng.uniform(0, width - wide), rng.uniform(0, height - tall)
        cut = photo[int(y) : int(y + tall), int(x) : int(x + wide)]
        way = cv2.INTER_AREA if wide > FRAME_WIDTH else cv2.INTER_LINEAR
        yield np.asarray(cv2.resize(cut, (FRAME_WIDTH, FRAME_HEIGHT), interpolation=way), np.uint8)


def _drive(count: int, seed: int) -> Iterator[Image]:
    """Film the virtual set with its signs taken away: each scenario, in other rooms and lights."""
    from kit.sim.renderer import Renderer
    from kit.sim.scenario import load_scenario, scenario_names
    from kit.sim.world import World

    names = scenario_names()
    renderer: Renderer | None = None
    for index in range(count):
        track, place = divmod(index, _FRAMES_A_TRACK)
        if place == 0 or renderer is None:
            scenario = load_scenario(names[track % len(names)])
            bare = scenario.model_copy(update={"signs": (), "scenery": (track % 3) / 2})
            renderer = Renderer(bare, seed=seed + track)
        rng = np.random.default_rng((seed, index, 4))
        way = renderer.scenario.build_track().length_m
        moving = {
            "position_m": float(rng.uniform(0, way)),
            "speed_mps": float(rng.uniform(0, 1)),
            "light_percent": int(rng.choice([0, 100])),
        }
        still = World(renderer.scenario).state
        image, _ = renderer.render(type(still)(**{**vars(still), **moving}))
        yield image


def _furnish(wall: NDArray[np.uint8], rng: _Rng, *, things: int = 6) -> Image:
    """Put a table with rails before a wall, and things about, and take a bad photo of it."""
    if rng.random() < 0.7:
        horizon = float(rng.uniform(0.1, 0.7)) * FRAME_HEIGHT
        rooms.draw_table(
            wall, rng, horizon_px=horizon, camera_height_px=float(rng.uniform(30, 250))
        )
    for _ in range(int(rng.integers(0, things + 1))):
        EVERYTHING[int(rng.integers(len(EVERYTHING)))](wall, rng)
    frame = np.ascontiguousarray(wall[:FRAME_HEIGHT])
    return photograph(frame, rng) if rng.random() < 0.5 else frame


SOURCES: Mapping[str, Source] = {
    "drawn rooms": Source(_draw_rooms),
    "virtual set": Source(_drive),
    "photos": Source(_cut_photos, lambda: bool(rooms.find_photos(held_out=True))),
    "stamps": Source(_draw_stamps, lambda: bool(rooms.find_stamps(held_out=True))),
}
"""Drawn rooms; the virtual set without its signs; and the photos and cut-out things of other
packages that training leaves aside (`kit.mlops.drawing.rooms`)."""


def _alarms_in(detector: FindsSigns, image: Image, name: str, threshold: float) -> list[Mistake]:
    found = [d for d in detector.detect(image) if d.confidence >= threshold]
    if not found:
        return []
    source = LabelledPhoto(Path(name), no_boxes(5), load=lambda: image)
    return [
        Mistake(
            kind=Kind.FALSE_ALARM,
            photo=name,
            label=detection.label.value,
            confidence=detection.confidence,
            size_px=max(detection.box.width, detection.box.height),
            reason=say("there is no sign in this frame"),
            sign=None,
            detection=corners,
            source=source,
        )
        for detection in found
        for corners in [tuple(as_rows([detection])[0, 1:5].tolist())]
    ]


def _sum(found: list[list[str]]) -> Alarms:
    """Sum up the labels of the alarms in each frame."""
    alarms = sum(map(len, found))
    return Alarms(
        frames=len(found),
        alarms=alarms,
        alarmed_frames=sum(map(bool, found)),
        per_thousand=1000 * alarms / len(found) if found else None,
        labels=dict(Counter(label for labels in found for label in labels)),
    )

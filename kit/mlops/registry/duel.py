"""Two models on the same pictures, at the same time, on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kit.errors import ConfigError, ModelError
from kit.mlops.drawing.scene import draw_sign_free
from kit.mlops.measuring.evaluate import score_observations
from kit.mlops.measuring.labelled import LabelledPhoto, drawn_photos, read_coco
from kit.mlops.measuring.observing import WEAKEST, Observation, observe_photo
from kit.mlops.measuring.timing import frames_of, time_frames
from kit.mlops.registry.gate import Contender
from kit.mlops.registry.manifest import Figures, read_card
from kit.vision.detector import Detector
from kit.vision.frames import Image
from kit.vision.providers import ORT_ERRORS, Provider

DRAWN_SEED = 90_210
"""Seed of the drawn pictures that the gate looks at; no training uses it."""

_FAULTS: tuple[type[Exception], ...] = (ModelError, *ORT_ERRORS)


@dataclass(frozen=True)
class Ground:
    """What the models are measured on.

    Attributes:
        photos: Pictures whose signs are known.
        sign_free: How many pictures without a sign are drawn, to count false alarms in.
        seed: Of those.
        provider: Where both run; as for `kit.vision.detector.Detector`.
        threads: Threads of the CPU provider.
        set_hash: SHA-256 of the labelled pictures and their signs.
    """

    photos: Sequence[LabelledPhoto]
    sign_free: int = 300
    seed: int = DRAWN_SEED
    provider: Provider = "auto"
    threads: int = 2
    set_hash: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.photos:
            raise ConfigError("The gate needs labelled pictures", got="none")
        object.__setattr__(self, "set_hash", _set_hash(self.photos))


def coco_ground(images: Path, annotations: Path, *, sign_free: int = 300) -> Ground:
    """Measure on a COCO set.

    Raises:
        ConfigError: If it cannot be read, or labels none of our classes.
    """
    return Ground(read_coco(annotations, images), sign_free=sign_free)


def drawn_ground(count: int = 200, *, seed: int = DRAWN_SEED, sign_free: int = 300) -> Ground:
    """Measure on freshly drawn pictures.

    Args:
        count: Labelled ones.
        seed: The same seed, the same pictures; take one that no training used.
        sign_free: Pictures without a sign.
    """
    return Ground(drawn_photos(count=count, seed=seed), sign_free=sign_free, seed=seed)


def contend(
    candidate: Path, current: Path, ground: Ground, *, distrust: str = ""
) -> tuple[Contender, Contender]:
    """Measure a model and the one whose place it wants, picture by picture in turn.

    A model that cannot be opened or does not answer is told as such, not raised: that is the
    gate's to judge.

    Args:
        candidate: ONNX file of the new model.
        current: ONNX file of the one in use.
        ground: What they are measured on.
        distrust: Why the candidate's signature is not believed; empty if it is.

    Returns:
        The new one and the one in use.
    """
    new, old = _open(candidate, ground), _open(current, ground)
    figures: tuple[Figures | None, Figures | None] = (None, None)
    troubles = [seat if isinstance(seat, str) else "" for seat in (new, old)]
    if isinstance(new, _Seat) and isinstance(old, _Seat):
        try:
            figures = _measure(new, old, ground)
        except _FailedError as failed:
            troubles[0 if failed.seat is new else 1] = str(failed)
    return (
        _contender(candidate, figures[0], troubles[0], distrust),
        _contender(current, figures[1], troubles[1], ""),
    )


class _FailedError(Exception):
    """A model did not answer; tells which one."""

    def __init__(self, seat: _Seat, cause: Exception) -> None:
        super().__init__(str(cause))
        self.seat = seat


@dataclass(eq=False)
class _Seat:
    """A model while it is measured: once with weak detections, once as it is used."""

    eager: Detector
    plain: Detector
    observations: list[Observation] = field(default_factory=list)
    false_alarms: int = 0

    @contextmanager
    def answering(self) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            raise _FailedError(self, error) from error

    def observe(self, photo: LabelledPhoto) -> None:
        with self.answering():
            self.observations.append(observe_photo(self.eager, photo))

    def answer_all(self, frames: Sequence[Image]) -> None:
        with self.answering():
            for frame in frames:
                self.plain.detect(frame)

    def watch_for_alarms(self, image: Image) -> None:
        with self.answering():
            self.false_alarms += len(self.plain.detect(image))


def _open(path: Path, ground: Ground) -> _Seat | str:
    opened = partial(Detector, path, provider=ground.provider, threads=ground.threads)
    try:
        return _Seat(opened(confidence=WEAKEST), opened())
    except ModelError as error:
        return str(error)


def _measure(new: _Seat, old: _Seat, ground: Ground) -> tuple[Figures, Figures]:
    for photo in ground.photos:
        new.observe(photo)
        old.observe(photo)
    for index in range(ground.sign_free):
        image = draw_sign_free(ground.seed, index)
        new.watch_for_alarms(image)
        old.watch_for_alarms(image)
    frames = frames_of(ground.photos)
    new.answer_all(frames)
    old.answer_all(frames)
    took = time_frames({"new": new.plain, "old": old.plain}, frames)
    return _figures(new, ground, took["new"]), _figures(old, ground, took["old"])


def _figures(seat: _Seat, ground: Ground, took_ms: Sequence[float]) -> Figures:
    result = score_observations(seat.observations, threshold=seat.plain.confidence, took_ms=took_ms)
    return Figures(
        images=result.images,
        set_hash=ground.set_hash,
        map50=result.map50,
        per_class={name: one.ap50 for name, one in result.per_class.items()},
        latency_ms=result.latency_ms["p50"],
        sign_free=ground.sign_free,
        false_alarms=seat.false_alarms,
    )


def _contender(path: Path, figures: Figures | None, trouble: str, distrust: str) -> Contender:
    try:
        card = read_card(path)
    except ModelError as error:
        card, trouble = {}, trouble or str(error)
    classes = card.get("classes")
    return Contender(
        version=str(card.get("version", "")),
        classes=tuple(map(str, classes)) if isinstance(classes, list) else (),
        size_bytes=path.stat().st_size if path.is_file() else 0,
        distrust=distrust,
        figures=figures,
        trouble=trouble,
    )


def _set_hash(photos: Sequence[LabelledPhoto]) -> str:
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(photo.read().tobytes())
        digest.update(photo.signs.tobytes())
    return digest.hexdigest()

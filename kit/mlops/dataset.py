"""A training set on disk: pictures and labels in two memory-mapped arrays.

Drawing is slow and training reads every picture several times, so the pictures are drawn once,
by several processes. An interrupted drawing goes on where it stopped. `join` mixes a drawn set
with one of labelled photos.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from kit.errors import ConfigError
from kit.mlops.drawing.example import EDGE_PX
from kit.mlops.drawing.scene import World, draw_example

MAX_SIGNS = 24
"""Signs kept for one picture."""

LABEL_FIELDS = ("x1", "y1", "x2", "y2", "class_id", "ignored")
"""Columns of a label row; unused rows have class_id -1."""

_CHUNK = 50
_Task = tuple[Path, int, int, int, World]


class Pictures(Protocol):
    """What training reads.

    Attributes:
        data_hash: Tells sets apart, hexadecimal.
    """

    @property
    def data_hash(self) -> str:
        """Hash of pictures and labels."""

    def __len__(self) -> int:
        """Return the number of pictures that make an epoch."""

    def take(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return pictures (N, E, E, 3) uint8 BGR and their label rows (N, M, 6) float32."""


@dataclass(frozen=True)
class DrawnSet:
    """A finished training set.

    Attributes:
        images: (N, 320, 320, 3) uint8 BGR.
        labels: (N, 24, 6) float32, columns as in `LABEL_FIELDS`, boxes in pixels.
        data_hash: SHA-256 over the labels and a hundredth of the pictures.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.float32]
    data_hash: str

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the pictures and label rows of some indices, which must rise."""
        return self.images[indices], self.labels[indices]


@dataclass(frozen=True)
class JoinedSet:
    """Two sets in one; an epoch shows each drawn picture once, the others as often as is asked.

    Attributes:
        drawn: The larger set.
        labelled: The smaller one, gone through again and again.
        share: Of the labelled pictures in an epoch, above 0 and below 1.
    """

    drawn: DrawnSet
    labelled: DrawnSet
    share: float

    @property
    def data_hash(self) -> str:
        """Hash of both sets and the share."""
        text = f"{self.drawn.data_hash} {self.labelled.data_hash} {self.share}"
        return hashlib.sha256(text.encode()).hexdigest()

    def __len__(self) -> int:
        return round(len(self.drawn) / (1 - self.share))

    def take(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the pictures and label rows of some indices, which must rise."""
        from_drawn = indices[indices < len(self.drawn)]
        rest = np.sort((indices[len(from_drawn) :] - len(self.drawn)) % len(self.labelled))
        (images, labels), (more, their) = self.drawn.take(from_drawn), self.labelled.take(rest)
        return np.concatenate([images, more]), np.concatenate([labels, their])


def join(drawn: DrawnSet, labelled: DrawnSet, *, share: float) -> JoinedSet:
    """Mix labelled pictures into a drawn set.

    Args:
        drawn: The larger set.
        labelled: Pictures of the same size.
        share: Of the labelled pictures in each epoch, above 0 and below 1.

    Raises:
        ConfigError: If the share is out of range, a set is empty, or the sizes differ.
    """
    sizes = {tuple(one.images.shape[1:]) for one in (drawn, labelled)}
    if not 0 < share < 1 or not len(drawn) or not len(labelled) or len(sizes) > 1:
        raise ConfigError(
            "These training sets cannot be mixed",
            expected="pictures of one size in both, and a share above 0 and below 1",
            got=f"{len(drawn)} and {len(labelled)} pictures of {sizes}, a share of {share:g}",
        )
    return JoinedSet(drawn, labelled, share)


def concatenate(sets: Sequence[DrawnSet]) -> DrawnSet:
    """Put sets of pictures of one size behind each other.

    Args:
        sets: At least one.
    """
    if len(sets) == 1:
        return sets[0]
    together = hashlib.sha256(" ".join(one.data_hash for one in sets).encode())
    return DrawnSet(
        np.concatenate([one.images for one in sets]),
        np.concatenate([one.labels for one in sets]),
        together.hexdigest(),
    )


def draw_set(
    folder: Path, *, count: int, seed: int, workers: int = 2, world: World = "lego"
) -> Iterator[int]:
    """Draw the pictures of a training set, or those that are still missing.

    Args:
        folder: Where the arrays go; made if need be.
        count: Number of pictures.
        seed: The same seed draws the same pictures.
        workers: Processes that draw; 0 draws in this one.
        world: Which signs, and where they stand.

    Yields:
        The number of pictures drawn so far, after each chunk.

    Raises:
        ConfigError: If the folder holds a set of another count, seed or world.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, {"count": count, "seed": seed, "edge_px": EDGE_PX, "world": world})
    drawn = _open(folder, "drawn", (count,), np.dtype(np.uint8))
    _open(folder, "images", (count, EDGE_PX, EDGE_PX, 3), np.dtype(np.uint8))
    _open(folder, "labels", (count, MAX_SIGNS, len(LABEL_FIELDS)), np.dtype(np.float32))
    missing = [s for s in range(0, count, _CHUNK) if not drawn[s : s + _CHUNK].all()]
    tasks = [(folder, start, min(start + _CHUNK, count), seed, world) for start in missing]
    done = int(drawn.sum())
    for made in _draw_all(tasks, workers):
        done += made
        yield done


def open_set(folder: Path) -> DrawnSet:
    """Open a set that `draw_set` has finished.

    Raises:
        ConfigError: If there is none, or it is not finished.
    """
    about = folder / "set.json"
    if not about.exists():
        raise ConfigError("There is no training set", got=str(folder), fix="run: kit train")
    count = int(json.loads(about.read_text())["count"])
    if int(np.load(folder / "drawn.npy", mmap_mode="r").sum()) != count:
        raise ConfigError(
            "The training set is not finished", got=str(folder), fix="draw it to its end"
        )
    images = np.load(folder / "images.npy", mmap_mode="r")
    labels = np.load(folder / "labels.npy")
    digest = hashlib.sha256(labels.tobytes())
    digest.update(np.ascontiguousarray(images[::100]).tobytes())
    return DrawnSet(images, labels, digest.hexdigest())


def write_set(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.float32]) -> None:
    """Write pictures that come from elsewhere as a training set that `open_set` opens.

    Args:
        folder: Where the arrays go; made if need be.
        images: (N, 320, 320, 3) uint8 BGR.
        labels: (N, 24, 6) float32, columns as in `LABEL_FIELDS`.

    Raises:
        ConfigError: If the shapes do not fit.
    """
    shapes = (images.shape[1:], labels.shape)
    wanted = ((EDGE_PX, EDGE_PX, 3), (len(images), MAX_SIGNS, len(LABEL_FIELDS)))
    if shapes != wanted:
        raise ConfigError("These are no training pictures", expected=wanted, got=shapes)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "drawn.npy", np.ones(len(images), np.uint8))
    (folder / "set.json").write_text(json.dumps({"count": len(images), "edge_px": EDGE_PX}))


def _claim(folder: Path, wanted: dict[str, Any]) -> None:
    about = folder / "set.json"
    if not about.exists():
        about.write_text(json.dumps(wanted))
    found = json.loads(about.read_text())
    if found != wanted:
        raise ConfigError(
            "The folder holds another training set",
            expected=wanted,
            got=found,
            fix=f"remove {folder} or name another folder",
        )


def _open(
    folder: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> NDArray[np.generic]:
    path = folder / f"{name}.npy"
    if path.exists():
        return np.asarray(np.load(path, mmap_mode="r"))
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def _draw_all(tasks: list[_Task], workers: int) -> Iterator[int]:
    if workers == 0 or not tasks:
        yield from map(_draw_chunk, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_draw_chunk, tasks)


def _draw_chunk(task: _Task) -> int:
    folder, start, end, seed, world = task
    cv2.setNumThreads(1)
    images = np.load(folder / "images.npy", mmap_mode="r+")
    labels = np.load(folder / "labels.npy", mmap_mode="r+")
    drawn = np.load(folder / "drawn.npy", mmap_mode="r+")
    fresh = [index for index in range(start, end) if not drawn[index]]
    for index in fresh:
        example = draw_example(seed, index, world=world)
        rows = np.full((MAX_SIGNS, len(LABEL_FIELDS)), -1, np.float32)
        n = min(len(example.classes), MAX_SIGNS)
        rows[:n, :4], rows[:n, 4] = example.boxes[:n], example.classes[:n]
        rows[:n, 5] = example.ignored[:n]
        images[index], labels[index] = example.image, rows
        drawn[index] = 1
    return len(fresh)

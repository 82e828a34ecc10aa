"""Pictures whose signs are known: from a COCO data set, or freshly drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kit.errors import ConfigError
from kit.events import LABELS, Label
from kit.mlops.drawing.scene import World, draw_example
from kit.mlops.drawing.signs import OTHER
from kit.vision.frames import Image
from kit.vision.photos import read_photo

OTHER_SIGN = "other sign"
"""Name of a drawn sign that is no class of ours."""

_Floats = NDArray[np.float64]


class OtherSign(NamedTuple):
    """Something that somebody labelled and that is no class of ours, such as a parking sign.

    Attributes:
        name: Of its category.
        corners: x1, y1, x2, y2 in pixels.
    """

    name: str
    corners: tuple[float, float, float, float]


def no_boxes(columns: int = 4) -> _Floats:
    """Return an array of no rows, (0, columns) float64."""
    return np.zeros((0, columns))


@dataclass(frozen=True, eq=False)
class LabelledPhoto:
    """A picture and its signs.

    Attributes:
        path: Of the photo; of a picture that is in no file, a name.
        signs: Class id and box x1, y1, x2, y2 in pixels, (N, 5) float64.
        others: What else is labelled.
        ignored: Boxes x1, y1, x2, y2 of signs that count neither way, (K, 4) float64.
        load: Gives a picture that is in no file, BGR (H, W, 3) uint8; None for a photo.
    """

    path: Path
    signs: _Floats
    others: tuple[OtherSign, ...] = ()
    ignored: _Floats = field(default_factory=no_boxes)
    load: Callable[[], Image] | None = None

    @property
    def name(self) -> str:
        """File name without its ending; of a picture that is in no file, its whole name."""
        return self.path.stem if self.load is None else self.path.name

    def read(self) -> Image:
        """Return the picture, upright, BGR (H, W, 3) uint8.

        Raises:
            CameraError: If the photo cannot be read.
        """
        return read_photo(self.path) if self.load is None else self.load()


def read_coco(coco_path: Path, images_dir: Path) -> list[LabelledPhoto]:
    """Read a COCO data set.

    Categories are matched to our classes by name; what is called otherwise is kept as other
    signs. Crowds (``iscrowd``) count neither way.

    Args:
        coco_path: The annotations.
        images_dir: Folder of the photos.

    Raises:
        ConfigError: If the file cannot be read, a photo is missing, or no category is ours.
    """
    try:
        data: dict[str, Any] = json.loads(coco_path.read_text(encoding="utf-8"))
        names = {c["id"]: str(c["name"]) for c in data["categories"]}
        records = [(image["id"], images_dir / image["file_name"]) for image in data["images"]]
        marks = [_mark(a, names) for a in data["annotations"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "The annotations cannot be read",
            expected="a COCO file with images, annotations and categories",
            got=f"{coco_path}: {error!r}",
        ) from error
    if not set(Label) & set(names.values()):
        raise ConfigError(
            "The annotations name none of our classes",
            expected=f"categories called {', '.join(Label)}",
            got=", ".join(names.values()),
        )
    missing = [path for _, path in records if not path.exists()]
    if missing:
        raise ConfigError(
            "Photos are missing", expected=str(missing[0]), got=f"{len(missing)} missing"
        )
    by_image: dict[Any, list[_Mark]] = {image_id: [] for image_id, _ in records}
    for mark in marks:
        by_image.get(mark.image_id, []).append(mark)
    return [_photo(path, by_image[image_id]) for image_id, path in records]


def drawn_photos(*, count: int, seed: int, world: World = "lego") -> list[LabelledPhoto]:
    """Draw pictures of 320 x 320 whose signs are known, because the kit put them there.

    Args:
        count: How many.
        seed: The same seed draws the same pictures; take one that no training used.
        world: Which signs, and where they stand.
    """
    return [_drawn(seed, index, world) for index in range(count)]


class _Mark(NamedTuple):
    image_id: Any
    name: str
    corners: tuple[float, float, float, float]
    crowd: bool


def _mark(annotation: dict[str, Any], names: dict[Any, str]) -> _Mark:
    x, y, width, height = (float(number) for number in annotation["bbox"])
    corners = (x, y, x + width, y + height)
    crowd = bool(annotation.get("iscrowd"))
    return _Mark(annotation["image_id"], names[annotation["category_id"]], corners, crowd)


def _photo(path: Path, marks: list[_Mark]) -> LabelledPhoto:
    counted = [m for m in marks if not m.crowd]
    ours = [(LABELS.index(Label(m.name)), *m.corners) for m in counted if m.name in set(Label)]
    return LabelledPhoto(
        path,
        np.array(ours, np.float64).reshape(-1, 5),
        others=tuple(OtherSign(m.name, m.corners) for m in counted if m.name not in set(Label)),
        ignored=np.array([m.corners for m in marks if m.crowd], np.float64).reshape(-1, 4),
    )


def _drawn(seed: int, index: int, world: World) -> LabelledPhoto:
    example = draw_example(seed, index, world=world)
    counted = ~example.ignored
    ours, other = counted & (example.classes != OTHER), counted & (example.classes == OTHER)
    corners = example.boxes.astype(np.float64)
    return LabelledPhoto(
        Path(f"drawn-{seed}-{index}"),
        np.column_stack([example.classes[ours], corners[ours]]),
        others=tuple(OtherSign(OTHER_SIGN, (a, b, c, d)) for a, b, c, d in corners[other].tolist()),
        ignored=corners[example.ignored],
        load=lambda: example.image,
    )

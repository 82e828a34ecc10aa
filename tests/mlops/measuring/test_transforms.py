from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from kit.errors import ConfigError
from kit.mlops.measuring.labelled import LabelledPhoto
from kit.mlops.measuring.transforms import STANDARD, picture_size, transformed
from kit.vision.photos import read_photo
from tests.mlops.measuring.making import DANGER, SPEED, box, photo

GREEN = (0, 200, 0)


def painted(class_id, corners):
    """A photo with one green sign of the shape of its class."""
    image = np.zeros((400, 600, 3), np.uint8)
    x1, y1, x2, y2 = (round(v) for v in corners)
    if class_id == DANGER:
        outline = np.array([(x1, y2), (x2, y2), ((x1 + x2) // 2, y1)])
        cv2.fillConvexPoly(image, outline, GREEN)
    else:
        middle, radii = ((x1 + x2) // 2, (y1 + y2) // 2), ((x2 - x1) // 2, (y2 - y1) // 2)
        cv2.ellipse(image, middle, radii, 0, 0, 360, GREEN, -1)
    return photo((class_id, corners), image=image)


def bounds_of_green(image):
    green = image[..., 1].astype(int) - image[..., 2] > 40
    rows, columns = np.flatnonzero(green.any(axis=1)), np.flatnonzero(green.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("class_id", [SPEED, DANGER])
@pytest.mark.parametrize(
    "name",
    ["shrink:0.7", "shrink:0.5", "roll:-30", "roll:-15", "roll:15", "roll:30", "dark:0.5"],
)
@pytest.mark.parametrize("corners", [(200, 150, 260, 210), (400, 120, 440, 200)])
def test_the_box_still_bounds_the_sign(class_id, name, corners):
    (hard,) = transformed([painted(class_id, corners)], name)
    assert hard.signs[0, 0] == class_id
    assert np.abs(hard.signs[0, 1:] - bounds_of_green(hard.read())).max() <= 2


@pytest.mark.parametrize("name", STANDARD)
def test_every_standard_transform_changes_the_picture_and_keeps_its_labels_apart(name):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (400, 600, 3)).astype(np.uint8)
    plain = photo((SPEED, box(300, 200)), others=[("parking", box(200, 200))], image=image)
    (hard,) = transformed([plain], name)
    picture = hard.read()
    assert picture.shape != image.shape or (picture != image).any()
    assert (len(hard.signs), len(hard.others), len(hard.ignored)) == (1, 1, 0)
    assert (hard.read() == picture).all()
    assert hard.name == f"a {name}"
    assert (plain.read() == image).all()


def test_a_sign_that_rolls_out_of_the_picture_counts_neither_way():
    plain = photo((SPEED, box(2, 2)), (SPEED, box(280, 180)), others=[("parking", box(558, 2))])
    (hard,) = transformed([plain], "roll:30")
    assert (len(hard.signs), len(hard.others), len(hard.ignored)) == (1, 0, 2)


def test_half_of_each_sign_is_covered_and_nothing_else():
    image = np.full((400, 600, 3), 250, np.uint8)
    plain = photo((SPEED, box(100, 100)), (DANGER, box(300, 200, 60.0)), image=image)
    (hard,) = transformed([plain], "cover:0.5")
    changed = (hard.read() != image).any(axis=2)
    assert changed[100:140, 100:140].mean() == pytest.approx(0.5)
    assert changed[200:260, 300:360].mean() == pytest.approx(0.5)
    assert changed.sum() == 40 * 20 + 60 * 30


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_of_a_file_is_that_of_the_upright_photo(tmp_path, orientation):
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    PillowImage.new("RGB", (60, 40)).save(path, exif=exif)
    width, height = picture_size(LabelledPhoto(path, np.zeros((0, 5))))
    assert read_photo(path).shape == (height, width, 3)


@pytest.mark.parametrize("name", ["roll", "roll:", "roll:x", "roll:999", "spin:3", "shrink:0", ""])
def test_a_transform_that_does_not_exist_is_refused(name):
    with pytest.raises(ConfigError, match="no transform"):
        transformed([photo()], name)

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Sign
from kit.mlops.acquire.practice import HEIGHT, LICENCE, MAX_FRAMES, WIDTH, practice_set
from kit.mlops.acquire.showing import picture_of
from kit.vision.photos import read_photo
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import FORMATS, by_name, reread

pytestmark = pytest.mark.usefixtures("no_photos")


@pytest.fixture
def practice(no_photos, tmp_path):
    return practice_set(tmp_path / "made", scenes=2, frames=MAX_FRAMES, seed=4)


def test_a_practice_set_has_neighbouring_frames_of_some_scenes(practice):
    assert practice.scenes == ("scene-01", "scene-02")
    assert len(practice) == 2 * MAX_FRAMES
    assert practice.licence == LICENCE
    assert sum(practice.counts().values()) > 2 * MAX_FRAMES
    assert len({photo.sha256 for photo in practice.photos}) == 2 * MAX_FRAMES


def test_every_second_scene_lies_on_its_side_in_the_file_and_is_read_upright(practice):
    stored = []
    for photo in practice.photos:
        with Image.open(photo.path) as file:
            stored.append(file.size)
    assert stored == [(WIDTH, HEIGHT)] * MAX_FRAMES + [(HEIGHT, WIDTH)] * MAX_FRAMES
    for photo in practice.photos:
        assert read_photo(photo.path).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_practice_set_comes_back_from_every_format(practice, tmp_path, kind):
    back = by_name(reread(kind, practice, tmp_path / kind))
    assert set(back) == {photo.name for photo in practice.photos}
    for name, signs in by_name(practice).items():
        assert [sign.kind for sign in signs] == [sign.kind for sign in back[name]]


@pytest.mark.parametrize("numbers", [(0, 3), (2, 0), (2, MAX_FRAMES + 1)])
def test_a_set_that_cannot_be_drawn_is_refused(tmp_path, numbers):
    scenes, frames = numbers
    with pytest.raises(ConfigError, match="cannot be drawn"):
        practice_set(tmp_path, scenes=scenes, frames=frames)


def test_a_picture_shows_each_box_in_the_colour_of_its_kind(tmp_path):
    boxes = [(10, 40, 40, 70), (60, 40, 90, 70), (110, 40, 140, 70)]
    signs = [Sign(0, boxes[0]), Sign(None, boxes[1]), Sign(None, boxes[2], ignored=True)]
    photo = samples.photo(tmp_path, "a.png", signs, size=(200, 120))
    shown, plain = picture_of(photo), read_photo(photo.path)
    assert shown.shape == plain.shape
    assert (shown[55, 59:62] > 200).all(axis=1).any()  # light grey
    assert (np.ptp(shown[55, 109:112].astype(int), axis=1) == 0).any()  # grey
    assert (shown[34:74, 4:46] != plain[34:74, 4:46]).any()
    assert (shown[100:] == plain[100:]).all()

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import ConfigError
from kit.mlops.dataset import draw_set, join, open_set
from kit.mlops.drawing.scene import draw_example

pytestmark = pytest.mark.usefixtures("no_photos")


@pytest.fixture
def folder(no_photos, tmp_path):
    folder = tmp_path / "set"
    assert list(draw_set(folder, count=3, seed=4, workers=0)) == [3]
    return folder


def test_a_drawn_set_holds_the_pictures_of_its_seed(folder):
    data = open_set(folder)
    example = draw_example(4, 2)
    assert len(data) == 3
    assert np.array_equal(data.images[2], example.image)
    n = len(example.classes)
    assert np.array_equal(data.labels[2, :n, 4], example.classes)
    assert (data.labels[2, n:, 4] == -1).all()


def test_a_finished_set_is_not_drawn_again(folder):
    assert list(draw_set(folder, count=3, seed=4, workers=0)) == []


def test_an_interrupted_set_is_drawn_to_its_end(folder):
    data = open_set(folder)
    drawn = np.load(folder / "drawn.npy", mmap_mode="r+")
    images = np.load(folder / "images.npy", mmap_mode="r+")
    drawn[1], images[1] = 0, 0
    with pytest.raises(ConfigError, match="not finished"):
        open_set(folder)
    assert list(draw_set(folder, count=3, seed=4, workers=0)) == [3]
    assert open_set(folder).data_hash == data.data_hash


def test_another_seed_in_the_same_folder_is_refused(folder):
    with pytest.raises(ConfigError, match="another training set"):
        list(draw_set(folder, count=3, seed=5, workers=0))


def test_opening_nothing_says_what_makes_a_set(tmp_path):
    with pytest.raises(ConfigError, match="kit train"):
        open_set(tmp_path)


def test_the_hash_changes_with_the_pictures(folder):
    before = open_set(folder).data_hash
    images = np.load(folder / "images.npy", mmap_mode="r+")
    images[0, 0, 0, 0] ^= 255
    images.flush()
    assert open_set(folder).data_hash != before


def test_another_world_in_the_same_folder_is_refused(folder):
    with pytest.raises(ConfigError, match="another training set"):
        list(draw_set(folder, count=3, seed=4, workers=0, world="road"))


def test_a_joined_set_shows_every_drawn_picture_once_and_the_share_asked_for(folder, tmp_path):
    list(draw_set(tmp_path / "more", count=2, seed=7, workers=0))
    drawn, labelled = open_set(folder), open_set(tmp_path / "more")
    joined = join(drawn, labelled, share=0.7)
    assert len(joined) == 10
    images, labels = joined.take(np.arange(10))
    assert np.array_equal(images[:3], drawn.images)
    assert sorted(image.tobytes() for image in images[3:]) == sorted(
        labelled.images[i % 2].tobytes() for i in range(7)
    )
    assert labels.shape == (10, *drawn.labels.shape[1:])
    assert joined.data_hash not in {drawn.data_hash, labelled.data_hash}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_none_or_all_is_refused(folder, share):
    with pytest.raises(ConfigError, match="share"):
        join(open_set(folder), open_set(folder), share=share)

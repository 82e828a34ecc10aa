from __future__ import annotations

import numpy as np
import pytest

from kit.errors import CameraError, ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Sign
from kit.mlops.acquire.crops import MIN_SIGN_PX, SCALES, crops_of, cut_crop
from kit.mlops.dataset import DrawnSet, join, open_set
from kit.mlops.drawing.signs import OTHER
from kit.vision.detector import LONGER_SIDE_PX
from kit.vision.frames import PADDING
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import LICENCE

SIGNS = [
    Sign(0, (100, 60, 160, 120)),
    Sign(1, (400, 200, 450, 250)),
    Sign(None, (20, 300, 80, 360)),
]


@pytest.fixture
def photos(tmp_path):
    """A photo as the detector sees it, one three times as large, and one without signs."""
    thrice = [Sign(s.class_id, tuple(3 * v for v in s.box)) for s in SIGNS]
    made = [
        samples.photo(tmp_path, "a.png", SIGNS, size=(600, 400), seed=1),
        samples.photo(tmp_path, "b.png", thrice, size=(1800, 1200), seed=2),
        samples.photo(tmp_path, "c.png", [], size=(600, 400), seed=3),
    ]
    return AnnotatedSet(tuple(made), "painted", LICENCE)


def test_crops_are_what_training_reads(photos, tmp_path):
    made = crops_of(photos, tmp_path / "crops", count=6, seed=4)
    opened = open_set(tmp_path / "crops")
    assert isinstance(opened, DrawnSet)
    assert opened.images.shape == (6, 320, 320, 3)
    assert opened.images.dtype == np.uint8
    assert opened.labels.shape == (6, 24, 6)
    assert made.data_hash == opened.data_hash
    assert len(join(opened, opened, share=0.5)) == 12


def test_the_same_seed_cuts_the_same_and_another_does_not(photos, tmp_path):
    hashes = [
        crops_of(photos, tmp_path / str(n), count=4, seed=seed).data_hash
        for n, seed in enumerate((1, 1, 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_every_label_lies_on_what_it_names(photos):
    """The middle of each box has its class's colour, and just outside it has not."""
    seen = set()
    for seed in range(60):
        image, rows = cut_crop(photos, np.random.default_rng(seed))
        for x1, y1, x2, y2, class_id, ignored in rows[rows[:, 4] >= 0]:
            if ignored:
                continue
            seen.add(int(class_id))
            colour = np.array(samples.COLOURS[int(class_id)][::-1])
            inside = image[round(y1) + 1 : round(y2) - 1, round(x1) + 1 : round(x2) - 1]
            assert np.abs(inside.astype(int) - colour).max() < 60
            ring = image[
                max(round(y1) - 3, 0) : round(y2) + 3, max(round(x1) - 3, 0) : round(x2) + 3
            ]
            assert x1 < 3 or np.abs(ring[:, 0].astype(int) - colour).max() > 60
            assert y1 < 3 or np.abs(ring[0].astype(int) - colour).max() > 60
    assert seen == {0, 1, OTHER}


def test_most_crops_show_a_sign_and_some_show_none(photos):
    counts = [
        int((cut_crop(photos, np.random.default_rng(seed))[1][:, 4] >= 0).sum())
        for seed in range(60)
    ]
    assert 30 < sum(count > 0 for count in counts) < 60


def test_signs_are_shown_whole_wherever_they_are_chosen(tmp_path):
    one = samples.photo(tmp_path, "a.png", [Sign(0, (2, 2, 62, 62))], size=(600, 400))
    alone = AnnotatedSet((one,), "painted", LICENCE)
    for seed in range(20):
        _, rows = cut_crop(alone, np.random.default_rng(seed))
        for x1, y1, x2, y2, _, ignored in rows[rows[:, 4] >= 0]:
            assert not ignored
            assert abs((x2 - x1) - (y2 - y1)) < 0.01


@pytest.mark.parametrize("size", [(1000, 750), (640, 480), (320, 240), (250, 188), (40, 400)])
def test_a_crop_is_filled_as_far_as_its_photo_can(tmp_path, size):
    one = samples.photo(tmp_path, "a.png", [Sign(0, (10, 10, 30, 30))], size=size)
    alone = AnnotatedSet((one,), "painted", LICENCE)
    for seed in range(10):
        image, _ = cut_crop(alone, np.random.default_rng(seed))
        fit = min(1, LONGER_SIDE_PX / max(size))
        most = np.prod([min(1, side * fit * SCALES[1] / 320) for side in size])
        filled = (image != PADDING).any(axis=2).mean()
        assert filled > 0.97 * most if min(size) * fit * SCALES[1] < 320 else filled > 0.97


def test_what_is_ignored_or_tiny_counts_neither_way(tmp_path):
    signs = [Sign(0, (10, 10, 13, 13)), Sign(None, (40, 40, 140, 140), ignored=True)]
    one = samples.photo(tmp_path, "a.png", signs, size=(200, 150))
    alone = AnnotatedSet((one,), "painted", LICENCE)
    rows = np.concatenate([cut_crop(alone, np.random.default_rng(s))[1] for s in range(20)])
    rows = rows[rows[:, 4] >= 0]
    assert set(rows[:, 4]) == {0, OTHER}
    assert rows[:, 5].all()
    assert (rows[rows[:, 4] == 0, 2] - rows[rows[:, 4] == 0, 0]).max() < MIN_SIGN_PX


def test_rare_classes_are_seen_as_often_as_frequent_ones(tmp_path):
    many = [
        samples.photo(tmp_path, f"{n}.png", [Sign(0, (10, 10, 60, 60))], size=(600, 400), seed=n)
        for n in range(9)
    ]
    rare = samples.photo(tmp_path, "r.png", [Sign(2, (10, 10, 60, 60))], size=(600, 400), seed=99)
    annotated = AnnotatedSet((*many, rare), "painted", LICENCE)
    classes = [int(cut_crop(annotated, np.random.default_rng(seed))[1][0, 4]) for seed in range(60)]
    assert classes.count(2) > 0.5 * classes.count(0)


def test_a_finished_folder_is_opened_and_another_one_refused(photos, tmp_path):
    made = crops_of(photos, tmp_path / "crops", count=3)
    before = (tmp_path / "crops" / "images.npy").stat().st_mtime_ns
    assert crops_of(photos, tmp_path / "crops", count=3).data_hash == made.data_hash
    assert (tmp_path / "crops" / "images.npy").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match="another training set"):
        crops_of(photos, tmp_path / "crops", count=4)


def test_an_interrupted_folder_is_not_taken_for_a_finished_one(photos, tmp_path):
    gone = AnnotatedSet(photos.photos, "painted", LICENCE)
    gone.photos[0].path.unlink()
    with pytest.raises(CameraError):
        crops_of(gone, tmp_path / "crops", count=40)
    with pytest.raises(ConfigError, match="no training set"):
        open_set(tmp_path / "crops")


@pytest.mark.parametrize("count", [0, -1])
def test_nothing_to_cut_is_refused(photos, tmp_path, count):
    with pytest.raises(ConfigError, match="nothing to cut out"):
        crops_of(photos, tmp_path, count=count)
    with pytest.raises(ConfigError, match="nothing to cut out"):
        crops_of(photos.only([]), tmp_path, count=3)

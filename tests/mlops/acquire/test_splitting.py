from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Photo
from kit.mlops.acquire.scenes import scene_of
from kit.mlops.acquire.splitting import Split, split_by_scene


def of_scenes(sizes):
    photos = [
        Photo(f"{scene}/{n}.jpg", Path("none"), 64, 48, scene, f"{scene} {n}")
        for scene, size in sizes.items()
        for n in range(size)
    ]
    return AnnotatedSet(tuple(photos), "made up", "CC0-1.0")


scenes = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4), st.integers(1, 9), min_size=2, max_size=12
)


@given(sizes=scenes, share=st.floats(0.01, 0.99), seed=st.integers(0, 9))
def test_no_scene_is_on_both_sides_and_no_photo_is_lost(sizes, share, seed):
    whole = of_scenes(sizes)
    split = split_by_scene(whole, test=share, seed=seed)
    assert not set(split.train.scenes) & set(split.test.scenes)
    assert split.train.photos
    assert split.test.photos
    both = [*split.train.photos, *split.test.photos]
    assert sorted(p.name for p in both) == sorted(p.name for p in whole.photos)


@given(sizes=scenes, share=st.floats(0.1, 0.9), seed=st.integers(0, 9))
def test_the_parts_are_as_near_to_the_share_as_the_largest_scene_allows(sizes, share, seed):
    whole = of_scenes(sizes)
    split = split_by_scene(whole, test=share, seed=seed)
    off = abs(len(split.test) - share * len(whole))
    assert off <= max(sizes.values())


@given(sizes=scenes, seed=st.integers(0, 9))
def test_the_same_photos_in_another_order_give_the_same_parts(sizes, seed):
    whole = of_scenes(sizes)
    turned = whole.only(reversed(whole.photos))
    first, second = (split_by_scene(one, test=0.3, seed=seed) for one in (whole, turned))
    assert first.test.scenes == second.test.scenes


def test_another_seed_gives_other_parts():
    whole = of_scenes(dict.fromkeys("abcdefghij", 3))
    parts = {split_by_scene(whole, test=0.3, seed=seed).test.scenes for seed in range(8)}
    assert len(parts) > 1


def test_one_scene_cannot_be_split_and_the_error_says_what_to_do():
    with pytest.raises(ConfigError, match=r"one scene cannot be split.*hall.*--scene"):
        split_by_scene(of_scenes({"hall": 9}))


@pytest.mark.parametrize("share", [0, 1, -0.2, float("nan")])
def test_a_share_of_nothing_or_everything_is_refused(share):
    with pytest.raises(ConfigError, match="share of the test part"):
        split_by_scene(of_scenes({"a": 1, "b": 1}), test=share)


def test_parts_that_share_a_scene_or_a_photo_are_refused():
    whole = of_scenes({"a": 2, "b": 1})
    with pytest.raises(ConfigError, match=r"not apart.*in both: a"):
        Split(whole.only(whole.photos[:1]), whole.only(whole.photos[1:]))
    twin = Photo("c/0.jpg", Path("none"), 64, 48, "c", whole.photos[0].sha256)
    with pytest.raises(ConfigError, match=r"in both: a/0\.jpg"):
        Split(whole, whole.only([twin]))


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("kitchen_0007.jpg", "kitchen"),
        ("images/train/kitchen_0007.jpg", "kitchen"),
        ("images/val/kitchen_0008.jpg", "kitchen"),
        ("kitchen/run1_0007.jpg", "kitchen/run1"),
        ("kitchen/0007.jpg", "kitchen"),
        ("JPEGImages/0007.jpg", "."),
        ("IMG 12 (3).jpg", "IMG 12"),
        ("1718290298_578.jpg", "1718290298"),
        ("portrait.jpg", "portrait"),
        # as Roboflow and Label Studio rename them
        ("train/images/hall_0001_jpg.rf.0a1b2c3d4e.jpg", "hall"),
        ("train/images/hall_0002_jpg.rf.ffffffff00.jpg", "hall"),
        ("images/1a2b3c4d-hall_0003.jpg", "hall"),
    ],
)
def test_a_scene_is_told_from_the_name(name, scene):
    assert scene_of(name) == scene


def test_a_pattern_tells_the_scene_by_its_first_group_or_all_of_it():
    assert scene_of("2024-05-01_cam3_0001.jpg", pattern=r"_(cam\d)_") == "cam3"
    assert scene_of("2024-05-01_cam3_0001.jpg", pattern=r"^\d+-\d+") == "2024-05"


@pytest.mark.parametrize(("pattern", "match"), [("cam[", "regular"), ("dog", "does not fit")])
def test_a_pattern_that_does_not_work_is_refused(pattern, match):
    with pytest.raises(ConfigError, match=match):
        scene_of("cam3_0001.jpg", pattern=pattern)

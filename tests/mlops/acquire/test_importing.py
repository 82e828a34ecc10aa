from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Sign
from kit.mlops.acquire.importing import FORMATS as READABLE
from kit.mlops.acquire.importing import import_set
from kit.mlops.acquire.writing import WRITERS, write_set
from kit.vision.photos import read_photo
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import FORMATS, LICENCE, a_set, by_name, reread

WIDTH, HEIGHT = 80, 60
ORIENTATION_TAG = 0x0112
# What must be done to an upright picture so that a viewer that obeys the tag shows it upright.
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}


@st.composite
def signs(draw):
    x1, y1 = (draw(st.floats(0, side - 3)) for side in (WIDTH, HEIGHT))
    box = (x1, y1, draw(st.floats(x1 + 2, WIDTH)), draw(st.floats(y1 + 2, HEIGHT)))
    class_id = draw(st.sampled_from([0, 1, 2, None]))
    return Sign(
        class_id, tuple(round(v, 2) for v in box), ignored=class_id is None and draw(st.booleans())
    )


@pytest.mark.parametrize("kind", FORMATS)
@given(boxes=st.lists(st.lists(signs(), max_size=5), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_set_comes_back_from_every_format_within_a_pixel(tmp_path_factory, kind, boxes):
    root = tmp_path_factory.mktemp("set")
    photos = [
        samples.photo(root, f"p_{n}.png", mine, size=(WIDTH, HEIGHT), seed=n)
        for n, mine in enumerate(boxes)
    ]
    back = reread(kind, AnnotatedSet(tuple(photos), "painted", LICENCE), root / kind)
    for photo in photos:
        (again,) = [p for p in back.photos if p.name.endswith(photo.name)]
        assert (again.width, again.height) == (WIDTH, HEIGHT)
        # Boxes that differ by less than the format can tell may come back as one, and told so.
        for sign in photo.signs:
            alike = [s for s in again.signs if s.kind == sign.kind]
            assert any(np.abs(np.subtract(s.box, sign.box)).max() <= 1 for s in alike)
        twice = sum("twice" in problem.what for problem in back.problems)
        assert len(photo.signs) - twice <= len(again.signs) <= len(photo.signs)


def test_what_can_be_written_can_be_read():
    assert set(WRITERS) <= set(READABLE)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_set_is_read_without_a_problem(tmp_path, kind):
    ours = a_set(tmp_path)
    back = reread(kind, ours, tmp_path / kind)
    assert back.problems == ()
    # The kit's own COCO says which scene a photo is of; elsewhere its name tells.
    assert back.scenes == (("a",) if kind == "coco" else ("hall", "kitchen"))
    assert back.counts() == ours.counts()
    assert by_name(back)["kitchen_2.png"] == []
    assert (back.licence, back.source) == (LICENCE, (tmp_path / kind / samples.WHERE[kind]).name)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", STORED)
def test_boxes_land_on_the_same_thing_however_the_camera_was_held(tmp_path, kind, orientation):
    sign = Sign(0, (6, 10, 26, 50))
    photo = samples.photo(tmp_path, "held.jpg", [sign], size=(WIDTH, HEIGHT))
    upright = samples.paint(tmp_path / "held.png", (WIDTH, HEIGHT), [sign])
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    stored = np.ascontiguousarray(STORED[orientation](upright))
    Image.fromarray(stored).save(tmp_path / "held.jpg", exif=exif, quality=95)

    (again,) = reread(kind, AnnotatedSet((photo,), "held", LICENCE), tmp_path / kind).photos
    assert (again.width, again.height) == (WIDTH, HEIGHT)
    (found,) = again.signs
    x1, y1, x2, y2 = (round(v) for v in found.box)
    seen = read_photo(again.path)
    inside = seen[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].reshape(-1, 3).mean(axis=0)
    assert np.abs(inside - np.array(samples.COLOURS[0][::-1])).max() < 40
    outside = seen.copy()
    outside[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2] = 100
    assert np.abs(outside.astype(float) - 100).max() < 60


def test_labels_for_the_picture_as_it_lies_in_the_file_are_refused(tmp_path):
    """Some tools do not turn the photo; their boxes would lie elsewhere."""
    file = samples.written("coco", a_set(tmp_path), tmp_path / "coco") / "annotations.json"
    data = json.loads(file.read_text())
    data["images"][0]["width"], data["images"][0]["height"] = 48, 64
    file.write_text(json.dumps(data))
    back = import_set("coco", file, licence=LICENCE)
    (problem,) = back.problems
    assert problem.file == data["images"][0]["file_name"]
    assert problem.what == "its labels are for (48, 64), the upright photo has (64, 48) pixels"
    assert len(back) == 2


@pytest.mark.parametrize("licence", ["", "  "])
def test_a_set_without_a_licence_is_refused(tmp_path, licence):
    samples.written("coco", a_set(tmp_path), tmp_path / "coco")
    with pytest.raises(ConfigError, match="needs a licence"):
        import_set("coco", tmp_path / "coco", licence=licence)


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ConfigError, match="label-studio"):
        import_set("createml", tmp_path, licence=LICENCE)
    with pytest.raises(ConfigError, match="no such format"):
        write_set("createml", a_set(tmp_path), tmp_path / "out")


def test_nothing_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        import_set("coco", tmp_path / "gone", licence=LICENCE)


def test_a_set_of_which_nothing_is_left_is_refused_with_the_first_reason(tmp_path):
    samples.written("coco", a_set(tmp_path), tmp_path / "coco")
    for photo in (tmp_path / "coco" / "images").iterdir():
        photo.unlink()
    with pytest.raises(ConfigError, match=r"No photo of the set can be used.*the photo is missing"):
        import_set("coco", tmp_path / "coco", licence=LICENCE)


def test_two_photos_of_one_name_are_not_written_over_each_other(tmp_path):
    photos = [samples.photo(tmp_path, f"{s}/1.png", seed=n) for n, s in enumerate("ab")]
    with pytest.raises(ConfigError, match="cannot be written"):
        write_set("yolo", a_set(tmp_path, photos), tmp_path / "yolo")
    assert len(reread("coco", a_set(tmp_path, photos), tmp_path / "coco")) == 2

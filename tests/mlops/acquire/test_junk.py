"""Whatever stands in a file: the import gives a set with a report, or refuses; it never breaks."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet
from kit.mlops.acquire.importing import import_set
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import LICENCE, a_set

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.just([]),
    st.just({}),
    st.lists(st.floats(), max_size=5),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
OFTEN = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def put(value, path, junk):
    """Return a copy with something else at a place."""
    if not path:
        return junk
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = junk
    return changed


def assert_set_or_refusal(kind, path):
    try:
        back = import_set(kind, path, licence=LICENCE)
    except ConfigError:
        return
    assert isinstance(back, AnnotatedSet)
    assert back.photos
    for photo in back.photos:
        for sign in photo.signs:
            x1, y1, x2, y2 = sign.box
            assert 0 <= x1 < x2 <= photo.width
            assert 0 <= y1 < y2 <= photo.height


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("junk")
    annotated = a_set(root / "made")
    for kind in samples.FORMATS:
        samples.written(kind, annotated, root / kind)
    (root / "mapillary" / "annotations").mkdir(parents=True)
    samples.paint(root / "mapillary" / "a.png", (64, 48), [])
    samples.paint(root / "mapillary" / "b.png", (64, 48), [], seed=1)
    box = {"xmin": 4, "ymin": 4, "xmax": 30, "ymax": 30}
    item = {"label": "other-sign", "bbox": box, "properties": {"dummy": False}}
    text = json.dumps({"width": 64, "height": 48, "objects": [item]})
    for name in "ab":
        (root / "mapillary" / "annotations" / f"{name}.json").write_text(text)
    return root


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("coco", "annotations.json"),
        ("label-studio", "tasks.json"),
        ("mapillary", "annotations/a.json"),
    ],
)
@given(data=st.data())
@OFTEN
def test_no_value_in_a_json_file_breaks_the_import(folder, kind, file, data):
    path = folder / kind / file
    whole = path.read_text()
    value = json.loads(whole)
    place = data.draw(st.sampled_from(list(places(value))))
    path.write_text(json.dumps(put(value, place, data.draw(JUNK))))
    try:
        assert_set_or_refusal(kind, folder / kind if kind == "mapillary" else path)
    finally:
        path.write_text(whole)


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("yolo", "labels/kitchen_1.txt"),
        ("yolo", "data.yaml"),
        ("voc", "Annotations/kitchen_1.xml"),
    ],
)
@given(data=st.data())
@OFTEN
def test_no_bytes_in_a_text_file_break_the_import(folder, kind, file, data):
    path = folder / kind / file
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 12, len(whole))))
    some = st.one_of(st.binary(max_size=6), st.text(max_size=4).map(str.encode))
    path.write_bytes(whole[:start] + data.draw(some) + whole[end:])
    try:
        assert_set_or_refusal(kind, folder / kind)
    finally:
        path.write_bytes(whole)

"""Every kind of damage, in every format: reported by name, and the rest is kept."""

from __future__ import annotations

import json
import shutil

import pytest

from kit.errors import ConfigError
from kit.mlops.acquire.importing import import_set
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import FORMATS, LICENCE, a_set, told

PHOTO = "kitchen_1.png"
OBJECT = "<object><name>{}</name><bndbox>{}</bndbox></object>"


@pytest.fixture(params=FORMATS)
def any_set(request, tmp_path):
    """Format, path to import and folder of a set in each of the formats."""
    kind = request.param
    return kind, samples.written(kind, a_set(tmp_path / "made"), tmp_path / kind), tmp_path / kind


def read(kind, path):
    return import_set(kind, path, licence=LICENCE)


def find(folder, name):
    (path,) = folder.rglob(name)
    return path


def corners(x1, y1, x2, y2):
    return f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"


def change_json(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def assert_only(annotated, *, file, what, done="left out"):
    (problem,) = annotated.problems
    assert file in problem.file
    assert what in problem.what
    assert problem.done.startswith(done)


# --- photos ------------------------------------------------------------------------------------


def test_a_photo_cut_off_in_the_middle_is_named_and_left_out(any_set):
    kind, path, folder = any_set
    photo = find(folder, PHOTO)
    photo.write_bytes(photo.read_bytes()[:400])
    back = read(kind, path)
    assert_only(back, file=PHOTO, what="cannot be read", done="left out, with its boxes")
    assert len(back) == 2


def test_a_photo_that_is_text_is_named_and_left_out(any_set):
    kind, path, folder = any_set
    find(folder, PHOTO).write_text("404 not found")
    assert_only(read(kind, path), file=PHOTO, what="cannot be read")


def test_an_empty_photo_is_named_and_left_out(any_set):
    kind, path, folder = any_set
    find(folder, PHOTO).write_bytes(b"")
    assert_only(read(kind, path), file=PHOTO, what="0 bytes")


def test_a_missing_photo_is_told_by_the_labels_that_name_it(any_set):
    kind, path, folder = any_set
    find(folder, PHOTO).unlink()
    back = read(kind, path)
    (problem,) = back.problems
    assert "the photo is missing" in problem.what or "its photo is missing" in problem.what
    assert {"coco": PHOTO, "label-studio": "task 1"}.get(kind, "kitchen_1") in problem.file
    assert len(back) == 2


def test_a_copy_of_a_photo_is_left_out_so_that_it_cannot_be_on_both_sides(any_set):
    kind, path, folder = any_set
    shutil.copy(find(folder, PHOTO), find(folder, "hall_1.png"))
    back = read(kind, path)
    (problem,) = back.problems
    assert problem.what.startswith("the photo is a copy of")
    assert len(back) == 2


# --- COCO --------------------------------------------------------------------------------------


@pytest.fixture
def coco(tmp_path):
    folder = samples.written("coco", a_set(tmp_path / "made"), tmp_path / "coco")
    return folder / "annotations.json"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"bbox": [4, 5, float("nan"), 20]}, "finite"),
        ({"bbox": [4, 5, 1e300, 20]}, "finite"),
        ({"bbox": [4, 5, 0, 20]}, "no area: 0 x 20 px"),
        ({"bbox": [4, 5, -3, 20]}, "-3"),
        ({"bbox": [400, 5, 20, 20]}, "lies outside the photo"),
        ({"bbox": [4, 5, 20]}, ""),
        ({"bbox": "all of it"}, ""),
        ({"bbox": None}, ""),
        ({"category_id": 99}, "no category with the id 99"),
        ({"image_id": 77}, "no image with the id 77"),
        ({"image_id": [1]}, "no image with the id '[1]'"),
    ],
)
def test_a_damaged_coco_annotation_is_named_and_left_out(coco, changes, what):
    change_json(coco, lambda data: data["annotations"][1].update(changes))
    back = read("coco", coco)
    assert_only(back, file="annotations.json, annotation 2", what=what)
    assert sum(back.counts().values()) == 3


@pytest.mark.parametrize("key", ["bbox", "category_id"])
def test_a_coco_annotation_without_a_part_says_which(coco, key):
    change_json(coco, lambda data: data["annotations"][1].pop(key))
    assert_only(read("coco", coco), file="annotation 2", what=f"'{key}' is missing")


def test_a_coco_annotation_that_is_none_is_told_by_its_position(coco):
    change_json(coco, lambda data: data["annotations"].append(None))
    assert_only(read("coco", coco), file="annotation at position 4", what="no image with the id")


def test_a_coco_image_without_a_name_is_told_and_so_are_its_boxes(coco):
    change_json(coco, lambda data: data["images"][0].pop("file_name"))
    assert [p.file for p in told(read("coco", coco))] == [
        "annotations.json, annotation 1",
        "annotations.json, annotation 2",
        "annotations.json, image at position 0",
    ]


def test_a_coco_image_listed_twice_counts_once(coco):
    change_json(coco, lambda data: data["images"].append(data["images"][1] | {"id": 50}))
    assert_only(read("coco", coco), file="kitchen_2.png", what="listed twice")


def test_a_coco_file_name_never_leads_out_of_the_folder(coco, tmp_path):
    samples.paint(tmp_path / "secret.png", (64, 48), [])
    change_json(coco, lambda data: data["images"][0].update(file_name="../../secret.png"))
    assert_only(read("coco", coco), file="../../secret.png", what="missing")


def test_a_crowd_counts_neither_way(coco):
    change_json(coco, lambda data: data["annotations"][0].update(iscrowd=1))
    assert read("coco", coco).counts()["ignored"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"images": []}'])
def test_what_is_no_coco_file_is_refused(coco, text):
    coco.write_text(text)
    with pytest.raises(ConfigError, match=r"cannot be read|no COCO file"):
        read("coco", coco)


def test_a_folder_with_two_json_files_asks_for_one(coco):
    (coco.parent / "more.json").write_text("{}")
    with pytest.raises(ConfigError, match="not clear which file"):
        read("coco", coco.parent)


# --- any format: the shape of boxes and names ----------------------------------------------------


def test_a_box_that_reaches_out_is_cut_and_told(coco):
    change_json(coco, lambda data: data["annotations"][0].update(bbox=[-10, 5, 30, 20]))
    back = read("coco", coco)
    assert_only(back, file="annotation 1", what="reaches 10 px out", done="cut")
    assert any(sign.box == (0, 5, 20, 25) for sign in back.photos[1].signs)


def test_less_than_a_pixel_over_the_edge_is_not_worth_a_word(coco):
    change_json(coco, lambda data: data["annotations"][0].update(bbox=[-0.9, 5, 30, 20]))
    assert read("coco", coco).problems == ()


def test_a_box_that_comes_twice_counts_once(coco):
    change_json(coco, lambda data: data["annotations"].append(data["annotations"][0] | {"id": 9}))
    assert_only(read("coco", coco), file="annotation 9", what="comes twice")


def test_a_name_that_nobody_mapped_is_told_and_counts_neither_way(coco):
    change_json(coco, lambda data: data["categories"][0].update(name="roundel"))
    back = read("coco", coco)
    assert_only(back, file="annotation 1", what="no class is known for 'roundel'", done="kept")
    assert (back.counts()["SpeedLimit"], back.counts()["ignored"]) == (0, 1)


# --- YOLO --------------------------------------------------------------------------------------


@pytest.fixture
def yolo(tmp_path):
    return samples.written("yolo", a_set(tmp_path / "made"), tmp_path / "yolo")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("0 0.5 0.5 0.2", "expected at least 5"),
        ("0 0.5 0.5 0.2 wide", "wide"),
        ("0 0.5 0.5 nan 0.2", "nan"),
        ("0 0.5 0.5 0.2 -0.2", "-0.2"),
        ("0 0.5 0.5 0 0.2", "no area"),
        ("0 7.5 0.5 0.2 0.2", "lies outside"),
        ("stop 0.5 0.5 0.2 0.2", "stop"),
        ("8 0.5 0.5 0.2 0.2", "no class with the number 8"),
    ],
)
def test_a_damaged_yolo_line_is_named_and_left_out(yolo, line, what):
    labels = yolo / "labels" / "kitchen_1.txt"
    labels.write_text(labels.read_text().rstrip() + f"\n{line}\n")
    back = read("yolo", yolo)
    assert_only(back, file="labels/kitchen_1.txt, line 3", what=what)
    assert sum(back.counts().values()) == 4


def test_a_photo_without_a_yolo_file_is_not_taken_for_one_without_signs(yolo):
    (yolo / "labels" / "hall_1.txt").unlink()
    assert_only(read("yolo", yolo), file="hall_1.png", what="no label file hall_1.txt")


def test_a_yolo_file_that_is_no_text_is_named(yolo):
    (yolo / "labels" / "hall_1.txt").write_bytes(b"\xff\xfe\x00")
    assert_only(read("yolo", yolo), file="labels/hall_1.txt", what="cannot be read")


def test_corners_of_a_polygon_give_the_box_round_them(yolo):
    labels = yolo / "labels" / "kitchen_2.txt"
    labels.write_text("2 0.25 0.5 0.5 0.25 0.75 0.5 0.5 0.75\n")
    back = read("yolo", yolo)
    (sign,) = samples.by_name(back)["kitchen_2.png"]
    assert (sign.class_id, sign.box) == (2, (16, 12, 48, 36))


@pytest.mark.parametrize(
    "names", ["names: {0: SpeedLimit, 1: DangerAhead, 2: Stop, 3: other}", None]
)
def test_yolo_names_may_be_numbered_or_stand_in_a_text_file(yolo, names):
    if names is None:
        (yolo / "data.yaml").unlink()
        (yolo / "classes.txt").write_text("SpeedLimit\nDangerAhead\nStop\nother\n")
    else:
        (yolo / "data.yaml").write_text(names)
    assert read("yolo", yolo).counts()["other"] == 1


@pytest.mark.parametrize("text", ["names: 7", "- a", "nc: 3", "{", "names: [a]\nkpt_shape: [3, 2]"])
def test_a_yolo_set_without_class_names_is_refused(yolo, text):
    (yolo / "data.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"class names|key points"):
        read("yolo", yolo)


# --- Pascal VOC ----------------------------------------------------------------------------------


@pytest.fixture
def voc(tmp_path):
    return samples.written("voc", a_set(tmp_path / "made"), tmp_path / "voc")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ("<object><name>Stop</name></object>", "bndbox"),
        (OBJECT.format("", corners(1, 1, 9, 9)), "name"),
        (OBJECT.format("Stop", "<xmin>1</xmin>"), "ymin"),
        (OBJECT.format("Stop", corners(1, 1, "far", 9)), "far"),
        (OBJECT.format("Stop", corners(1, 1, "nan", 9)), "nan"),
        (OBJECT.format("Stop", corners(900, 1, 930, 30)), "lies outside"),
    ],
)
def test_a_damaged_voc_object_is_named_and_left_out(voc, item, what):
    edit(voc / "Annotations" / "kitchen_1.xml", "</annotation>", f"{item}</annotation>")
    back = read("voc", voc)
    assert_only(back, file="Annotations/kitchen_1.xml, object 3", what=what)
    assert sum(back.counts().values()) == 4


def test_voc_corners_may_be_named_in_any_order(voc):
    item = OBJECT.format("Stop", corners(30, 20, 11, 6))
    edit(voc / "Annotations" / "kitchen_2.xml", "</annotation>", f"{item}</annotation>")
    (sign,) = samples.by_name(read("voc", voc))["kitchen_2.png"]
    assert sign.box == (10, 5, 30, 20)


@pytest.mark.parametrize(
    "text",
    [
        "<annotation><object>",
        "<picture/>",
        "",
        '<!DOCTYPE a [<!ENTITY b "bb">]><annotation>&b;</annotation>',
    ],
)
def test_a_voc_file_that_cannot_be_read_is_named_with_its_photo(voc, text):
    (voc / "Annotations" / "hall_1.xml").write_text(text)
    back = read("voc", voc)
    assert [p.file for p in told(back)] == ["Annotations/hall_1.xml", "JPEGImages/hall_1.png"]
    assert len(back) == 2


def test_a_photo_that_was_renamed_with_its_voc_file_is_found_by_that(voc):
    edit(voc / "Annotations" / "hall_1.xml", "<filename>hall_1.png", "<filename>DSC0815.png")
    assert read("voc", voc).problems == ()


def test_a_voc_file_that_says_its_photo_has_no_size_is_believed_otherwise(voc):
    edit(voc / "Annotations" / "hall_1.xml", "<width>64", "<width>0")
    assert read("voc", voc).problems == ()


def test_a_folder_without_xml_is_no_voc_set(tmp_path):
    with pytest.raises(ConfigError, match="no Pascal VOC file"):
        read("voc", tmp_path)


# --- Label Studio --------------------------------------------------------------------------------


@pytest.fixture
def studio(tmp_path):
    return samples.written("label-studio", a_set(tmp_path / "made"), tmp_path / "ls")


def set_value(**changes):
    return lambda tasks: tasks[0]["annotations"][0]["result"][1]["value"].update(changes)


def set_region(**changes):
    return lambda tasks: tasks[0]["annotations"][0]["result"][1].update(changes)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (set_value(rotation=12.5), "only upright rectangles are read; this one is turned by 12.5°"),
        (set_region(image_rotation=90), "turned by 90°"),
        (set_value(rectanglelabels=["Stop", "other"]), "one class is wanted, it has 2"),
        (set_value(rectanglelabels=[]), "one class is wanted, it has 0"),
        (set_value(x=None), ""),
        (set_value(width="nan"), "not a finite number"),
        (set_value(width=0), "no area"),
        (set_value(x=130), "lies outside"),
        (set_region(type="polygonlabels"), "only rectangles are read, not 'polygonlabels'"),
        (set_region(value=None), ""),
        (set_region(original_width=48, original_height=64), "the upright photo has (64, 48)"),
    ],
)
def test_a_damaged_region_is_named_and_left_out(studio, change, what):
    change_json(studio, change)
    back = read("label-studio", studio)
    assert_only(back, file="tasks.json, task 1, region 2", what=what)
    assert sum(back.counts().values()) == 3


def test_a_region_without_a_value_says_what_is_missing(studio):
    change_json(studio, lambda tasks: tasks[0]["annotations"][0]["result"][1]["value"].pop("x"))
    assert_only(read("label-studio", studio), file="task 1, region 2", what="'x' is missing")


@pytest.mark.parametrize("done", [[], [{"was_cancelled": True, "result": []}]])
def test_a_task_that_nobody_finished_is_named_and_left_out(studio, done):
    change_json(studio, lambda tasks: tasks[0].update(annotations=done))
    back = read("label-studio", studio)
    assert_only(back, file="task 1 (kitchen_1.png)", what="nobody has labelled it")
    assert len(back) == 2


def test_of_two_peoples_work_the_first_is_taken_and_told(studio):
    change_json(studio, lambda tasks: tasks[0]["annotations"].append({"result": []}))
    back = read("label-studio", studio)
    assert_only(back, file="task 1", what="2 people have labelled it", done="the first")
    assert sum(back.counts().values()) == 4


@pytest.mark.parametrize(
    "data", [{}, {"image": 4}, {"text": "hello"}, None, {"image": "/data/upload/1/none.png"}]
)
def test_a_task_without_a_photo_is_named(studio, data):
    change_json(studio, lambda tasks: tasks[0].update(data=data))
    assert_only(read("label-studio", studio), file="tasks.json, task 1", what="")


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/3/1a2b3c4d-kitchen_1.png",
        "s3://bucket/folder/kitchen_1.png",
        "https://example.org/some%20where/kitchen_1.png?token=1",
        "/data/local-files/?d=far/away/kitchen_1.png",
    ],
)
def test_a_photo_is_found_whatever_its_address_was(studio, address):
    change_json(studio, lambda tasks: tasks[0].update(data={"photo": address}))
    assert read("label-studio", studio).problems == ()


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"image": "a.png", "label": []}]'])
def test_what_is_no_export_is_refused(studio, text):
    studio.write_text(text)
    with pytest.raises(ConfigError, match=r"no export|have no data"):
        read("label-studio", studio)

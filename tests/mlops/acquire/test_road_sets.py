from __future__ import annotations

import json

import pytest

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Sign
from kit.mlops.acquire.importing import import_set
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import LICENCE, by_name, told


@pytest.fixture
def gtsdb(tmp_path):
    for number in range(3):
        samples.paint(tmp_path / f"0000{number}.ppm", (64, 48), [], seed=number)
    # The download also has folders of cut-out signs with the same names.
    samples.paint(tmp_path / "01" / "00000.ppm", (20, 20), [], seed=9)
    (tmp_path / "gt.txt").write_text(
        "00000.ppm;4;5;24;25;1\n00000.ppm;30;6;50;26;18\n00001.ppm;8;8;40;40;13\n"
    )
    return tmp_path


def test_gtsdb_is_read_with_its_own_table_of_classes(gtsdb):
    back = import_set("gtsdb", gtsdb, licence=LICENCE)
    assert back.problems == ()
    assert by_name(back) == {
        "00000.ppm": [Sign(1, (30, 6, 50, 26)), Sign(0, (4, 5, 24, 25))],
        "00001.ppm": [Sign(None, (8, 8, 40, 40))],
        "00002.ppm": [],
    }


def test_gtsdbs_numbers_tell_no_scene_but_a_pattern_can(gtsdb):
    assert import_set("gtsdb", gtsdb, licence=LICENCE).scenes == (".",)
    back = import_set("gtsdb", gtsdb, licence=LICENCE, scene=r"^\d{5}")
    assert back.scenes == ("00000", "00001", "00002")


def test_damage_in_gtsdb_is_named(gtsdb):
    lines = ["00001.ppm;1;2;3", "00001.ppm;a;8;40;40;14", "00001.ppm;40;8;8;40;14"]
    lines += ["99999.ppm;1;1;9;9;1", "../00002.ppm;1;1;9;9;1", "00002.ppm;1;1;9;9;77"]
    with (gtsdb / "gt.txt").open("a") as file:
        file.write("\n".join(lines) + "\n")
    back = import_set("gtsdb", gtsdb, licence=LICENCE)
    assert [(p.file, p.done) for p in told(back)] == [
        ("../00002.ppm", "left out, with 1 boxes"),
        ("99999.ppm", "left out, with its boxes"),
        ("gt.txt, line 4", "left out"),
        ("gt.txt, line 5", "left out"),
        ("gt.txt, line 6", "left out"),
        ("gt.txt, line 9", "kept, but it counts neither way"),
    ]
    assert sum(back.counts().values()) == 4


def test_gtsdb_without_its_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        import_set("gtsdb", tmp_path, licence=LICENCE)


def sign(label, box, **properties):
    sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return {"label": label, "bbox": sides, "properties": properties}


@pytest.fixture
def mapillary(tmp_path):
    labels = {
        "aa": [sign("regulatory--maximum-speed-limit-30--g1", (4, 5, 24, 25))],
        "bb": [
            sign("warning--children--g2", (4, 5, 24, 25)),
            sign("regulatory--stop--g1", (30, 5, 50, 25), ambiguous=True),
        ],
    }
    (tmp_path / "annotations").mkdir()
    for number, (name, objects) in enumerate(labels.items()):
        samples.paint(tmp_path / "images" / f"{name}.jpg", (64, 48), [], seed=number)
        text = json.dumps({"width": 64, "height": 48, "objects": objects})
        (tmp_path / "annotations" / f"{name}.json").write_text(text)
    return tmp_path


def test_mapillarys_files_are_read_and_what_is_unclear_counts_neither_way(mapillary):
    back = import_set("mapillary", mapillary, licence=LICENCE)
    assert back.problems == ()
    assert by_name(back) == {
        "aa.jpg": [Sign(0, (4, 5, 24, 25))],
        "bb.jpg": [Sign(1, (4, 5, 24, 25)), Sign(None, (30, 5, 50, 25), ignored=True)],
    }


def test_damage_in_mapillarys_files_is_named(mapillary):
    folder = mapillary / "annotations"
    (folder / "aa.json").write_text("{")
    (folder / "cc.json").write_text("{}")
    samples.paint(mapillary / "images" / "dd.jpg", (64, 48), [], seed=7)
    data = json.loads((folder / "bb.json").read_text())
    data["objects"] += [{"label": "other-sign"}, sign("other-sign", (60, 1, 2, 9))]
    (folder / "bb.json").write_text(json.dumps(data))
    back = import_set("mapillary", mapillary, licence=LICENCE)
    assert [p.file for p in told(back)] == [
        "aa.json",
        "bb.json, object 3",
        "bb.json, object 4",
        "cc.json",
        "images/dd.jpg",
    ]


def test_a_folder_without_annotations_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no annotations"):
        import_set("mapillary", tmp_path, licence=LICENCE)

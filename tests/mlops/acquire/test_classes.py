from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.events import Label
from kit.mlops.acquire.classes import (
    GTSDB,
    KIT,
    MAPILLARY,
    MEANINGS,
    TABLES,
    ClassMap,
    find_class_map,
    read_class_map,
)


@given(number=st.integers(1, 200))
def test_mapillarys_red_rings_are_speed_limits_and_its_plates_are_not(number):
    assert MAPILLARY.meaning(f"regulatory--maximum-speed-limit-{number}--g1") == "SpeedLimit"
    for other in (
        f"regulatory--maximum-speed-limit-{number}--g3",
        f"regulatory--end-of-maximum-speed-limit-{number}--g2",
        f"regulatory--maximum-speed-limit-led-{number}--g1",
        f"complementary--maximum-speed-limit-{number}--g1",
    ):
        assert MAPILLARY.meaning(other) == "other"


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("warning--children--g2", "DangerAhead"),
        ("warning--railroad-crossing-with-barriers--g1", "DangerAhead"),
        ("regulatory--stop--g1", "Stop"),
        ("regulatory--stop--g10", "Stop"),
        ("regulatory--no-entry--g1", "Stop"),
        ("Regulatory--No-Entry--G1", "Stop"),
        ("regulatory--stop-here-on-red-or-flashing-light--g1", "other"),
        ("regulatory--yield--g1", "other"),
        ("information--parking--g1", "other"),
        ("complementary--chevron-left--g1", "other"),
        ("other-sign", "other"),
        ("object--traffic-light--cyclists", None),
        ("warning", None),
        ("", None),
    ],
)
def test_mapillarys_names_mean(name, meaning):
    assert MAPILLARY.meaning(name) == meaning


def test_every_number_of_gtsdb_means_something_and_no_other_number_does():
    meanings = [GTSDB.meaning(str(number)) for number in range(43)]
    assert [n for n, m in enumerate(meanings) if m == "SpeedLimit"] == [0, 1, 2, 3, 4, 5, 7, 8]
    assert [n for n, m in enumerate(meanings) if m == "DangerAhead"] == [11, *range(18, 32)]
    assert [n for n, m in enumerate(meanings) if m == "Stop"] == [14, 17]
    assert meanings.count("other") == 43 - 8 - 15 - 2
    assert GTSDB.meaning("43") is None
    assert GTSDB.meaning("00") is None


@given(name=st.text(max_size=30))
def test_a_name_is_never_guessed(name):
    for table in TABLES.values():
        assert table.meaning(name) in {None, *MEANINGS}
    if (
        not name.strip()
        .lower()
        .startswith(("speedlimit", "dangerahead", "stop", "other", "ignore"))
    ):
        assert KIT.meaning(name) is None


@pytest.mark.parametrize("label", [*Label, "other", "ignore"])
def test_the_kits_own_names_mean_themselves(label):
    assert KIT.meaning(label) == label


def test_what_the_kit_writes_as_ignored_it_reads_as_such():
    assert KIT.meaning("ignored") == "ignore"


def test_the_first_row_that_fits_counts():
    table = ClassMap((("limit_end*", "other"), ("limit_*", "SpeedLimit")))
    assert table.meaning("limit_end_30") == "other"
    assert table.meaning("Limit_30") == "SpeedLimit"
    assert (table + KIT).meaning("Stop") == "Stop"


def test_a_table_of_ones_own_comes_from_yaml(tmp_path):
    file = tmp_path / "map.yaml"
    file.write_text('"limit_*": SpeedLimit\n14: Stop\nparking: other\nreflection: ignore\n')
    table = find_class_map(str(file))
    names = ("limit_80", "14", "parking", "reflection", "tree")
    assert [table.meaning(name) for name in names] == [
        "SpeedLimit",
        "Stop",
        "other",
        "ignore",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("limit: speed", "meanings that the kit does not know"),
        ("- limit", "no table"),
        ("", "no table"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, match):
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(ConfigError, match=match):
        read_class_map(tmp_path / "map.yaml")


def test_an_unknown_table_names_the_known_ones():
    with pytest.raises(ConfigError, match="mapillary"):
        find_class_map("cityscapes")

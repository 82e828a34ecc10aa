from __future__ import annotations

import json
import random
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet, Problem, Sign
from kit.mlops.acquire.card import DatasetCard, make_card, verify
from kit.mlops.acquire.importing import import_set
from kit.mlops.acquire.keeping import (
    check_folder,
    load_parts,
    load_set,
    read_card,
    save_set,
    save_split,
)
from kit.mlops.acquire.splitting import split_by_scene
from kit.mlops.measuring.labelled import read_coco
from tests.mlops.acquire import samples
from tests.mlops.acquire.samples import LICENCE, a_set, reread


@pytest.fixture
def imported(tmp_path):
    """A set of two scenes that was imported, not yet saved."""
    return reread("yolo", a_set(tmp_path / "made"), tmp_path / "yolo", source="painted")


@pytest.fixture
def kept(imported, tmp_path):
    save_set(imported, tmp_path / "kept")
    return tmp_path / "kept"


def test_a_saved_set_comes_back_as_it_was(imported, kept):
    back = load_set(kept)
    assert back.problems == ()
    assert back.data_hash == imported.data_hash
    assert (back.source, back.licence) == ("painted", LICENCE)
    assert [(p.name, p.scene, p.signs) for p in back.photos] == [
        (p.name, p.scene, p.signs) for p in imported.photos
    ]


def test_a_saved_set_does_not_need_the_photos_it_was_imported_from(kept, tmp_path):
    shutil.rmtree(tmp_path / "yolo")
    assert check_folder(kept) == ()


def test_the_evaluation_reads_a_saved_set(kept):
    photos = read_coco(kept / "annotations.json", kept / "images")
    assert sorted(int(c) for photo in photos for c in photo.signs[:, 0]) == [0, 1, 2]


def test_photos_of_one_name_in_two_folders_stay_two(tmp_path):
    photos = [samples.photo(tmp_path, f"{s}/1.png", seed=n) for n, s in enumerate("ab")]
    saved = save_set(a_set(tmp_path, photos), tmp_path / "kept")
    assert [p.name for p in saved.photos] == ["a/1.png", "b/1.png"]
    assert [p.name for p in load_set(tmp_path / "kept").photos] == ["a/1.png", "b/1.png"]


def test_a_set_is_not_written_over_another(imported, kept):
    with pytest.raises(ConfigError, match="holds a set"):
        save_set(imported, kept)


def test_a_folder_without_a_set_or_without_parts_says_what_to_run(kept, tmp_path):
    with pytest.raises(ConfigError, match="kit dataset import"):
        load_set(tmp_path)
    with pytest.raises(ConfigError, match="kit dataset split"):
        load_set(kept, part="train")
    with pytest.raises(ConfigError, match="card cannot be read"):
        read_card(tmp_path)
    assert load_parts(kept) == {}


def test_a_set_that_does_not_say_its_licence_is_refused(kept):
    data = json.loads((kept / "annotations.json").read_text())
    data["licenses"] = []
    (kept / "annotations.json").write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="licence"):
        load_set(kept)


# --- the card ------------------------------------------------------------------------------------


def test_a_card_counts_photos_signs_and_sizes(tmp_path):
    signs = [Sign(0, (0, 0, 20, 20)), Sign(0, (0, 0, 40, 40)), Sign(None, (100, 0, 250, 150))]
    photos = [samples.photo(tmp_path, "a.png", signs, size=(300, 200)), *a_set(tmp_path).photos]
    card = make_card(a_set(tmp_path, photos))
    assert (card.photos, card.photos_without_signs, card.scenes) == (4, 1, 1)
    assert card.signs == {
        "SpeedLimit": 3,
        "DangerAhead": 1,
        "Stop": 1,
        "other": 2,
        "ignored": 0,
    }
    assert card.sizes["SpeedLimit"] == {"small": 2, "medium": 1, "large": 0}
    assert card.sizes["other"] == {"small": 1, "medium": 0, "large": 1}


def test_a_card_survives_json_and_reads_well(imported, kept):
    split = split_by_scene(load_set(kept), test=0.4)
    card = save_split(split, kept)
    assert DatasetCard.model_validate_json(card.model_dump_json()) == card == read_card(kept)
    text = (kept / "card.md").read_text()
    assert text == card.markdown()
    for part in ("# painted", LICENCE, imported.data_hash, "| SpeedLimit | 1 |", "| test |"):
        assert part in text


def test_a_card_lists_the_first_problems_and_counts_all(imported):
    problems = tuple(Problem(f"{n}.jpg", "is broken", "left out") for n in range(25))
    full = AnnotatedSet(imported.photos, "s", LICENCE, problems)
    text = make_card(full).markdown()
    assert "25 left out" in text
    assert "`19.jpg`: is broken" in text
    assert "`20.jpg`" not in text
    assert "and 5 more" in text


def test_a_true_card_is_verified_after_a_split_too(kept):
    assert check_folder(kept) == ()
    save_split(split_by_scene(load_set(kept), test=0.4), kept)
    assert set(load_parts(kept)) == {"train", "test"}
    assert check_folder(kept) == ()


def test_a_photo_that_changed_belies_the_card(kept):
    samples.paint(kept / "images" / "hall_1.png", (64, 48), [], seed=99)
    (differs,) = check_folder(kept)
    assert differs.startswith("data_hash: the card says")


def test_a_photo_that_is_gone_belies_the_card_and_is_named(kept):
    (kept / "images" / "hall_1.png").unlink()
    differs = check_folder(kept)
    assert any(line.startswith("photos: the card says 3, the data 2") for line in differs)
    assert "hall_1.png: the photo is missing" in differs


def test_a_box_that_moved_a_hundredth_belies_the_card(kept):
    data = json.loads((kept / "annotations.json").read_text())
    data["annotations"][0]["bbox"][0] += 0.01
    (kept / "annotations.json").write_text(json.dumps(data))
    assert [line.split(":")[0] for line in check_folder(kept)] == ["data_hash"]


def test_a_part_that_changed_belies_the_card(kept):
    save_split(split_by_scene(load_set(kept), test=0.4), kept)
    shutil.copy(kept / "train.json", kept / "test.json")
    names = {line.split(":")[0] for line in check_folder(kept)}
    assert "splits.test.data_hash" in names
    assert all(name.startswith("splits.test.") for name in names)


def test_a_part_that_is_gone_belies_the_card(kept):
    save_split(split_by_scene(load_set(kept), test=0.4), kept)
    (kept / "test.json").unlink()
    assert "splits.test.photos: the card says 1, the data None" in check_folder(kept)


@given(seed=st.integers())
def test_the_hash_knows_no_order(seed):
    make = [
        Sign(0, (1, 2, 30, 40)),
        Sign(None, (5, 5, 20, 20)),
        Sign(None, (5, 5, 20, 20), ignored=True),
    ]
    photos = [
        samples.Photo(f"{n}.png", samples.Path("none"), 64, 48, "a", str(n), tuple(make[n:]))
        for n in range(3)
    ]
    whole = AnnotatedSet(tuple(photos), "s", LICENCE)
    shuffler = random.Random(seed)
    shuffled = [
        samples.Photo(
            f"{shuffler.random()}.png",
            p.path,
            p.width,
            p.height,
            p.scene,
            p.sha256,
            tuple(shuffler.sample(p.signs, len(p.signs))),
        )
        for p in shuffler.sample(photos, 3)
    ]
    assert whole.only(shuffled).data_hash == whole.data_hash


@pytest.mark.parametrize(
    "sign",
    [Sign(1, (1, 2, 30, 40)), Sign(0, (1, 2, 30, 40.01)), Sign(None, (1, 2, 30, 40), ignored=True)],
)
def test_the_hash_knows_each_box(sign):
    def hashed(mine):
        photo = samples.Photo("a", samples.Path("none"), 64, 48, "a", "0", (mine,))
        return AnnotatedSet((photo,), "s", LICENCE).data_hash

    assert hashed(sign) != hashed(Sign(0, (1, 2, 30, 40)))


def test_verify_names_each_field_that_differs(imported):
    card = make_card(imported)
    other = AnnotatedSet(imported.photos, "painted", "proprietary")
    assert verify(card, imported) == ()
    assert verify(card, other) == (f"licence: the card says '{LICENCE}', the data 'proprietary'",)


def test_the_reference_photos_can_be_acquired(reference_photos, tmp_path):
    annotated = import_set(
        "coco", reference_photos, licence="unknown", images=reference_photos / "images"
    )
    assert len(annotated) == 30
    assert annotated.problems == ()
    save_set(annotated, tmp_path / "kept")
    assert check_folder(tmp_path / "kept") == ()
    theirs = read_coco(reference_photos / "annotations.json", reference_photos / "images")
    ours = read_coco(tmp_path / "kept" / "annotations.json", tmp_path / "kept" / "images")
    before = {photo.path.name: photo.signs for photo in theirs}
    for photo in ours:
        gap = abs(photo.signs - before[photo.path.name])
        assert gap.max(initial=0) < 0.02

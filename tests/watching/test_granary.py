"""What stays in the folder when there is room for so much only."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.watching.doubt import Reason
from kit.watching.granary import ALIKE_BITS, SAMPLES_SHARE, Granary, Outcome
from kit.watching.harvest import Draft, picture_path, read_harvest
from kit.watching.likeness import differing_bits
from tests.watching.make import harvested, picture

PLENTY = 10**9


def granary(folder, *, pictures=5, max_bytes=PLENTY):
    return Granary(folder, pictures=pictures, max_bytes=max_bytes)


def fill(store, indices, **options):
    return [store.keep(*harvested(index, **options)) for index in indices]


def names(folder):
    return [entry.frame.sequence for entry in read_harvest(folder)]


def test_a_frame_is_kept_with_its_own_bytes_and_what_is_known_of_it(tmp_path):
    entry, jpeg = harvested(1)
    assert granary(tmp_path / "new").keep(entry, jpeg) is Outcome.KEPT
    assert picture_path(tmp_path / "new", entry).read_bytes() == jpeg
    assert read_harvest(tmp_path / "new") == (entry,)
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_of_alike_pictures_the_more_doubtful_one_stays(tmp_path):
    store, image = granary(tmp_path), picture(7)
    assert store.keep(*harvested(1, score=0.5, image=image)) is Outcome.KEPT
    assert store.keep(*harvested(2, score=0.4, image=image)) is Outcome.ALIKE
    assert store.keep(*harvested(3, score=0.9, image=image)) is Outcome.KEPT
    assert names(tmp_path) == [3]


def test_two_hundred_pictures_of_one_corner_leave_one(tmp_path):
    store = granary(tmp_path, pictures=200)
    outcomes = fill(store, range(200), image=picture(0))
    assert outcomes.count(Outcome.KEPT) == 1


def test_the_least_doubtful_goes_when_there_are_too_many(tmp_path):
    store = granary(tmp_path, pictures=2)
    for index, score in enumerate((0.2, 0.9, 0.6)):
        store.keep(*harvested(index, score=score))
    assert names(tmp_path) == [1, 2]
    assert store.keep(*harvested(3, score=0.1)) is Outcome.CROWDED_OUT
    assert names(tmp_path) == [1, 2]


def test_of_equals_the_one_most_like_another_goes(tmp_path):
    store = granary(tmp_path, pictures=3)
    fingerprints = ("f" * 16, "0" * 16, "0" * 13 + "fff", "0" * 8 + "f" * 8)
    for index, bits in enumerate(fingerprints):
        entry, jpeg = harvested(index)
        assert store.keep(entry.model_copy(update={"fingerprint": bits}), jpeg) is Outcome.KEPT
    assert names(tmp_path) == [0, 2, 3]


def test_the_bytes_are_bounded_too(tmp_path):
    size = len(harvested(0)[1])
    store = granary(tmp_path, pictures=100, max_bytes=4 * size)
    fill(store, range(20))
    assert store.size == sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * size
    assert 2 <= len(names(tmp_path)) <= 4


def test_a_frame_larger_than_the_whole_folder_drives_nothing_out(tmp_path):
    entry, jpeg = harvested(0, score=0.1)
    store = granary(tmp_path, max_bytes=len(jpeg) + 2000)
    store.keep(entry, jpeg)
    huge, picture_bytes = harvested(1, score=1.0)
    assert store.keep(huge, picture_bytes + bytes(10 * len(jpeg))) is Outcome.CROWDED_OUT
    assert names(tmp_path) == [0]


def test_samples_keep_their_share_against_doubtful_frames(tmp_path):
    store = granary(tmp_path, pictures=10)
    fill(store, range(10), reason=Reason.SAMPLE)
    fill(store, range(10, 40))
    samples = [entry for entry in read_harvest(tmp_path) if entry.is_sample]
    assert len(samples) == 10 * SAMPLES_SHARE


def test_a_new_start_goes_on_with_what_is_there(tmp_path):
    fill(granary(tmp_path, pictures=3), range(3))
    assert granary(tmp_path, pictures=3).keep(*harvested(0)) is Outcome.ALIKE
    store = granary(tmp_path, pictures=2)
    store.keep(*harvested(8, score=0.9))
    assert len(names(tmp_path)) == 2
    assert len(store.entries) == 2


def test_a_new_start_removes_what_a_power_cut_tore_and_nothing_else(tmp_path):
    (whole, whole_jpeg), (torn, torn_jpeg), (lost, lost_jpeg) = (harvested(i) for i in range(3))
    granary(tmp_path).keep(whole, whole_jpeg)
    picture_path(tmp_path, torn).write_bytes(torn_jpeg)
    Draft(tmp_path, lost, lost_jpeg).write()
    (tmp_path / f"{lost.name}.json").write_text("")
    for own in ("notes.txt", "holiday.jpg", "reference.json"):
        (tmp_path / own).write_text("mine")
    granary(tmp_path).keep(*harvested(5))
    left = {path.name for path in tmp_path.iterdir()}
    assert {"notes.txt", "holiday.jpg", "reference.json"} <= left
    assert len(left) == 3 + 2 * 2
    assert names(tmp_path) == [0, 5]


def test_on_a_full_disk_what_was_kept_stays_and_nothing_half_is_left(tmp_path, monkeypatch):
    store = granary(tmp_path, pictures=2)
    fill(store, range(2), score=0.3)
    before = sorted(path.name for path in tmp_path.iterdir())
    write = Path.write_bytes

    def full(self, data):
        if self.name.endswith(".json.part"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        store.keep(*harvested(5, score=0.9))
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert len(store.entries) == 2
    monkeypatch.undo()
    assert store.keep(*harvested(5, score=0.9)) is Outcome.KEPT


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        granary(tmp_path / "file" / "harvest").keep(*harvested(0))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offered=st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1)), max_size=25),
    pictures=st.integers(1, 6),
)
def test_the_folder_is_bounded_unlike_and_always_the_same(tmp_path_factory, offered, pictures):
    folders = [tmp_path_factory.mktemp("harvest") for _ in range(2)]
    for folder in folders:
        store = granary(folder, pictures=pictures)
        for order, (index, score) in enumerate(offered):
            store.keep(*harvested(order, score=score, image=picture(index)))
            assert len(store.entries) <= pictures
    one, two = (read_harvest(folder) for folder in folders)
    assert [(e.frame.sequence, e.score) for e in one] == [(e.frame.sequence, e.score) for e in two]
    pairs = [(a, b) for i, a in enumerate(one) for b in one[i + 1 :]]
    assert all(differing_bits(a.bits, b.bits) > ALIKE_BITS for a, b in pairs)

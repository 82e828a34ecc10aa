"""Going through a harvest: label, skip, take back, go on later; and what is on disk then."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.events import LABELS, Box, Label
from kit.mlops.acquire.annotated import KINDS, Sign
from kit.mlops.acquire.keeping import check_folder, load_set
from kit.mlops.labelling.growing import GrowingSet
from kit.mlops.labelling.session import LabellingSession, scene_of, sign_of
from kit.mlops.measuring.labelled import read_coco
from kit.watching.doubt import Doubt, Reason
from kit.watching.granary import Granary
from kit.watching.harvest import picture_path, read_harvest
from tests.watching import make

STOP = Sign(2, (10.0, 20.0, 60.0, 70.0))
OTHER = Sign(None, (100.0, 20.0, 160.0, 70.0))
IGNORED = Sign(None, (200.0, 20.0, 230.0, 50.0), ignored=True)


def sequence(entry):
    return None if entry is None else entry.frame.sequence


def test_the_most_doubtful_frame_comes_first(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    order = []
    while (entry := session.current) is not None:
        order.append(entry.frame.sequence)
        session.submit([])
    assert order == [1, 2, 0]
    assert (session.done, session.waiting) == (3, 0)


def test_what_is_labelled_can_be_evaluated_and_is_a_whole_dataset(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    first = session.current
    session.submit([STOP, OTHER, IGNORED])
    assert check_folder(tmp_path / "set") == ()
    (photo,) = read_coco(tmp_path / "set" / "annotations.json", tmp_path / "set" / "images")
    assert photo.signs.tolist() == [[2, 10, 20, 60, 70]]
    assert [other.name for other in photo.others] == ["other"]
    assert photo.ignored.tolist() == [[200, 20, 230, 50]]
    assert photo.path.read_bytes() == picture_path(harvest, first).read_bytes()


def test_each_answer_is_on_disk_before_the_next_frame_comes(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    for count in (1, 2, 3):
        session.submit([STOP])
        assert len(load_set(tmp_path / "set")) == count


def test_another_session_goes_on_where_the_last_one_ended(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    session.submit([STOP])
    session.skip()
    later = LabellingSession(harvest, tmp_path / "set")
    assert sequence(later.current) == 0
    assert (later.done, later.waiting) == (1, 1)
    later.submit([])
    assert LabellingSession(harvest, tmp_path / "set").current is None


def test_a_skipped_frame_is_not_in_the_set(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    session.skip()
    assert session.done == 0
    assert not (tmp_path / "set" / "annotations.json").exists()


@pytest.mark.parametrize("answer", ["submit", "skip"])
def test_undo_brings_the_frame_back(harvest, tmp_path, answer):
    session = LabellingSession(harvest, tmp_path / "set")
    session.submit([STOP]) if answer == "submit" else session.skip()
    assert session.undo()
    assert sequence(session.current) == 1
    assert (session.done, session.waiting) == (0, 3)
    assert sequence(LabellingSession(harvest, tmp_path / "set").current) == 1
    assert not session.undo()


def test_undo_shows_what_was_answered_and_not_what_the_model_saw(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    session.submit([STOP, OTHER])
    session.undo()
    assert session.proposals(session.current) == (STOP, OTHER)


def test_undo_goes_back_step_by_step(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    for _ in range(3):
        session.submit([STOP])
    back = []
    while session.undo():
        back.append(sequence(session.current))
    assert back == [0, 2, 1]
    assert len(load_set(tmp_path / "set")) == 0
    assert list((tmp_path / "set" / "images").iterdir()) == []


def test_what_the_model_saw_is_proposed_and_what_it_nearly_saw_is_not(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    entries = {entry.frame.sequence: entry for entry in read_harvest(harvest)}
    assert session.proposals(entries[1]) == ()
    assert [sign.kind for sign in session.proposals(entries[2])] == ["Stop", "SpeedLimit"]
    assert session.proposals(entries[0])[0].box == (100, 50, 140, 90)


def test_a_sign_that_the_neighbours_saw_is_proposed(tmp_path):
    entry, jpeg = make.harvested(0)
    missed = Doubt(reason=Reason.MISSED, score=1, label=Label.STOP, box=Box(5, 6, 20, 20))
    entry = entry.model_copy(update={"doubts": (missed,)})
    Granary(tmp_path / "harvest", pictures=1, max_bytes=10**9).keep(entry, jpeg)
    session = LabellingSession(tmp_path / "harvest", tmp_path / "set")
    assert session.proposals(session.current) == (Sign(2, (5, 6, 25, 26)),)


def test_a_frame_that_left_the_harvest_is_passed_over(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    picture_path(harvest, session.current).unlink()
    assert sequence(session.current) == 2
    assert session.waiting == 2


def test_undo_brings_back_a_frame_that_left_the_harvest_since(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    entry = session.current
    jpeg = session.picture(entry)
    session.submit([STOP])
    picture_path(harvest, entry).unlink()
    session.undo()
    assert session.current == entry
    session.submit(session.proposals(entry))
    assert session.labels.signs_of(entry.name) == (STOP,)
    assert session.labels.picture_of(entry.name) == jpeg


def test_any_frame_can_be_labelled_by_a_program_and_again(harvest, tmp_path):
    session = LabellingSession(harvest, tmp_path / "set")
    last = read_harvest(harvest)[-1]
    session.label(last, [STOP])
    session.label(last, [OTHER])
    assert session.labels.signs_of(last.name) == (OTHER,)
    assert (session.done, session.waiting) == (1, 2)


def test_when_nothing_is_left_an_answer_is_refused(tmp_path):
    (tmp_path / "harvest").mkdir()
    session = LabellingSession(tmp_path / "harvest", tmp_path / "set")
    for answer in (session.skip, lambda: session.submit([])):
        with pytest.raises(ConfigError, match="No frame is left"):
            answer()


def test_labels_that_are_damaged_are_not_overwritten(harvest, tmp_path):
    LabellingSession(harvest, tmp_path / "set").submit([STOP])
    path = tmp_path / "set" / "annotations.json"
    data = json.loads(path.read_text())
    data["annotations"][0]["bbox"] = [1, 2]
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="damaged"):
        LabellingSession(harvest, tmp_path / "set")


def test_a_list_of_skipped_frames_that_is_damaged_is_told(tmp_path):
    (tmp_path / "skipped.json").write_text("{")
    with pytest.raises(ConfigError, match="skipped"):
        GrowingSet(tmp_path)


def test_the_same_picture_under_two_names_has_one_set_of_labels(tmp_path):
    grown, (_, jpeg) = GrowingSet(tmp_path), make.harvested(0)
    for name, signs in (("a", [STOP]), ("b", [OTHER])):
        grown.put(name, jpeg, signs, size=(600, 400), scene="s")
    assert load_set(tmp_path).problems == ()
    assert GrowingSet(tmp_path).signs_of("b") == (OTHER,)
    assert GrowingSet(tmp_path).signs_of("a") is None


def test_frames_of_the_same_ten_minutes_are_one_scene():
    near, far = (make.harvested(index)[0] for index in (5000, 7000))
    first = make.harvested(0)[0]
    assert scene_of(first) == scene_of(near) == "train-1 2026-05-01 12:00"
    assert scene_of(far) == "train-1 2026-05-01 12:10"


@pytest.mark.parametrize(
    ("kind", "box"),
    [
        ("Giraffe", Box(1, 1, 9, 9)),
        ("Stop", Box(1, 1, 0, 9)),
        ("Stop", Box(700, 1, 9, 9)),
        ("Stop", Box(float("nan"), 1, 9, 9)),
    ],
)
def test_a_box_that_is_none_is_refused(kind, box):
    with pytest.raises(ConfigError):
        sign_of(kind, box, size=(600, 400))


@given(
    kind=st.sampled_from(KINDS),
    x=st.floats(-50, 590),
    y=st.floats(-50, 390),
    width=st.floats(60, 300),
    height=st.floats(60, 300),
)
def test_a_sign_is_of_the_kind_that_was_chosen_and_inside_the_photo(kind, x, y, width, height):
    sign = sign_of(kind, Box(x, y, width, height), size=(600, 400))
    x1, y1, x2, y2 = sign.box
    assert sign.kind == kind
    assert (sign.class_id is not None) == (kind in {label.value for label in LABELS})
    assert 0 <= x1 < x2 <= 600
    assert 0 <= y1 < y2 <= 400

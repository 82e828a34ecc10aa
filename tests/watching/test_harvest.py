"""The folder of a harvest, read."""

from __future__ import annotations

import pytest

from kit.errors import ConfigError
from kit.watching.doubt import Reason
from kit.watching.granary import Granary
from kit.watching.harvest import HarvestedFrame, picture_path, read_harvest
from tests.watching.make import harvested, sign


def test_a_harvest_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no such harvest"):
        read_harvest(tmp_path / "nowhere")


def test_frames_come_in_the_order_of_their_capture(tmp_path):
    store = Granary(tmp_path, pictures=9, max_bytes=10**9)
    for index in (3, 1, 2):
        store.keep(*harvested(index))
    assert [entry.frame.sequence for entry in read_harvest(tmp_path)] == [1, 2, 3]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"frame": 1}'])
def test_what_is_damaged_is_left_out(tmp_path, damage):
    store = Granary(tmp_path, pictures=9, max_bytes=10**9)
    for index in range(2):
        store.keep(*harvested(index))
    broken = read_harvest(tmp_path)[0]
    (tmp_path / f"{broken.name}.json").write_text(damage)
    assert [entry.frame.sequence for entry in read_harvest(tmp_path)] == [1]


def test_a_frame_without_its_picture_is_left_out(tmp_path):
    entry, jpeg = harvested(0)
    Granary(tmp_path, pictures=9, max_bytes=10**9).keep(entry, jpeg)
    picture_path(tmp_path, entry).unlink()
    assert read_harvest(tmp_path) == ()


def test_an_entry_survives_its_way_through_json():
    entry, _ = harvested(0, detections=[sign(), sign(300, confidence=0.4)])
    assert HarvestedFrame.model_validate_json(entry.model_dump_json()) == entry
    assert len(entry.seen) == 1
    assert entry.reasons == (Reason.NEAR_THRESHOLD,)

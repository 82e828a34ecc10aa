"""Labels from the virtual set's own notes."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError
from kit.events import LABELS
from kit.mlops.labelling.session import LabellingSession
from kit.mlops.labelling.truth import label_by_truth, truth_of
from kit.services.capture import CaptureParameters, CaptureService
from kit.services.harvest import HarvestRules
from kit.services.inference import InferenceParameters, InferenceService
from kit.sim.renderer import Renderer
from kit.sim.scenario import load_scenario
from kit.sim.world import World, WorldState
from kit.watching.granary import Granary
from kit.watching.harvest import picture_path, read_harvest
from tests.waiting import PATIENCE_S, wait_until
from tests.watching import make

NEAR_THE_SIGN_M = 1.4


@pytest.fixture(scope="module")
def shot():
    """A picture of the virtual set with several signs, and what is truly in it."""
    renderer = Renderer(load_scenario("standard"), seed=3)
    still = vars(World(renderer.scenario).state)
    image, truth = renderer.render(WorldState(**{**still, "position_m": NEAR_THE_SIGN_M}))
    return image, [sign.as_json() for sign in truth]


@pytest.fixture
def taken(shot, tmp_path):
    """A harvest of that picture alone, and the notes."""
    entry, jpeg = make.harvested(3, image=shot[0])
    Granary(tmp_path / "harvest", pictures=9, max_bytes=10**9).keep(entry, jpeg)
    return entry, tmp_path / "harvest", note(tmp_path, entry, shot[1])


def note(folder, entry, truth):
    lines = [
        {"kind": "physics", "t_ns": 1},
        {"kind": "frame", "sequence": 7, "captured_ns": 1, "truth": []},
        {"kind": "frame", "sequence": 9, "captured_ns": entry.frame.captured_ns, "truth": truth},
    ]
    path = folder / "truth.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_each_sign_in_view_gets_its_class_and_a_slightly_loose_box(taken, shot):
    entry, harvest, notes = taken
    signs = truth_of(harvest, notes)[entry.name]
    assert len(signs) == len(shot[1]) > 1
    for sign, truth in zip(signs, shot[1], strict=True):
        x, y, width, height = truth["box"]
        x1, y1, x2, y2 = sign.box
        assert x1 <= x + 0.01
        assert y1 <= y + 0.01
        assert x2 >= min(x + width, 600) - 0.01
        assert y2 >= min(y + height, 400) - 0.01
        assert (x2 - x1) * (y2 - y1) <= 1.25 * width * height
        if not sign.ignored:
            assert sign.kind == (truth["label"] or "other")
    assert "SpeedLimit" in {sign.kind for sign in signs}


@pytest.mark.parametrize("flaw", [{"visible": 0.2}, {"box": [300.0, 100.0, 4.0, 40.0]}])
def test_what_can_hardly_be_seen_counts_neither_way(taken, shot, tmp_path, flaw):
    entry, harvest, _ = taken
    whole = next(sign for sign in shot[1] if sign["label"] == "SpeedLimit")
    notes = note(tmp_path, entry, [{**whole, **flaw}])
    (sign,) = truth_of(harvest, notes)[entry.name]
    assert sign.ignored


def test_what_the_dark_swallowed_counts_neither_way(shot, tmp_path):
    black = np.full_like(shot[0], 3)
    entry, jpeg = make.harvested(3, image=black)
    Granary(tmp_path / "harvest", pictures=9, max_bytes=10**9).keep(entry, jpeg)
    found = truth_of(tmp_path / "harvest", note(tmp_path, entry, shot[1]))
    assert all(sign.ignored for sign in found[entry.name])


def test_a_frame_of_another_run_is_left_waiting(taken, tmp_path):
    entry, harvest, notes = taken
    stranger, jpeg = make.harvested(50)
    Granary(harvest, pictures=9, max_bytes=10**9).keep(stranger, jpeg)
    session = LabellingSession(harvest, tmp_path / "set")
    assert label_by_truth(session, truth_of(harvest, notes)) == 1
    assert session.labels.signs_of(entry.name) is not None
    assert [one.name for one in session.remaining] == [stranger.name]


def test_notes_that_are_still_written_are_read_so_far(taken):
    entry, harvest, notes = taken
    with notes.open("a") as file:
        file.write('{"kind": "frame", "capt')
    assert list(truth_of(harvest, notes)) == [entry.name]


def test_notes_that_are_missing_or_none_are_told(taken):
    _, harvest, notes = taken
    with pytest.raises(ConfigError, match="cannot be read"):
        truth_of(harvest, notes.with_name("nowhere"))
    notes.write_text("hello\nworld\n")
    with pytest.raises(ConfigError, match="no notes of a virtual set"):
        truth_of(harvest, notes)


def test_the_truth_of_what_two_services_filmed_and_kept_is_found(mqtt_url, train_id, tmp_path):
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    notes, harvest = tmp_path / "truth.jsonl", tmp_path / "harvest"
    inference = InferenceService(
        InferenceParameters(
            train_id=train_id, harvest=str(harvest), harvest_rules=HarvestRules(sample_every=1)
        ),
        settings=settings,
    )
    options = ("--scenario", "standard", "--seed", "3", "--truth", str(notes))
    with Child.module("kit.sim", *options, name="virtual set") as child:
        camera = child.ready(timeout_s=PATIENCE_S)["camera"]
        capture = CaptureService(
            CaptureParameters(train_id=train_id, source=camera), settings=settings
        )
        threads = [threading.Thread(target=s.run, daemon=True) for s in (inference, capture)]
        for thread in threads:
            thread.start()
        wait_until(lambda: list(harvest.glob("*.json")), "a frame is kept")
        for service, thread in zip((capture, inference), reversed(threads), strict=True):
            service.stop()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
    entries = read_harvest(harvest)
    truth = truth_of(harvest, notes)
    assert set(truth) == {entry.name for entry in entries}
    assert all(picture_path(harvest, entry).is_file() for entry in entries)
    for signs in truth.values():
        assert all(sign.class_id is None or sign.class_id < len(LABELS) for sign in signs)

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from kit.mlops.drawing import rooms
from kit.mlops.measuring.measurement import summarise
from kit.mlops.measuring.sign_free import SOURCES, count_alarms, sign_free_frames
from kit.mlops.measuring.tables import as_text
from tests.mlops.measuring.making import DANGER, SPEED, Scripted, box, random_set


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_gives_the_same_frames_again(source):
    frames = list(sign_free_frames(source, count=3, seed=5))
    if not frames:
        assert not SOURCES[source].ready()
        return
    assert [frame.shape for frame in frames] == [(400, 600, 3)] * 3
    again = list(sign_free_frames(source, count=3, seed=5))
    assert all((a == b).all() for a, b in zip(frames, again, strict=True))
    assert any((a != b).any() for a, b in itertools.pairwise(frames))


def test_the_virtual_set_has_no_signs_there():
    """The renderer tells of every sign in sight; the frames come from scenarios that have none."""
    from kit.sim.renderer import Renderer
    from kit.sim.scenario import load_scenario, scenario_names

    assert any(load_scenario(name).signs for name in scenario_names())
    bare = load_scenario("standard").model_copy(update={"signs": ()})
    renderer = Renderer(bare, seed=1)
    from kit.sim.world import World

    _, truth = renderer.render(World(renderer.scenario).state)
    assert truth == ()


def test_alarms_are_counted_by_source_and_class():
    """Two alarms in every second frame, and one that is too weak."""
    turn = itertools.count()

    def look(_image):
        alarms = [(SPEED, box(10, 10), 0.9), (DANGER, box(99, 99), 0.6)]
        return [*(alarms if next(turn) % 2 else []), (SPEED, box(200, 200), 0.3)]

    result = count_alarms(Scripted(look=look), frames=8, threshold=0.5)
    assert (result.total.frames, result.total.alarms, result.total.alarmed_frames) == (8, 8, 4)
    assert result.total.per_thousand == 1000
    assert result.total.labels == {"SpeedLimit": 4, "DangerAhead": 4}
    assert sum(one.frames for one in result.sources.values()) == 8
    assert [one.confidence for one in result.worst] == [0.9] * 4 + [0.6] * 4
    assert result.worst[0].picture().shape == (192, 192, 3)
    told = as_text(replace(summarise(random_set(0), threshold=0.5), sign_free=result))
    assert "1000.0" in told


def test_sources_that_are_not_installed_leave_their_frames_to_the_others(monkeypatch):
    monkeypatch.setattr(rooms, "find_photos", lambda **_: [])
    monkeypatch.setattr(rooms, "find_stamps", lambda **_: [])
    result = count_alarms(Scripted(), frames=5, threshold=0.5)
    frames = {name: one.frames for name, one in result.sources.items()}
    assert frames == {"drawn rooms": 3, "virtual set": 2, "photos": 0, "stamps": 0}
    assert result.sources["photos"].per_thousand is None
    assert (result.total.alarms, result.total.per_thousand) == (0, 0)


def test_an_alarms_picture_is_of_its_frame():
    bright = np.flatnonzero  # the middle of the reported box is where the frame is looked up

    def look(image):
        return [(SPEED, box(300, 200), 0.9)] if bright(image).size else []

    result = count_alarms(Scripted(look=look), frames=4, threshold=0.5)
    for alarm in result.worst:
        frame = alarm.source.read()
        assert frame.shape == (400, 600, 3)

from dataclasses import replace

import cv2
import numpy as np
import pytest

from kit.sim.renderer import Renderer
from kit.sim.scenario import Scenario, load_scenario, scenario_names
from kit.sim.world import World

PLAIN = {
    "name": "plain",
    "title": "One sign",
    "expect": "run",
    "track": {"pieces": [{"straight_m": 4}]},
    "jitter": 0,
    "camera": {"noise": 0, "rocking": 0, "exposure_ms": 0},
    "room": "home",
    "lighting": "daylight",
    "table": "ebony",
    "scenery": 0,
}


def scene(*signs, **changes):
    return Scenario.model_validate(PLAIN | {"signs": list(signs)} | changes)


def at(scenario, position=0.0, *, seed=0, **changes):
    state = replace(World(scenario, seed=seed).state, position_m=position, **changes)
    return Renderer(scenario, seed=seed).render(state)


def sign(face="speed_30", at_m=1.0, **fields):
    return {"face": face, "at_m": at_m} | fields


@pytest.fixture(scope="module")
def empty_scene():
    return at(scene())[0]


def test_a_picture_is_600_by_400_in_colour():
    image, _ = at(scene())
    assert image.shape == (400, 600, 3)
    assert image.dtype == np.uint8


def test_the_same_seed_and_state_give_the_same_picture():
    scenario = load_scenario("standard")
    one, other = at(scenario, 1.3, seed=3), at(scenario, 1.3, seed=3)
    assert np.array_equal(one[0], other[0])
    assert one[1] == other[1]


def test_a_picture_does_not_depend_on_those_taken_before():
    scenario = load_scenario("standard")
    renderer = Renderer(scenario, seed=3)
    state = World(scenario, seed=3).state
    first = renderer.render(state)[0].copy()
    renderer.render(replace(state, position_m=1.0))
    assert np.array_equal(renderer.render(state)[0], first)


def test_another_seed_gives_another_picture():
    scenario = load_scenario("standard")
    assert not np.array_equal(at(scenario, seed=1)[0], at(scenario, seed=2)[0])


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_can_be_seen_from_start_to_end(name):
    scenario = load_scenario(name)
    renderer, state = Renderer(scenario, seed=8), World(scenario, seed=8).state
    for position in np.linspace(0, scenario.build_track().length_m, 9):
        image, _ = renderer.render(replace(state, position_m=float(position)))
        assert image.std() > 3


@pytest.mark.parametrize("room", ["home", "office", "hall", "workshop"])
@pytest.mark.parametrize("lighting", ["daylight", "evening", "lamp", "spotlights", "night"])
def test_every_room_shows_its_sign_in_every_light(room, lighting):
    image, (truth,) = at(scene(sign(at_m=0.5), room=room, lighting=lighting))
    x, y, width, height = map(round, truth.box)
    face = cv2.cvtColor(image[y : y + height, x : x + width], cv2.COLOR_BGR2GRAY)
    assert np.ptp(np.percentile(face, [5, 95])) > 25


@pytest.mark.parametrize("yaw", [0, 35, -60])
@pytest.mark.parametrize("distance", [0.35, 0.7, 1.5])
@pytest.mark.parametrize("face", ["speed_50", "danger_bend", "stop_octagon"])
def test_a_box_encloses_the_pixels_that_change_when_its_sign_is_taken_away(
    face, distance, yaw, empty_scene
):
    marker = sign(face, at_m=distance, yaw_deg=yaw)
    image, (truth,) = at(scene(marker))
    changed = np.abs(image.astype(int) - empty_scene).max(axis=2) > 12
    x, y, width, height = truth.box
    rows = changed[int(y) : int(y + height)]
    columns = np.flatnonzero(rows.any(axis=0))
    slack = 1.5 + width * (0.12 if yaw else 0.03)  # a plate shows its edge beside its face
    assert columns[0] == pytest.approx(x, abs=slack)
    assert columns[-1] + 1 == pytest.approx(x + width, abs=slack)
    assert np.flatnonzero(changed.any(axis=1))[0] == pytest.approx(y, abs=1.5)
    assert rows[:, round(x) : round(x + width)].mean() > 0.4


def test_a_sign_twice_as_far_looks_half_as_large():
    _, (near,) = at(scene(sign(at_m=0.5, offset_m=0.1)))
    _, (far,) = at(scene(sign(at_m=1.0, offset_m=0.1)))
    assert near.box[3] == pytest.approx(2 * far.box[3], rel=0.02)


def test_the_truth_names_face_label_and_distance():
    _, (truth,) = at(scene(sign("danger_children", at_m=1.0, offset_m=0.1)))
    assert (truth.face, truth.label) == ("danger_children", "DangerAhead")
    assert truth.distance_m == pytest.approx(1.0, abs=0.02)
    assert truth.visible == pytest.approx(1, abs=0.03)


def test_a_distractor_has_no_label():
    assert at(scene(sign("parking")))[1][0].label is None


def test_a_sign_seen_from_behind_is_no_truth():
    assert at(scene(sign(yaw_deg=180)))[1] == ()


def test_a_sign_that_was_passed_is_no_truth():
    assert at(scene(sign(at_m=1.0)), 1.2)[1] == ()


def test_a_sign_at_the_edge_is_cut_and_its_box_ends_there():
    scenario = scene(sign(at_m=1.0))
    _, (truth,) = at(scenario, 0.795)
    assert truth.box[0] + truth.box[2] == 600
    assert truth.visible < 0.95


def test_a_sign_behind_another_is_partly_visible():
    _, (near, far) = at(scene(sign(at_m=0.6, offset_m=0.1), sign(at_m=0.68, offset_m=0.14)))
    assert near.visible == pytest.approx(1, abs=0.03)
    assert 0.02 < far.visible < 0.7


def test_nearer_signs_come_first():
    _, found = at(scene(sign(at_m=1.5, side="left"), sign(at_m=0.7)))
    assert [truth.distance_m for truth in found] == sorted(truth.distance_m for truth in found)


def test_truth_travels_as_plain_json():
    _, (truth,) = at(scene(sign()))
    facts = truth.as_json()
    assert set(facts) == {"face", "label", "box", "distance_m", "visible"}
    assert len(facts["box"]) == 4


def test_the_night_is_darker_than_the_day():
    day, night = (at(scene(lighting=light))[0].mean() for light in ("daylight", "night"))
    assert night < day / 2


def test_a_derailed_train_sees_the_world_askew():
    scenario = scene(sign(at_m=1.5))
    renderer, state = Renderer(scenario), World(scenario).state
    left, right = renderer.view(replace(state, derailed=True)).horizon
    assert abs(left - right) > 100


def test_a_moving_camera_blurs_the_ground():
    scenario = scene(camera={"noise": 0, "rocking": 0, "exposure_ms": 12})
    sharp, blurred = (
        cv2.Laplacian(at(scenario, speed_mps=speed)[0][330:], cv2.CV_64F).var()
        for speed in (0.0, 0.6)
    )
    assert blurred < sharp / 2


def test_noise_makes_pictures_of_the_same_place_differ_from_moment_to_moment():
    scenario = scene(camera={"noise": 0.5, "rocking": 0})
    one, other = at(scenario, time_s=1.0)[0], at(scenario, time_s=2.0)[0]
    assert not np.array_equal(one, other)


def test_rocking_moves_the_horizon_along_the_track():
    scenario = scene(camera={"rocking": 1})
    renderer, state = Renderer(scenario), World(scenario).state
    rows = {renderer.view(replace(state, position_m=p)).horizon for p in (0.0, 0.1, 0.2)}
    assert len(rows) == 3


def test_a_broken_rail_can_be_seen():
    whole = at(scene(), 1.0)[0].astype(int)
    broken = at(scene(expect="stop", derails_at_m=1.4), 1.0)[0]
    assert (np.abs(whole - broken).max(axis=2) > 20).sum() > 300


def test_the_headlight_lights_up_the_track_at_night():
    dark, lit = (
        at(scene(lighting="night"), light_percent=light)[0][200:, 250:350].mean()
        for light in (0, 100)
    )
    assert lit > dark * 1.3


@pytest.mark.parametrize("seed", range(6))
def test_no_toy_stands_between_the_track_and_a_sign(seed):
    scenario = load_scenario("standard").model_copy(update={"scenery": 1.0})
    renderer, state = Renderer(scenario, seed=seed), World(scenario, seed=seed).state
    sign = next(s for s in renderer.scenario.signs if s.face == "danger_exclamation")
    for before in (1.4, 0.9, 0.5):
        _, found = renderer.render(replace(state, position_m=sign.at_m - before))
        (truth,) = (t for t in found if t.face == "danger_exclamation")
        assert truth.visible > 0.95


def test_scenery_can_be_left_out():
    bare, crowded = (at(scene(scenery=scenery))[0] for scenery in (0, 1))
    assert not np.array_equal(bare, crowded)

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import ConfigError
from kit.events import LABELS
from kit.mlops.drawing.canvas import Canvas
from kit.mlops.drawing.pictograms import PICTOGRAMS, doodle
from kit.mlops.drawing.signs import CLASSES, FACES, OTHER, Style, draw_face, find_face, random_style


def test_the_classes_are_the_labels_of_the_events_in_order():
    assert tuple(label.value for label in LABELS) == CLASSES


def test_the_catalogue_has_the_signs_of_the_lego_set():
    wanted = {
        "speed_30": "SpeedLimit",
        "speed_50": "SpeedLimit",
        "danger_exclamation": "DangerAhead",
        "danger_children": "DangerAhead",
        "danger_locomotive": "DangerAhead",
        "danger_digging": "DangerAhead",
        "danger_gate": "DangerAhead",
        "stop": "Stop",
        "stop_octagon": "Stop",
        "no_entry": "Stop",
        "parking": None,
        "bus_stop": None,
        "crossing": None,
        "no_horn": None,
        "traffic_light": None,
        "cars_only": None,
        "bicycles_only": None,
    }
    assert {name: FACES[name].label for name in wanted} == wanted


@pytest.mark.parametrize("name", sorted(FACES))
def test_every_face_touches_the_edges_and_is_clear_in_its_corners(name):
    face = draw_face(name, 64)
    assert face.shape == (64, 64, 4)
    assert face.dtype == np.uint8
    opaque = face[..., 3] > 127
    assert opaque.any(axis=1).mean() > 0.8
    assert opaque[32, 32]
    if find_face(name).shape != "square":
        assert not opaque[0, 0]
    assert len(np.unique(face[opaque][:, :3], axis=0)) > 4, "no picture on the plate"


def test_a_speed_limit_has_a_red_ring_round_a_light_middle():
    face = draw_face("speed_30", 200)
    ring = face[100, round(100 * (1 - 0.87)) + 3]
    assert ring[2] > 150
    assert ring[0] < 100
    assert face[150, 100, :3].min() > 200


def test_a_warning_is_yellow_with_a_black_border():
    face = draw_face("danger_gate", 200)
    rim = face[186, 100, :3].astype(int)
    assert rim[2] > 200
    assert rim[0] < 80
    column = face[:190, 20:180][170, :, :3].max(axis=1)
    assert column.min() < 60, "no black border"


def test_numbered_faces_are_made_on_demand():
    assert find_face("speed_85").label == "SpeedLimit"
    assert find_face("danger_doodle_12").label == "DangerAhead"
    assert not np.array_equal(draw_face("speed_85", 64), draw_face("speed_86", 64))


@pytest.mark.parametrize("name", ["", "speed_", "speed_x", "speed_1234", "nonsense", "doodle_3"])
def test_an_unknown_face_is_refused_with_the_names_that_exist(name):
    with pytest.raises(ConfigError, match="There is no such sign") as caught:
        draw_face(name, 32)
    assert "speed_30" in str(caught.value)


def test_signs_without_a_label_belong_to_the_class_of_other_signs():
    assert find_face("parking").class_id == OTHER
    assert find_face("stop").class_id == 2


def test_drawing_is_the_same_every_time():
    assert np.array_equal(draw_face("stop", 80), draw_face("stop", 80))


def test_a_style_changes_the_colours():
    blue = Style(yellow=(200, 30, 30))
    assert draw_face("danger_gate", 64, style=blue)[58, 32, 0] > 150


def test_random_styles_stay_near_the_signs_colours():
    rng = np.random.default_rng(0)
    for _ in range(50):
        style = random_style(rng)
        assert style.yellow[2] > 200
        assert style.yellow[0] < 60
        assert style.red[2] > 170


@pytest.mark.parametrize("name", sorted(PICTOGRAMS))
def test_every_pictogram_stays_near_its_surface(name):
    canvas = Canvas(100)
    PICTOGRAMS[name](canvas.view((0, 0), 0.5), (0, 0, 0))
    inked = canvas.finish()[..., 3] > 0
    assert 0.02 < inked.mean() < 0.5
    assert not inked[:15].any()
    assert not inked[85:].any()


def test_a_doodle_depends_on_its_seed_alone():
    def drawn(seed):
        canvas = Canvas(48)
        doodle(canvas, (0, 0, 0), seed=seed)
        return canvas.finish()

    assert np.array_equal(drawn(4), drawn(4))
    assert not np.array_equal(drawn(4), drawn(5))

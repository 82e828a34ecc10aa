from __future__ import annotations

import cv2
import numpy as np
import pytest

from kit.events import FRAME_HEIGHT, FRAME_WIDTH
from kit.mlops.drawing import rooms
from kit.mlops.drawing.example import EDGE_PX, is_faint, label_scene
from kit.mlops.drawing.figures import EVERYTHING as THINGS
from kit.mlops.drawing.light import light_face, photograph
from kit.mlops.drawing.onboard import class_of, draw_bare_frame, draw_onboard
from kit.mlops.drawing.placing import Pose, Scene
from kit.mlops.drawing.scene import draw_example, draw_sign_free
from kit.mlops.drawing.signs import OTHER, draw_face

pytestmark = pytest.mark.usefixtures("no_photos")


def test_the_same_numbers_draw_the_same_picture():
    one, two = draw_example(3, 14), draw_example(3, 14)
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.boxes, two.boxes)


def test_another_index_draws_another_picture():
    assert not np.array_equal(draw_example(3, 14).image, draw_example(3, 15).image)


def test_pictures_hold_all_classes_and_some_hold_none():
    examples = [draw_example(5, index) for index in range(25)]
    assert {int(c) for e in examples for c in e.classes} == {0, 1, 2, OTHER}
    assert any(len(e.classes) == 0 for e in examples)
    assert any(e.ignored.any() for e in examples)


def test_the_road_has_other_pictures_and_all_classes():
    examples = [draw_example(5, index, world="road") for index in range(25)]
    assert {int(c) for e in examples for c in e.classes} == {0, 1, 2, OTHER}
    assert not np.array_equal(examples[0].image, draw_example(5, 0).image)


def smallest_sides(world):
    """Return the longer sides of the signs that count, over some pictures."""
    examples = [draw_example(5, index, world=world) for index in range(40)]
    boxes = np.concatenate([e.boxes[~e.ignored] for e in examples])
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def test_the_harder_pictures_have_smaller_signs():
    assert np.median(smallest_sides("lego-hard")) < 0.85 * np.median(smallest_sides("lego"))


def test_how_much_of_a_sign_must_be_seen_is_a_choice():
    scene, rng = plain_scene(), np.random.default_rng(1)
    scene.place(pyramid("speed_30"), 0, Pose(x=100, y=80, size=50), rng)
    scene.cover(np.array([(70.0, 50), (112, 50), (112, 110), (70, 110)]), (90, 90, 90))
    assert not label_scene(scene, scene.image, least_visible=0.1).ignored[0]
    assert label_scene(scene, scene.image, least_visible=0.6).ignored[0]


def test_frames_without_signs_are_as_large_as_the_cameras_and_differ():
    one, same, other = draw_sign_free(4, 1), draw_sign_free(4, 1), draw_sign_free(4, 2)
    assert one.shape == (FRAME_HEIGHT, FRAME_WIDTH, 3)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_some_frames_without_signs_are_of_the_virtual_set():
    frame = draw_bare_frame((3, 1), np.random.default_rng(2))
    assert frame.shape == (FRAME_HEIGHT, FRAME_WIDTH, 3)
    assert np.array_equal(frame, draw_bare_frame((3, 1), np.random.default_rng(2)))


def test_a_warning_on_the_road_is_white_where_that_of_lego_is_yellow():
    lego, road = (draw_face(f"{kind}_deer", 64)[50, 18, :3] for kind in ("danger", "warning"))
    assert lego[0] < 60 < lego[2]
    assert (road > 200).all()


def test_the_virtual_set_is_among_the_pictures_with_its_signs():
    image, truths = draw_onboard((3, 1), np.random.default_rng(2), edge_px=96)
    again, _ = draw_onboard((3, 1), np.random.default_rng(2), edge_px=96)
    assert image.shape == (96, 96, 3)
    assert np.array_equal(image, again)
    seen = [draw_onboard((3, 1), np.random.default_rng(i), edge_px=96)[1] for i in range(12)]
    assert {class_of(truth) for truths in seen for truth in truths} >= {0, 1}
    assert all(truth.visible <= 1 for truth in truths)


def test_a_sign_that_the_light_swallowed_does_not_count():
    dark = np.full((60, 60, 3), 3, np.uint8)
    assert is_faint(dark, (10, 10, 40, 40))
    assert is_faint(dark, (70, 70, 80, 80))
    dark[15:25, 15:35] = 30
    assert not is_faint(dark, (10, 10, 40, 40))


def test_stamps_are_strewn_but_never_road_signs(tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "STAMP_FOLDER", tmp_path)
    red = np.zeros((40, 40, 4), np.uint8)
    red[10:30, 10:30] = (0, 0, 255, 255)
    for name in ("food/apple.png", "town/roadsigns/stop.png", "food/pear.png", "food/plum.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), red)
    stamps = rooms.find_stamps() + rooms.find_stamps(held_out=True)
    assert sorted(path.stem for path in stamps) == ["apple", "pear", "plum"]
    image = np.zeros((200, 200, 3), np.uint8)
    for _ in range(5):
        rooms.paste_stamp(image, stamps, np.random.default_rng(1))
    assert image[..., 2].max() > 200
    assert image[..., 0].max() == 0


def test_boxes_lie_inside_the_picture():
    for index in range(20):
        boxes = draw_example(8, index).boxes
        assert (boxes >= 0).all()
        assert (boxes <= EDGE_PX).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def plain_scene():
    return Scene(np.full((200, 200, 3), 90, np.uint8))


def pyramid(name):
    return (draw_face(name, 128), draw_face(name, 64))


def test_a_sign_facing_the_camera_is_measured_where_it_was_put():
    scene = plain_scene()
    rng = np.random.default_rng(1)
    scene.place(pyramid("speed_30"), 0, Pose(x=100, y=80, size=50), rng)
    x1, y1, x2, y2 = scene.placed[0].box
    assert (x1 + x2) / 2 == pytest.approx(100, abs=2)
    assert (y1 + y2) / 2 == pytest.approx(80, abs=2)
    assert x2 - x1 == pytest.approx(50, abs=3)
    assert scene.placed[0].area == pytest.approx(np.pi * 25**2, rel=0.1)


def test_a_turned_sign_is_narrower():
    scene = plain_scene()
    rng = np.random.default_rng(1)
    scene.place(pyramid("speed_30"), 0, Pose(x=100, y=80, size=50, yaw=60), rng)
    x1, y1, x2, y2 = scene.placed[0].box
    assert (x2 - x1) < 0.75 * (y2 - y1)


def test_a_nearer_sign_hides_the_one_behind_it():
    scene = plain_scene()
    rng = np.random.default_rng(1)
    scene.place(pyramid("speed_30"), 0, Pose(x=100, y=80, size=50), rng)
    before = (scene.owner == 0).sum()
    scene.place(pyramid("danger_gate"), 1, Pose(x=110, y=80, size=50), rng)
    assert (scene.owner == 0).sum() < 0.7 * before


def test_a_sign_seen_from_behind_is_no_sign_of_ours():
    scene = plain_scene()
    pose = Pose(x=100, y=80, size=50, back=True)
    scene.place(pyramid("danger_gate"), 1, pose, np.random.default_rng(1))
    assert scene.placed[0].class_id == OTHER


def test_a_sign_outside_the_picture_changes_nothing_visible():
    scene = plain_scene()
    pose = Pose(x=-300, y=-300, size=40)
    scene.place(pyramid("stop"), 2, pose, np.random.default_rng(1))
    assert (scene.owner == -1).all()


def test_light_keeps_the_silhouette():
    face = draw_face("danger_gate", 64)
    rng = np.random.default_rng(2)
    for _ in range(20):
        lit, edge = light_face(face, rng)
        assert np.array_equal(lit[..., 3], face[..., 3])
        assert edge.shape == (3,)


def test_a_photograph_has_the_scenes_shape_and_is_not_the_scene():
    scene = draw_face("stop", 64)[..., :3].copy()
    rng = np.random.default_rng(3)
    shots = [photograph(scene, rng) for _ in range(10)]
    assert {s.shape for s in shots} == {scene.shape}
    assert {s.dtype for s in shots} == {np.dtype(np.uint8)}
    assert all(not np.array_equal(s, scene) for s in shots)


@pytest.mark.parametrize("thing", sorted(set(THINGS), key=lambda t: t.__name__))
def test_every_thing_draws_into_the_image(thing):
    rng = np.random.default_rng(11)
    image = np.full((160, 160, 3), 128, np.uint8)
    for _ in range(10):
        thing(image, rng)
    assert (image != 128).any()


def test_a_table_covers_what_lies_below_the_horizon():
    image = np.zeros((200, 200, 3), np.uint8)
    rooms.draw_table(image, np.random.default_rng(0), horizon_px=80, camera_height_px=60)
    assert (image[150:] > 0).any()
    assert (image[:70] == 0).all()


def test_photos_for_drawing_and_for_counting_false_alarms_are_never_the_same(monkeypatch):
    monkeypatch.undo()
    used, kept = set(rooms.find_photos()), set(rooms.find_photos(held_out=True))
    assert not used & kept


def test_without_photos_there_is_no_crop():
    assert rooms.photo_crop(np.random.default_rng(0), [], 64) is None

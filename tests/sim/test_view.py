import cv2
import numpy as np
import pytest

from kit.sim.scene.view import View, fill, mipmaps, paste, premultiplied


def camera(**changes):
    fields = {
        "size": (600, 400),
        "hfov_deg": 62,
        "centre": (0.0, 0.0, 0.09),
        "heading_rad": 0.0,
        "pitch_rad": 0.0,
    }
    return View.look(**(fields | changes))


def pixel(view, *point):
    return view.project(np.array(point))[0]


def test_what_lies_straight_ahead_is_in_the_middle():
    assert pixel(camera(), 1.0, 0.0, 0.09) == pytest.approx((299.5, 199.5))


def test_left_is_left_and_up_is_up():
    column, row = pixel(camera(), 1.0, 0.1, 0.2)
    assert column < 299.5
    assert row < 199.5


def test_the_field_of_view_ends_at_the_picture_s_edge():
    reach = np.tan(np.radians(31))
    assert pixel(camera(), 1.0, reach, 0.09)[0] == pytest.approx(-0.5, abs=1e-6)


def test_pitching_down_moves_things_up():
    assert pixel(camera(pitch_rad=0.1), 1.0, 0, 0.09)[1] < 199.5


def test_rolling_the_camera_clockwise_turns_the_picture_the_other_way():
    assert pixel(camera(roll_rad=0.1), 1.0, -0.3, 0.09)[1] < 199.5


def test_the_heading_turns_the_camera():
    assert pixel(camera(heading_rad=np.pi / 2), 0.0, 1.0, 0.09)[0] == pytest.approx(299.5)


def test_depth_is_the_distance_ahead_and_negative_behind():
    depths = camera().project(np.array([[2.0, 0.5, 0], [-1.0, 0, 0]]))[1]
    assert depths == pytest.approx([2.0, -1.0])


def test_a_plane_s_homography_agrees_with_the_projection():
    view = camera(pitch_rad=0.14, roll_rad=0.02, heading_rad=0.3)
    origin, across, down = np.array([0.6, 0.1, 0.2]), np.array([0, -0.1, 0]), np.array([0, 0, -0.1])
    matrix = view.plane(origin, across, down)
    found = cv2.perspectiveTransform(np.array([[[0.5, 0.7]]]), matrix)[0, 0]
    assert found == pytest.approx(view.project(origin + 0.5 * across + 0.7 * down)[0])


def test_far_points_of_the_table_come_near_the_horizon():
    view = camera(pitch_rad=0.14, roll_rad=0.02)
    left, right = view.horizon
    column, row = pixel(view, 5000.0, 0.0, 0.0)
    assert row == pytest.approx(left + (right - left) * column / 599, abs=0.05)


def test_a_polygon_that_reaches_behind_the_camera_is_cut():
    table = np.array([[-1, -1, 0], [3, -1, 0], [3, 1, 0], [-1, 1, 0.0]])
    outline = camera().polygon(table)
    assert len(outline) == 4
    assert np.isfinite(outline).all()
    assert outline[:, 1].min() > 199.5


def test_a_polygon_behind_the_camera_has_no_outline():
    behind = np.array([[-3, -1, 0], [-1, -1, 0], [-1, 1, 0.0]])
    assert len(camera().polygon(behind)) == 0


def test_a_scaled_view_shows_the_same():
    view = camera(pitch_rad=0.14)
    point = np.array([0.7, 0.2, 0.0])
    whole, half = view.project(point)[0], view.scaled(0.5).project(point)[0]
    assert (whole + 0.5) / 2 == pytest.approx(half + 0.5)


def test_filling_nothing_changes_nothing():
    image = np.zeros((20, 20, 3), np.uint8)
    fill(image, np.zeros((0, 4, 2)), (255, 255, 255))
    assert not image.any()


def opaque(value):
    texture = np.full((8, 8, 4), value, np.uint8)
    texture[..., 3] = 255
    return texture


def test_pasting_an_opaque_texture_replaces_what_was_there():
    image = np.full((40, 40, 3), 10, np.uint8)
    paste(image, opaque(200), np.diag([2.0, 2.0, 1.0]))
    assert (image[4:12, 4:12] == 200).all()
    assert (image[20:, 20:] == 10).all()


def test_pasting_outside_the_picture_changes_nothing():
    image = np.zeros((40, 40, 3), np.uint8)
    paste(image, opaque(200), np.array([[1, 0, 100], [0, 1, 0], [0, 0, 1.0]]))
    assert not image.any()


def test_gain_dims_what_is_pasted():
    image = np.zeros((40, 40, 3), np.uint8)
    paste(image, opaque(200), np.diag([2.0, 2.0, 1.0]), gain=(0.5, 0.5, 0.25))
    assert image[8, 8].tolist() == [100, 100, 50]


def test_transparent_colours_vanish_when_multiplied_by_alpha():
    texture = np.full((4, 4, 4), 200, np.uint8)
    texture[..., 3] = 0
    assert not premultiplied(texture)[..., :3].any()


def test_mipmaps_halve_down_to_the_smallest():
    assert [level.shape[0] for level in mipmaps(opaque(1).repeat(8, 0).repeat(8, 1))] == [
        64,
        32,
        16,
        8,
    ]

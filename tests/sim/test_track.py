import math

import numpy as np
import pytest
from pydantic import ValidationError

from kit.sim.track import Piece, Track


def straight(length):
    return Piece(straight_m=length)


def curve(degrees, radius):
    return Piece(curve_deg=degrees, radius_m=radius)


def test_a_straight_runs_along_x():
    assert Track([straight(2)]).pose(1.5) == pytest.approx((1.5, 0, 0))


def test_a_left_quarter_turn_ends_one_radius_ahead_and_to_the_left():
    track = Track([curve(90, 0.5)])
    assert track.pose(track.length_m) == pytest.approx((0.5, 0.5, math.pi / 2))


def test_a_right_quarter_turn_ends_to_the_right():
    track = Track([curve(-90, 0.5)])
    assert track.pose(track.length_m) == pytest.approx((0.5, -0.5, -math.pi / 2))


def test_the_length_is_the_sum_of_the_pieces():
    assert Track([straight(1), curve(180, 1)]).length_m == pytest.approx(1 + math.pi)


def test_an_open_track_goes_straight_on_beyond_its_ends():
    track = Track([straight(1), curve(90, 0.5)])
    assert track.pose(-0.5) == pytest.approx((-0.5, 0, 0))
    assert track.pose(track.length_m + 0.3)[:2] == pytest.approx((1.5, 0.8))


def test_a_closed_track_goes_round_again():
    track = Track([straight(1), curve(180, 0.5), straight(1), curve(180, 0.5)], closed=True)
    assert track.pose(track.length_m + 0.25)[:2] == pytest.approx(track.pose(0.25)[:2])


def test_the_way_between_two_poses_is_as_long_as_the_track_says():
    track = Track([straight(0.7), curve(90, 0.5), curve(-120, 0.8), straight(0.4)])
    points = track.poses(np.linspace(0, track.length_m, 4000))[:, :2]
    assert np.hypot(*np.diff(points, axis=0).T).sum() == pytest.approx(track.length_m, rel=1e-5)


def test_beside_is_left_for_positive_and_right_for_negative_offsets():
    track = Track([straight(2)])
    assert track.beside(1, 0.1) == pytest.approx((1, 0.1))
    assert track.beside(1, -0.1) == pytest.approx((1, -0.1))


def test_the_piece_at_a_place_is_the_one_that_lies_there():
    track = Track([straight(1), curve(90, 0.5), straight(1)])
    assert track.piece_at(1.2).curve_deg == 90
    assert track.piece_at(99).straight_m == 1


def test_the_distance_to_a_point_is_that_to_the_nearest_part():
    assert Track([straight(2)]).distance_to(1, 0.3) == pytest.approx(0.3, abs=0.011)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"straight_m": 1, "curve_deg": 90, "radius_m": 1},
        {"curve_deg": 90},
        {"radius_m": 1},
        {"straight_m": 0},
        {"straight_m": -1},
        {"straight_m": math.nan},
        {"straight_m": math.inf},
        {"curve_deg": 0, "radius_m": 1},
        {"curve_deg": 90, "radius_m": 0.01},
        {"curve_deg": 720, "radius_m": 1},
        {"straight_m": 1, "max_speed_mps": 0},
        {"straight_m": 1, "bend": 3},
    ],
)
def test_a_piece_that_is_no_piece_is_refused(fields):
    with pytest.raises(ValidationError):
        Piece(**fields)


@pytest.mark.parametrize(
    ("pieces", "closed", "message"),
    [
        ([straight(0.2)], False, "0.5 to 200 m"),
        ([straight(90)] * 3, False, "0.5 to 200 m"),
        ([straight(1), curve(90, 0.5)], True, "away from its start"),
        ([straight(2), curve(270, 0.5), straight(2)], False, "runs over itself"),
        ([straight(2), curve(180, 0.3), curve(180, 0.3)], False, "runs over itself"),
    ],
)
def test_a_track_that_cannot_lie_on_a_table_is_refused(pieces, closed, message):
    with pytest.raises(ValueError, match=message):
        Track(pieces, closed=closed).check()


def test_a_track_that_meets_itself_at_its_start_is_closed():
    Track([straight(1), curve(180, 0.5), straight(1), curve(180, 0.5)], closed=True).check()

"""What is drawn on pictures."""

from __future__ import annotations

import numpy as np
import pytest

from kit.events import Action, Box, Detection, Label
from kit.vision.colours import ACTION_COLOURS, LABEL_COLOURS
from kit.vision.overlay import draw
from tests.vision.pictures import plain

SIGN = Detection(label=Label.STOP, confidence=0.5, box=Box(200, 100, 60, 60))


def bgr(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (5, 3, 1)]


def has_colour(image: np.ndarray, colour: str) -> bool:
    return bool((np.abs(image.astype(int) - bgr(colour)).max(axis=2) <= 2).any())


@pytest.fixture
def frame() -> np.ndarray:
    return plain(128, width=600, height=400)


@pytest.mark.parametrize("label", Label)
def test_box_has_the_colour_of_its_class(frame: np.ndarray, label: Label) -> None:
    drawn = draw(frame, [SIGN.model_copy(update={"label": label})])
    for other, colour in LABEL_COLOURS.items():
        assert has_colour(drawn, colour) == (other is label)


def test_box_runs_round_the_sign_and_leaves_it_free(frame: np.ndarray) -> None:
    drawn = draw(frame, [SIGN])
    assert (drawn[105:155, 205:255] == 128).all()
    assert has_colour(drawn[120:140, 190:202], LABEL_COLOURS[Label.STOP])


def test_picture_is_left_as_it_is(frame: np.ndarray) -> None:
    draw(frame, [SIGN], action=Action.STOP, reason="danger ahead")
    assert (frame == 128).all()


def test_nothing_found_is_nothing_drawn(frame: np.ndarray) -> None:
    assert (draw(frame, []) == frame).all()


@pytest.mark.parametrize("action", Action)
def test_band_tells_the_action_at_the_bottom(frame: np.ndarray, action: Action) -> None:
    drawn = draw(frame, [], action=action)
    assert has_colour(drawn[-38:], ACTION_COLOURS[action])
    assert (drawn[:-38] == frame[:-38]).all()


def test_reason_is_written_and_cut_to_the_width(frame: np.ndarray) -> None:
    silent = draw(frame, [], action=Action.SLOW)
    short = draw(frame, [], action=Action.SLOW, reason="a speed limit")
    long = draw(frame, [], action=Action.SLOW, reason="a speed limit " * 50)
    assert (short != silent).any()
    assert (long[:, -4:] == silent[:, -4:]).all()


@pytest.mark.parametrize(("width", "height"), [(16, 16), (61, 33), (640, 480), (4032, 3024)])
def test_every_size_can_be_drawn_on(width: int, height: int) -> None:
    sign = Detection(label=Label.STOP, confidence=1, box=Box(1, 1, width - 2, height - 2))
    image = plain(128, width=width, height=height)
    drawn = draw(image, [sign], action=Action.STOP, reason="danger ahead")
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (drawn != image).any()


def test_boxes_at_the_edge_are_drawn(frame: np.ndarray) -> None:
    corners = [Box(0, 0, 20, 20), Box(580, 0, 20, 20), Box(0, 380, 20, 20), Box(580, 380, 20, 20)]
    drawn = draw(frame, [SIGN.model_copy(update={"box": box}) for box in corners])
    for rows in (slice(0, 60), slice(340, 400)):
        for columns in (slice(0, 60), slice(540, 600)):
            assert has_colour(drawn[rows, columns], LABEL_COLOURS[Label.STOP])

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from kit.errors import ConfigError
from kit.mlops.doubting import teach
from kit.mlops.drawing.signs import CLASSES, OTHER
from kit.mlops.export import Card, export
from kit.mlops.looking import CURVE, LookRecipe, LookTrainer
from kit.mlops.network import Detector, SignNet
from kit.mlops.second_look import (
    CONTEXT,
    KINDS,
    NOTHING,
    PLACES,
    WINDOW_PX,
    SecondLook,
    cut_windows,
    join,
    look_again,
    odds,
)
from kit.mlops.training import load_look, load_weights, save_weights
from kit.mlops.windows import Windows, collect, cut, join_windows, kind_at


@pytest.fixture(scope="module")
def first():
    torch.manual_seed(3)
    return SignNet().eval()


@pytest.fixture(scope="module")
def look():
    torch.manual_seed(4)
    return SecondLook().eval()


def windows_of(picture, *boxes, kinds=None, seen=None):
    count = len(boxes)
    return Windows(
        pictures=(picture[None],),
        rows=np.zeros((count, 2), np.int64),
        boxes=np.array(boxes, np.float32),
        kinds=np.array(kinds if kinds is not None else [NOTHING] * count, np.int64),
        seen=np.array(seen if seen is not None else [(0, 0.5)] * count, np.float32),
    )


def as_images(picture):
    planes = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1), np.float32)
    return torch.from_numpy(planes)[None] / 255


@pytest.fixture(scope="module")
def picture():
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def test_training_cuts_windows_as_the_graph_does(picture):
    boxes = [(20, 20, 40, 50), (-5, 60, 30, 110), (60, 10, 120, 70), (50, 50, 58, 58)]
    by_hand = cut(windows_of(picture, *boxes), np.arange(4))
    in_graph = cut_windows(as_images(picture), torch.tensor(boxes).float().T[None])
    assert by_hand.shape == in_graph.shape == (4, 3, WINDOW_PX, WINDOW_PX)
    assert (by_hand - in_graph).abs().max() < 2.5 / 255


def test_a_window_shows_the_box_in_its_middle_with_the_context_around_it():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[40:60, 30:50] = 255
    (window,) = cut_windows(as_images(picture), torch.tensor([[[30.0], [40.0], [50.0], [60.0]]]))
    inside = window[0] > 0.5
    around = (WINDOW_PX - WINDOW_PX / CONTEXT) / 2
    shown = slice(math.ceil(around) + 1, -math.ceil(around) - 1)
    assert inside[shown, shown].all()
    assert not inside[: math.floor(around) - 1].any()
    assert not inside[:, : math.floor(around) - 1].any()


def test_outside_a_picture_a_window_is_like_the_pictures_edge():
    picture = np.full((64, 64, 3), 200, np.uint8)
    (window,) = cut_windows(as_images(picture), torch.tensor([[[-20.0], [-20.0], [4.0], [4.0]]]))
    assert torch.allclose(window, torch.tensor(200 / 255))


def test_windows_that_are_varied_differ_and_stay_in_range(picture):
    windows = windows_of(picture, (40, 30, 70, 60), kinds=[1])
    one, two = (cut(windows, np.zeros(1, np.int64), rng=np.random.default_rng(s)) for s in (1, 2))
    assert not torch.equal(one, two)
    assert torch.equal(one, cut(windows, np.zeros(1, np.int64), rng=np.random.default_rng(1)))
    for window in (one, two):
        assert window.min() >= 0
        assert window.max() <= 1


def test_before_it_learns_it_says_what_the_first_look_says(tmp_path, first, picture):
    windows = windows_of(picture, (40, 30, 70, 60))
    look = LookTrainer(windows, LookRecipe(threads=1), folder=tmp_path, first=first).average
    window = torch.rand(2, 3, WINDOW_PX, WINDOW_PX)
    with torch.no_grad():
        said, (heat, _) = look(window), first(window)
    middle = slice(WINDOW_PX // 8 - 2, WINDOW_PX // 8 + 2)
    assert torch.allclose(said[:, :-1], heat[:, :, middle, middle].amax(dim=(2, 3)), atol=1e-4)
    assert torch.equal(said[:, NOTHING], torch.zeros(2))


def test_of_equally_sure_signs_a_stop_counts_the_soonest():
    kinds = torch.zeros(3, KINDS)
    speed_limit, danger, stop = join(torch.full((3, len(CLASSES)), 0.5), kinds)[0].tolist()
    assert speed_limit == danger < stop


def test_a_doubt_lowers_a_score_and_an_assent_raises_it():
    scores = torch.tensor([[0.5, 0.0, 0.0]])
    doubt, assent = (torch.zeros(1, KINDS) for _ in range(2))
    doubt[0, NOTHING], assent[0, 0] = 6.0, 6.0
    assert join(scores, doubt)[0, 0] < 0.3
    assert join(scores, assent)[0, 0] > 0.7


def test_odds_count_every_other_kind_against_a_class():
    kinds = torch.log(torch.tensor([[0.5, 0.25, 0.125, 0.0625, 0.0625]]))
    assert torch.allclose(odds(kinds), torch.logit(torch.tensor([[0.5, 0.25, 0.125]])))


def scores_with(places, height=12, width=20):
    scores = torch.zeros(1, 3, height, width)
    for class_id, row, column, value in places:
        scores[0, class_id, row, column] = value
    boxes = torch.tensor([8.0, 8.0, 24.0, 24.0])[None, :, None, None]
    return scores, boxes.expand(1, 4, height, width)


def test_only_peaks_are_scored_anew_and_the_others_stay_nothing(look):
    scores, boxes = scores_with([(0, 1, 2, 0.6), (2, 8, 9, 0.3)])
    with torch.no_grad():
        again = look_again(look, torch.rand(1, 3, 48, 80), scores, boxes)
    assert again.shape == scores.shape
    assert torch.equal(again > 0, scores > 0)
    assert again[0, 0, 1, 2] != scores[0, 0, 1, 2]


def test_no_more_than_the_hottest_places_are_kept(look):
    places = [(0, 2 * i // 20, 2 * i % 20, 0.1 + i / 100) for i in range(PLACES + 6)]
    scores, boxes = scores_with(places)
    with torch.no_grad():
        again = look_again(look, torch.rand(1, 3, 48, 80), scores, boxes)
    assert (again > 0).sum() == PLACES
    assert again[scores > 0].flatten()[:6].max() == 0


def test_the_smallest_picture_is_looked_at_too(first, look):
    with torch.no_grad():
        scores, boxes = Detector(first, look).eval()(torch.rand(2, 3, 16, 16))
    assert scores.shape == (2, 3, 4, 4)
    assert boxes.shape == (2, 4, 4, 4)


def test_the_file_says_what_both_looks_say(first, look, tmp_path):
    path = tmp_path / "signs.onnx"
    export(first, path, Card(version="1", threshold=0.5, nms_iou=0.5, data_hash=""), look)
    assert path.stat().st_size < 3_000_000
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(2).random((1, 3, 64, 96), dtype=np.float32)
    scores, _ = session.run(None, {"images": images})
    with torch.no_grad():
        wanted, _ = Detector(first, look).eval()(torch.from_numpy(images))
        without, _ = Detector(first).eval()(torch.from_numpy(images))
    both = (scores > 0) & (wanted.numpy() > 0)
    assert both.any()
    assert np.abs(scores - wanted.numpy())[both].max() < 1e-4
    assert np.abs(scores - without.numpy())[both].max() > 1e-3


def test_one_file_of_weights_carries_both_looks(first, look, tmp_path):
    save_weights(first, tmp_path / "both.pt", look)
    save_weights(first, tmp_path / "one.pt")
    base, again = load_weights(tmp_path / "both.pt"), load_look(tmp_path / "both.pt")
    assert all(torch.equal(base[k], v) for k, v in first.state_dict().items())
    assert all(torch.equal(again.state_dict()[k], v) for k, v in look.state_dict().items())
    assert load_look(tmp_path / "one.pt") is None


def test_a_second_look_of_another_network_is_refused(first, tmp_path):
    weights = {**first.state_dict(), "look.heat.weight": torch.zeros(2)}
    torch.save(weights, tmp_path / "other.pt")
    with pytest.raises(ConfigError, match="another network"):
        load_look(tmp_path / "other.pt")


LABELS = np.array(
    [(10, 10, 30, 30, 1, 0), (50, 10, 90, 50, 0, 1), (10, 60, 30, 80, OTHER, 1)], np.float32
)


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ((11, 9, 31, 31), 1),  # on the sign
        ((60, 60, 80, 80), NOTHING),  # on none
        ((15, 10, 45, 30), None),  # beside it: neither way
        ((18, 18, 22, 22), NOTHING),  # a small part of it is not the sign
        ((60, 20, 70, 30), None),  # in one that counts neither way
        ((10, 60, 30, 80), OTHER),  # another sign is never one of ours, however little is seen
    ],
)
def test_what_a_box_shows(box, kind):
    assert kind_at(np.array(box, np.float32), LABELS) == kind


def test_where_the_network_sees_signs_windows_are_kept_with_what_is_true(picture):
    network = SignNet()
    torch.nn.init.constant_(network.heat.bias, 2.0)  # sees signs everywhere
    pictures = np.stack([picture, picture, picture])
    parts = list(collect(network, pictures, None))
    assert parts[-1][0] == 3
    windows = join_windows([part for _, part in parts])
    assert len(windows.pictures) == 1
    assert set(windows.rows[:, 1]) == {0, 1, 2}
    assert (windows.kinds == NOTHING).all()
    assert (windows.seen[:, 1] > 0.1).all()


@pytest.fixture
def tiny_windows(tiny_set):
    """Sixteen windows of eight dark pictures: on their bright squares, and beside them."""
    boxes = tiny_set.labels[:, 0, :4]
    aside = np.where(boxes[:, :1] > 32, -24, 24) * np.array([1, 0, 1, 0])
    kinds = np.concatenate([tiny_set.labels[:, 0, 4], np.full(8, NOTHING)])
    rows = np.tile(np.column_stack([np.zeros(8), np.arange(8)]), (2, 1))
    return Windows(
        (tiny_set.images,),
        rows.astype(np.int64),
        np.concatenate([boxes, boxes + aside]).astype(np.float32),
        kinds.astype(np.int64),
        np.full((16, 2), 0.5, np.float32),
    )


def small(passes, save_steps=10):
    recipe = {"batch": 16, "learning_rate": 2e-3, "warmup_steps": 3, "threads": 1}
    return LookRecipe(passes=passes, save_steps=save_steps, **recipe)


def test_the_second_look_learns_what_is_in_a_window(tiny_windows, first, tmp_path):
    trainer = LookTrainer(tiny_windows, small(30), folder=tmp_path, first=first)
    losses = [progress.loss for progress in trainer.run()]
    assert len(losses) == trainer.steps == 30
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert (tmp_path / CURVE).exists()


def test_finished_weights_go_back_towards_those_they_started_from(tiny_windows, first, tmp_path):
    def taught(kept):
        recipe, folder = replace(small(6), kept=kept), tmp_path / str(kept)
        return teach(first, tiny_windows, recipe, folder, lambda done, total: None).state_dict()

    start, half, end = taught(1.0), taught(0.5), taught(0.0)
    same = SecondLook().eval()
    same.start_from(first)
    for name, value in same.state_dict().items():
        if value.dtype.is_floating_point:
            assert torch.allclose(start[name], value, atol=1e-6)
            assert torch.allclose(half[name], (value + end[name]) / 2, atol=1e-5)
    assert not torch.allclose(end["heat.weight"], start["heat.weight"], atol=1e-3)


def test_an_interrupted_second_look_ends_like_one_that_was_not(tiny_windows, first, tmp_path):
    whole = LookTrainer(tiny_windows, small(6, 3), folder=tmp_path / "whole", first=first)
    list(whole.run())
    broken = LookTrainer(tiny_windows, small(6, 3), folder=tmp_path / "broken", first=first).run()
    for _ in range(4):
        next(broken)
    broken.close()
    resumed = LookTrainer(tiny_windows, small(6, 3), folder=tmp_path / "broken", first=first)
    assert resumed.step == 3
    list(resumed.run())
    for name, value in whole.average.state_dict().items():
        assert torch.allclose(value.float(), resumed.average.state_dict()[name].float(), atol=1e-4)


def test_a_second_look_of_another_recipe_is_not_gone_on_with(tiny_windows, first, tmp_path):
    list(LookTrainer(tiny_windows, small(1), folder=tmp_path, first=first).run())
    with pytest.raises(ConfigError, match="another training"):
        LookTrainer(tiny_windows, small(2), folder=tmp_path, first=first)

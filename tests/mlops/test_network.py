from __future__ import annotations

import pytest
import torch

from kit.mlops.losses import box_loss, heat_loss, make_targets
from kit.mlops.network import STRIDE, Detector, SignNet, boxes_from_sides, peaks


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SignNet().eval()


@pytest.mark.parametrize(("height", "width"), [(16, 16), (400, 608), (480, 640)])
def test_any_picture_of_whole_steps_gives_maps_of_a_quarter_its_size(network, height, width):
    with torch.no_grad():
        heat, sides = network(torch.rand(1, 3, height, width))
    assert heat.shape == (1, 4, height // 4, width // 4)
    assert sides.shape == (1, 4, height // 4, width // 4)
    assert (sides > 0).all()


def test_the_file_stays_below_three_megabytes(network):
    assert sum(p.numel() for p in network.parameters()) * 4 < 2_900_000


def test_the_detector_reports_three_classes_between_nought_and_one(network):
    with torch.no_grad():
        scores, boxes = Detector(network)(torch.rand(2, 3, 64, 96))
    assert scores.shape == (2, 3, 16, 24)
    assert boxes.shape == (2, 4, 16, 24)
    assert scores.min() >= 0
    assert scores.max() <= 1


def scores_with(*entries):
    scores = torch.full((1, 4, 8, 8), 0.01)
    for class_id, row, column, value in entries:
        scores[0, class_id, row, column] = value
    return scores


def test_of_two_neighbouring_peaks_the_higher_stays():
    kept = peaks(scores_with((0, 3, 3, 0.9), (0, 3, 4, 0.8)))
    assert kept[0, 0, 3, 3] == pytest.approx(0.9)
    assert kept[0, 0, 3, 4] == 0


def test_distant_peaks_both_stay():
    kept = peaks(scores_with((0, 1, 1, 0.9), (1, 5, 5, 0.3)))
    assert kept[0, 0, 1, 1] > 0
    assert kept[0, 1, 5, 5] > 0


def test_one_place_has_one_class():
    kept = peaks(scores_with((0, 3, 3, 0.5), (1, 3, 3, 0.6)))
    assert kept[0, 0, 3, 3] == 0
    assert kept[0, 1, 3, 3] == pytest.approx(0.6)


def test_another_kind_of_sign_silences_ours():
    kept = peaks(scores_with((0, 3, 3, 0.5), (3, 3, 4, 0.7)))
    assert kept.max() < 0.1


def test_distances_become_corners_about_the_middle_of_the_cell():
    sides = torch.tensor([1.0, 2.0, 3.0, 4.0])[None, :, None, None].expand(1, 4, 2, 3)
    boxes = boxes_from_sides(sides)
    middle_x, middle_y = 2.5 * STRIDE, 1.5 * STRIDE
    wanted = [middle_x - 1, middle_y - 2, middle_x + 3, middle_y + 4]
    assert boxes[0, :, 1, 2].tolist() == wanted


def labels_of(*rows):
    labels = torch.full((1, 4, 6), -1.0)
    for index, row in enumerate(rows):
        labels[0, index] = torch.tensor([float(v) for v in row])
    return labels


def test_the_hill_of_heat_stands_on_the_signs_middle():
    targets = make_targets(labels_of((8, 16, 32, 40, 1, 0)), 16, 16)
    assert targets.heat[0, 1, 7, 5] == 1
    assert (targets.heat == 1).sum() == 1
    assert targets.heat[0, 0].max() == 0
    assert targets.boxes[0, :, 7, 5].tolist() == [8, 16, 32, 40]


def test_a_hardly_visible_sign_counts_neither_way():
    targets = make_targets(labels_of((8, 16, 32, 40, 1, 1)), 16, 16)
    assert targets.heat.max() == 0
    assert targets.counted[0, 0, 7, 5] == 0
    assert targets.counted[0, 0, 0, 0] == 1


def test_a_picture_without_signs_has_no_heat():
    targets = make_targets(labels_of(), 8, 8)
    assert targets.heat.max() == 0
    assert targets.weights.max() == 0
    assert targets.counted.min() == 1


def answer(targets, value):
    """Return heat logits that are right with the given strength, and exact sides."""
    heat = torch.where(targets.heat >= 1, value, -value)
    grid = boxes_from_sides(torch.zeros_like(targets.boxes))
    return heat, torch.cat(
        [grid[:, :2] - targets.boxes[:, :2], targets.boxes[:, 2:] - grid[:, 2:]], dim=1
    )


def test_a_right_answer_costs_almost_nothing_and_a_wrong_one_much():
    targets = make_targets(labels_of((8, 16, 32, 40, 1, 0)), 16, 16)
    right, sides = answer(targets, 9.0)
    assert heat_loss(right, targets) < 0.01
    assert heat_loss(-right, targets) > 10
    assert box_loss(sides, targets) == pytest.approx(0, abs=1e-4)
    assert box_loss(sides + 20, targets) > 0.5


def test_wrong_answers_in_a_hardly_visible_sign_cost_nothing():
    targets = make_targets(labels_of((8, 16, 32, 40, 1, 1)), 16, 16)
    quiet = torch.full((1, 4, 16, 16), -12.0)
    loud = quiet.clone()
    loud[0, 1, 7, 5] = 5.0
    assert heat_loss(loud, targets) == pytest.approx(float(heat_loss(quiet, targets)))

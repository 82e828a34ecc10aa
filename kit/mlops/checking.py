"""A look at what a training made, on fresh drawn pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from kit.mlops.drawing.scene import draw_example
from kit.mlops.drawing.signs import OTHER
from kit.mlops.measuring.evaluate import score
from kit.mlops.network import Detector, SignNet
from kit.mlops.plan import CHECK_SEED_OFFSET, Plan
from kit.mlops.second_look import SecondLook

_WEAKEST = 0.05


@dataclass(frozen=True)
class DrawnMetrics:
    """Figures on drawn pictures that training never saw; photos are harder.

    Attributes:
        drawn_map50: Mean average precision at IoU 0.5, 0..1.
        drawn_precision: At the plan's threshold, 0..1.
        drawn_recall: At the plan's threshold, 0..1.
    """

    drawn_map50: float
    drawn_precision: float
    drawn_recall: float


def check_drawn(network: SignNet, plan: Plan, look: SecondLook | None = None) -> DrawnMetrics:
    """Measure a network on fresh drawn pictures.

    Args:
        network: Trained weights.
        plan: Its world, seed, number of checks and threshold are used.
        look: The second look, if there is one.
    """
    detector = Detector(network.cpu(), look).eval()
    signs, found = [], []
    for index in range(plan.checks):
        example = draw_example(plan.recipe.seed + CHECK_SEED_OFFSET, index, world=plan.world)
        wanted = ~example.ignored & (example.classes != OTHER)
        signs.append(np.column_stack([example.classes[wanted], example.boxes[wanted]]))
        rows = detect_raw(detector, example.image)
        found.append(_without(rows, example.boxes[example.ignored]))
    result = score(signs, found, threshold=plan.threshold)
    return DrawnMetrics(result.map50, result.precision, result.recall)


@torch.no_grad()
def detect_raw(detector: Detector, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Run the torch network on one picture, with no clean-up but its own peaks.

    Args:
        detector: The network as it is exported.
        image: BGR (H, W, 3) uint8, H and W multiples of 16.

    Returns:
        (M, 6) class id, x1, y1, x2, y2, confidence.
    """
    rgb = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1), np.float32) / 255
    scores, boxes = detector(torch.from_numpy(rgb)[None])
    class_id, row, column = np.nonzero(scores[0].numpy() > _WEAKEST)
    corners = boxes[0].numpy()[:, row, column].T
    confidence = scores[0].numpy()[class_id, row, column]
    return np.column_stack([class_id, corners, confidence]).astype(np.float64)


def _without(rows: NDArray[np.float64], ignored: NDArray[np.float32]) -> NDArray[np.float64]:
    """Drop detections whose middle lies in a sign that counts neither way."""
    x, y = (rows[:, 1] + rows[:, 3]) / 2, (rows[:, 2] + rows[:, 4]) / 2
    inside = np.zeros(len(rows), bool)
    for x1, y1, x2, y2 in ignored:
        inside |= (x > x1) & (x < x2) & (y > y1) & (y < y2)
    return rows[~inside]

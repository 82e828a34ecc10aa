"""What the network should have said, and how wrong it was."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from kit.mlops.drawing.signs import OTHER
from kit.mlops.network import HEAT_MAPS, STRIDE, boxes_from_sides

SPREAD = 0.11
"""Width of the hill of heat around a sign's middle, in box sizes."""

BOX_WEIGHT = 2.0
"""Weight of the boxes against the heat."""

_FAR = 0.25  # cells with less heat than this do not learn a box


class Targets(NamedTuple):
    """What the network should say about N pictures.

    Attributes:
        heat: (N, 4, h, w), 1 in the cell of each sign's middle, falling off around it.
        counted: (N, 4, h, w), 0 where a hardly visible sign makes any answer right. Where that
            is a sign of no class of ours, only "other sign" may be said or not; one of our
            classes is wrong, however little of it is seen.
        boxes: (N, 4, h, w), x1, y1, x2, y2 in pixels, of the sign nearest to each cell.
        weights: (N, h, w), how much each cell's box counts.
    """

    heat: Tensor
    counted: Tensor
    boxes: Tensor
    weights: Tensor


def make_targets(labels: Tensor, height: int, width: int) -> Targets:
    """Turn labels into maps.

    Args:
        labels: (N, M, 6) x1, y1, x2, y2 in pixels, class id (-1: no sign), ignored (0 or 1).
        height: Rows of the output maps.
        width: Columns of the output maps.
    """
    boxes, class_id, ignored = labels[..., :4], labels[..., 4], labels[..., 5] > 0
    real = class_id >= 0
    hills = _hills(boxes, height, width) * (real & ~ignored)[..., None, None]
    of_class = [(hills * (class_id == c)[..., None, None]).amax(dim=1) for c in range(HEAT_MAPS)]
    weights, owner = hills.max(dim=1)
    nearest = torch.gather(boxes, 1, owner.flatten(1)[..., None].expand(-1, -1, 4))
    inside = _inside(boxes, height, width) & (real & ignored)[..., None, None]
    other = (class_id == OTHER)[..., None, None]
    ours, theirs = (inside & ~other).any(dim=1), (inside & other).any(dim=1)
    hidden = torch.stack([ours] * OTHER + [ours | theirs], dim=1)
    return Targets(
        heat=torch.stack(of_class, dim=1),
        counted=(~hidden | (weights > _FAR)[:, None]).float(),
        boxes=nearest.transpose(1, 2).reshape(-1, 4, height, width),
        weights=weights * (weights > _FAR),
    )


def _grid(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.arange(height, device=like.device, dtype=like.dtype)
    return rows[:, None], torch.arange(width, device=like.device, dtype=like.dtype)[None, :]


def _hills(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return (N, M, h, w): a Gaussian hill of height 1 in the cell of each box's middle."""
    rows, columns = _grid(height, width, boxes)
    x1, y1, x2, y2 = (boxes[..., i, None, None] for i in range(4))
    column = ((x1 + x2) / 2 / STRIDE).floor().clamp(0, width - 1)
    row = ((y1 + y2) / 2 / STRIDE).floor().clamp(0, height - 1)
    wide = ((x2 - x1) * SPREAD / STRIDE).clamp(min=0.5)
    tall = ((y2 - y1) * SPREAD / STRIDE).clamp(min=0.5)
    along = torch.exp(-(((columns - column) / wide) ** 2) / 2)
    return along * torch.exp(-(((rows - row) / tall) ** 2) / 2)


def _inside(boxes: Tensor, height: int, width: int) -> Tensor:
    rows, columns = _grid(height, width, boxes)
    y, x = (rows + 0.5) * STRIDE, (columns + 0.5) * STRIDE
    x1, y1, x2, y2 = (boxes[..., i, None, None] for i in range(4))
    return (x > x1) & (x < x2) & (y > y1) & (y < y2)


def heat_loss(logits: Tensor, targets: Targets) -> Tensor:
    """Focal loss of the heat: rare middles count as much as the vast rest.

    Args:
        logits: (N, 4, h, w).
        targets: The maps to reach.

    Returns:
        Scalar, per sign.
    """
    score = torch.sigmoid(logits).clamp(1e-5, 1 - 1e-5)
    middle = (targets.heat >= 1).float()
    hit = middle * (1 - score) ** 2 * torch.log(score)
    calm = (1 - middle) * (1 - targets.heat) ** 4 * score**2 * torch.log(1 - score)
    total = ((hit + calm) * targets.counted).sum()
    return -total / middle.sum().clamp(min=1)


def box_loss(sides: Tensor, targets: Targets) -> Tensor:
    """Generalised IoU loss of the boxes near the middles.

    Args:
        sides: (N, 4, h, w) distances in pixels.
        targets: The maps to reach.

    Returns:
        Scalar in 0..2.
    """
    giou = _giou(boxes_from_sides(sides), targets.boxes)
    return ((1 - giou) * targets.weights).sum() / targets.weights.sum().clamp(min=1)


def _giou(a: Tensor, b: Tensor) -> Tensor:
    """Return (N, h, w): overlap of two maps of boxes (N, 4, h, w), -1..1."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    area_a = (a[:, 2:] - a[:, :2]).prod(dim=1)
    area_b = (b[:, 2:] - b[:, :2]).prod(dim=1)
    joined = area_a + area_b - shared
    outer_low, outer_high = torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:])
    hull = (outer_high - outer_low).prod(dim=1)
    return shared / joined.clamp(min=1e-6) - (hull - joined) / hull.clamp(min=1e-6)

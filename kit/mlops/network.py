"""The model: a small fully convolutional network that marks the middle of every sign.

A picture goes down four steps to coarse maps that see much, and back up to a map with one cell
for every 4 x 4 pixels. There each cell says, for each class, whether a sign's middle lies in it
(``heat``), and how far the sign's four sides are (``sides``). There are no anchors and nothing
to tune between them: the cells that are hotter than their neighbours are the signs.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from kit.mlops.drawing.signs import CLASSES
from kit.mlops.layers import Trunk
from kit.mlops.second_look import SecondLook, look_again

STRIDE = 4
"""Pixels of the picture between two cells of the output."""

HEAT_MAPS = len(CLASSES) + 1
"""One heat map a class, and one for every other sign."""

_RARE = -4.6  # logit of 0.01: at the start of training nothing is a sign


class SignNet(Trunk):
    """The first look at a whole picture.

    Args:
        widths: Channels at strides 2, 4, 8 and 16.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 48, 96)) -> None:
        super().__init__(widths)
        self.heat, self.sides = nn.Conv2d(widths[1], HEAT_MAPS, 1), nn.Conv2d(widths[1], 4, 1)
        nn.init.constant_(cast("Tensor", self.heat.bias), _RARE)
        nn.init.constant_(cast("Tensor", self.sides.bias), 1.0)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Look at pictures.

        Args:
            images: (N, 3, H, W) float32 RGB in 0..1; H and W multiples of 16.

        Returns:
            Heat logits (N, 4, H/4, W/4), and distances (N, 4, H/4, W/4) in pixels from the
            middle of a cell to the left, top, right and bottom side.
        """
        at4, _, _ = self.maps(images)
        sides = STRIDE * torch.exp(self.sides(at4).clamp(-3, 5))
        return self.heat(at4), sides


class Detector(nn.Module):
    """The network as it is exported: scores with one peak a sign, and boxes.

    Args:
        network: A trained network.
        look: What looks again at the signs it found; None believes it as it is.
    """

    def __init__(self, network: SignNet, look: SecondLook | None = None) -> None:
        super().__init__()
        self.network = network
        self.look = look

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Find signs.

        Args:
            images: (N, 3, H, W) float32 RGB in 0..1; H and W multiples of 16.

        Returns:
            Scores (N, 3, H/4, W/4) in 0..1, zero wherever a neighbouring cell or another kind
            of sign scores higher; and boxes (N, 4, H/4, W/4), x1, y1, x2, y2 in pixels.
        """
        heat, sides = self.network(images)
        scores, boxes = peaks(torch.sigmoid(heat)), boxes_from_sides(sides)
        if self.look is not None:
            scores = look_again(self.look, images, scores, boxes)
        return scores, boxes


def peaks(scores: Tensor) -> Tensor:
    """Keep each score that nothing within one cell and no other kind of sign exceeds.

    Args:
        scores: (N, 4, h, w) in 0..1, the last map for signs that are no class of ours.

    Returns:
        (N, 3, h, w), zero where suppressed.
    """
    best = scores.amax(dim=1, keepdim=True)
    highest = functional.max_pool2d(best, 3, stride=1, padding=1)
    ours = scores[:, :-1]
    return ours * (ours >= highest).to(ours.dtype)


def boxes_from_sides(sides: Tensor) -> Tensor:
    """Turn distances into corners.

    Args:
        sides: (N, 4, h, w) pixels from each cell's middle to left, top, right, bottom.

    Returns:
        (N, 4, h, w) x1, y1, x2, y2 in pixels.
    """
    x = (torch.arange(sides.shape[3], device=sides.device) + 0.5)[None, None, None, :] * STRIDE
    y = (torch.arange(sides.shape[2], device=sides.device) + 0.5)[None, None, :, None] * STRIDE
    left, top, right, bottom = (sides[:, i : i + 1] for i in range(4))
    return torch.cat([x - left, y - top, x + right, y + bottom], dim=1)

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

STRIDE = 4
"""Pixels of the picture between two cells of the output."""

HEAT_MAPS = len(CLASSES) + 1
"""One heat map a class, and one for every other sign."""

_RARE = -4.6  # logit of 0.01: at the start of training nothing is a sign


class Step(nn.Sequential):
    """Convolution, normalisation, ReLU.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        size: Edge of the square kernel.
        stride: 2 halves the map.
        dilation: Spacing of the kernel's taps; more than 1 sees further.
    """

    def __init__(
        self, inputs: int, outputs: int, *, size: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        padding = dilation * (size // 2)
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3 x 3 steps whose result is added to their input.

    Args:
        channels: Channels in and out.
        dilation: Of the second step.
    """

    def __init__(self, channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.first = Step(channels, channels)
        self.second = Step(channels, channels, dilation=dilation)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return cast("Tensor", maps + self.second(self.first(maps)))


class SignNet(nn.Module):
    """The detector.

    Args:
        widths: Channels at strides 2, 4, 8 and 16. Multiples of 16 fill a processor's registers;
            24 channels take as long as 32.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 48, 96)) -> None:
        super().__init__()
        w2, w4, w8, w16 = widths
        self.to4 = nn.Sequential(Step(3, w2, stride=2), Step(w2, w4, stride=2))
        self.to8 = nn.Sequential(Step(w4, w8, stride=2), Residual(w8))
        self.to16 = nn.Sequential(Step(w8, w16, stride=2), Residual(w16, dilation=2))
        self.up8, self.up4 = Step(w16, w8, size=1), Step(w8, w4, size=1)
        self.mix8, self.mix4 = Step(w8, w8), Step(w4, w4)
        self.heat, self.sides = nn.Conv2d(w4, HEAT_MAPS, 1), nn.Conv2d(w4, 4, 1)
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
        at4 = self.to4(images)
        at8 = self.to8(at4)
        at16 = self.to16(at8)
        at8 = self.mix8(at8 + _double(self.up8(at16)))
        at4 = self.mix4(at4 + _double(self.up4(at8)))
        sides = STRIDE * torch.exp(self.sides(at4).clamp(-3, 5))
        return self.heat(at4), sides


class Detector(nn.Module):
    """The network as it is exported: scores with one peak a sign, and boxes.

    Args:
        network: A trained network.
    """

    def __init__(self, network: SignNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Find signs.

        Args:
            images: (N, 3, H, W) float32 RGB in 0..1; H and W multiples of 16.

        Returns:
            Scores (N, 3, H/4, W/4) in 0..1, zero wherever a neighbouring cell or another kind
            of sign scores higher; and boxes (N, 4, H/4, W/4), x1, y1, x2, y2 in pixels.
        """
        heat, sides = self.network(images)
        return peaks(torch.sigmoid(heat)), boxes_from_sides(sides)


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


def _double(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")

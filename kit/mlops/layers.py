"""What both networks are made of: their bricks, and the trunk that makes maps of a picture."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


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


class Trunk(nn.Module):
    """Makes maps of a picture at a quarter of its size, each cell of which saw far around.

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

    def maps(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Go down four steps, and back up.

        Args:
            images: (N, 3, H, W) float32 RGB in 0..1; H and W multiples of 16.

        Returns:
            Maps at strides 4, 8 and 16: (N, w4, H/4, W/4), (N, w8, H/8, W/8), (N, w16, H/16, W/16).
        """
        at4 = self.to4(images)
        at8 = self.to8(at4)
        at16 = self.to16(at8)
        at8 = self.mix8(at8 + _double(self.up8(at16)))
        return self.mix4(at4 + _double(self.up4(at8))), at8, at16


def _double(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")

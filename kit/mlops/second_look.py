"""A second look at what the network took for a sign: the window around it, seen by itself.

False alarms come from one lucky place among the thousands of a picture, so the hottest places are
looked at again. A window of the picture around each is brought to one size, and a small network
that does nothing but tell signs from things says what is in its middle. Both opinions make the
score. All of this is part of the model's one graph: its inputs and outputs stay what they were.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from kit.mlops.drawing.signs import CLASSES
from kit.mlops.layers import Trunk

KINDS = len(CLASSES) + 2
"""What a window may show: one of our classes, another sign, or no sign in its middle."""

NOTHING = KINDS - 1
"""The kind of a window without a sign in its middle."""

WINDOW_PX = 80
"""Edge of a window as the network sees it. Most signs are smaller in the picture, and are better
told from things when they are enlarged."""

CONTEXT = 1.5
"""A window is so many times as wide as the longer side of the box in its middle: a sign is 53
pixels large in it, however small it is in the picture."""

PLACES = 10
"""The hottest places of a picture are looked at again; weaker ones are no detections."""

SHARE = 0.4
"""How much the second opinion counts. It learnt from drawn pictures only, beside things that look
like signs, and believes photos less; with half a say it would overlook more signs in them."""

SOONER = tuple(0.3 * (name == "Stop") for name in CLASSES)
"""What each class gets on top, as a logit. To overlook a STOP costs more than to stop for nothing,
and few things deceive the network into seeing one: so these count earlier than other signs."""

_CLOSEST = 1e-6  # scores are kept this far from 0 and 1, so that their logits stay finite


class SecondLook(Trunk):
    """Tells what is in the middle of windows.

    It is built like the first look and starts from its weights, which give the heat in a window's
    middle; what it learns more is added to that. It sees every sign equally large.

    Args:
        widths: Channels at strides 2, 4, 8 and 16.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 48, 96)) -> None:
        super().__init__(widths)
        self.heat = nn.Conv2d(widths[1], len(CLASSES) + 1, 1)
        self.more = nn.Linear(widths[1] + widths[2] + widths[3], KINDS)
        nn.init.zeros_(self.more.weight)
        nn.init.zeros_(self.more.bias)

    def start_from(self, first: Trunk) -> None:
        """Take over the weights of a first look; what it says then is the heat in the middle.

        Args:
            first: A :class:`kit.mlops.network.SignNet` of the same widths.
        """
        own = self.state_dict()
        self.load_state_dict(
            {k: v for k, v in first.state_dict().items() if k in own}, strict=False
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Say what windows show.

        Args:
            windows: (M, 3, 80, 80) float32 RGB in 0..1.

        Returns:
            Logits (M, 5), one a kind.
        """
        at4, at8, at16 = self.maps(windows)
        middle = _middle(at4, stride=4)
        heat = self.heat(middle).amax(dim=(2, 3))
        heat = torch.cat([heat, torch.zeros_like(heat[:, :1])], dim=1)
        seen = [
            middle.mean(dim=(2, 3)),
            _middle(at8, stride=8).mean(dim=(2, 3)),
            at16.mean(dim=(2, 3)),
        ]
        return cast("Tensor", heat + self.more(torch.cat(seen, dim=1)))


def _middle(maps: Tensor, *, stride: int) -> Tensor:
    """Return the cells of windows' maps that cover the 16 x 16 pixels in their middle."""
    cells = 16 // stride
    first = (WINDOW_PX // stride - cells) // 2
    return maps[:, :, first : first + cells, first : first + cells]


def join(scores: Tensor, kinds: Tensor) -> Tensor:
    """Make one score of both opinions: a weighted mean of their logits, and `SOONER`.

    Args:
        scores: (M, 3) in 0..1 from the first look.
        kinds: (M, 5) logits from the second.

    Returns:
        (M, 3) in 0..1.
    """
    first = torch.logit(scores, eps=_CLOSEST)
    return torch.sigmoid((1 - SHARE) * first + SHARE * odds(kinds) + first.new_tensor(SOONER))


def odds(kinds: Tensor) -> Tensor:
    """Return for each class of ours the logit that it is this one and nothing else.

    Args:
        kinds: (M, 5) logits of the kinds.

    Returns:
        (M, 3).
    """
    shares = torch.softmax(kinds, dim=1)[:, : len(CLASSES)]
    return torch.logit(shares, eps=_CLOSEST)


def look_again(look: SecondLook, images: Tensor, scores: Tensor, boxes: Tensor) -> Tensor:
    """Score the hottest places of pictures anew.

    Args:
        look: A trained second look.
        images: (N, 3, H, W) float32 RGB in 0..1.
        scores: (N, 3, h, w) in 0..1, one peak a sign and zero elsewhere.
        boxes: (N, 4, h, w), x1, y1, x2, y2 in pixels.

    Returns:
        Scores of the same shape, zero where no second look was taken.
    """
    n, classes, height, width = scores.shape
    spare = scores.new_zeros(n, classes, PLACES)  # tiny pictures have fewer places
    flat = torch.cat([scores.flatten(2), spare], dim=2)
    corners = torch.cat([boxes.flatten(2), boxes.new_ones(n, 4, PLACES)], dim=2)
    _, places = flat.amax(dim=1).topk(PLACES, dim=1)
    chosen = torch.gather(corners, 2, places[:, None].expand(-1, 4, -1))
    of_class = places[:, None].expand(-1, classes, -1)
    first = torch.gather(flat, 2, of_class)
    kinds = look(cut_windows(images, chosen))
    joined = join(first.transpose(1, 2).flatten(0, 1), kinds)
    joined = joined.view(n, PLACES, classes).transpose(1, 2) * (first > 0).to(first.dtype)
    found = torch.zeros_like(flat).scatter(2, of_class, joined)
    return found[:, :, :-PLACES].view(n, classes, height, width)


def cut_windows(images: Tensor, boxes: Tensor) -> Tensor:
    """Cut a square window around each box and bring all to one size.

    What lies outside a picture is like its edge.

    Args:
        images: (N, 3, H, W).
        boxes: (N, 4, K), x1, y1, x2, y2 in pixels.

    Returns:
        (N * K, 3, 80, 80), the windows of the first picture first.
    """
    height, width = images.shape[2], images.shape[3]
    x1, y1, x2, y2 = (boxes[:, i] for i in range(4))
    size = CONTEXT * torch.maximum(x2 - x1, y2 - y1)
    steps = (torch.arange(WINDOW_PX, device=images.device) + 0.5) / WINDOW_PX - 0.5
    x = ((x1 + x2) / 2)[..., None] + size[..., None] * steps
    y = ((y1 + y2) / 2)[..., None] + size[..., None] * steps
    across = (2 / width * x - 1)[:, :, None, :].expand(-1, -1, WINDOW_PX, -1)
    down = (2 / height * y - 1)[:, :, :, None].expand(-1, -1, -1, WINDOW_PX)
    grid = torch.stack([across, down], dim=-1).flatten(1, 2)
    strip = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    n, colours = images.shape[:2]
    windows = strip.view(n, colours, -1, WINDOW_PX, WINDOW_PX).transpose(1, 2)
    return windows.flatten(0, 1)

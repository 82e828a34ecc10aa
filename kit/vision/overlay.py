"""Pictures for people: boxes round the signs, and what the train makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import supervision as sv
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from kit.events import FRAME_HEIGHT, LABELS, Action, Detection
from kit.labels import translated
from kit.vision.colours import ACTION_COLOURS, INK, LABEL_COLOURS, PAPER
from kit.vision.frames import Image

_PALETTE = sv.ColorPalette.from_hex([LABEL_COLOURS[label] for label in LABELS])
_BAND_STRENGTH = 0.82
_FONT_FILE = str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf")


def draw(
    image: Image,
    detections: Sequence[Detection],
    *,
    action: Action | None = None,
    reason: str = "",
) -> Image:
    """Draw detections, and what follows from them, so that the last row of a room can read it.

    Args:
        image: ``(H, W, 3)`` uint8, BGR; left as it is.
        detections: Boxes in pixels of the image.
        action: What the train does; a band at the bottom tells it if given.
        reason: Why, in words; shown in the band, cut to its width.

    Returns:
        A new picture of the same size; lines and letters grow with it.
    """
    unit = min(image.shape[0] / FRAME_HEIGHT, image.shape[1] / FRAME_HEIGHT)
    drawn = _draw_signs(image.copy(), detections, unit) if detections else image.copy()
    return drawn if action is None else _draw_band(drawn, action, reason, unit)


def _draw_signs(image: Image, detections: Sequence[Detection], unit: float) -> Image:
    # The surest is drawn last, over the others.
    signs = sorted(detections, key=lambda sign: sign.confidence)
    margin = 3 * unit  # the line runs round the sign, not over it
    boxes = np.array([sign.box for sign in signs], float)
    boxes[:, 2:] += boxes[:, :2] + margin
    boxes[:, :2] -= margin
    found = sv.Detections(
        xyxy=boxes,
        confidence=np.array([sign.confidence for sign in signs]),
        class_id=np.array([LABELS.index(sign.label) for sign in signs]),
    )
    halo = sv.RoundBoxAnnotator(sv.Color.from_hex(INK), max(2, round(5 * unit)), roundness=0.35)
    frame = sv.RoundBoxAnnotator(_PALETTE, max(1, round(3 * unit)), roundness=0.35)
    label = sv.RichLabelAnnotator(
        _PALETTE,
        text_color=sv.Color.from_hex(INK),
        font_path=_FONT_FILE,
        font_size=max(8, round(13 * unit)),
        text_padding=max(2, round(4 * unit)),
        border_radius=max(1, round(4 * unit)),
        smart_position=True,
    )
    captions = [f"{sign.label} {sign.confidence:.0%}" for sign in signs]
    image = frame.annotate(halo.annotate(image, found), found)
    return np.asarray(label.annotate(image, found, captions), np.uint8)


def _draw_band(image: Image, action: Action, reason: str, unit: float) -> Image:
    height, width = image.shape[:2]
    band = max(12, round(38 * unit))
    ground = np.array(sv.Color.from_hex(INK).as_bgr())
    under = image[height - band :]
    under[:] = (under * (1 - _BAND_STRENGTH) + ground * _BAND_STRENGTH).astype(np.uint8)
    canvas = PillowImage.fromarray(cv2.cvtColor(under, cv2.COLOR_BGR2RGB))
    pen = ImageDraw.Draw(canvas)
    font, gap, middle = _font(round(0.5 * band)), band // 5, band // 2
    title = translated(action.value).replace("_", " ").upper()
    end = 3 * gap + round(font.getlength(title))
    pen.rounded_rectangle((gap, gap, end, band - gap - 1), radius=gap, fill=ACTION_COLOURS[action])
    pen.text((2 * gap, middle), title, fill=INK, font=font, anchor="lm")
    shown = _cut_to(reason, _font(round(0.42 * band)), width - end - 3 * gap)
    pen.text(
        (end + 2 * gap, middle), shown, fill=PAPER, font=_font(round(0.42 * band)), anchor="lm"
    )
    under[:] = cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR)
    return image


def _cut_to(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT_FILE, max(8, size))

"""Pictures of mistakes, side by side with their reasons, for a notebook or a page."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kit.labels import say, translated
from kit.mlops.measuring.comparison import Disagreement
from kit.mlops.measuring.mistakes import Mistake
from kit.vision.frames import Image, encode_jpeg, resize

if TYPE_CHECKING:
    from IPython.display import HTML

NOTHING = "<p>None.</p>"
"""What a gallery without pictures says."""

_PHOTO_PX = 520


def show_gallery(mistakes: Sequence[Mistake], *, width_px: int = 150) -> HTML:
    """Show mistakes below the cell, each with its reason.

    Args:
        mistakes: Such as those of :func:`~kit.mlops.measuring.mistakes.worst`.
        width_px: Width of each on the page.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    return HTML(gallery(mistakes, width_px=width_px))


def show_pairs(
    different: Sequence[Disagreement], names: tuple[str, str], *, width_px: int = 230
) -> HTML:
    """Show photos on which two models differ, the boxes of the one beside those of the other.

    Args:
        different: Such as the first few of a comparison's.
        names: Of the two models.
        width_px: Width of each picture on the page.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    return HTML(pairs(different, names, width_px=width_px))


def gallery(mistakes: Sequence[Mistake], *, width_px: int) -> str:
    """Return mistakes as HTML; see :func:`show_gallery`."""
    told = [
        (one.picture(), say("{kind}: {caption}", kind=translated(one.kind), caption=one.caption))
        for one in mistakes
    ]
    return _grid([_figure(image, words) for image, words in told], width_px)


def pairs(different: Sequence[Disagreement], names: tuple[str, str], *, width_px: int) -> str:
    """Return photos on which two models differ as HTML; see :func:`show_pairs`."""
    figures = []
    for one in different:
        counts = (one.model, one.against)
        for image, name, count in zip(one.pictures(), names, counts, strict=True):
            mistakes = say("1 mistake") if count == 1 else say("{count} mistakes", count=count)
            words = say(
                "{photo}, {name}: {mistakes}", photo=one.photo, name=name, mistakes=mistakes
            )
            figures.append(_figure(image, words))
    return _grid(figures, width_px)


def _grid(figures: Sequence[str], width_px: int) -> str:
    if not figures:
        return translated(NOTHING)
    columns = f"repeat(auto-fill, minmax({width_px}px, 1fr))"
    style = f"display:grid;grid-template-columns:{columns};gap:12px;max-width:{6.5 * width_px}px"
    return f'<div style="{style}">{"".join(figures)}</div>'


def _figure(image: Image, words: str) -> str:
    if image.shape[1] > _PHOTO_PX:
        image = resize(image, _PHOTO_PX, round(image.shape[0] * _PHOTO_PX / image.shape[1]))
    data = base64.b64encode(encode_jpeg(image)).decode()
    text = html.escape(words)
    return (
        f'<figure style="margin:0"><img style="width:100%;border-radius:6px" alt="{text}" '
        f'src="data:image/jpeg;base64,{data}">'
        f'<figcaption style="font-size:13px;line-height:1.3">{text}</figcaption></figure>'
    )

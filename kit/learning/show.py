"""Pictures, tables and sentences for notebooks, of a size that can be kept."""

from __future__ import annotations

import dataclasses
import html
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from kit.labels import known, say, told, translated

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

__all__ = ["rows", "say", "show_picture", "show_plot", "show_strip", "table", "tell", "told"]


def tell(english: str, /, **places: object) -> None:
    """Print a sentence below the cell, in the notebook's language.

    Args:
        english: The sentence, with ``{places}`` to fill.
        **places: What to fill in.
    """
    sys.stdout.write(f"{say(english, **places)}\n")
    sys.stdout.flush()


def show_plot(figure: Figure) -> None:
    """Show a figure below the cell, with its labels in the notebook's language.

    Args:
        figure: Made with ``plt.subplots()``; its labels are in English.
    """
    from matplotlib import pyplot as plt
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(translated(text.get_text()))
    plt.show()


def show_picture(image: npt.NDArray[np.uint8], *, title: str = "", width_px: int = 600) -> HTML:
    """Show a picture below the cell.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        title: Words above it, in English; shown in the notebook's language if they are known there.
        width_px: Width on the page; the height follows. A larger picture is scaled down.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    from kit.services.live import data_url

    width = min(width_px, image.shape[1])
    words = html.escape(translated(title))
    heading = f"<figcaption><b>{words}</b></figcaption>" if title else ""
    picture = f'<img width="{width}" src="{data_url(image, width_px=width)}">'
    return HTML(f'<figure style="margin:0">{heading}{picture}</figure>')


def show_strip(
    images: Sequence[npt.NDArray[np.uint8]], titles: Sequence[str], *, width_px: int = 280
) -> HTML:
    """Show several pictures side by side, each with its title, wrapped to the page.

    Args:
        images: Each ``(H, W, 3)`` uint8 BGR.
        titles: As many as images.
        width_px: Width of each picture on the page.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    figures = "".join(
        show_picture(image, title=title, width_px=width_px).data
        for image, title in zip(images, titles, strict=True)
    )
    return HTML(f'<div style="display:flex;flex-wrap:wrap;gap:12px">{figures}</div>')


def table(values: Any) -> HTML:
    """Show names and values as a table of two columns, in the notebook's language.

    Args:
        values: A mapping, a dataclass or a pydantic model, whose names stay as they are; a float
            is shown with four decimals at most.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    rows = "".join(
        f'<tr><td style="text-align:left"><b>{html.escape(str(name))}</b></td>'
        f'<td style="text-align:left">{html.escape(str(shown))}</td></tr>'
        for name, value in _items(values).items()
        for shown in [round(value, 4) if isinstance(value, float) else known(value)]
    )
    return HTML(f"<table>{rows}</table>")


def rows(heads: Sequence[str], values: Iterable[Sequence[Any]]) -> HTML:
    """Show rows of values below a row of heads, in the notebook's language.

    Args:
        heads: A word for each column.
        values: Rows, each with a value a column; a float is shown with one decimal.

    Returns:
        What Jupyter displays when it is the last value of a cell.
    """
    from IPython.display import HTML

    def row(tag: str, cells: Sequence[Any]) -> str:
        words = (f"{cell:.1f}" if isinstance(cell, float) else str(known(cell)) for cell in cells)
        return "".join(
            f'<{tag} style="text-align:left">{html.escape(word)}</{tag}>' for word in words
        )

    body = "".join(f"<tr>{row('td', cells)}</tr>" for cells in values)
    return HTML(f"<table><tr>{row('th', heads)}</tr>{body}</table>")


def _items(values: Any) -> Mapping[Any, Any]:
    if isinstance(values, BaseModel):
        return values.model_dump()
    if dataclasses.is_dataclass(values) and not isinstance(values, type):
        return {field.name: getattr(values, field.name) for field in dataclasses.fields(values)}
    return {known(name): value for name, value in dict(values).items()}

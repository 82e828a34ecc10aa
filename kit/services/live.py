"""Live numbers and a live picture below a notebook's cell, replaced in place."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from kit.labels import known, translated
from kit.services.base import Snapshot

PICTURE_WIDTH = 420
"""Width of the live picture in pixels; small, since it stays in the executed notebook."""

JPEG_QUALITY = 70


class LiveView:
    """Shows snapshots in one output that never grows.

    Give it to a service: ``service.run(show=LiveView())``. Each call replaces what the call
    before it showed.

    Attributes:
        shown: Whether anything is shown now.
    """

    def __init__(self) -> None:
        self._handle: object | None = None
        self.shown = False

    def __call__(self, snapshot: Snapshot) -> None:
        """Show a snapshot in place of the one before."""
        from IPython.display import HTML, DisplayHandle, display

        page = HTML(render(snapshot))
        if isinstance(self._handle, DisplayHandle):
            self._handle.update(page)
        else:
            self._handle = display(page, display_id=True)
        self.shown = True

    def clear(self) -> None:
        """Show nothing until the next snapshot."""
        from IPython.display import HTML, DisplayHandle

        if self.shown and isinstance(self._handle, DisplayHandle):
            self._handle.update(HTML(""))
        self.shown = False


def render(snapshot: Snapshot) -> str:
    """Return a snapshot in the notebook's language, as HTML: a table beside the picture."""
    title = f"{html.escape(translated(snapshot.service))} · {snapshot.elapsed_s:.0f} s"
    picture = ""
    if snapshot.picture is not None:
        picture = f'<img src="{data_url(snapshot.picture, width_px=PICTURE_WIDTH)}">'
    return (
        '<div style="display:flex;gap:24px;align-items:flex-start;font-family:system-ui">'
        f'{picture}<div><div style="font-weight:600;margin-bottom:6px">{title}</div>'
        f"{_table(snapshot.numbers)}</div></div>"
    )


def _table(numbers: Mapping[str, int | float | str]) -> str:
    rows = "".join(
        f'<tr><td style="text-align:left;opacity:.65">{html.escape(translated(name))}</td>'
        f'<td style="text-align:left;font-variant-numeric:tabular-nums">'
        f"{html.escape(str(known(value)))}</td></tr>"
        for name, value in numbers.items()
    )
    return f'<table style="margin:0">{rows}</table>'


def data_url(image: npt.NDArray[np.uint8], *, width_px: int) -> str:
    """Return a picture as a ``data:`` URL that a page can show.

    Args:
        image: ``(H, W, 3)`` uint8 BGR.
        width_px: Width to scale it to; the height follows.
    """
    height = max(1, round(image.shape[0] * width_px / image.shape[1]))
    small = cv2.resize(image, (width_px, height), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()

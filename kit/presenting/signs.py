"""Signs to print and cut out, for who has no LEGO ones: the kit's own faces, in the right size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import ConfigError
from kit.mlops.drawing.signs import draw_face, find_face

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_MM = 45.0
"""Width of a face, millimetres: that of the virtual set's signs, which the decision's distances
are set for. Twice as wide, and the train stops from twice as far away."""

LEAST_MM, MOST_MM = 15.0, 170.0
"""Widths that can be printed on one sheet, millimetres."""

FACES = (
    "danger_exclamation",
    "danger_bend",
    "danger_rocks",
    "danger_children",
    "stop",
    "stop_octagon",
    "no_entry",
    "speed_10",
    "speed_30",
    "speed_50",
    "parking",
    "crossing",
    "bus_stop",
    "bicycles_only",
    "one_way",
    "no_horn",
)
"""Faces of the usual sheet: every kind that the train must know, and some that mean nothing."""

RULER_MM = 100.0
"""Length of the line by which a print is measured, millimetres."""

_MEANING = {"DangerAhead": "stop", "Stop": "stop", "SpeedLimit": "slow", None: "nothing"}
_MM_PER_INCH = 25.4
_DOTS_PER_MM = 600 / _MM_PER_INCH
_MARGIN_MM = 15.0
_FOOT_MM = 24.0
_GAP_MM = 13.0
_NAME_MM = 6.0
_MARK_MM = 4.0
_OFF_MM = 2.0


class Paper(Enum):
    """Width and height of a sheet, millimetres."""

    A4 = (210.0, 297.0)
    LETTER = (215.9, 279.4)


@dataclass(frozen=True)
class Place:
    """Where a face stands on a sheet.

    Attributes:
        face: Its name.
        page: Counts the sheets from 0.
        left_mm: From the left edge of the paper to the face.
        bottom_mm: From the lower edge of the paper to the face.
    """

    face: str
    page: int
    left_mm: float
    bottom_mm: float


def lay_out(faces: Sequence[str], *, width_mm: float, paper: Paper) -> list[Place]:
    """Place faces on sheets, row by row.

    Args:
        faces: Their names, in order.
        width_mm: Width of each face, and the height of its square.
        paper: The sheet.

    Raises:
        ConfigError: If there is no such face, or the width does not fit the sheet.
    """
    if not faces:
        raise ConfigError("There is no sign to print", expected="one face at least")
    for face in faces:
        find_face(face)
    if not LEAST_MM <= width_mm <= MOST_MM:
        raise ConfigError(
            "Signs of this width cannot be printed",
            expected=f"{LEAST_MM:g} to {MOST_MM:g} mm",
            got=f"{width_mm:g} mm",
        )
    across, down = paper.value
    step_x, step_y = width_mm + _GAP_MM, width_mm + _GAP_MM + _NAME_MM
    columns = max(1, math.floor((across - 2 * _MARGIN_MM + _GAP_MM) / step_x))
    rows = max(1, math.floor((down - 2 * _MARGIN_MM - _FOOT_MM + _GAP_MM) / step_y))
    left = (across - columns * step_x + _GAP_MM) / 2
    places = []
    for index, face in enumerate(faces):
        page, cell = divmod(index, columns * rows)
        row, column = divmod(cell, columns)
        places.append(
            Place(
                face=face,
                page=page,
                left_mm=left + column * step_x,
                bottom_mm=down - _MARGIN_MM - row * step_y - width_mm,
            )
        )
    return places


def write_signs(
    path: Path,
    *,
    faces: Sequence[str] = FACES,
    width_mm: float = WIDTH_MM,
    paper: Paper = Paper.A4,
) -> int:
    """Write a PDF of signs to cut out.

    Args:
        path: The file.
        faces: Names of `kit.mlops.drawing.signs.FACES`, or ``speed_N``; one twice is printed twice.
        width_mm: Width of each face, millimetres.
        paper: The sheet.

    Returns:
        How many sheets it has.

    Raises:
        ConfigError: If a face or the width cannot be, or the file cannot be written.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    places = lay_out(faces, width_mm=width_mm, paper=paper)
    facts = {"Title": "Signs to cut out", "Creator": "runaway-train-kit"}
    try:
        with PdfPages(path, metadata=facts) as pdf:
            for figure in draw_sheets(places, width_mm=width_mm, paper=paper):
                pdf.savefig(figure)
    except OSError as error:
        raise ConfigError(
            f"The signs cannot be written to {path}", got=str(error), fix="name another file: --out"
        ) from error
    return places[-1].page + 1


def draw_sheets(places: Sequence[Place], *, width_mm: float, paper: Paper) -> Iterator[Figure]:
    """Draw the sheets as figures of the paper's size.

    Args:
        places: What `lay_out` returned.
        width_mm: As it was given there.
        paper: As it was given there.
    """
    pages = places[-1].page + 1
    for page in range(pages):
        yield _sheet(
            [place for place in places if place.page == page],
            width_mm=width_mm,
            paper=paper,
            number=f"sheet {page + 1} of {pages}",
        )


def _sheet(places: Sequence[Place], *, width_mm: float, paper: Paper, number: str) -> Figure:
    from matplotlib.figure import Figure

    across, down = paper.value
    figure = Figure(figsize=(across / _MM_PER_INCH, down / _MM_PER_INCH))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, across), ylim=(0, down))
    axes.axis("off")
    dots = round(width_mm * _DOTS_PER_MM)
    for place in places:
        left, bottom = place.left_mm, place.bottom_mm
        face = draw_face(place.face, min(dots, 2000))[:, :, [2, 1, 0, 3]]  # BGRA to RGBA
        axes.imshow(
            face,
            extent=(left, left + width_mm, bottom, bottom + width_mm),
            interpolation="none",
            zorder=2,
        )
        _cut_marks(axes, left, bottom, width_mm)
        meaning = _MEANING[find_face(place.face).label]
        words = f"{place.face.replace('_', ' ')} · means: {meaning}"
        middle = left + width_mm / 2
        axes.text(middle, bottom - _MARK_MM - 1, words, ha="center", va="top", size=6, color="#555")
    _foot(axes, across, width_mm=width_mm, number=number)
    axes.set(xlim=(0, across), ylim=(0, down), aspect="auto")
    return figure


def _cut_marks(axes: Axes, left: float, bottom: float, width: float) -> None:
    """Draw two short lines outside of each corner of a face's square."""
    for x, outward_x in ((left, -1), (left + width, 1)):
        for y, outward_y in ((bottom, -1), (bottom + width, 1)):
            for run_x, run_y in ((outward_x, 0), (0, outward_y)):
                start = (x + _OFF_MM * run_x, y + _OFF_MM * run_y)
                end = (x + _MARK_MM * run_x, y + _MARK_MM * run_y)
                axes.plot([start[0], end[0]], [start[1], end[1]], color="black", linewidth=0.5)


def _foot(axes: Axes, across: float, *, width_mm: float, number: str) -> None:
    left, y = (across - RULER_MM) / 2, 22.0
    axes.plot([left, left + RULER_MM], [y, y], color="black", linewidth=0.7)
    for tick in range(0, round(RULER_MM) + 1, 10):
        axes.plot([left + tick] * 2, [y - 1.2, y + 1.2], color="black", linewidth=0.5)
    lines = (
        "Print at 100 %, without fitting to the page:",
        f"this line is {RULER_MM:.0f} mm long, and each sign {width_mm:g} mm wide.",
        "Glue the sheet to thin card, cut along the marks, then around the shape.",
        f"The middle of a face stands 85 mm above the table. · runaway-train kit · {number}",
    )
    for row, words in enumerate(lines):
        axes.text(across / 2, y - 3 - 3.4 * row, words, ha="center", va="top", size=6, color="#333")

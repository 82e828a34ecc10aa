"""The little pictures on the signs, each drawn on a surface that spans -1..1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.mlops.drawing.canvas import Canvas, Colour, Point

Pictogram = Callable[[Canvas, Colour], None]


def _exclamation(c: Canvas, ink: Colour) -> None:
    c.polygon([(-0.14, -0.85), (0.14, -0.85), (0.07, 0.35), (-0.07, 0.35)], ink, rounding=0.06)
    c.disc((0, 0.75), 0.17, ink)


def _person(c: Canvas, ink: Colour, *, stride: float = 0.45) -> None:
    c.disc((0, -0.78), 0.2, ink)
    c.line([(0, -0.5), (0, 0.15)], ink, width=0.34)
    c.line([(-0.5, 0.05), (-0.1, -0.42), (0.2, -0.42), (0.55, 0.0)], ink, width=0.14)
    c.line([(-stride, 0.92), (-0.08, 0.2), (0.1, 0.2), (stride, 0.9)], ink, width=0.2)


def _children(c: Canvas, ink: Colour) -> None:
    _person(c.view((-0.42, 0.22), 0.72), ink)
    _person(c.view((0.45, -0.02), 0.85), ink)


def _locomotive(c: Canvas, ink: Colour) -> None:
    c.rectangle((-0.85, -0.05), (1.25, 0.5), ink, rounding=0.08)
    c.rectangle((0.2, -0.5), (0.6, 0.98), ink)
    c.rectangle((-0.68, -0.45), (0.22, 0.5), ink)
    for x, y, r in ((-0.5, -0.62, 0.16), (-0.2, -0.78, 0.2), (0.18, -0.82, 0.16)):
        c.disc((x, y), r, ink)
    for x in (-0.62, -0.18, 0.3, 0.66):
        c.disc((x, 0.58), 0.2, ink)
    c.polygon([(-0.85, 0.4), (-1.05, 0.7), (-0.8, 0.7)], ink)


def _digging(c: Canvas, ink: Colour) -> None:
    c.disc((-0.15, -0.75), 0.2, ink)
    c.line([(-0.3, -0.4), (-0.5, 0.2)], ink, width=0.3)
    c.line([(-0.3, -0.4), (0.1, -0.05), (0.3, 0.3)], ink, width=0.13)
    c.line([(-0.1, -0.15), (0.55, 0.6)], ink, width=0.09)
    c.line([(-0.5, 0.2), (-0.15, 0.5), (-0.2, 0.92)], ink, width=0.18)
    c.line([(-0.5, 0.2), (-0.75, 0.92)], ink, width=0.18)
    c.polygon([(0.2, 0.95), (0.6, 0.4), (1.05, 0.95)], ink)


def _gate(c: Canvas, ink: Colour) -> None:
    for x in (-0.75, -0.38, 0.0, 0.38, 0.75):
        c.line([(x, -0.5), (x, 0.85)], ink, width=0.13)
        c.polygon([(x - 0.1, -0.45), (x, -0.75), (x + 0.1, -0.45)], ink)
    for y in (-0.25, 0.5):
        c.line([(-0.98, y), (0.98, y)], ink, width=0.13)


def _arrow(c: Canvas, ink: Colour, path: list[Point], *, width: float = 0.2) -> None:
    c.line(path, ink, width=width)
    tail, tip = np.array(path[-2]), np.array(path[-1])
    along = (tip - tail) / (np.hypot(*(tip - tail)) + 1e-9)
    across = np.array([-along[1], along[0]])
    corners = [tip + along * 0.4, tip + across * 0.3, tip - across * 0.3]
    c.polygon([(float(x), float(y)) for x, y in corners], ink)


def _bend(c: Canvas, ink: Colour) -> None:
    _arrow(c, ink, [(-0.3, 0.9), (-0.3, 0.1), (0.25, -0.25), (0.45, -0.5)])


def _double_bend(c: Canvas, ink: Colour) -> None:
    _arrow(c, ink, [(0.3, 0.95), (0.3, 0.5), (-0.3, 0.1), (0.1, -0.3), (0.1, -0.5)])


def _crossroads(c: Canvas, ink: Colour) -> None:
    c.line([(-0.6, -0.45), (0.6, 0.8)], ink, width=0.26)
    c.line([(0.6, -0.45), (-0.6, 0.8)], ink, width=0.26)


def _two_way(c: Canvas, ink: Colour) -> None:
    _arrow(c, ink, [(-0.35, 0.8), (-0.35, -0.3)], width=0.18)
    _arrow(c, ink, [(0.35, -0.6), (0.35, 0.45)], width=0.18)


def _bumps(c: Canvas, ink: Colour) -> None:
    for x in (-0.45, 0.45):
        c.ellipse((x, 0.5), (0.42, 0.5), ink)
    c.rectangle((-1.0, 0.5), (2.0, 0.35), ink)


def _rocks(c: Canvas, ink: Colour) -> None:
    c.polygon([(0.95, -0.7), (0.3, -0.5), (0.45, 0.1), (0.1, 0.9), (0.95, 0.9)], ink)
    for x, y, r in ((-0.05, 0.1, 0.16), (-0.45, 0.45, 0.2), (-0.2, 0.75, 0.13)):
        c.disc((x, y), r, ink)


def _deer(c: Canvas, ink: Colour) -> None:
    c.line([(-0.7, 0.25), (0.2, -0.05)], ink, width=0.38)
    c.line([(0.2, -0.1), (0.5, -0.5), (0.85, -0.45)], ink, width=0.2)
    c.line([(0.5, -0.5), (0.3, -0.95), (0.55, -0.75)], ink, width=0.08)
    for x, foot in ((-0.7, -0.95), (-0.55, -0.4), (0.15, 0.5), (0.2, 0.85)):
        c.line([(x, 0.25), (foot, 0.75)], ink, width=0.12)


def _car(c: Canvas, ink: Colour) -> None:
    c.rectangle((-0.85, -0.1), (1.7, 0.6), ink, rounding=0.15)
    c.polygon([(-0.6, -0.1), (-0.4, -0.6), (0.4, -0.6), (0.6, -0.1)], ink)
    for x in (-0.55, 0.55):
        c.rectangle((x - 0.15, 0.4), (0.3, 0.35), ink)


def _slippery(c: Canvas, ink: Colour) -> None:
    _car(c.view((0, -0.35), 0.6), ink)
    for x in (-0.35, 0.35):
        track = [(x, 0.15), (x - 0.2, 0.4), (x + 0.2, 0.65), (x - 0.05, 0.92)]
        c.line(track, ink, width=0.12)


def _bicycle(c: Canvas, ink: Colour) -> None:
    for x in (-0.55, 0.55):
        turn = np.linspace(0, 2 * np.pi, 40)
        rim = [(float(x + 0.36 * np.cos(t)), float(0.3 + 0.36 * np.sin(t))) for t in turn]
        c.line(rim, ink, width=0.1)
    frame: list[Point] = [(-0.55, 0.3), (-0.2, -0.2), (0.4, -0.2), (0.0, 0.3), (-0.55, 0.3)]
    c.line(frame, ink, width=0.1)
    c.line([(0.0, 0.3), (-0.28, -0.42), (-0.42, -0.42)], ink, width=0.1)
    c.line([(0.55, 0.3), (0.35, -0.5), (0.6, -0.55)], ink, width=0.1)


def _bus(c: Canvas, ink: Colour) -> None:
    c.rectangle((-0.95, -0.5), (1.9, 0.85), ink, rounding=0.1)
    for x in (-0.5, 0.5):
        c.disc((x, 0.4), 0.22, ink)


def _horn(c: Canvas, ink: Colour) -> None:
    c.polygon(
        [(-0.95, -0.4), (-0.4, -0.08), (0.7, -0.08), (0.7, 0.12), (-0.4, 0.12), (-0.95, 0.45)], ink
    )
    c.line([(-0.1, 0.1), (-0.05, 0.4), (0.8, 0.4), (0.9, 0.2), (0.7, 0.02)], ink, width=0.11)


PICTOGRAMS: dict[str, Pictogram] = {
    "exclamation": _exclamation,
    "children": _children,
    "locomotive": _locomotive,
    "digging": _digging,
    "gate": _gate,
    "bend": _bend,
    "double_bend": _double_bend,
    "crossroads": _crossroads,
    "two_way": _two_way,
    "bumps": _bumps,
    "rocks": _rocks,
    "deer": _deer,
    "slippery": _slippery,
    "person": _person,
    "car": _car,
    "bicycle": _bicycle,
    "bus": _bus,
    "horn": _horn,
    "up": lambda c, ink: _arrow(c, ink, [(0, 0.85), (0, -0.4)], width=0.3),
    "side": lambda c, ink: _arrow(c, ink, [(-0.8, 0), (0.4, 0)], width=0.3),
}
"""Name of each pictogram and the function that draws it."""


def doodle(c: Canvas, ink: Colour, *, seed: int) -> None:
    """Draw a made-up pictogram, so that a model learns the sign and not its pictograms.

    Args:
        c: Surface to draw on.
        ink: BGR colour.
        seed: The same seed draws the same pictogram.
    """
    rng = np.random.default_rng(seed)
    for _ in range(int(rng.integers(2, 6))):
        points = [(float(x), float(y)) for x, y in rng.uniform(-0.85, 0.85, (4, 2))]
        shape = int(rng.integers(3))
        if shape == 0:
            c.line(points[: int(rng.integers(2, 5))], ink, width=float(rng.uniform(0.1, 0.3)))
        elif shape == 1:
            c.disc(points[0], float(rng.uniform(0.1, 0.3)), ink)
        else:
            c.polygon([(x * 0.6, y * 0.8) for x, y in points[:3]], ink)

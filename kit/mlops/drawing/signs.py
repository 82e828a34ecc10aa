"""The faces of the traffic signs, drawn by the kit.

The training pictures and the virtual set both use them. ``draw_face("speed_30", 512)`` gives
the face as on a LEGO sign; a `Style` varies its colours and proportions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kit.errors import ConfigError
from kit.mlops.drawing.canvas import FONTS, Canvas, Colour, Point
from kit.mlops.drawing.pictograms import PICTOGRAMS, doodle

CLASSES = ("SpeedLimit", "DangerAhead", "Stop")
"""Class names of the model; the position is the class id."""

OTHER = len(CLASSES)
"""Class id of every other sign, learnt in training and never reported."""


@dataclass(frozen=True)
class Style:
    """Colours (BGR) and proportions of a face; the defaults are those of the LEGO signs.

    Lengths are in half face widths. ``stretch`` widens text and pictograms.
    """

    yellow: Colour = (22, 205, 246)
    red: Colour = (46, 22, 206)
    blue: Colour = (205, 128, 8)
    white: Colour = (240, 242, 243)
    black: Colour = (26, 24, 24)
    rim: float = 0.13
    ring: float = 0.09
    border: float = 0.1
    rounding: float = 0.13
    ink_scale: float = 1.0
    stretch: float = 1.0
    font: str = "bold"


@dataclass(frozen=True)
class Face:
    """One sign of the catalogue.

    Attributes:
        name: Key in `FACES`.
        label: Class name that a detector should report, None for signs to be ignored.
        shape: Silhouette: ``disc``, ``triangle``, ``octagon``, ``square``, ``diamond``,
            ``yield`` (a triangle on its tip) or ``lamp`` (an upright box).
        paint: Draws the face on a surface.
    """

    name: str
    label: str | None
    shape: str
    paint: Callable[[Canvas, Style], None] = field(repr=False)

    @property
    def class_id(self) -> int:
        """Position of the label in `CLASSES`, or `OTHER`."""
        return OTHER if self.label is None else CLASSES.index(self.label)


def draw_face(name: str, size_px: int, *, style: Style | None = None) -> NDArray[np.uint8]:
    """Draw a face of the catalogue.

    Args:
        name: A key of `FACES`, or ``speed_N`` with any number N of 1 to 3 digits, or
            ``danger_doodle_N`` for a warning with a made-up pictogram, or ``warning_X`` for
            ``danger_X`` as it looks on European roads, white with a red border.
        size_px: Edge length of the square picture; the silhouette touches its edges.
        style: Colours and proportions; None for the LEGO signs'.

    Returns:
        BGRA picture (size_px, size_px, 4) uint8, alpha 0 outside the silhouette.

    Raises:
        ConfigError: If there is no such face.
    """
    canvas = Canvas(size_px)
    find_face(name).paint(canvas, style or _default_style(name))
    return canvas.finish()


@lru_cache(maxsize=1024)
def find_face(name: str) -> Face:
    """Return the face of this name, making numbered ones as needed.

    Raises:
        ConfigError: If there is no such face.
    """
    if name in FACES:
        return FACES[name]
    kind, _, number = name.rpartition("_")
    if kind == "speed" and number.isdigit() and 1 <= len(number) <= 3:
        return _speed(number)
    if kind == "danger_doodle" and number.isdigit():
        return _danger(name, lambda c, ink: doodle(c, ink, seed=int(number)))
    family, _, pictogram = name.partition("_")
    if family == "warning" and f"danger_{pictogram}" in FACES:
        return _warning(name, PICTOGRAMS[pictogram])
    raise ConfigError(
        "There is no such sign", expected=f"one of {', '.join(sorted(FACES))}", got=name
    )


def _default_style(name: str) -> Style:
    return Style(font="plain", ink_scale=0.92) if name == "speed_50" else Style()


# --- silhouettes: each spans the whole surface ------------------------------------------------

_SLANT = 0.88  # height of a triangle in widths


def _triangle(c: Canvas, colour: Colour, *, inset: float, rounding: float) -> None:
    reach = 1 - rounding
    low, high = _SLANT * reach, -_SLANT + rounding * 1.35
    middle = (high + 2 * low) / 3
    scale = 1 - inset / (low - middle + rounding)
    corners = [(-reach, low), (reach, low), (0.0, high)]
    shrunk = [(x * scale, middle + (y - middle) * scale) for x, y in corners]
    c.polygon(shrunk, colour, rounding=max(rounding * scale, 0.02))


def _octagon(c: Canvas, colour: Colour, *, inset: float) -> None:
    turn = np.pi / 8 + np.arange(8) * np.pi / 4
    radius = (1 - inset) / np.cos(np.pi / 8)
    c.polygon([(float(radius * np.cos(t)), float(radius * np.sin(t))) for t in turn], colour)


def _square(c: Canvas, colour: Colour, *, inset: float = 0.0) -> None:
    edge = 1 - inset
    c.rectangle((-edge, -edge), (2 * edge, 2 * edge), colour, rounding=0.06)


# --- families ---------------------------------------------------------------------------------


def _speed(number: str) -> Face:
    def paint(c: Canvas, s: Style) -> None:
        c.disc((0, 0), 1.0, s.white)
        c.disc((0, 0), 1 - s.rim, s.red)
        inner = 1 - s.rim - s.ring
        c.disc((0, 0), inner, s.white)
        width = min({1: 0.55, 2: 1.2, 3: 1.4}[len(number)] * s.stretch, 1.45) * s.ink_scale * inner
        height = (0.86 if len(number) < 3 else 0.66) * s.ink_scale * inner
        c.text(number, (0, 0), s.black, size=(width, height), font=s.font)

    return Face(f"speed_{number}", "SpeedLimit", "disc", paint)


def _danger(name: str, pictogram: Callable[[Canvas, Colour], None]) -> Face:
    def paint(c: Canvas, s: Style) -> None:
        rim = s.rim * 0.75
        _triangle(c, s.yellow, inset=0, rounding=s.rounding)
        _triangle(c, s.black, inset=rim, rounding=s.rounding)
        _triangle(c, s.yellow, inset=rim + s.border, rounding=s.rounding)
        pictogram(c.view((0, 0.27), 0.42 * s.ink_scale), s.black)

    return Face(name, "DangerAhead", "triangle", paint)


def _warning(name: str, pictogram: Callable[[Canvas, Colour], None]) -> Face:
    """A warning as on European roads: white, with a red border."""

    def paint(c: Canvas, s: Style) -> None:
        rim = s.rim * 0.4
        _triangle(c, s.white, inset=0, rounding=s.rounding)
        _triangle(c, s.red, inset=rim, rounding=s.rounding)
        _triangle(c, s.white, inset=rim + 1.5 * s.border, rounding=s.rounding)
        pictogram(c.view((0, 0.27), 0.36 * s.ink_scale), s.black)

    return Face(name, "DangerAhead", "triangle", paint)


def _red_plate(name: str, shape: str, mark: Callable[[Canvas, Style], None]) -> Face:
    def paint(c: Canvas, s: Style) -> None:
        for inset, colour in ((0.0, s.white), (s.rim * 0.6, s.red)):
            if shape == "disc":
                c.disc((0, 0), 1 - inset, colour)
            else:
                _octagon(c, colour, inset=inset)
        mark(c, s)

    return Face(name, "Stop", shape, paint)


def _stop_word(c: Canvas, s: Style) -> None:
    size = (1.45 * s.ink_scale, 0.5 * s.ink_scale)
    c.text("STOP", (0, 0), s.white, size=size, font=s.font)


def _bar(c: Canvas, s: Style) -> None:
    width, height = 1.45 * s.ink_scale, 0.3 * s.ink_scale
    c.rectangle((-width / 2, -height / 2), (width, height), s.white)


def _blue(name: str, shape: str, mark: Callable[[Canvas, Style], None]) -> Face:
    def paint(c: Canvas, s: Style) -> None:
        for inset, colour in ((0.0, s.white), (s.rim * 0.5, s.blue)):
            if shape == "disc":
                c.disc((0, 0), 1 - inset, colour)
            else:
                _square(c, colour, inset=inset)
        mark(c, s)

    return Face(name, None, shape, paint)


def _white_mark(pictogram: str, scale: float = 0.62) -> Callable[[Canvas, Style], None]:
    def mark(c: Canvas, s: Style) -> None:
        PICTOGRAMS[pictogram](c.view((0, 0), scale * s.ink_scale), s.white)

    return mark


def _parking(c: Canvas, s: Style) -> None:
    c.text("P", (0, 0), s.white, size=(0.8 * s.ink_scale * s.stretch, 1.15 * s.ink_scale))


def _bus_stop(c: Canvas, s: Style) -> None:
    c.rectangle((-0.82, -0.82), (1.64, 1.0), s.white)
    PICTOGRAMS["bus"](c.view((0, -0.28), 0.6), s.black)
    c.text("BUS STOP", (0, 0.56), s.white, size=(1.5, 0.32), font=s.font)


def _crossing(c: Canvas, s: Style) -> None:
    c.polygon([(-0.85, 0.72), (0.85, 0.72), (0, -0.78)], s.white)
    PICTOGRAMS["person"](c.view((0, 0.08), 0.44), s.black)
    for x in (-0.6, -0.3, 0.0, 0.3, 0.6):
        c.line([(x * 0.75, 0.5), (x, 0.72)], s.black, width=0.1)


def _no_horn(c: Canvas, s: Style) -> None:
    _square(c, s.white)
    c.disc((0, 0), 0.86, s.red)
    c.disc((0, 0), 0.86 - s.ring * 1.3, s.white)
    PICTOGRAMS["horn"](c.view((0, 0), 0.6 * s.ink_scale), s.black)
    c.line([(-0.55, -0.55), (0.55, 0.55)], s.red, width=s.ring * 1.3)


def _traffic_light(c: Canvas, s: Style) -> None:
    c.rectangle((-0.52, -1.0), (1.04, 2.0), s.yellow, rounding=0.06)
    for y, colour, mark in ((-0.46, s.red, s.yellow), (0.46, (70, 170, 40), s.white)):
        c.disc((0, y), 0.45, s.black)
        c.disc((0, y), 0.39, colour)
        PICTOGRAMS["person"](c.view((0, y), 0.28), mark)


def _priority(c: Canvas, s: Style) -> None:
    for reach, colour in ((1.0, s.white), (0.9, s.black), (0.84, s.white), (0.62, s.yellow)):
        c.polygon([(0, -reach), (reach, 0), (0, reach), (-reach, 0)], colour)


def _give_way(c: Canvas, s: Style) -> None:
    for reach, colour in ((1.0, s.red), (0.68, s.white)):
        shift = -0.3 * (1 - reach)
        corners: list[Point] = [(-reach, -0.88 * reach), (reach, -0.88 * reach), (0, 0.88 * reach)]
        c.polygon([(x, y + shift) for x, y in corners], colour)


def _end_of_limit(c: Canvas, s: Style) -> None:
    c.disc((0, 0), 1.0, s.black)
    c.disc((0, 0), 1 - s.rim * 0.5, s.white)
    for shift in (-0.25, 0.0, 0.25):
        c.line([(-0.5 + shift, 0.55), (0.5 + shift, -0.55)], s.black, width=0.09)


def _no_parking(c: Canvas, s: Style) -> None:
    c.disc((0, 0), 1.0, s.white)
    c.disc((0, 0), 0.94, s.red)
    c.disc((0, 0), 0.94 - s.ring * 1.6, s.blue)
    c.line([(-0.55, -0.55), (0.55, 0.55)], s.red, width=s.ring * 1.6)


def _catalogue() -> dict[str, Face]:
    warnings = (
        "exclamation", "children", "locomotive", "digging", "gate", "bend", "double_bend",
        "crossroads", "two_way", "bumps", "rocks", "deer", "slippery", "person",
    )  # fmt: skip
    faces = [_speed(str(n)) for n in (5, *range(10, 140, 10))]
    faces += [_danger(f"danger_{w}", PICTOGRAMS[w]) for w in warnings]
    faces += [
        _red_plate("stop", "disc", _stop_word),
        _red_plate("stop_octagon", "octagon", _stop_word),
        _red_plate("no_entry", "disc", _bar),
        _blue("parking", "square", _parking),
        _blue("bus_stop", "square", _bus_stop),
        _blue("crossing", "square", _crossing),
        _blue("one_way", "square", _white_mark("up")),
        _blue("cars_only", "disc", _white_mark("car")),
        _blue("bicycles_only", "disc", _white_mark("bicycle", 0.75)),
        _blue("pedestrians_only", "disc", _white_mark("person")),
        _blue("keep_side", "disc", _white_mark("side")),
        Face("no_horn", None, "square", _no_horn),
        Face("traffic_light", None, "lamp", _traffic_light),
        Face("priority", None, "diamond", _priority),
        Face("give_way", None, "yield", _give_way),
        Face("end_of_limit", None, "disc", _end_of_limit),
        Face("no_parking", None, "disc", _no_parking),
    ]
    return {face.name: face for face in faces}


FACES: dict[str, Face] = _catalogue()
"""Name and face of every sign that the kit draws."""


def random_style(rng: np.random.Generator) -> Style:
    """Return a style with random colours and proportions, for training pictures."""

    def near(colour: Colour, spread: int) -> Colour:
        b, g, r = np.clip(np.array(colour) + rng.integers(-spread, spread + 1, 3), 0, 255)
        return int(b), int(g), int(r)

    base = Style()
    return Style(
        yellow=near(base.yellow, 22),
        red=near(base.red, 22),
        blue=near(base.blue, 40),
        white=near(base.white, 12),
        black=near(base.black, 20),
        rim=float(rng.uniform(0.02, 0.2)),
        ring=float(rng.uniform(0.06, 0.2)),
        border=float(rng.uniform(0.06, 0.16)),
        rounding=float(rng.uniform(0.04, 0.2)),
        ink_scale=float(rng.uniform(0.8, 1.1)),
        stretch=float(rng.uniform(0.75, 1.15)),
        font=str(rng.choice(list(FONTS))),
    )

"""Things that stand before or hang on the walls of a room.

Each function paints one thing on a wall, with its left edge at ``x`` metres, and returns how
wide it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.sim.scene.lights import Light
from kit.sim.scene.wall import Colour, Wall

Item = Callable[[Wall, float, Light, np.random.Generator], float]
"""A painter of one thing."""

_WOODS: tuple[Colour, ...] = ((96, 148, 190), (52, 86, 124), (150, 190, 214), (40, 52, 70))
_CLOTHS: tuple[Colour, ...] = (
    (96, 72, 44), (60, 64, 150), (84, 110, 70), (150, 140, 130), (120, 84, 120), (52, 48, 46),
)  # fmt: skip


def _pick(colours: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _tint(colour: Colour, factor: float) -> Colour:
    blue, green, red = (min(channel * factor, 255) for channel in colour)
    return blue, green, red


def door(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A panelled door in its frame."""
    colour = _pick(((222, 226, 228), (206, 214, 220), (84, 120, 156)), rng)
    wall.box(x, 0, 1.0, 2.16, _tint(colour, 0.88))
    wall.box(x + 0.07, 0, 0.86, 2.08, colour)
    for low, high in ((0.18, 0.8), (0.98, 1.92)):
        for left in (0.16, 0.55):
            wall.box(x + left, low, 0.3, high - low, _tint(colour, 0.86))
            wall.box(x + left + 0.03, low + 0.03, 0.24, high - low - 0.06, _tint(colour, 1.04))
    wall.disc(x + 0.86, 1.02, 0.035, (70, 110, 140))
    return 1.0


def window(wall: Wall, x: float, light: Light, rng: np.random.Generator) -> float:
    """A window with curtains, and what the day is like outside."""
    wide, low, high = float(rng.uniform(1.1, 1.7)), 0.85, 2.25
    sky = (250 * light.window + 18, 236 * light.window + 10, 222 * light.window + 8)
    wall.box(x - 0.06, low - 0.06, wide + 0.12, high - low + 0.12, (226, 230, 232))
    wall.box(x, low, wide, high - low, (90, 74, 60))
    wall.box(x, low + 0.3, wide, high - low - 0.3, (236, 214, 190))
    roofs = low + 0.3 + np.abs(np.cumsum(rng.normal(0, 0.07, 12)))
    steps = np.linspace(x, x + wide, 12)
    wall.polygon(
        [(x, low), *zip(steps.tolist(), roofs.tolist(), strict=True), (x + wide, low)],
        (128, 124, 110),
    )
    for share in (0.0, 0.5, 1.0):
        wall.box(x + share * wide - 0.025, low, 0.05, high - low, (228, 232, 234))
    cloth = _pick(_CLOTHS, rng)
    for left in (x - 0.22, x + wide - 0.1):
        for fold in range(6):
            wall.box(left + fold * 0.055, 0.45, 0.055, 1.95, _tint(cloth, 0.9 + 0.25 * (fold % 2)))
    wall.glow(x + wide / 2, (low + high) / 2, 0.75, _tint(sky, 0.75))
    return wide + 0.2


def shelf(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A bookshelf."""
    wood, wide, high = _pick(_WOODS, rng), 1.1, float(rng.uniform(1.6, 2.2))
    wall.box(x, 0, wide, high, _tint(wood, 0.9))
    level = 0.08
    while level < high - 0.2:
        wall.box(x + 0.03, level, wide - 0.06, 0.32, _tint(wood, 0.42))
        at = x + 0.04
        while at < x + wide - 0.12:
            thick, tall = float(rng.uniform(0.025, 0.06)), float(rng.uniform(0.16, 0.29))
            if rng.random() < 0.85:
                cover = (*rng.uniform(30, 190, 3).tolist(),)
                wall.box(at, level, thick, tall, (cover[0], cover[1], cover[2]))
            at += thick + 0.004
        level += 0.36
    return wide


def radiator(wall: Wall, x: float, _light: Light, _rng: np.random.Generator) -> float:
    """A ribbed radiator."""
    for rib in range(14):
        wall.box(x + rib * 0.1, 0.14, 0.09, 0.66, (222, 226, 228))
        wall.box(x + rib * 0.1 + 0.075, 0.14, 0.02, 0.66, (176, 180, 184))
    wall.box(x, 0.78, 1.4, 0.03, (236, 238, 240))
    return 1.4


def pictures(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """Framed pictures."""
    at = x
    for _ in range(int(rng.integers(2, 4))):
        wide, high = rng.uniform(0.3, 0.6, 2).tolist()
        low = 1.35 + float(rng.uniform(-0.1, 0.15))
        wall.box(at, low, wide, high, _pick(((30, 30, 32), (90, 150, 190), (230, 232, 232)), rng))
        ground = (*rng.uniform(90, 220, 3).tolist(),)
        wall.box(at + 0.03, low + 0.03, wide - 0.06, high - 0.06, (ground[0], ground[1], ground[2]))
        for _ in range(4):
            spot = (*rng.uniform(40, 230, 3).tolist(),)
            place = rng.uniform(0.25, 0.75, 2)
            wall.disc(
                at + wide * place[0],
                low + high * place[1],
                wide * 0.14,
                (spot[0], spot[1], spot[2]),
            )
        at += wide + 0.18
    return at - x


def floor_lamp(wall: Wall, x: float, light: Light, rng: np.random.Generator) -> float:
    """A lamp on a tall foot."""
    tall = float(rng.uniform(1.35, 1.6))
    wall.box(x + 0.2, 0, 0.025, tall, (40, 40, 42))
    wall.box(x + 0.08, 0, 0.26, 0.03, (40, 40, 42))
    shade = (170, 214, 236) if light.lamps else (190, 205, 212)
    wall.polygon(
        [(x, tall), (x + 0.42, tall), (x + 0.33, tall + 0.32), (x + 0.09, tall + 0.32)], shade
    )
    if light.lamps:
        wall.glow(x + 0.21, tall + 0.14, 0.26, (120, 190, 235))
        wall.glow(x + 0.21, tall + 0.2, 0.95, (34, 66, 96))
    return 0.45


def plant(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A plant in a pot."""
    wall.polygon(
        [(x + 0.16, 0.35), (x + 0.46, 0.35), (x + 0.41, 0), (x + 0.21, 0)],
        _pick(((70, 96, 160), (220, 222, 224), (60, 60, 62)), rng),
    )
    for _ in range(26):
        lean, tall = float(rng.uniform(-0.34, 0.34)), float(rng.uniform(0.35, 1.0))
        green = (
            float(rng.uniform(30, 70)),
            float(rng.uniform(80, 140)),
            float(rng.uniform(30, 80)),
        )
        middle = (x + 0.31 + lean * 0.35, 0.35 + tall * 0.65)
        wall.line([(x + 0.31, 0.34), middle, (x + 0.31 + lean, 0.35 + tall)], 0.045, green)
    return 0.65


def guitar(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A guitar that leans against the wall."""
    body = _pick(((60, 110, 170), (40, 60, 110), (36, 34, 90), (150, 160, 160)), rng)
    wall.disc(x + 0.25, 0.3, 0.19, body)
    wall.disc(x + 0.26, 0.56, 0.14, body)
    wall.disc(x + 0.255, 0.45, 0.05, (24, 24, 26))
    wall.line([(x + 0.26, 0.48), (x + 0.3, 1.12)], 0.045, (34, 48, 66))
    wall.line([(x + 0.3, 1.1), (x + 0.312, 1.26)], 0.075, _tint(body, 0.6))
    return 0.5


def sofa(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A sofa with cushions."""
    cloth = _pick(_CLOTHS, rng)
    wall.box(x, 0.1, 1.9, 0.75, _tint(cloth, 1.1))
    wall.box(x + 0.12, 0.1, 1.66, 0.36, _tint(cloth, 1.35))
    for left in (0.0, 1.74):
        wall.box(x + left, 0.05, 0.18, 0.6, cloth)
    for left in (0.3, 1.25):
        wall.box(x + left, 0.45, 0.36, 0.32, _tint(_pick(_CLOTHS, rng), 1.3))
    return 1.9


def whiteboard(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A whiteboard with a plan on it."""
    wall.box(x, 0.95, 1.8, 1.1, (150, 150, 150))
    wall.box(x + 0.03, 0.98, 1.74, 1.04, (238, 240, 240))
    for _ in range(5):
        ink = _pick(((150, 60, 30), (40, 40, 180), (40, 40, 40), (60, 130, 40)), rng)
        start = rng.uniform((0.2, 1.1), (1.5, 1.9))
        path = start + np.cumsum(rng.normal(0, 0.08, (7, 2)), axis=0)
        low, high = (x + 0.1, 1.05), (x + 1.7, 1.95)
        points = np.clip(path + np.array([x, 0]), low, high)
        wall.line([(float(a), float(b)) for a, b in points], 0.014, ink)
    return 1.8


def desk(wall: Wall, x: float, light: Light, rng: np.random.Generator) -> float:
    """A desk with two screens."""
    wall.box(x, 0.7, 1.7, 0.04, _pick(_WOODS, rng))
    for left in (0.04, 1.6):
        wall.box(x + left, 0, 0.05, 0.7, (70, 70, 72))
    for left in (0.18, 0.92):
        wall.box(x + left + 0.28, 0.74, 0.05, 0.14, (40, 40, 42))
        wall.box(x + left, 0.86, 0.62, 0.38, (28, 28, 30))
        screen = (*rng.uniform(50, 140, 3).tolist(),)
        wall.box(x + left + 0.02, 0.88, 0.58, 0.34, (screen[0], screen[1], screen[2]))
        for row in range(7):
            long = float(rng.uniform(0.08, 0.4))
            wall.box(x + left + 0.05, 0.91 + row * 0.04, long, 0.014, (200, 214, 204))
        if light.window < 0.5:
            wall.glow(x + left + 0.3, 1.05, 0.3, (70, 50, 34))
    return 1.7


def cabinet(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A low cabinet with drawers, and a few things on it."""
    colour = _pick(((176, 178, 180), (120, 110, 96), (96, 148, 190)), rng)
    wall.box(x, 0, 1.2, 0.9, colour)
    for row in range(3):
        for column in (0, 1):
            wall.box(x + 0.03 + column * 0.58, 0.05 + row * 0.28, 0.55, 0.25, _tint(colour, 1.12))
            wall.box(x + 0.24 + column * 0.58, 0.2 + row * 0.28, 0.14, 0.02, (60, 60, 60))
    wall.disc(x + 0.3, 1.0, 0.1, _pick(_CLOTHS, rng), 1.3)
    wall.box(x + 0.7, 0.9, 0.3, 0.16, _pick(_CLOTHS, rng))
    return 1.2


def pegboard(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """Tools on a board above a workbench."""
    wall.box(x, 1.0, 2.0, 1.0, (120, 160, 184))
    for _ in range(11):
        at, tall = x + float(rng.uniform(0.1, 1.8)), float(rng.uniform(0.2, 0.5))
        handle = _pick(((40, 40, 180), (40, 130, 200), (30, 30, 30), (140, 80, 30)), rng)
        wall.box(at, 1.9 - tall, 0.03, tall * 0.6, (150, 152, 154))
        wall.box(at - 0.012, 1.9 - tall * 0.45, 0.054, tall * 0.42, handle)
    wall.box(x - 0.1, 0.82, 2.2, 0.07, (80, 120, 150))
    for left in (0.0, 1.95):
        wall.box(x + left, 0, 0.08, 0.82, (60, 92, 120))
    return 2.1


def crates(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A steel rack with coloured crates."""
    for left in (0.0, 1.36):
        wall.box(x + left, 0, 0.04, 2.0, (110, 112, 114))
    colours = ((150, 80, 40), (60, 60, 160), (90, 130, 60), (120, 122, 124), (60, 120, 170))
    for row in range(4):
        level = 0.1 + row * 0.48
        wall.box(x, level, 1.4, 0.03, (130, 132, 134))
        for column in range(3):
            if rng.random() < 0.85:
                colour = _pick(colours, rng)
                wall.box(x + 0.07 + column * 0.44, level + 0.03, 0.4, 0.3, colour)
                wall.box(x + 0.17 + column * 0.44, level + 0.13, 0.2, 0.08, _tint(colour, 1.5))
    return 1.4


def banner(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A tall banner of the fair."""
    colour = _pick(((120, 50, 20), (40, 30, 130), (70, 90, 30), (60, 24, 70)), rng)
    wall.box(x, 0.3, 0.95, 2.9, colour)
    wall.box(x, 2.6, 0.95, 0.6, _tint(colour, 1.9))
    for row, word in enumerate(("MODEL", "TRAIN", "DAYS")):
        wall.text(word, x + 0.1, 2.1 - row * 0.34, 0.2, (240, 240, 240))
    wall.line([(x + 0.12, 0.9), (x + 0.5, 1.0), (x + 0.83, 0.8)], 0.06, _tint(colour, 2.6))
    return 1.0


def big_screen(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """A bright video wall."""
    wall.box(x, 1.1, 2.4, 1.4, (16, 16, 18))
    colour = (
        float(rng.uniform(120, 230)),
        float(rng.uniform(70, 160)),
        float(rng.uniform(40, 150)),
    )
    wall.box(x + 0.05, 1.15, 2.3, 1.3, colour)
    for _ in range(5):
        spot = rng.uniform((0.4, 1.4), (2.0, 2.2))
        wall.disc(x + spot[0], spot[1], float(rng.uniform(0.1, 0.3)), _tint(colour, 1.35))
    wall.glow(x + 1.2, 1.8, 0.9, _tint(colour, 0.4))
    return 2.4


def crowd(wall: Wall, x: float, _light: Light, rng: np.random.Generator) -> float:
    """People who stand and watch, in two rows."""
    count = int(rng.integers(3, 6))
    for row, shade in ((0, 0.45), (1, 0.8)):
        for number in range(count):
            at = x + number * 0.55 + row * 0.25 + float(rng.uniform(-0.09, 0.09))
            _person(wall, at, float(rng.uniform(1.52, 1.88)), shade, rng)
    return count * 0.55 + 0.3


def _person(wall: Wall, x: float, tall: float, shade: float, rng: np.random.Generator) -> None:
    """Someone who stands and watches; ``x`` is the middle."""
    skin = _tint(_pick(((140, 170, 216), (70, 96, 140), (110, 140, 190)), rng), shade)
    hair = _tint(_pick(((28, 32, 40), (50, 80, 120), (120, 124, 128)), rng), shade)
    shirt = _tint(_pick(_CLOTHS, rng), shade)
    legs, hip, neck = _tint((70, 58, 50), shade), tall * 0.52, tall * 0.83
    for side in (-1, 1):
        wall.line([(x + side * 0.09, 0.0), (x + side * 0.08, hip)], 0.13, legs)
        hand = (x + side * float(rng.uniform(0.1, 0.27)), hip + float(rng.uniform(0.0, 0.3)))
        elbow = (x + side * 0.27, (hip + neck) / 2 - 0.05)
        wall.line([(x + side * 0.19, neck - 0.05), elbow, hand], 0.1, _tint(shirt, 0.82))
        wall.disc(*hand, 0.05, skin)
    wall.polygon(
        [(x - 0.16, hip - 0.05), (x + 0.16, hip - 0.05), (x + 0.22, neck - 0.06),
         (x + 0.1, neck), (x - 0.1, neck), (x - 0.22, neck - 0.06)],
        shirt,
    )  # fmt: skip
    wall.box(x - 0.045, neck - 0.03, 0.09, 0.1, _tint(skin, 0.85))
    wall.disc(x, tall - 0.115, 0.115, hair, 1.12)
    wall.disc(x, tall - 0.15, 0.095, skin, 1.2)


def spots(wall: Wall, x: float, light: Light, rng: np.random.Generator) -> float:
    """A truss with spotlights."""
    wall.box(x, 3.3, 2.6, 0.05, (60, 60, 62))
    wall.box(x, 3.6, 2.6, 0.05, (60, 60, 62))
    for lamp in range(4):
        at = x + 0.3 + lamp * 0.65
        wall.box(at - 0.1, 3.05, 0.2, 0.26, (30, 30, 32))
        if light.lamps:
            colour = _pick(((255, 240, 225), (255, 150, 80), (200, 90, 230), (230, 240, 255)), rng)
            wall.glow(at, 3.05, 0.16, colour)
            wall.glow(at, 2.2, 0.8, _tint(colour, 0.16))
    return 2.6

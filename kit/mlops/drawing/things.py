"""Things that are no signs but share their colours and shapes: the hard part of a background.

Each function draws one thing into a BGR uint8 image, somewhere and somehow, by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Rng = np.random.Generator
Thing = Callable[[Image, Rng], None]

_SIGN_COLOURS = np.array(
    [(20, 200, 245), (40, 25, 205), (200, 120, 10), (240, 240, 240), (25, 25, 25), (60, 160, 60)]
)


def random_colour(rng: Rng) -> tuple[float, float, float]:
    """Return a BGR colour, half the time near one of the signs'."""
    near = _SIGN_COLOURS[int(rng.integers(len(_SIGN_COLOURS)))] * rng.uniform(0.35, 1.05)
    base = near if rng.random() < 0.5 else rng.uniform(0, 255, 3)
    b, g, r = np.clip(base + rng.normal(0, 10, 3), 0, 255)
    return float(b), float(g), float(r)


def random_spot(image: Image, rng: Rng) -> tuple[int, int, int]:
    """Return a place x, y and a size in pixels."""
    height, width = image.shape[:2]
    size = int(np.exp(rng.uniform(np.log(14), np.log(0.6 * width))))
    return int(rng.integers(width)), int(rng.integers(height)), size


def fill(image: Image, points: Sequence[tuple[float, float]], colour: tuple[float, ...]) -> None:
    """Fill a polygon given by its corners in pixels."""
    cv2.fillPoly(image, [np.array(points).round().astype(np.int32)], colour, cv2.LINE_AA)


def shelf(image: Image, rng: Rng) -> None:
    """Books and boxes side by side."""
    x, y, size = random_spot(image, rng)
    left = x - size
    while left < x + size:
        wide = int(rng.uniform(0.05, 0.35) * size) + 3
        top = y - int(rng.uniform(0.4, 1) * size)
        cv2.rectangle(image, (left, top), (left + wide, y), random_colour(rng), -1)
        if rng.random() < 0.4:
            middle = (top + y) // 2
            cv2.rectangle(image, (left, middle), (left + wide, middle + 4), random_colour(rng), -1)
        left += wide + 1


def guitar(image: Image, rng: Rng) -> None:
    """A long neck with pegs, perhaps a body."""
    x, y, size = random_spot(image, rng)
    angle = rng.normal(0, 0.35)
    along = np.array([np.sin(angle), -np.cos(angle)])
    across = np.array([-along[1], along[0]])
    foot, length = np.array([x, y]), size * 1.5
    wood, metal = random_colour(rng), random_colour(rng)
    half = max(2.0, size * rng.uniform(0.04, 0.1))
    head = foot + along * length
    wide = half * rng.uniform(1.3, 2.2)
    for a, b, w in ((foot, head, half), (head - along * size * 0.4, head, wide)):
        fill(
            image,
            [
                tuple(a + across * w),
                tuple(b + across * w),
                tuple(b - across * w),
                tuple(a - across * w),
            ],
            wood,
        )
    for step in np.linspace(0.02, 0.36, int(rng.integers(3, 7))):
        for side in (-1, 1):
            peg = head - along * size * step + across * side * wide * 1.15
            cv2.circle(
                image,
                (round(peg[0]), round(peg[1])),
                max(1, round(half * 0.4)),
                metal,
                -1,
                cv2.LINE_AA,
            )
    if rng.random() < 0.5:
        cv2.ellipse(
            image,
            (x, y),
            (round(size * 0.3), round(size * 0.4)),
            0,
            0,
            360,
            random_colour(rng),
            -1,
            cv2.LINE_AA,
        )


def lamp(image: Image, rng: Rng) -> None:
    """A bright foot or shade with a dark knob and an arm."""
    x, y, size = random_spot(image, rng)
    tone = float(rng.uniform(150, 255))
    arm = (x + round(rng.normal(0, 0.6) * size), y - round(size * 1.2))
    cv2.line(image, (x, y), arm, (tone, tone, tone), max(2, size // 9), cv2.LINE_AA)
    fill(
        image,
        [
            (x - size * 0.45, y + size * 0.5),
            (x + size * 0.4, y + size * 0.5),
            (x + size * 0.1, y - size * 0.2),
            (x - size * 0.1, y - size * 0.2),
        ],
        (tone,) * 3,
    )
    cv2.ellipse(
        image,
        (x, y + size // 2),
        (round(size * 0.55), max(2, size // 8)),
        0,
        0,
        360,
        (tone * 0.95,) * 3,
        -1,
        cv2.LINE_AA,
    )
    dark = float(rng.uniform(10, 90))
    cv2.circle(image, (x, y - size // 6), max(2, size // 8), (dark,) * 3, -1, cv2.LINE_AA)


def fabric(image: Image, rng: Rng) -> None:
    """A cloth with blobs, petals or stripes in strong colours."""
    x, y, size = random_spot(image, rng)
    height, width = image.shape[:2]
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radius = size * rng.uniform(0.6, 1.3, 14)
    outline = [(x + r * np.cos(t), y + r * np.sin(t)) for r, t in zip(radius, turn, strict=True)]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.array(outline).astype(np.int32)], 255)
    cloth = np.empty_like(image)
    cloth[:] = random_colour(rng)
    for _ in range(int(rng.integers(4, 22))):
        cx, cy = x + rng.normal(0, 0.6) * size, y + rng.normal(0, 0.6) * size
        n = int(rng.integers(5, 9))
        angles = np.sort(rng.uniform(0, 2 * np.pi, n))
        reach = size * rng.uniform(0.03, 0.35) * rng.uniform(0.6, 1.2, n)
        blob = [
            (cx + r * np.cos(a), cy + r * np.sin(a)) for r, a in zip(reach, angles, strict=True)
        ]
        if rng.random() < 0.6:
            fill(cloth, blob, random_colour(rng))
        else:
            axes = (max(2, int(reach[0])), max(2, int(reach[1] * 0.6)))
            cv2.ellipse(
                cloth,
                (int(cx), int(cy)),
                axes,
                float(rng.uniform(0, 180)),
                0,
                360,
                random_colour(rng),
                -1 if rng.random() < 0.7 else 2,
                cv2.LINE_AA,
            )
    image[mask > 0] = cloth[mask > 0]


def stripes(image: Image, rng: Rng) -> None:
    """A radiator, a blind or a keyboard."""
    x, y, size = random_spot(image, rng)
    a, b, step = random_colour(rng), random_colour(rng), max(3, int(size * rng.uniform(0.04, 0.15)))
    tall = int(size * rng.uniform(0.2, 0.9))
    for left in range(x - size, x + size, step):
        cv2.rectangle(image, (left, y - tall), (left + step - 2, y), a, -1)
        cv2.line(image, (left, y - tall), (left, y), b, 1)


def panels(image: Image, rng: Rng) -> None:
    """A door, a window or a picture frame."""
    x, y, size = random_spot(image, rng)
    for inset in np.linspace(0, 0.35, int(rng.integers(2, 5))):
        w, h = int(size * (1 - inset)), int(size * (1.6 - inset))
        cv2.rectangle(
            image, (x - w, y - h), (x + w, y + h), random_colour(rng), -1 if inset == 0 else 2
        )


def ball(image: Image, rng: Rng) -> None:
    """A shaded ball, a button or a fruit."""
    x, y, size = random_spot(image, rng)
    colour, radius = np.array(random_colour(rng)), max(3, size // 3)
    stretch = rng.uniform(0.7, 1.3)
    for part in np.linspace(1, 0.3, 5):
        shade = np.clip(colour * (1.25 - 0.5 * part), 0, 255)
        axes = (max(1, round(radius * part)), max(1, round(radius * part * stretch)))
        shift = round(radius * (1 - part) * 0.3)
        cv2.ellipse(
            image,
            (x - shift, y - shift),
            axes,
            0,
            0,
            360,
            tuple(float(v) for v in shade),
            -1,
            cv2.LINE_AA,
        )


def clock(image: Image, rng: Rng) -> None:
    """A round face with marks and hands."""
    x, y, size = random_spot(image, rng)
    radius = max(8, size // 2)
    cv2.circle(
        image, (x, y), radius, tuple(float(v) for v in rng.uniform(0, 120, 3)), -1, cv2.LINE_AA
    )
    face = float(rng.uniform(120, 250))
    cv2.circle(image, (x, y), round(radius * rng.uniform(0.8, 0.93)), (face,) * 3, -1, cv2.LINE_AA)
    for turn in np.arange(12) * np.pi / 6:
        tick = [
            (round(x + radius * r * np.cos(turn)), round(y + radius * r * np.sin(turn)))
            for r in (0.62, 0.75)
        ]
        cv2.line(image, tick[0], tick[1], (30, 30, 30), max(1, radius // 16), cv2.LINE_AA)
    for turn, reach in zip(rng.uniform(0, 2 * np.pi, 2), (0.4, 0.6), strict=True):
        tip = (round(x + radius * reach * np.cos(turn)), round(y + radius * reach * np.sin(turn)))
        cv2.line(image, (x, y), tip, (20, 20, 20), max(1, radius // 10), cv2.LINE_AA)


def label(image: Image, rng: Rng) -> None:
    """A paper, sticker or screen with writing, sometimes numbers."""
    x, y, size = random_spot(image, rng)
    tall = int(size * rng.uniform(0.3, 1.2))
    cv2.rectangle(image, (x, y), (x + size, y + tall), random_colour(rng), -1)
    words = str(rng.choice(["30", "50", "STOP", "A4", "LEGO", "exit", "!", "P", "7", "100"]))
    scale = max(0.3, size / 60 * float(rng.uniform(0.4, 1)))
    ink = random_colour(rng)
    for row in range(y + 8, y + tall, max(8, tall // 3)):
        cv2.putText(
            image,
            words,
            (x + 2, row + 6),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            ink,
            max(1, size // 30),
            cv2.LINE_AA,
        )


def shard(image: Image, rng: Rng) -> None:
    """A scrap with corners: three-cornered ones never upright and regular, nor alone yellow."""
    x, y, size = random_spot(image, rng)
    n = int(rng.integers(4, 7))
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    reach = size * rng.uniform(0.2, 0.6, n)
    points = [(x + r * np.cos(a), y + r * np.sin(a)) for r, a in zip(reach, angles, strict=True)]
    fill(image, points, random_colour(rng))
    if rng.random() < 0.4:
        ring = np.array(points).round().astype(np.int32)
        cv2.polylines(image, [ring], True, random_colour(rng), max(1, size // 14), cv2.LINE_AA)


def bricks(image: Image, rng: Rng) -> None:
    """A wall of toy bricks with studs."""
    x, y, size = random_spot(image, rng)
    unit = max(6, size // 6)
    for row in range(int(rng.integers(1, 5))):
        left, bottom = x - int(rng.integers(unit * 2)), y - row * unit
        for _ in range(int(rng.integers(1, 5))):
            wide, colour = unit * int(rng.integers(1, 5)), random_colour(rng)
            cv2.rectangle(image, (left, bottom - unit), (left + wide, bottom), colour, -1)
            for stud in range(left + unit // 2, left + wide, unit):
                lit = tuple(min(255.0, v * 1.15) for v in colour)
                cv2.ellipse(
                    image,
                    (stud, bottom - unit),
                    (max(1, unit // 3), max(1, unit // 6)),
                    0,
                    0,
                    360,
                    lit,
                    -1,
                    cv2.LINE_AA,
                )
            left += wide + 1


def cable(image: Image, rng: Rng) -> None:
    """A cable, a branch or a shadow line."""
    width = image.shape[1]
    points = np.cumsum(rng.normal(0, width * 0.12, (8, 2)), axis=0) + rng.uniform(0, width, 2)
    smooth = cv2.resize(points.astype(np.float32), (2, 60), interpolation=cv2.INTER_CUBIC)
    cv2.polylines(
        image,
        [smooth.round().astype(np.int32)],
        False,
        random_colour(rng),
        int(rng.integers(1, 8)),
        cv2.LINE_AA,
    )


def glow(image: Image, rng: Rng) -> None:
    """A window, a bulb or a reflection: a soft bright patch."""
    x, y, size = random_spot(image, rng)
    height, width = image.shape[:2]
    yy, xx = np.ogrid[:height, :width]
    spread = np.exp(-(((xx - x) / size) ** 2 + ((yy - y) / (size * rng.uniform(0.4, 2))) ** 2))
    tint = np.array([rng.uniform(120, 255), rng.uniform(180, 255), 255.0])
    strength = (spread * rng.uniform(0.3, 1.0))[..., None]
    image[:] = (image * (1 - strength) + tint * strength).astype(np.uint8)


def writing(image: Image, rng: Rng) -> None:
    """Loose words and numbers in the open."""
    x, y, size = random_spot(image, rng)
    words = "".join(str(rng.integers(10)) for _ in range(int(rng.integers(1, 4))))
    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
    font = fonts[int(rng.integers(len(fonts)))]
    cv2.putText(
        image,
        words,
        (x, y),
        font,
        max(0.4, size / 50),
        random_colour(rng),
        max(1, size // 20),
        cv2.LINE_AA,
    )


def cutout(image: Image, rng: Rng) -> None:
    """A coin, a stone, a leaf or a piece of wood: a round or jagged patch with a grain."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 5))):
        x, y, size = random_spot(image, rng)
        n = 24 if rng.random() < 0.5 else int(rng.integers(4, 9))
        rough = 0.06 if n == 24 else 0.45
        angles = np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.normal(0, 0.02, n)
        radii = size * 0.4 * rng.uniform(1 - rough, 1 + rough, n)
        flat = np.array([1.0, rng.uniform(0.5, 1.2)])
        outline = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) * flat
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(
            mask, [(outline + np.array([x, y])).round().astype(np.int32)], 255, cv2.LINE_AA
        )
        cells = int(rng.integers(3, 40))
        grain = cv2.resize(rng.random((cells, cells), dtype=np.float32), (width, height))
        a, b = np.array(random_colour(rng)), np.array(random_colour(rng))
        if rng.random() < 0.5:
            b = a * rng.uniform(0.4, 1.6)
        patch = np.clip(a + (b - a) * grain[..., None], 0, 255)
        alpha = mask[..., None] / 255.0
        image[:] = (image * (1 - alpha) + patch * alpha).astype(np.uint8)


THINGS: tuple[Thing, ...] = (
    shelf, guitar, lamp, fabric, fabric, stripes, panels, ball, clock, label, shard, shard,
    bricks, cable, glow, writing, cutout, cutout,
)  # fmt: skip
"""Every thing; those twice in it come twice as often."""

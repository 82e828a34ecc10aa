"""People, toy figures, houses and trees: what stands on a table and round it."""

from __future__ import annotations

import cv2
import numpy as np

from kit.mlops.drawing.things import THINGS, Image, Rng, Thing, fill, random_colour, random_spot

_SKIN = np.array([120.0, 150.0, 200.0])


def _tone(colour: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, ...]:
    return tuple(float(v) for v in np.clip(colour, 0, 255))


def person(image: Image, rng: Rng) -> None:
    """Someone who watches: a head, hair, shoulders, sometimes several side by side."""
    x, y, size = random_spot(image, rng)
    for _ in range(int(rng.integers(1, 5))):
        skin = _tone(_SKIN * rng.uniform(0.3, 1.2) + rng.normal(0, 12, 3))
        head = max(3, size // 4)
        wide, tall = round(head * rng.uniform(0.7, 0.95)), head
        low, high = y + size, y + head
        slope = [(x - head * 1.9, low), (x - head * 1.5, high)]
        other = [(x + head * 1.5, high), (x + head * 1.9, low)]
        fill(image, [*slope, *other], random_colour(rng))
        hair = float(rng.uniform(10, 120))
        cv2.ellipse(
            image, (x, y - head // 4), (wide, tall), 0, 0, 360, (hair,) * 3, -1, cv2.LINE_AA
        )
        cv2.ellipse(
            image,
            (x, y),
            (round(wide * 0.85), round(tall * 0.85)),
            0,
            0,
            360,
            skin,
            -1,
            cv2.LINE_AA,
        )
        if rng.random() < 0.5:
            for side in (-1, 1):
                eye = (x + side * wide // 3, y - head // 8)
                cv2.circle(image, eye, max(1, head // 9), (30, 30, 30), -1, cv2.LINE_AA)
        x += round(head * rng.uniform(2, 5))


def figure(image: Image, rng: Rng) -> None:
    """A toy figure: legs, a trapezoid of a body, a yellow or skin-coloured head, a cap."""
    x, y, size = random_spot(image, rng)
    unit = max(2.0, size / 8)
    legs, body = random_colour(rng), random_colour(rng)
    fill(
        image,
        [(x - unit, y), (x + unit, y), (x + unit, y + 2 * unit), (x - unit, y + 2 * unit)],
        legs,
    )
    fill(
        image,
        [
            (x - unit, y),
            (x + unit, y),
            (x + 0.7 * unit, y - 2 * unit),
            (x - 0.7 * unit, y - 2 * unit),
        ],
        body,
    )
    yellow = np.array([40.0, 205.0, 245.0]) if rng.random() < 0.7 else _SKIN
    head = (x, round(y - 2.7 * unit))
    cv2.circle(
        image,
        head,
        max(1, round(0.75 * unit)),
        _tone(yellow * rng.uniform(0.5, 1)),
        -1,
        cv2.LINE_AA,
    )
    if rng.random() < 0.6:
        axes = (max(1, round(0.8 * unit)), max(1, round(0.5 * unit)))
        cv2.ellipse(
            image,
            (x, round(y - 3.1 * unit)),
            axes,
            0,
            180,
            360,
            random_colour(rng),
            -1,
            cv2.LINE_AA,
        )


def house(image: Image, rng: Rng) -> None:
    """A house with a pointed roof, a door and windows."""
    x, y, size = random_spot(image, rng)
    half, tall = size * rng.uniform(0.3, 0.6), size * rng.uniform(0.3, 0.6)
    fill(
        image,
        [(x - half, y), (x + half, y), (x + half, y - tall), (x - half, y - tall)],
        random_colour(rng),
    )
    eaves, ridge = half * rng.uniform(1.05, 1.3), y - tall - size * rng.uniform(0.2, 0.6)
    shift = half * rng.normal(0, 0.4)
    top = (
        [(x + shift, ridge)]
        if rng.random() < 0.5
        else [(x + half * 0.5, ridge), (x - half * 0.5, ridge)]
    )
    fill(image, [(x - eaves, y - tall), (x + eaves, y - tall), *top], random_colour(rng))
    for place in (-0.5, 0.2):
        left = x + half * place
        fill(
            image,
            [
                (left, y - tall * 0.3),
                (left + half * 0.3, y - tall * 0.3),
                (left + half * 0.3, y - tall * 0.7),
                (left, y - tall * 0.7),
            ],
            random_colour(rng),
        )


def tree(image: Image, rng: Rng) -> None:
    """A tree: a cone of needles or a crown of blobs on a trunk."""
    x, y, size = random_spot(image, rng)
    green = np.array([rng.uniform(20, 90), rng.uniform(80, 190), rng.uniform(20, 110)])
    trunk = max(1.0, size * 0.05)
    fill(
        image,
        [(x - trunk, y), (x + trunk, y), (x + trunk, y - size * 0.4), (x - trunk, y - size * 0.4)],
        (40.0, 70.0, 100.0),
    )
    if rng.random() < 0.5:
        for step in range(3):
            low, half = y - size * (0.2 + 0.25 * step), size * (0.35 - 0.08 * step)
            fill(
                image,
                [(x - half, low), (x + half, low), (x, low - size * 0.4)],
                _tone(green * rng.uniform(0.8, 1.1)),
            )
        return
    for dx, dy in (rng.normal(0, 0.18, (7, 2)) * size).tolist():
        spot = (round(x + dx), round(y - size * 0.6 + dy))
        cv2.circle(
            image,
            spot,
            max(2, round(size * 0.2)),
            _tone(green * rng.uniform(0.6, 1.2)),
            -1,
            cv2.LINE_AA,
        )


FIGURES: tuple[Thing, ...] = (person, person, figure, figure, house, tree)
"""Every figure; those twice in it come twice as often."""

EVERYTHING: tuple[Thing, ...] = THINGS + FIGURES
"""All that may stand about in a picture and is no sign."""

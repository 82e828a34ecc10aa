"""A live camera that shows nothing of the present."""

from __future__ import annotations

import numpy as np
import pytest

from kit.sim.renderer import Renderer
from kit.sim.scenario import load_scenario
from kit.sim.world import World
from kit.vision.blindness import Blindness
from kit.vision.frames import Image

RNG = np.random.default_rng(0)


def scene(noise: float = 2.0) -> Image:
    """A bright half and a dark half, with a sensor's noise."""
    image = np.full((400, 600, 3), 60.0)
    image[:, 300:] = 160
    return np.clip(image + RNG.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def covered(level: float) -> Image:
    return np.clip(RNG.normal(level, 3, (400, 600, 3)), 0, 255).astype(np.uint8)


def test_pictures_of_one_scene_differ_by_their_noise_and_are_seen() -> None:
    blindness = Blindness()
    assert [blindness.of(scene()) for _ in range(3)] == [None, None, None]


def test_a_picture_that_comes_again_is_not_the_present() -> None:
    blindness, picture = Blindness(), scene()
    assert blindness.of(picture) is None
    assert "repeats" in str(blindness.of(picture))
    assert "repeats" in str(blindness.of(picture.copy()))
    assert blindness.of(scene()) is None


@pytest.mark.parametrize("level", [0, 4, 128, 250])
def test_a_picture_of_one_brightness_shows_nothing_however_noisy(level: float) -> None:
    blindness = Blindness()
    assert "empty" in str(blindness.of(covered(level)))
    assert "empty" in str(blindness.of(covered(level)))


@pytest.mark.parametrize("light_percent", [0, 100])
def test_a_standing_train_sees_in_the_dark(light_percent: int) -> None:
    scenario = load_scenario("night")
    world, renderer, blindness = World(scenario, seed=2), Renderer(scenario, seed=2), Blindness()
    world.set_light(light_percent)
    for _ in range(5):
        world.step(0.1)
        assert blindness.of(renderer.render(world.state)[0]) is None

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from kit.errors import ConfigError
from kit.mlops.augmentation import augment
from kit.mlops.training import CURVE, Recipe, Trainer, load_checkpoint

SMALL = Recipe(epochs=26, batch=8, edges_px=(64,), warmup_steps=5, save_steps=10)


def test_the_loss_falls_on_a_small_set(tiny_set, tmp_path):
    losses = [p.heat + p.box for p in Trainer(tiny_set, SMALL, folder=tmp_path).run()]
    assert len(losses) == 26
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_an_interrupted_training_ends_like_one_that_was_not(tiny_set, tmp_path):
    recipe = Recipe(epochs=6, batch=8, edges_px=(64,), warmup_steps=5, save_steps=3)
    whole = Trainer(tiny_set, recipe, folder=tmp_path / "whole")
    list(whole.run())
    broken = Trainer(tiny_set, recipe, folder=tmp_path / "broken").run()
    for _ in range(4):
        next(broken)
    broken.close()
    resumed = Trainer(tiny_set, recipe, folder=tmp_path / "broken")
    assert resumed.step == 3
    list(resumed.run())
    for one, two in zip(
        whole.average.state_dict().values(), resumed.average.state_dict().values(), strict=True
    ):
        assert torch.allclose(one.float(), two.float(), atol=1e-4)


def test_the_curve_is_kept_on_disk(tiny_set, tmp_path):
    list(Trainer(tiny_set, SMALL, folder=tmp_path).run())
    rows = [json.loads(line) for line in (tmp_path / CURVE).read_text().splitlines()]
    assert rows[-1]["step"] == 25
    assert set(rows[-1]) == {"step", "steps", "heat", "box"}


def test_a_checkpoint_of_another_recipe_is_refused(tiny_set, tmp_path):
    recipe = Recipe(epochs=1, batch=8, edges_px=(64,))
    list(Trainer(tiny_set, recipe, folder=tmp_path).run())
    with pytest.raises(ConfigError, match="another training"):
        Trainer(tiny_set, SMALL, folder=tmp_path)


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no checkpoint"):
        load_checkpoint(tmp_path)


def test_training_can_start_from_weights(tiny_set, tmp_path):
    first = Trainer(tiny_set, SMALL, folder=tmp_path / "a")
    weights = first.network.state_dict()
    second = Trainer(tiny_set, SMALL, folder=tmp_path / "b", start=weights)
    assert torch.equal(second.network.to4[0][0].weight, first.network.to4[0][0].weight)


def bright_middle(images, labels):
    """Return the mean brightness inside and outside the first label of each picture."""
    for image, rows in zip(images, labels, strict=True):
        x1, y1, x2, y2 = (round(float(v)) for v in rows[0, :4])
        inside = image[:, y1:y2, x1:x2].max(dim=0).values.mean()
        yield float(inside), float(image.max(dim=0).values.mean())


def test_boxes_follow_their_pictures_through_scaling_and_mirroring(tiny_set):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        images, labels = augment(
            tiny_set.images, tiny_set.labels, rng=rng, edges_px=(96,), smallest_px=9.0
        )
        assert images.shape == (8, 3, 96, 96)
        for inside, everywhere in bright_middle(images, labels):
            assert inside > 2 * everywhere


def test_pictures_turn_from_bgr_bytes_to_rgb_shares(tiny_set):
    rng = np.random.default_rng(0)
    images, labels = augment(
        tiny_set.images, tiny_set.labels, rng=rng, edges_px=(64,), smallest_px=9.0
    )
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    x1, y1, x2, y2 = (int(v) for v in labels[0, 0, :4])
    blue_square = images[0, :, y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].mean(dim=(1, 2))
    assert blue_square.argmax() == 2


def test_signs_that_became_too_small_count_neither_way(tiny_set):
    rng = np.random.default_rng(0)
    _, labels = augment(tiny_set.images, tiny_set.labels, rng=rng, edges_px=(16,), smallest_px=9.0)
    assert (labels[:, 0, 5] == 1).all()

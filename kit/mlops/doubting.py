"""The third part of training: a second look for a trained network.

The network says what it sees in pictures whose signs are known, most of them new to it, and in
new frames without any sign; the second look learns what of that is true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kit.mlops.dataset import DrawnSet
from kit.mlops.learner import go_back
from kit.mlops.looking import LookRecipe, LookTrainer
from kit.mlops.network import SignNet
from kit.mlops.second_look import SecondLook
from kit.mlops.windows import Windows, collect, join_windows

Tell = Callable[[int, int], None]
"""Told how much is done, and of how much in all."""


def gather(
    network: SignNet, sets: Sequence[DrawnSet], frames: NDArray[np.uint8], tell: Tell
) -> Windows:
    """Let a network look at pictures, and keep what it saw beside what is true.

    Args:
        network: Trained weights.
        sets: Drawn pictures.
        frames: (N, 400, 600, 3) uint8 BGR, none with a sign.
        tell: Told how many pictures have been looked at.
    """
    tasks = [*((one.images, one.labels) for one in sets if len(one)), (frames, None)]
    total, before = sum(len(images) for images, _ in tasks), 0
    parts = []
    for images, labels in tasks:
        for done, part in collect(network, images, labels):
            parts.append(part)
            tell(before + done, total)
        before += len(images)
    return join_windows(parts)


def teach(
    first: SignNet, windows: Windows, recipe: LookRecipe, folder: Path, tell: Tell
) -> SecondLook:
    """Train a second look, or go on with one whose training was interrupted.

    Args:
        first: The network from whose weights it starts.
        windows: What to learn from.
        recipe: How.
        folder: Gets the checkpoint and the curve.
        tell: Told how many steps have been taken.
    """
    trainer = LookTrainer(windows, recipe, folder=folder, first=first)
    tell(trainer.step, trainer.steps)
    for progress in trainer.run():
        tell(progress.step, progress.steps)
    look: SecondLook = trainer.average.cpu()
    start = SecondLook()
    start.start_from(first.cpu())
    return go_back(look, start, recipe.kept)

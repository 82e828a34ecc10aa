"""Teach the second look.

It starts from the first look's weights and learns only for a short while, at a low rate: it shall
unlearn what deceives, and keep what made it see signs in photos that no drawn picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from kit.mlops.learner import Learner, Pace, Step
from kit.mlops.network import SignNet
from kit.mlops.second_look import NOTHING, SecondLook
from kit.mlops.windows import Windows, cut

CHECKPOINT = "look.pt"
CURVE = "look.jsonl"
_EASY = 0.2  # chance of a window that misled nobody, against one that misled with a score of 1


@dataclass(frozen=True, kw_only=True)
class LookRecipe(Pace):
    """How to train the second look; the defaults made the shipped one.

    The learning rate does not fall: the averaged weights need no fall.

    Attributes:
        passes: Windows seen in all, for each there is.
        batch: Windows a step.
        signs: Share of windows with a sign in a step.
        kept: How far the finished weights go back to those that training started from, 0..1.
    """

    passes: float = 0.33
    batch: int = 128
    learning_rate: float = 4e-4
    warmup_steps: int = 100
    weight_decay: float = 0.03
    signs: float = 0.5
    kept: float = 0.35


@dataclass(frozen=True)
class LookProgress(Step):
    """One step of training.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        loss: Cross entropy of the kinds.
    """

    loss: float


@dataclass(frozen=True)
class _Group:
    """Windows with a sign, or those without; what misled the network more is drawn more often."""

    members: NDArray[np.int64]
    chances: NDArray[np.float64]  # summed up

    @classmethod
    def of(cls, windows: Windows, *, signs: bool) -> _Group:
        members = np.flatnonzero((windows.kinds < NOTHING) == signs)
        said, score = windows.seen[members].T
        misled = np.where(said == windows.kinds[members], 0, score)
        return cls(members, np.cumsum(_EASY + misled, dtype=np.float64))

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        if not len(self.members):
            return np.empty(0, np.int64)
        places = np.searchsorted(self.chances, rng.random(count) * self.chances[-1])
        chosen: NDArray[np.int64] = self.members[places]
        return chosen


class LookTrainer(Learner[SecondLook, LookProgress]):
    """Trains a second look.

    Args:
        windows: What to learn from.
        recipe: How to train.
        folder: Gets the checkpoint and the curve; a checkpoint found there is resumed.
        first: The trained first look, from whose trunk the second starts.

    Raises:
        ConfigError: If the folder's checkpoint belongs to another training.
    """

    def __init__(
        self, windows: Windows, recipe: LookRecipe, *, folder: Path, first: SignNet
    ) -> None:
        def build() -> SecondLook:
            look = SecondLook()
            look.start_from(first)
            return look

        self._windows, self._recipe = windows, recipe
        self._groups = [_Group.of(windows, signs=signs) for signs in (True, False)]
        super().__init__(
            build,
            recipe,
            steps=max(1, round(recipe.passes * len(windows) / recipe.batch)),
            folder=folder,
            checkpoint=CHECKPOINT,
            curve=CURVE,
            learns_from={"windows": len(windows)},
        )

    def learn(self) -> LookProgress:
        """Look at the windows of one step."""
        rng = np.random.default_rng((self._recipe.seed, self.step))
        chosen = self._choose(rng)
        windows = cut(self._windows, chosen, rng=rng).to(
            self.device, memory_format=torch.channels_last
        )
        kinds = torch.from_numpy(self._windows.kinds[chosen]).to(self.device)
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            said = self.network(windows)
        loss = functional.cross_entropy(said.float(), kinds)
        self.take(loss)
        return LookProgress(self.step, self.steps, float(loss.detach()))

    def _choose(self, rng: np.random.Generator) -> NDArray[np.int64]:
        signs = round(self._recipe.signs * self._recipe.batch)
        counts = (signs, self._recipe.batch - signs)
        drawn = [g.draw(n, rng) for g, n in zip(self._groups, counts, strict=True)]
        return np.concatenate(drawn)

"""Teach the second look.

It starts from the first look's weights and learns only for a short while, at a low rate: it shall
unlearn what deceives, and keep what made it see signs in photos that no drawn picture shows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from kit.errors import ConfigError
from kit.mlops.network import SignNet
from kit.mlops.second_look import NOTHING, SecondLook
from kit.mlops.windows import Windows, cut

CHECKPOINT = "look.pt"
CURVE = "look.jsonl"
_EASY = 0.2  # chance of a window that misled nobody, against one that misled with a score of 1


@dataclass(frozen=True)
class LookRecipe:
    """How to train the second look; the defaults made the shipped one.

    Attributes:
        passes: Windows seen in all, for each there is.
        batch: Windows a step.
        learning_rate: Reached after ``warmup_steps``, and kept: the averaged weights need no fall.
        warmup_steps: Steps of rising learning rate.
        weight_decay: Of AdamW.
        ema: How slowly the averaged weights, which are kept, follow.
        signs: Share of windows with a sign in a step.
        kept: How far the finished weights go back to those that training started from, 0..1.
        save_steps: Steps between checkpoints.
        threads: CPU threads.
        seed: Of weights, order and chance.
    """

    passes: float = 0.33
    batch: int = 128
    learning_rate: float = 4e-4
    warmup_steps: int = 100
    weight_decay: float = 0.03
    ema: float = 0.998
    signs: float = 0.5
    kept: float = 0.5
    save_steps: int = 250
    threads: int = 2
    seed: int = 1


@dataclass(frozen=True)
class LookProgress:
    """One step of training.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        loss: Cross entropy of the kinds.
    """

    step: int
    steps: int
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


class LookTrainer:
    """Trains a second look and keeps all that is needed to go on.

    Args:
        windows: What to learn from.
        recipe: How to train.
        folder: Gets the checkpoint and the curve; a checkpoint found there is resumed.
        first: The trained first look, from whose trunk the second starts.
    """

    def __init__(
        self, windows: Windows, recipe: LookRecipe, *, folder: Path, first: SignNet
    ) -> None:
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self._windows, self._recipe, self._folder = windows, recipe, folder
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.look = SecondLook().to(  # type: ignore[call-overload]
            self._device, memory_format=torch.channels_last
        )
        self.look.start_from(first)
        self.average = copy.deepcopy(self.look).eval()
        self._optimiser = torch.optim.AdamW(
            self.look.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._groups = [_Group.of(windows, signs=signs) for signs in (True, False)]
        self.step = 0
        self.steps = max(1, round(recipe.passes * len(windows) / recipe.batch))
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._resume()

    def run(self) -> Iterator[LookProgress]:
        """Train to the end of the recipe, yielding after every step."""
        with (self._folder / CURVE).open("a", encoding="utf-8") as curve:
            while self.step < self.steps:
                progress = self._learn()
                if self.step % 25 == 0:
                    curve.write(json.dumps(asdict(progress)) + "\n")
                    curve.flush()
                if self.step % self._recipe.save_steps == 0 or self.step == self.steps:
                    self._save()
                yield progress

    def _learn(self) -> LookProgress:
        recipe = self._recipe
        rng = np.random.default_rng((recipe.seed, self.step))
        chosen = self._choose(rng)
        windows = cut(self._windows, chosen, rng=rng).to(
            self._device, memory_format=torch.channels_last
        )
        kinds = torch.from_numpy(self._windows.kinds[chosen]).to(self._device)
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.look.train()
        with torch.autocast(self._device.type, torch.bfloat16):
            said = self.look(windows)
        loss = functional.cross_entropy(said.float(), kinds)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.look.parameters(), 5.0)
        self._optimiser.step()
        self.step += 1
        self._follow()
        return LookProgress(self.step, self.steps, float(loss.detach()))

    def _choose(self, rng: np.random.Generator) -> NDArray[np.int64]:
        signs = round(self._recipe.signs * self._recipe.batch)
        counts = (signs, self._recipe.batch - signs)
        drawn = [g.draw(n, rng) for g, n in zip(self._groups, counts, strict=True)]
        return np.concatenate(drawn)

    def _learning_rate(self) -> float:
        return self._recipe.learning_rate * min(1.0, (self.step + 1) / self._recipe.warmup_steps)

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self._recipe.ema, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.look.state_dict()
        for name, value in ours.items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

    def _save(self) -> None:
        state = {
            "step": self.step,
            "recipe": asdict(self._recipe),
            "windows": len(self._windows),
            "look": self.look.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        half = self._folder / (CHECKPOINT + ".part")
        torch.save(state, half)
        half.replace(self._folder / CHECKPOINT)

    def _resume(self) -> None:
        path = self._folder / CHECKPOINT
        state = torch.load(path, map_location="cpu", weights_only=True)
        wanted = {"recipe": asdict(self._recipe), "windows": len(self._windows)}
        found = {key: state[key] for key in wanted}
        if found != wanted:
            raise ConfigError(
                "The checkpoint of the second look belongs to another training",
                expected=wanted,
                got=found,
                fix=f"remove {path} or name another folder",
            )
        self.step = int(state["step"])
        self.look.load_state_dict(state["look"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])

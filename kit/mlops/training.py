"""Teach the network from a drawn set: seeded, resumable, with its curve on disk."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from kit.errors import ConfigError
from kit.mlops.augmentation import augment
from kit.mlops.dataset import Pictures
from kit.mlops.losses import BOX_WEIGHT, box_loss, heat_loss, make_targets
from kit.mlops.network import SignNet
from kit.mlops.second_look import SecondLook

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"
_LOOK = "look."  # what the second look's weights are called in a file, before their own names


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults made the first part of the shipped model.

    Attributes:
        epochs: How often each picture is seen.
        batch: Pictures a step.
        learning_rate: Peak, reached after ``warmup_steps``, then falling along a cosine.
        warmup_steps: Steps of rising learning rate.
        weight_decay: Of AdamW.
        clip: Largest length of the gradient.
        ema: How slowly the averaged weights, which are exported, follow.
        edges_px: Pictures of a step are scaled to one of these, by chance.
        smallest_px: Signs whose longer side is then shorter count neither way.
        save_steps: Steps between checkpoints.
        threads: CPU threads.
        seed: Of weights, order and augmentation.
    """

    epochs: int = 8
    batch: int = 24
    learning_rate: float = 2.5e-3
    warmup_steps: int = 300
    weight_decay: float = 0.02
    clip: float = 5.0
    ema: float = 0.998
    edges_px: tuple[int, ...] = (224, 256, 288, 320, 320, 352)
    smallest_px: float = 9.0
    save_steps: int = 250
    threads: int = 2
    seed: int = 1


QUICK = Recipe(
    epochs=4,
    batch=12,
    warmup_steps=100,
    ema=0.99,
    edges_px=(192, 224, 256, 288),
)
"""For going on from a base: small, bold steps, on smaller pictures."""


@dataclass(frozen=True)
class Progress:
    """One step of training.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        heat: Loss of the heat.
        box: Loss of the boxes.
    """

    step: int
    steps: int
    heat: float
    box: float


class Trainer:
    """Trains a network, on a GPU if there is one, and keeps all that is needed to go on.

    Args:
        data: The pictures.
        recipe: How to train.
        folder: Gets the checkpoint and the curve; a checkpoint found there is resumed.
        start: Weights to start from, None for random ones.
    """

    def __init__(
        self,
        data: Pictures,
        recipe: Recipe,
        *,
        folder: Path,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self._data, self._recipe, self._folder = data, recipe, folder
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = SignNet().to(  # type: ignore[call-overload]
            self._device, memory_format=torch.channels_last
        )
        if start is not None:
            self.network.load_state_dict(start)
        self.average = copy.deepcopy(self.network).eval()
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.step = 0
        self.steps = recipe.epochs * (len(data) // recipe.batch)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._resume()

    def run(self) -> Iterator[Progress]:
        """Train to the end of the recipe, yielding after every step."""
        recipe = self._recipe
        per_epoch = len(self._data) // recipe.batch
        with (self._folder / CURVE).open("a", encoding="utf-8") as curve:
            while self.step < self.steps:
                epoch, place = divmod(self.step, per_epoch)
                order = np.random.default_rng((recipe.seed, epoch)).permutation(len(self._data))
                chosen = np.sort(order[place * recipe.batch : (place + 1) * recipe.batch])
                progress = self._learn(chosen)
                if self.step % 25 == 0:
                    curve.write(json.dumps(asdict(progress)) + "\n")
                    curve.flush()
                if self.step % recipe.save_steps == 0 or self.step == self.steps:
                    self._save()
                yield progress

    def _learn(self, chosen: NDArray[np.int64]) -> Progress:
        recipe = self._recipe
        images, labels = (
            part.to(self._device)
            for part in augment(
                *self._data.take(chosen),
                rng=np.random.default_rng((recipe.seed, self.step, 1)),
                edges_px=recipe.edges_px,
                smallest_px=recipe.smallest_px,
            )
        )
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        with torch.autocast(self._device.type, torch.bfloat16):
            heat, sides = self.network(images)
        targets = make_targets(labels, heat.shape[2], heat.shape[3])
        heat_part = heat_loss(heat.float(), targets)
        box_part = box_loss(sides.float(), targets)
        self._optimiser.zero_grad()
        (heat_part + BOX_WEIGHT * box_part).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self._optimiser.step()
        self.step += 1
        self._follow()
        return Progress(self.step, self.steps, float(heat_part.detach()), float(box_part.detach()))

    def _learning_rate(self) -> float:
        rising = min(1.0, (self.step + 1) / self._recipe.warmup_steps)
        falling = 0.5 + 0.5 * math.cos(math.pi * self.step / max(self.steps, 1))
        return self._recipe.learning_rate * rising * max(falling, 0.01)

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self._recipe.ema, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.network.state_dict()
        for name, value in ours.items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

    def _save(self) -> None:
        state = {
            "step": self.step,
            "recipe": asdict(self._recipe),
            "data_hash": self._data.data_hash,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        half = self._folder / (CHECKPOINT + ".part")
        torch.save(state, half)
        half.replace(self._folder / CHECKPOINT)

    def _resume(self) -> None:
        state = load_checkpoint(self._folder)
        wanted = {"recipe": asdict(self._recipe), "data_hash": self._data.data_hash}
        found = {key: state[key] for key in wanted}
        if found != wanted:
            raise ConfigError(
                "The checkpoint belongs to another training",
                expected=wanted,
                got=found,
                fix=f"remove {self._folder / CHECKPOINT} or name another folder",
            )
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """Read a folder's checkpoint.

    Returns:
        Its ``step``, ``recipe``, ``data_hash``, ``network``, ``average`` and ``optimiser``.

    Raises:
        ConfigError: If there is none.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        raise ConfigError("There is no checkpoint", got=str(path), fix="run: kit train")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def save_weights(network: SignNet, path: Path, look: SecondLook | None = None) -> None:
    """Write the weights of a network, from which another training can start.

    Args:
        network: The first look.
        path: Of the file.
        look: The second look, which goes into the same file; None if there is none.
    """
    weights = dict(network.state_dict())
    if look is not None:
        weights |= {_LOOK + name: value for name, value in look.state_dict().items()}
    torch.save({name: value.cpu() for name, value in weights.items()}, path)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read the first look's weights of a finished training, or of a running one's folder.

    Args:
        path: A file of :func:`save_weights`, or a folder with a checkpoint.

    Raises:
        ConfigError: If there are none, or they are of another network.
    """
    weights = {k: v for k, v in _read_weights(path).items() if not k.startswith(_LOOK)}
    return _fitting(weights, SignNet(), path)


def load_look(path: Path) -> SecondLook | None:
    """Return the second look that a file of weights holds, or None if it holds none.

    Args:
        path: A file of :func:`save_weights`, or a folder with a checkpoint.

    Raises:
        ConfigError: If there are no weights, or they are of another network.
    """
    found = _read_weights(path)
    weights = {k.removeprefix(_LOOK): v for k, v in found.items() if k.startswith(_LOOK)}
    if not weights:
        return None
    look = SecondLook()
    look.load_state_dict(_fitting(weights, look, path))
    return look.eval()


def _read_weights(path: Path) -> dict[str, Tensor]:
    if path.is_dir():
        weights: dict[str, Tensor] = load_checkpoint(path)["average"]
    elif path.exists():
        weights = torch.load(path, map_location="cpu", weights_only=True)
    else:
        raise ConfigError("There are no weights to start from", got=str(path), fix="run: kit train")
    return weights


def _fitting(weights: dict[str, Tensor], network: Module, path: Path) -> dict[str, Tensor]:
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != wanted:
        raise ConfigError(
            "These weights belong to another network",
            expected=f"those of kit.mlops.{type(network).__name__}",
            got=f"{path}: {sum(v.numel() for v in weights.values()):,} numbers",
            fix="train the base anew: kit train",
        )
    return weights

"""Teach the network from a drawn set: seeded, resumable, with its curve on disk."""

from __future__ import annotations

import math
from dataclasses import dataclass
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
from kit.mlops.learner import Learner, Pace, Step
from kit.mlops.losses import BOX_WEIGHT, box_loss, heat_loss, make_targets
from kit.mlops.network import SignNet
from kit.mlops.second_look import SecondLook

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"
_LOOK = "look."  # what the second look's weights are called in a file, before their own names


@dataclass(frozen=True, kw_only=True)
class Recipe(Pace):
    """How to train; the defaults made the first part of the shipped model.

    Attributes:
        epochs: How often each picture is seen.
        batch: Pictures a step.
        learning_rate: Peak, reached after ``warmup_steps``, then falling along a cosine.
        edges_px: Pictures of a step are scaled to one of these, by chance.
        smallest_px: Signs whose longer side is then shorter count neither way.
    """

    epochs: int = 8
    batch: int = 24
    learning_rate: float = 2.5e-3
    warmup_steps: int = 300
    weight_decay: float = 0.02
    edges_px: tuple[int, ...] = (224, 256, 288, 320, 320, 352)
    smallest_px: float = 9.0


QUICK = Recipe(
    epochs=4,
    batch=12,
    warmup_steps=100,
    ema=0.99,
    edges_px=(192, 224, 256, 288),
)
"""For going on from a base: small, bold steps, on smaller pictures."""


@dataclass(frozen=True)
class Progress(Step):
    """One step of training.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        heat: Loss of the heat.
        box: Loss of the boxes.
    """

    heat: float
    box: float


class Trainer(Learner[SignNet, Progress]):
    """Trains the network.

    Args:
        data: The pictures.
        recipe: How to train.
        folder: Gets the checkpoint and the curve; a checkpoint found there is resumed.
        start: Weights to start from, None for random ones.

    Raises:
        ConfigError: If the folder's checkpoint belongs to another training.
    """

    def __init__(
        self,
        data: Pictures,
        recipe: Recipe,
        *,
        folder: Path,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        def build() -> SignNet:
            network = SignNet()
            if start is not None:
                network.load_state_dict(start)
            return network

        self._data, self._recipe = data, recipe
        self._per_epoch = len(data) // recipe.batch
        super().__init__(
            build,
            recipe,
            steps=recipe.epochs * self._per_epoch,
            folder=folder,
            checkpoint=CHECKPOINT,
            curve=CURVE,
            learns_from={"data_hash": data.data_hash},
        )

    def learn(self) -> Progress:
        """Look at the pictures of one step."""
        recipe = self._recipe
        images, labels = (
            part.to(self.device)
            for part in augment(
                *self._data.take(self._chosen()),
                rng=np.random.default_rng((recipe.seed, self.step, 1)),
                edges_px=recipe.edges_px,
                smallest_px=recipe.smallest_px,
            )
        )
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            heat, sides = self.network(images)
        targets = make_targets(labels, heat.shape[2], heat.shape[3])
        heat_part = heat_loss(heat.float(), targets)
        box_part = box_loss(sides.float(), targets)
        self.take(heat_part + BOX_WEIGHT * box_part)
        return Progress(self.step, self.steps, float(heat_part.detach()), float(box_part.detach()))

    def learning_rate(self) -> float:
        """Return the learning rate of the next step: rising at first, falling along a cosine."""
        falling = 0.5 + 0.5 * math.cos(math.pi * self.step / max(self.steps, 1))
        return super().learning_rate() * max(falling, 0.01)

    def _chosen(self) -> NDArray[np.int64]:
        """Return the numbers of the pictures of the next step, in rising order."""
        batch = self._recipe.batch
        epoch, place = divmod(self.step, self._per_epoch)
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._data))
        return np.sort(order[place * batch : (place + 1) * batch])


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


def load_network(weights: Path) -> SignNet:
    """Return the network of some weights, without the second look that may lie beside it.

    Args:
        weights: A ``.pt`` file that lies beside a model, or a training's folder.

    Raises:
        ConfigError: If there are none, or they are of another network.
    """
    network = SignNet()
    network.load_state_dict(load_weights(weights))
    return network.eval()


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

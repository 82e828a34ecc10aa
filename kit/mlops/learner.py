"""What every training here shares: steps, averaged weights, a checkpoint to go on from, a curve."""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.nn import Module

from kit.errors import ConfigError

_CURVE_STEPS = 25  # steps between points of the curve


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What the recipe of any training says.

    Attributes:
        learning_rate: Peak, reached after ``warmup_steps``.
        warmup_steps: Steps of rising learning rate.
        weight_decay: Of AdamW.
        clip: Largest length of the gradient.
        ema: How slowly the averaged weights, which are kept, follow.
        save_steps: Steps between checkpoints.
        threads: CPU threads.
        seed: Of weights, order and chance.
    """

    learning_rate: float
    warmup_steps: int
    weight_decay: float
    clip: float = 5.0
    ema: float = 0.998
    save_steps: int = 250
    threads: int = 2
    seed: int = 1


@dataclass(frozen=True)
class Step:
    """One step of training.

    Attributes:
        step: Steps done.
        steps: Steps in all.
    """

    step: int
    steps: int


NetworkT = TypeVar("NetworkT", bound=Module)
StepT = TypeVar("StepT", bound=Step)


class Learner(ABC, Generic[NetworkT, StepT]):
    """A network that learns, on a GPU if there is one, and all that is needed to go on.

    Args:
        build: Makes the network as training starts with it; called after the seed is set.
        recipe: How to train.
        steps: Steps in all.
        folder: Gets the checkpoint and the curve; a checkpoint found there is resumed.
        checkpoint: Its name in the folder.
        curve: Its name in the folder.
        learns_from: What tells the data from other data; a checkpoint of others is refused.

    Attributes:
        network: As it learns.
        average: Its averaged weights, ready to be used.
        step: Steps done.
        steps: Steps in all.

    Raises:
        ConfigError: If the folder's checkpoint belongs to another training.
    """

    def __init__(
        self,
        build: Callable[[], NetworkT],
        recipe: Pace,
        *,
        steps: int,
        folder: Path,
        checkpoint: str,
        curve: str,
        learns_from: Mapping[str, Any],
    ) -> None:
        torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network: NetworkT = build().to(  # type: ignore[call-overload]
            self.device, memory_format=torch.channels_last
        )
        self.average = copy.deepcopy(self.network).eval()
        self.step, self.steps = 0, steps
        self._pace = recipe
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._belongs = {"recipe": asdict(recipe), **learns_from}
        self._checkpoint, self._curve = folder / checkpoint, folder / curve
        folder.mkdir(parents=True, exist_ok=True)
        if self._checkpoint.exists():
            self._resume()

    @abstractmethod
    def learn(self) -> StepT:
        """Look at the pictures of one step, and :meth:`take` it."""

    def learning_rate(self) -> float:
        """Return the learning rate of the next step: rising at first, then as it is."""
        pace = self._pace
        return pace.learning_rate * min(1.0, (self.step + 1) / pace.warmup_steps)

    def run(self) -> Iterator[StepT]:
        """Train to the end of the recipe, yielding after every step."""
        with self._curve.open("a", encoding="utf-8") as curve:
            while self.step < self.steps:
                done = self.learn()
                if self.step % _CURVE_STEPS == 0:
                    curve.write(json.dumps(asdict(done)) + "\n")
                    curve.flush()
                if self.step % self._pace.save_steps == 0 or self.step == self.steps:
                    self._save()
                yield done

    def take(self, loss: Tensor) -> None:
        """Move the weights a step downhill, and the averaged ones behind them.

        Args:
            loss: Of the pictures of this step, a single number.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._pace.clip)
        self._optimiser.step()
        self.step += 1
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self._pace.ema, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.network.state_dict()
        for name, value in ours.items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

    def _save(self) -> None:
        state = {
            "step": self.step,
            **self._belongs,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        half = self._checkpoint.with_name(self._checkpoint.name + ".part")
        torch.save(state, half)
        half.replace(self._checkpoint)

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        found = {key: state.get(key) for key in self._belongs}
        if found != self._belongs:
            raise ConfigError(
                "The checkpoint belongs to another training",
                expected=self._belongs,
                got=found,
                fix=f"remove {self._checkpoint} or name another folder",
            )
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])


def go_back(network: NetworkT, start: Module, share: float) -> NetworkT:
    """Move a network's weights some of the way back to those that its training started from.

    What drawn pictures taught it then counts less, and what let it see signs in photos stays.

    Args:
        network: As training left it; it is changed.
        start: As it was before, a network alike.
        share: How far to go, 0..1.

    Returns:
        The network.
    """
    before = start.state_dict()
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(before[name].to(value.device), share)
    return network

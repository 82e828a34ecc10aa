"""The course of a training, as a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import ConfigError
from kit.labels import say
from kit.mlops.training import CURVE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def read_curve(folder: Path) -> list[dict[str, float]]:
    """Read what a training wrote down every 25 steps.

    Args:
        folder: Of the training.

    Returns:
        ``step``, ``steps``, ``heat`` and ``box``, the losses averaged over those steps.

    Raises:
        ConfigError: If nothing has been trained there yet.
    """
    path = folder / CURVE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if not lines:
        raise ConfigError("There is no training curve", got=str(path), fix="run: kit train")
    return [json.loads(line) for line in lines]


def plot_curve(folder: Path) -> Figure:
    """Plot both losses of a training over its steps.

    Args:
        folder: Of the training.

    Raises:
        ConfigError: If nothing has been trained there yet.
    """
    from matplotlib import pyplot as plt

    points = read_curve(folder)
    steps = [point["step"] for point in points]
    figure, axis = plt.subplots(figsize=(7, 3))
    axis.plot(steps, [point["heat"] for point in points], label=say("where a sign's middle is"))
    axis.plot(steps, [point["box"] for point in points], label=say("where its sides are"))
    axis.set(xlabel=say("step"), ylabel=say("loss"), ylim=(0, None))
    axis.set_title(say("What the network still gets wrong"))
    axis.legend()
    return figure

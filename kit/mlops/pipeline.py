"""From nothing to a model: draw, train, export, and measure on fresh drawn pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kit.mlops.dataset import DrawnSet, Pictures, draw_set, join, open_set
from kit.mlops.drawing.scene import World, draw_example
from kit.mlops.drawing.signs import OTHER
from kit.mlops.export import Card, export
from kit.mlops.measuring.evaluate import score
from kit.mlops.mining import mine
from kit.mlops.network import Detector, SignNet
from kit.mlops.training import Recipe, Trainer, load_weights, save_weights

CHECK_SEED_OFFSET = 1_000_003
"""Pictures to test on are drawn with the training seed plus this."""

NMS_IOU = 0.5

HARD_SHARE = 0.12
"""Share of the hard pictures without a sign in the last epoch."""

HARDENING_RATE = 6e-4
"""Peak of the learning rate in the last epoch."""

_WEAKEST = 0.05


@dataclass(frozen=True)
class Plan:
    """What to make.

    Attributes:
        world: Which signs, and where they stand.
        pictures: Training pictures to draw.
        recipe: How to train; its seed is also that of the pictures, its threads draw them.
        checks: Fresh drawn pictures to test on.
        work: Folder for pictures and checkpoints.
        out: The ONNX file; the weights go beside it, ending in ``.pt``.
        base: Weights to start from; None for random ones.
        sign_free: Pictures without a sign to draw after training; those in which the network
            sees one are learnt in one more epoch. 0 leaves that out.
        labelled: Folder of a set of labelled pictures to mix in, None for none.
        labelled_share: Share of those in each epoch.
        version: Written into the model.
        threshold: Confidence that counts, written into the model.
    """

    world: World
    pictures: int
    recipe: Recipe
    checks: int
    work: Path
    out: Path
    base: Path | None = None
    sign_free: int = 0
    labelled: Path | None = None
    labelled_share: float = 0.3
    version: str = "0.0.0"
    threshold: float = 0.5


@dataclass(frozen=True)
class DrawnMetrics:
    """Figures on drawn pictures that training never saw; photos are harder.

    Attributes:
        drawn_map50: Mean average precision at IoU 0.5, 0..1.
        drawn_precision: At the plan's threshold, 0..1.
        drawn_recall: At the plan's threshold, 0..1.
    """

    drawn_map50: float
    drawn_precision: float
    drawn_recall: float


def make_model(plan: Plan, *, quiet: bool) -> DrawnMetrics:
    """Carry out a plan; go on where an earlier call was interrupted.

    Args:
        plan: What to make.
        quiet: Show no progress bars.
    """
    start = None if plan.base is None else load_weights(plan.base)
    with _bars(quiet=quiet) as bars:
        data = _gather(plan, bars)
        trainer = _train(plan, data, start, bars)
        if plan.sign_free:
            trainer = _harden(plan, data, trainer, bars)
    metrics = check_drawn(trainer.average, plan)
    card = Card(
        version=plan.version,
        threshold=plan.threshold,
        nms_iou=NMS_IOU,
        data_hash=data.data_hash,
        metrics={k: round(v, 4) for k, v in vars(metrics).items()},
        trained_with={
            "torch": torch.__version__,
            "world": plan.world,
            "pictures": plan.pictures,
            "sign_free": plan.sign_free,
            "epochs": plan.recipe.epochs,
            "seed": plan.recipe.seed,
            "learning_rate": plan.recipe.learning_rate,
            "base": None if plan.base is None else plan.base.name,
            "labelled_share": plan.labelled_share if plan.labelled else 0,
        },
    )
    export(trainer.average, plan.out, card)
    save_weights(trainer.average, plan.out.with_suffix(".pt"))
    return metrics


def _bars(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), disable=quiet)


def _gather(plan: Plan, bars: Progress) -> Pictures:
    seed = plan.recipe.seed
    folder = plan.work / f"pictures-{plan.world}-{plan.pictures}-{seed}"
    bar = bars.add_task("draw pictures", total=plan.pictures)
    for done in draw_set(
        folder, count=plan.pictures, seed=seed, workers=plan.recipe.threads, world=plan.world
    ):
        bars.update(bar, completed=done)
    bars.update(bar, completed=plan.pictures)
    drawn = open_set(folder)
    if plan.labelled is None:
        return drawn
    return join(drawn, open_set(plan.labelled), share=plan.labelled_share)


def _train(
    plan: Plan, data: Pictures, start: dict[str, torch.Tensor] | None, bars: Progress
) -> Trainer:
    trainer = Trainer(data, plan.recipe, folder=plan.work / "training", start=start)
    bar = bars.add_task("train", total=trainer.steps, completed=trainer.step)
    for progress in trainer.run():
        bars.update(bar, completed=progress.step)
    return trainer


def _harden(plan: Plan, data: Pictures, trained: Trainer, bars: Progress) -> Trainer:
    """Go on for one epoch with pictures that hold no sign and deceived the network."""
    folder = plan.work / "hard"
    recipe = replace(plan.recipe, epochs=1, learning_rate=HARDENING_RATE, warmup_steps=100)
    bar = bars.add_task("find hard pictures", total=plan.sign_free)
    if not (folder / "set.json").exists():
        keep = max(1, round(HARD_SHARE * len(data)))
        for done in mine(
            trained.average,
            folder,
            count=plan.sign_free,
            seed=recipe.seed,
            keep=keep,
            workers=recipe.threads,
        ):
            bars.update(bar, completed=done)
    hard = open_set(folder)
    bars.update(bar, completed=plan.sign_free)
    if not len(hard) or not isinstance(data, DrawnSet):
        return trained
    trainer = Trainer(
        join(data, hard, share=HARD_SHARE),
        recipe,
        folder=plan.work / "hardening",
        start=trained.average.state_dict(),
    )
    bar = bars.add_task("learn them", total=trainer.steps, completed=trainer.step)
    for progress in trainer.run():
        bars.update(bar, completed=progress.step)
    return trainer


def load_network(weights: Path) -> SignNet:
    """Return the network of some weights.

    Args:
        weights: A ``.pt`` file that lies beside a model, or a training's folder.

    Raises:
        ConfigError: If there are none, or they are of another network.
    """
    network = SignNet()
    network.load_state_dict(load_weights(weights))
    return network.eval()


def check_drawn(network: SignNet, plan: Plan) -> DrawnMetrics:
    """Measure a network on fresh drawn pictures.

    Args:
        network: Trained weights.
        plan: Its world, seed, number of checks and threshold are used.
    """
    detector = Detector(network.cpu().eval())
    signs, found = [], []
    for index in range(plan.checks):
        example = draw_example(plan.recipe.seed + CHECK_SEED_OFFSET, index, world=plan.world)
        wanted = ~example.ignored & (example.classes != OTHER)
        signs.append(np.column_stack([example.classes[wanted], example.boxes[wanted]]))
        rows = detect_raw(detector, example.image)
        found.append(_without(rows, example.boxes[example.ignored]))
    result = score(signs, found, threshold=plan.threshold)
    return DrawnMetrics(result.map50, result.precision, result.recall)


@torch.no_grad()
def detect_raw(detector: Detector, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Run the torch network on one picture, with no clean-up but its own peaks.

    Args:
        detector: The network as it is exported.
        image: BGR (H, W, 3) uint8, H and W multiples of 16.

    Returns:
        (M, 6) class id, x1, y1, x2, y2, confidence.
    """
    rgb = np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1), np.float32) / 255
    scores, boxes = detector(torch.from_numpy(rgb)[None])
    class_id, row, column = np.nonzero(scores[0].numpy() > _WEAKEST)
    corners = boxes[0].numpy()[:, row, column].T
    confidence = scores[0].numpy()[class_id, row, column]
    return np.column_stack([class_id, corners, confidence]).astype(np.float64)


def _without(rows: NDArray[np.float64], ignored: NDArray[np.float32]) -> NDArray[np.float64]:
    """Drop detections whose middle lies in a sign that counts neither way."""
    x, y = (rows[:, 1] + rows[:, 3]) / 2, (rows[:, 2] + rows[:, 4]) / 2
    inside = np.zeros(len(rows), bool)
    for x1, y1, x2, y2 in ignored:
        inside |= (x > x1) & (x < x2) & (y > y1) & (y < y2)
    return rows[~inside]

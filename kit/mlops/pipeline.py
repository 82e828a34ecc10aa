"""From nothing to a model: draw, train, harden, look twice, export, and measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kit.mlops.checking import DrawnMetrics, check_drawn
from kit.mlops.dataset import DrawnSet, Pictures, concatenate, draw_set, join, open_set
from kit.mlops.doubting import Tell, gather, teach
from kit.mlops.drawing.scene import World
from kit.mlops.export import Card, export
from kit.mlops.learner import go_back
from kit.mlops.looking import LookRecipe
from kit.mlops.mining import draw_frames, mine, open_frames
from kit.mlops.network import SignNet
from kit.mlops.plan import Plan
from kit.mlops.second_look import SecondLook
from kit.mlops.training import Recipe, Trainer, load_look, load_weights, save_weights

NMS_IOU = 0.5

_HARDER: Mapping[World, World] = {"lego": "lego-hard", "lego-hard": "lego-hard", "road": "road"}

HARDER_SHARE = 0.2
"""Harder pictures that are drawn for the second part of training, for each of the first."""

HARDER_SEED_OFFSET = 500_009
"""Harder pictures, and frames without signs, are drawn with the training seed plus this."""


@dataclass(frozen=True)
class Round:
    """One round of learning from what deceives the network.

    Attributes:
        epochs: How often each of the harder pictures is seen.
        learning_rate: Its peak.
        frames: Share of all frames without a sign that are looked through before it.
        deceiving: Share, among the pictures it sees, of parts of those that deceived the network.
        kept: How far the finished weights go back to those that the round started from, 0..1.
    """

    epochs: int
    learning_rate: float
    frames: float
    deceiving: float
    kept: float


ROUNDS = (Round(3, 8e-4, 0.5, 0.3, 0.0), Round(9, 1.2e-3, 0.5, 0.35, 0.75))
"""The second part of training. What deceived the network once stays among what is learnt."""

LOOK_SHARE = 0.13
"""Fresh pictures that are drawn for the second look, for each of the first part."""

LOOK_SEED_OFFSET = 700_001
"""Those, and as many frames without signs as the second part had, are drawn with the training
seed plus this."""


def make_model(plan: Plan, *, quiet: bool) -> DrawnMetrics:
    """Carry out a plan; go on where an earlier call was interrupted.

    Args:
        plan: What to make.
        quiet: Show no progress bars.
    """
    start = None if plan.base is None else load_weights(plan.base)
    look: SecondLook | None = None
    with _bars(quiet=quiet) as bars:
        data = _gather(plan, bars)
        network = _learn(data, plan.recipe, plan.work / "training", start, bars)
        data_hash = data.data_hash
        if plan.sign_free:
            first = network
            network, data_hash = _harden(plan, first, bars)
            if plan.looks_twice:
                look = _doubt(plan, network, first, bars)
        elif plan.looks_twice:
            look = _same_look(plan, network)
    metrics = check_drawn(network, plan, look)
    card = Card(
        version=plan.version,
        threshold=plan.threshold,
        nms_iou=NMS_IOU,
        data_hash=data_hash,
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
    export(network, plan.out, card, look)
    save_weights(network, plan.out.with_suffix(".pt"), look)
    return metrics


def _bars(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), disable=quiet)


def _gather(plan: Plan, bars: Progress) -> Pictures:
    drawn = _draw(plan, plan.pictures, plan.recipe.seed, plan.world, bars)
    if plan.labelled is None:
        return drawn
    return join(drawn, open_set(plan.labelled), share=plan.labelled_share)


def _draw(plan: Plan, count: int, seed: int, world: World, bars: Progress) -> DrawnSet:
    folder = plan.work / f"pictures-{world}-{count}-{seed}"
    bar = bars.add_task("draw pictures", total=count)
    for done in draw_set(folder, count=count, seed=seed, workers=plan.recipe.threads, world=world):
        bars.update(bar, completed=done)
    bars.update(bar, completed=count)
    return open_set(folder)


def _learn(
    data: Pictures,
    recipe: Recipe,
    folder: Path,
    start: dict[str, torch.Tensor] | None,
    bars: Progress,
) -> SignNet:
    trainer = Trainer(data, recipe, folder=folder, start=start)
    bar = bars.add_task("train", total=trainer.steps, completed=trainer.step)
    for progress in trainer.run():
        bars.update(bar, completed=progress.step)
    average: SignNet = trainer.average
    return average


def _harden(plan: Plan, trained: SignNet, bars: Progress) -> tuple[SignNet, str]:
    """Go on with harder pictures, and with frames that hold no sign and deceive the network.

    Returns:
        The network, and the hash of the last training set.
    """
    seed = plan.recipe.seed + HARDER_SEED_OFFSET
    drawn = _draw(
        plan, max(1, round(HARDER_SHARE * plan.pictures)), seed, _HARDER[plan.world], bars
    )
    network, hard = trained, list[DrawnSet]()
    data: Pictures = drawn
    for number, each in enumerate(ROUNDS):
        count = max(1, round(each.frames * plan.sign_free))
        hard.insert(0, _mine(plan, network, number, count, bars))
        deceiving = concatenate(hard)
        data = join(drawn, deceiving, share=each.deceiving) if len(deceiving) else drawn
        recipe = replace(
            plan.recipe,
            epochs=each.epochs,
            learning_rate=each.learning_rate,
            warmup_steps=200,
            smallest_px=11.0,
        )
        folder = plan.work / f"hardening-{number}"
        learnt = _learn(data, recipe, folder, network.state_dict(), bars)
        network = go_back(learnt, network, each.kept)
    return network, data.data_hash


def _mine(plan: Plan, network: SignNet, number: int, count: int, bars: Progress) -> DrawnSet:
    """Find what deceives a network in so many frames without signs, anew for each round."""
    folder = plan.work / f"hard-{number}"
    bar = bars.add_task("find hard frames", total=count)
    if not (folder / "set.json").exists():
        for done in mine(
            network,
            folder,
            count=count,
            seed=plan.recipe.seed + HARDER_SEED_OFFSET + number,
            keep=count,
            workers=plan.recipe.threads,
        ):
            bars.update(bar, completed=done)
    bars.update(bar, completed=count)
    return open_set(folder)


def _doubt(plan: Plan, network: SignNet, first: SignNet, bars: Progress) -> SecondLook:
    """Teach a second look with what the network sees in pictures, most of them new to it.

    It starts from the network as it was after the first part: another opinion is worth more.
    """
    seed = plan.recipe.seed + LOOK_SEED_OFFSET
    fresh = _draw(plan, max(1, round(LOOK_SHARE * plan.pictures)), seed, plan.world, bars)
    folder = plan.work / "frames"
    bar = bars.add_task("draw frames without signs", total=plan.sign_free)
    for done in draw_frames(folder, count=plan.sign_free, seed=seed, workers=plan.recipe.threads):
        bars.update(bar, completed=done)
    bars.update(bar, completed=plan.sign_free)
    harder = f"pictures-{_HARDER[plan.world]}-*-{plan.recipe.seed + HARDER_SEED_OFFSET}"
    known = [*sorted(plan.work.glob(harder)), *sorted(plan.work.glob("hard-[0-9]"))]
    sets = [fresh, *map(open_set, known)]
    torch.set_num_threads(plan.recipe.threads)
    windows = gather(network, sets, open_frames(folder), _teller(bars, "look at pictures"))
    recipe = LookRecipe(threads=plan.recipe.threads, seed=plan.recipe.seed)
    tell = _teller(bars, "train the second look")
    return teach(first, windows, recipe, plan.work / "look", tell)


def _same_look(plan: Plan, network: SignNet) -> SecondLook:
    """Return the base's second look, or one that is untaught: it sees each sign equally large."""
    taught = None if plan.base is None else load_look(plan.base)
    if taught is not None:
        return taught
    look = SecondLook().eval()
    look.start_from(network.cpu())
    return look


def _teller(bars: Progress, text: str) -> Tell:
    bar = bars.add_task(text, total=None)
    return lambda done, total: bars.update(bar, completed=done, total=total)

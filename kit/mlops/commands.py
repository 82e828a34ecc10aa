"""The command line's share of this room: ``kit train`` and ``kit retrain``."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from kit.cli import JsonFlag, emit
from kit.config import share_path
from kit.errors import missing_extra

if TYPE_CHECKING:
    from kit.mlops.plan import Plan

Pictures = Annotated[int, typer.Option(min=1, help="Training pictures to draw.")]
Epochs = Annotated[int, typer.Option(min=1, help="How often each picture is seen.")]
Batch = Annotated[int, typer.Option(min=1, help="Pictures a step.")]
Checks = Annotated[int, typer.Option(min=1, help="Fresh drawn pictures to test on.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same pictures and order.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads and drawing processes.")]
Work = Annotated[Path, typer.Option(help="Pictures and checkpoints go here.")]
Out = Annotated[Path | None, typer.Option(help="The ONNX file; signs.onnx in --work.")]
LearningRate = Annotated[float, typer.Option(min=0, help="Peak learning rate.")]
SignFree = Annotated[
    int,
    typer.Option(min=0, help="Frames without a sign for parts two and three; 0 leaves both out."),
]
Version = Annotated[str, typer.Option(help="Version written into the model.")]
Threshold = Annotated[float, typer.Option(min=0, max=1, help="Confidence that counts.")]
WorldOption = Annotated[
    Literal["lego", "road"], typer.Option(help="LEGO signs on tables, or European road signs.")
]


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    app.command("train")(train)
    app.command("retrain")(retrain)


def train(
    *,
    world: WorldOption = "lego",
    pictures: Pictures = 30_000,
    epochs: Epochs = 8,
    batch: Batch = 24,
    sign_free: SignFree = 4_000,
    checks: Checks = 300,
    seed: Seed = 1,
    threads: Threads = 2,
    work: Work = Path("runs/train"),
    out: Out = None,
    learning_rate: LearningRate = 2.5e-3,
    version: Version = "0.0.0",
    threshold: Threshold = 0.5,
    as_json: JsonFlag = False,
) -> None:
    """Draw pictures of signs, train a model on them from nothing, and write it as ONNX.

    An interrupted training goes on from its last checkpoint when it is called again alike.
    """
    _need_torch()
    from kit.mlops.plan import Plan
    from kit.mlops.training import Recipe

    recipe = Recipe(
        epochs=epochs, batch=batch, learning_rate=learning_rate, threads=threads, seed=seed
    )
    plan = Plan(
        world=world,
        pictures=pictures,
        recipe=recipe,
        checks=checks,
        sign_free=sign_free,
        work=work,
        out=out or work / "signs.onnx",
        version=version,
        threshold=threshold,
    )
    _carry_out(plan, as_json=as_json)


def retrain(
    *,
    base: Annotated[
        Path | None,
        typer.Option(help="Start from this .pt file or training's folder; the kit's road model."),
    ] = None,
    labelled: Annotated[
        Path | None, typer.Option(help="Folder of labelled pictures to mix in.")
    ] = None,
    labelled_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of those in each epoch.")
    ] = 0.3,
    world: WorldOption = "lego",
    pictures: Pictures = 4_000,
    epochs: Epochs = 4,
    batch: Batch = 12,
    checks: Checks = 100,
    seed: Seed = 1,
    threads: Threads = 2,
    work: Work = Path("runs/retrain"),
    out: Out = None,
    learning_rate: LearningRate = 2.5e-3,
    version: Version = "0.0.0",
    threshold: Threshold = 0.5,
    as_json: JsonFlag = False,
) -> None:
    """Go on from a trained model with other pictures, for minutes instead of an hour.

    An interrupted training goes on from its last checkpoint when it is called again alike.
    """
    _need_torch()
    from kit.mlops.plan import Plan
    from kit.mlops.training import QUICK

    recipe = replace(
        QUICK, epochs=epochs, batch=batch, learning_rate=learning_rate, threads=threads, seed=seed
    )
    plan = Plan(
        world=world,
        pictures=pictures,
        recipe=recipe,
        checks=checks,
        work=work,
        out=out or work / "signs.onnx",
        base=base or share_path("datasets/model/road.pt"),
        labelled=labelled,
        labelled_share=labelled_share,
        version=version,
        threshold=threshold,
    )
    _carry_out(plan, as_json=as_json)


def _need_torch() -> None:
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise missing_extra(package, "train")


def _carry_out(plan: Plan, *, as_json: bool) -> None:
    from kit.mlops.pipeline import make_model

    begun = time.monotonic()
    metrics = make_model(plan, quiet=as_json)
    result: dict[str, Any] = {
        "model": str(plan.out),
        "weights": str(plan.out.with_suffix(".pt")),
        "version": plan.version,
        "world": plan.world,
        "base": None if plan.base is None else str(plan.base),
        "pictures": plan.pictures,
        "epochs": plan.recipe.epochs,
        "seed": plan.recipe.seed,
        "seconds": round(time.monotonic() - begun, 1),
        "metrics": asdict(metrics),
    }
    emit(result, as_json=as_json)

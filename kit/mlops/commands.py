"""The command line's share of this room: ``kit train``."""

from __future__ import annotations

import time
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from kit.cli import JsonFlag, emit
from kit.errors import missing_extra


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    app.command("train")(train)


def train(
    *,
    pictures: Annotated[int, typer.Option(min=1, help="Training pictures to draw.")] = 30_000,
    epochs: Annotated[int, typer.Option(min=1, help="How often each picture is seen.")] = 8,
    batch: Annotated[int, typer.Option(min=1, help="Pictures a step.")] = 24,
    checks: Annotated[int, typer.Option(min=1, help="Fresh drawn pictures to test on.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pictures and order.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads and drawing processes.")] = 2,
    work: Annotated[Path, typer.Option(help="Pictures and checkpoints go here.")] = Path(
        "runs/train"
    ),
    out: Annotated[Path | None, typer.Option(help="The ONNX file; signs.onnx in --work.")] = None,
    start: Annotated[
        Path | None, typer.Option(help="Go on from the weights of another training's folder.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 2.5e-3,
    version: Annotated[str, typer.Option(help="Version written into the model.")] = "0.0.0",
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Confidence that counts.")] = 0.5,
    as_json: JsonFlag = False,
) -> None:
    """Draw pictures of signs, train the model on them, and write it as ONNX.

    An interrupted training goes on from its last checkpoint when it is called again alike.
    """
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise missing_extra(package, "train")
    from kit.mlops.pipeline import Plan, make_model

    plan = Plan(
        pictures=pictures,
        epochs=epochs,
        batch=batch,
        checks=checks,
        seed=seed,
        threads=threads,
        work=work,
        out=out or work / "signs.onnx",
        start=start,
        learning_rate=learning_rate,
        version=version,
        threshold=threshold,
    )
    begun = time.monotonic()
    metrics = make_model(plan, quiet=as_json)
    result: dict[str, Any] = {
        "model": str(plan.out),
        "version": version,
        "pictures": pictures,
        "epochs": epochs,
        "seed": seed,
        "seconds": round(time.monotonic() - begun, 1),
        "metrics": asdict(metrics),
    }
    emit(result, as_json=as_json)

"""The command line's share of this room: ``kit detect`` and ``kit evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import JsonFlag, emit

if TYPE_CHECKING:
    from kit.mlops.evaluate import Evaluation

WEAKEST = 0.01
"""Confidence from which detections count towards average precision."""

Model = Annotated[Path | None, typer.Option(help="An ONNX file; the kit's own if not given.")]
ProviderName = Annotated[str, typer.Option(help="auto, cpu, cuda or tensorrt.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the CPU.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    app.command("detect")(detect)
    app.command("evaluate")(evaluate)


def detect(
    *,
    files: Annotated[list[Path], typer.Argument(help="Photos, videos, folders of photos.")],
    confidence: Annotated[
        float | None, typer.Option(help="Leave out what is less sure, 0 to 1; the model's own.")
    ] = None,
    model: Model = None,
    provider: ProviderName = "auto",
    threads: Threads = 2,
    out: Annotated[Path | None, typer.Option(help="Folder for pictures with boxes.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Find signs in photos and videos; boxes are in the file's own pixels."""
    from kit.vision.detector import Detector
    from kit.vision.findings import expand, find_signs

    paths = expand(files)
    detector = Detector(model, provider=_provider(provider), confidence=confidence, threads=threads)
    found = [find_signs(detector, path, out=out) for path in paths]
    # One file's findings also stand at the top, so that callers need not care how many.
    emit({**found[0], "files": found}, as_json=as_json, text=_listing(found))


def evaluate(
    *,
    images: Annotated[Path, typer.Option(help="Folder of the photos.")],
    annotations: Annotated[Path, typer.Option(help="Their signs, as a COCO file.")],
    model: Model = None,
    provider: ProviderName = "auto",
    threads: Threads = 2,
    as_json: JsonFlag = False,
) -> None:
    """Measure the model on photos whose signs are known: mean average precision and time."""
    from kit.mlops.evaluate import evaluate as measure
    from kit.vision.detector import Detector

    detector = Detector(model, provider=_provider(provider), confidence=WEAKEST, threads=threads)
    threshold = detector.info.threshold
    result = measure(detector, annotations, images, threshold=threshold)
    about = {"model": detector.info.version, "provider": detector.info.provider}
    emit({**as_record(result), **about}, as_json=as_json, text=_scores(result))


def as_record(result: Evaluation) -> dict[str, Any]:
    """Turn an evaluation into what ``kit evaluate --json`` prints, rounded to 4 places."""
    from dataclasses import asdict

    return {name: _rounded(value) for name, value in asdict(result).items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def _provider(name: str) -> Any:
    from kit.vision.providers import PROVIDERS

    if name not in {"auto", *PROVIDERS}:
        message = f"'{name}' is none of auto, {', '.join(PROVIDERS)}"
        raise typer.BadParameter(message, param_hint="--provider")
    return name


def _listing(found: list[dict[str, Any]]) -> str:
    lines = []
    for record in found:
        lines.append(f"{record['file']}: {_count(len(record['detections']), 'sign')}")
        lines.extend(f"  {_line(sign)}" for sign in record["detections"])
    return "\n".join(lines)


def _line(sign: dict[str, Any]) -> str:
    x, y, width, height = map(round, sign["box"])
    when = f"{sign['time_s']:8.2f} s  " if "time_s" in sign else ""
    where = f"{width} x {height} at {x}, {y}"
    return f"{when}{sign['label']:<12}{sign['confidence']:4.0%}  {where}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _scores(result: Evaluation) -> str:
    header = f"{'':<14}{'signs':>6}{'mAP50':>8}{'mAP50-95':>10}{'precision':>11}{'recall':>8}"
    rows = [
        f"{name:<14}{one.signs:>6}{one.ap50:>8.3f}{one.ap50_95:>10.3f}"
        f"{one.precision:>11.3f}{one.recall:>8.3f}"
        for name, one in result.per_class.items()
    ]
    signs = sum(one.signs for one in result.per_class.values())
    total = (
        f"{'all':<14}{signs:>6}{result.map50:>8.3f}{result.map50_95:>10.3f}"
        f"{result.precision:>11.3f}{result.recall:>8.3f}"
    )
    times = ", ".join(f"{name} {value:.1f}" for name, value in result.latency_ms.items())
    foot = (
        f"{_count(result.images, 'photo')}; precision and recall from confidence "
        f"{result.threshold:g} on; milliseconds a photo: {times}"
    )
    return "\n".join([header, *rows, total, foot])

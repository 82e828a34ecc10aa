"""The command line's share of this room: ``kit detect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kit.cli import JsonFlag, emit

Model = Annotated[Path | None, typer.Option(help="An ONNX file; the kit's own if not given.")]
ProviderName = Annotated[str, typer.Option(help="auto, cpu, cuda or tensorrt.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the CPU.")]


def register(app: typer.Typer) -> None:
    """Add this room's command.

    Args:
        app: The ``kit`` application.
    """
    app.command("detect")(detect)


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
    detector = Detector(
        model, provider=checked_provider(provider), confidence=confidence, threads=threads
    )
    found = [find_signs(detector, path, out=out) for path in paths]
    # One file's findings also stand at the top, so that callers need not care how many.
    emit({**found[0], "files": found}, as_json=as_json, text=_listing(found))


def checked_provider(name: str) -> Any:
    """Return a provider's name if there is such a provider.

    Raises:
        typer.BadParameter: If not.
    """
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

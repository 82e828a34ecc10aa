"""The command ``kit harvest``: what was kept, and labels for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import JsonFlag, emit

if TYPE_CHECKING:
    from kit.watching.harvest import HarvestedFrame

Folder = Annotated[Path, typer.Argument(help="Folder of the harvest.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    harvest = typer.Typer(
        help="List and label the doubtful frames that were kept.", no_args_is_help=True
    )
    harvest.command("list")(list_frames)
    harvest.command("label")(label)
    app.add_typer(harvest, name="harvest")


def list_frames(*, folder: Folder, as_json: JsonFlag = False) -> None:
    """List what the inference service kept, the most doubtful frame first, and why."""
    from kit.watching.harvest import read_harvest

    frames = sorted(read_harvest(folder), key=lambda entry: (-entry.score, entry.name))
    records = [_record(entry) for entry in frames]
    lines = [f"{r['score']:.2f}  {r['frame_id']}  {', '.join(r['reasons'])}" for r in records]
    emit(
        {"harvest": str(folder), "count": len(records), "frames": records},
        as_json=as_json,
        text="\n".join([*lines, f"{len(records)} frames"]),
    )


def label(
    *,
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Folder of the labelled set; it may exist already.")],
    truth: Annotated[Path, typer.Option(help="truth.jsonl of the run on the virtual set.")],
    as_json: JsonFlag = False,
) -> None:
    """Label what the virtual set took by its own notes.

    Of a real track nobody has such notes: label by hand in the notebook 64_close_the_loop.
    """
    from kit.mlops.labelling.session import LabellingSession
    from kit.mlops.labelling.truth import label_by_truth, truth_of

    session = LabellingSession(folder, out)
    labelled = label_by_truth(session, truth_of(folder, truth))
    result = {
        "set": str(out),
        "labelled": labelled,
        "waiting": session.waiting,
        "signs": session.labels.annotated.counts(),
    }
    emit(result, as_json=as_json, text=f"{labelled} frames labelled, {session.waiting} unknown")


def _record(entry: HarvestedFrame) -> dict[str, Any]:
    return {
        "frame_id": entry.name,
        "captured_at": entry.frame.captured_at.isoformat(),
        "score": round(entry.score, 4),
        "reasons": [reason.value for reason in entry.reasons],
        "model": entry.model,
    }

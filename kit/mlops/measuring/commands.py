"""The command line's share of this room: ``kit evaluate`` and ``kit quantise``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import JsonFlag, emit
from kit.vision.commands import Model, ProviderName, Threads, checked_provider

if TYPE_CHECKING:
    from kit.mlops.measuring.comparison import Comparison
    from kit.mlops.measuring.labelled import LabelledPhoto
    from kit.mlops.measuring.measurement import Measurement
    from kit.mlops.measuring.saving import Saving
    from kit.vision.detector import Detector

Images = Annotated[Path, typer.Option(help="Folder of the photos.")]
Annotations = Annotated[Path, typer.Option(help="Their signs, as a COCO file.")]

DRAWN = 100
"""Pictures that ``kit quantise`` draws to measure on when no photos are given."""


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    app.command("evaluate")(evaluate)
    app.command("quantise")(quantise)


def evaluate(
    *,
    images: Images,
    annotations: Annotations,
    model: Model = None,
    against: Annotated[
        Path | None, typer.Option(help="Another ONNX file to compare the model with.")
    ] = None,
    sign_free: Annotated[
        int, typer.Option(min=0, help="Count false alarms on so many frames without signs.")
    ] = 0,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also shrink, roll, darken, cover ... the photos.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder for a page with curves and the worst mistakes.")
    ] = None,
    provider: ProviderName = "auto",
    threads: Threads = 2,
    as_json: JsonFlag = False,
) -> None:
    """Measure the model on photos whose signs are known: precision, recall, mistakes, time."""
    from kit.mlops.measuring.labelled import read_coco
    from kit.mlops.measuring.measurement import measure

    photos = read_coco(annotations, images)
    where = {"provider": checked_provider(provider), "threads": threads}
    eyes, timed = open_both(model, **where)
    comparison = None
    if against is None:
        measured = measure(eyes, photos, threshold=eyes.info.threshold, timed=timed)
    else:
        other = open_both(against, **where)
        comparison = _compare((eyes, timed), other, photos)
        measured = comparison.model
    measured = _more(measured, eyes, photos, sign_free=sign_free, robustness=robustness)
    result = {
        **measured.as_json(),
        "model": eyes.info.version,
        "provider": eyes.info.provider,
        "against": None if comparison is None else comparison.as_json(),
        "report": None,
    }
    if report is not None:
        from kit.mlops.measuring.report import write_report

        page = write_report(report, measured, name=eyes.info.version, comparison=comparison)
        result["report"] = str(page)
    emit(result, as_json=as_json, text=_text(measured, comparison, result["report"]))


def quantise(
    *,
    model: Annotated[Path, typer.Argument(help="The fp32 model, an ONNX file.")],
    out: Annotated[Path, typer.Option(help="The INT8 copy.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder of photos to measure both on; drawn ones if none.")
    ] = None,
    annotations: Annotated[Path | None, typer.Option(help="Their signs, as a COCO file.")] = None,
    pictures: Annotated[int, typer.Option(min=8, help="Drawn pictures to calibrate with.")] = 60,
    threads: Threads = 2,
    as_json: JsonFlag = False,
) -> None:
    """Make an INT8 copy of the model; it is not written if it costs more than 0.02 mAP50."""
    from kit.mlops.measuring.labelled import drawn_photos, read_coco
    from kit.mlops.measuring.saving import save_int8
    from kit.mlops.quantise import CALIBRATION_SEED, calibration_frames

    if (images is None) != (annotations is None):
        message = "--images and --annotations belong together"
        raise typer.BadParameter(message)
    if images is None or annotations is None:
        photos = drawn_photos(count=DRAWN, seed=CALIBRATION_SEED + 1)
    else:
        photos = read_coco(annotations, images)
    frames = calibration_frames(count=pictures)
    saving = save_int8(model, out, photos=photos, frames=frames, threads=threads)
    emit(saving.as_json(), as_json=as_json, text=_saving_text(saving))
    if not saving.written:
        raise typer.Exit(1)


def open_both(model: Path | None, *, provider: Any, threads: int) -> tuple[Detector, Detector]:
    """Open a model twice.

    Returns:
        A detector that also reports what it is not sure of, for the curves; and one as it is
        used, to be timed: it has fewer boxes to sort out.

    Raises:
        ModelError: If the model cannot be opened or run.
    """
    from kit.mlops.measuring.observing import WEAKEST
    from kit.vision.detector import Detector

    weak = Detector(model, provider=provider, confidence=WEAKEST, threads=threads)
    return weak, Detector(model, provider=provider, threads=threads)


def _compare(
    ours: tuple[Detector, Detector],
    theirs: tuple[Detector, Detector],
    photos: list[LabelledPhoto],
) -> Comparison:
    from kit.mlops.measuring.comparison import compare

    infos = (ours[0].info, theirs[0].info)
    names = (infos[0].version, infos[1].version)
    if names[0] == names[1]:  # such as two trainings of one day
        names = (infos[0].path.name, infos[1].path.name)
    if names[0] == names[1]:
        names = (f"{names[0]} (model)", f"{names[1]} (against)")
    return compare(
        (ours[0], theirs[0]),
        photos,
        names=names,
        thresholds=(infos[0].threshold, infos[1].threshold),
        timed=(ours[1], theirs[1]),
    )


def _more(
    measured: Measurement,
    eyes: Detector,
    photos: list[LabelledPhoto],
    *,
    sign_free: int,
    robustness: bool,
) -> Measurement:
    from dataclasses import replace

    from kit.mlops.measuring.measurement import with_robustness
    from kit.mlops.measuring.sign_free import count_alarms

    if robustness:
        measured = with_robustness(measured, eyes, photos)
    if sign_free:
        alarms = count_alarms(eyes, frames=sign_free, threshold=eyes.info.threshold)
        measured = replace(measured, sign_free=alarms)
    return measured


def _text(measured: Measurement, comparison: Comparison | None, report: str | None) -> str:
    from kit.mlops.measuring.tables import as_text, comparison_text

    parts = [as_text(measured)]
    if comparison is not None:
        parts.append(comparison_text(comparison))
    if report is not None:
        parts.append(f"report: {report}")
    return "\n\n".join(parts)


def _saving_text(saving: Saving) -> str:
    from kit.mlops.quantise import LARGEST_LOSS

    lines = [f"{'':<6}{'kB':>8}{'mAP50':>8}{'ms p50':>9}{'ms p95':>9}"]
    for name in ("fp32", "int8"):
        took = saving.latency_ms[name]
        lines.append(
            f"{name:<6}{saving.bytes[name] / 1000:>8.0f}{saving.map50[name]:>8.3f}"
            f"{took['p50']:>9.1f}{took['p95']:>9.1f}"
        )
    cost = f"INT8 costs {saving.loss:+.3f} mAP50 on {saving.photos} photos"
    speed = f"is {saving.speedup:.1f} times as fast on this machine"
    kept = (
        f"written to {saving.out}" if saving.written else f"not written: more than {LARGEST_LOSS}"
    )
    return "\n".join([*lines, f"{cost} and {speed}; {kept}"])

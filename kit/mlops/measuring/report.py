"""A measurement as one page that needs nothing from outside: tables, curves, the worst mistakes."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from kit.mlops.measuring import charts
from kit.mlops.measuring.comparison import Comparison
from kit.mlops.measuring.gallery import gallery, pairs
from kit.mlops.measuring.measurement import Measurement
from kit.mlops.measuring.mistakes import Kind, worst
from kit.mlops.measuring.tables import as_text, comparison_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "report.html"
"""Name of the page in the report's folder."""

FIGURES = "measurement.json"
"""Name of the file with all figures, beside the page."""

MOST = 16
"""Mistakes of a kind that are shown."""

_PHOTOS = 6  # photos on which two models differ
_PHOTO_PX = 480
_CROP_PX = 165


def write_report(
    folder: Path, measured: Measurement, *, name: str, comparison: Comparison | None = None
) -> Path:
    """Write the page, and its figures as JSON beside it.

    Args:
        folder: Where they go; made if need be.
        measured: What was measured.
        name: Of the model.
        comparison: With another model, if there was one.

    Returns:
        The page's file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = measured.as_json()
    if comparison is not None:
        figures["against"] = comparison.as_json()
    text = json.dumps({"model": name, **figures}, indent=1, allow_nan=False)
    (folder / FIGURES).write_text(text + "\n", encoding="utf-8")
    page = folder / PAGE
    page.write_text(render(measured, name=name, comparison=comparison), encoding="utf-8")
    return page


def render(measured: Measurement, *, name: str, comparison: Comparison | None = None) -> str:
    """Return the page; see :func:`write_report`."""
    both = {name: measured} if comparison is None else comparison.measured
    sections = [*_compared(comparison), *_plots(both, name, measured), *_galleries(measured)]
    template = files("kit.mlops.measuring").joinpath("report_template.html")
    one = measured.evaluation
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"The model {name}"),
        subtitle=html.escape(
            f"{one.images} photos, {sum(c.signs for c in one.per_class.values())} signs; "
            f"a detection counts from confidence {one.threshold:g} on"
        ),
        tiles=_tiles(measured),
        body="\n".join(sections),
    )


def _tiles(measured: Measurement) -> str:
    one = measured.evaluation
    values = {
        "mAP50": f"{one.map50:.3f}",
        "mAP50-95": f"{one.map50_95:.3f}",
        "precision": f"{one.precision:.3f}",
        "recall": f"{one.recall:.3f}",
        "ms a frame, median": f"{one.latency_ms['p50']:.1f}",
    }
    if measured.sign_free is not None and measured.sign_free.total.per_thousand is not None:
        values["false alarms in 1000 frames"] = f"{measured.sign_free.total.per_thousand:.1f}"
    return "".join(
        f'<div class="tile"><b>{value}</b><span>{name}</span></div>'
        for name, value in values.items()
    )


def _compared(comparison: Comparison | None) -> Iterator[str]:
    if comparison is None:
        return
    table = f"<pre>{html.escape(comparison_text(comparison))}</pre>"
    plot = _figure(charts.plot_differences(comparison))
    yield _section("Side by side", comparison.verdict, plot + table)
    shown = comparison.disagreements[:_PHOTOS]
    if shown:
        note = "Photos on which one makes more mistakes than the other, the most different first."
        body = pairs(shown, comparison.names, width_px=_PHOTO_PX)
        yield _section("Where they differ", note, body)


def _plots(both: Mapping[str, Measurement], name: str, measured: Measurement) -> Iterator[str]:
    yield _section(
        "Precision and recall",
        "Finding more signs costs false alarms. The nearer to the upper right corner, the better.",
        _figure(charts.plot_precision_recall(both)) + _figure(charts.plot_thresholds(both)),
    )
    yield _section("Size", "Signs far away are small.", _figure(charts.plot_sizes(both)))
    yield _section(
        "Calibration",
        "Of all detections at 0.8, 80 % should be right: then bars reach the dashed line.",
        _figure(charts.plot_calibration(both)),
    )
    yield _section(
        "Confusion",
        "Rows are what is there, columns what it was taken for.",
        _figure(charts.plot_confusion(both)),
    )
    yield _section("Time", "Warm, from picture to boxes.", _figure(charts.plot_latency(both)))
    if measured.robustness:
        note = "The same photos made harder, and their boxes with them."
        figure = _figure(charts.plot_robustness({name: measured}))
        yield _section("Robustness", note, figure)
    yield _section("All figures", "", f"<pre>{html.escape(as_text(measured))}</pre>")


def _galleries(measured: Measurement) -> Iterator[str]:
    for kind in Kind:
        every = [mistake for mistake in measured.mistakes if mistake.kind is kind]
        note = f"{len(every)} in all, the worst first. Green: the true box. Red: the reported one."
        if every:
            yield _section(
                kind.capitalize(), note, gallery(worst(every, kind, MOST), width_px=_CROP_PX)
            )
    if measured.sign_free is not None and measured.sign_free.worst:
        note = "The surest of them. No sign is in any of these frames."
        body = gallery(measured.sign_free.worst, width_px=_CROP_PX)
        yield _section("False alarms on frames without signs", note, body)


def _section(title: str, note: str, body: str) -> str:
    said = f"<p>{html.escape(note)}</p>" if note else ""
    return f"<section><h2>{html.escape(title)}</h2>{said}{body}</section>"


def _figure(figure: Figure) -> str:
    """Return a plot as a picture inside the page, and let go of it."""
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img class="plot" src="data:image/svg+xml;base64,{data}" alt="">'

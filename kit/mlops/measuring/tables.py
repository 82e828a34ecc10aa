"""Figures as lines of text, for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kit.mlops.measuring.comparison import Comparison
from kit.mlops.measuring.measurement import Measurement


def as_text(measured: Measurement) -> str:
    """Return a measurement's figures as lines.

    Args:
        measured: What ``kit evaluate`` measured.
    """
    sections = (_scores(measured), _threshold(measured), _sizes(measured), _confusion(measured))
    more = (_robustness(measured), _sign_free(measured))
    return "\n\n".join("\n".join(s) for s in map(list, (*sections, *more)) if s)


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison as lines: each figure of both models, and the verdict."""
    first, second = comparison.names
    wide = max(12, len(first), len(second)) + 2
    lines = [f"{'':<24}{first:>{wide}}{second:>{wide}}{'difference':>12}"]
    for row in comparison.rows:
        one, other = (_figure(value) for value in (row.model, row.against))
        gap = "" if row.difference is None else f"{row.difference:+.3f}"
        lines.append(f"{row.figure:<24}{one:>{wide}}{other:>{wide}}{gap:>12}")
    return "\n".join([*lines, "", comparison.verdict])


def _scores(measured: Measurement) -> Iterator[str]:
    result = measured.evaluation
    yield f"{'':<14}{'signs':>6}{'mAP50':>8}{'mAP50-95':>10}{'precision':>11}{'recall':>8}"
    for name, one in result.per_class.items():
        yield (
            f"{name:<14}{one.signs:>6}{one.ap50:>8.3f}{one.ap50_95:>10.3f}"
            f"{one.precision:>11.3f}{one.recall:>8.3f}"
        )
    signs = sum(one.signs for one in result.per_class.values())
    yield (
        f"{'all':<14}{signs:>6}{result.map50:>8.3f}{result.map50_95:>10.3f}"
        f"{result.precision:>11.3f}{result.recall:>8.3f}"
    )
    times = ", ".join(f"{name} {value:.1f}" for name, value in result.latency_ms.items())
    yield (
        f"{result.images} photo{'' if result.images == 1 else 's'}; precision and recall from "
        f"confidence {result.threshold:g} on; milliseconds a frame: {times}"
    )


def _threshold(measured: Measurement) -> Iterator[str]:
    best, shipped = measured.tradeoff.best, measured.tradeoff.shipped
    yield (
        f"F1 {shipped.f1:.3f} at the model's threshold {shipped.threshold:g}; the best is "
        f"{best.f1:.3f} at {best.threshold:g}"
    )
    yield f"calibration error {measured.calibration.error:.3f}"
    kinds = Counter(mistake.kind.value for mistake in measured.mistakes)
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    yield f"mistakes: {told or 'none'}"


def _sizes(measured: Measurement) -> Iterator[str]:
    yield f"{'size in the frame':<20}{'signs':>6}{'mAP50':>8}{'recall':>8}{'false alarms':>14}"
    for one in measured.sizes:
        yield (
            f"{one.name:<20}{one.signs:>6}{_figure(one.map50):>8}{_figure(one.recall):>8}"
            f"{one.false_alarms:>14}"
        )


def _confusion(measured: Measurement) -> Iterator[str]:
    table = measured.confusion
    wide = max(map(len, table.rows)) + 2
    yield f"{'taken for':<{wide}}" + "".join(f"{name:>13}" for name in table.columns)
    for name, counts in zip(table.rows, table.counts, strict=True):
        yield f"{name:<{wide}}" + "".join(f"{count:>13}" for count in counts)


def _robustness(measured: Measurement) -> Iterator[str]:
    if measured.robustness:
        yield f"{'photos changed by':<20}{'mAP50':>8}{'precision':>11}{'recall':>8}"
    for one in measured.robustness:
        yield f"{one.transform:<20}{one.map50:>8.3f}{one.precision:>11.3f}{one.recall:>8.3f}"


def _sign_free(measured: Measurement) -> Iterator[str]:
    if measured.sign_free is None:
        return
    yield f"{'without signs':<20}{'frames':>8}{'alarms':>8}{'in 1000':>9}"
    for name, one in {**measured.sign_free.sources, "all": measured.sign_free.total}.items():
        rate = "" if one.per_thousand is None else f"{one.per_thousand:.1f}"
        yield f"{name:<20}{one.frames:>8}{one.alarms:>8}{rate:>9}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

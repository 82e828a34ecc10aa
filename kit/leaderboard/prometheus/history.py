"""Series over time, made from the log of an event: to fill a Prometheus, and to test its rules.

The text formats: OpenMetrics with timestamps, as ``promtool tsdb create-blocks-from openmetrics``
reads it, and the values of ``promtool test rules``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from kit.leaderboard.events import AnyRecord
from kit.leaderboard.prometheus.exporter import LeaderboardCollector, Reading
from kit.leaderboard.prometheus.groups import number
from kit.leaderboard.rules import Rules
from kit.leaderboard.scoring import standings

SeriesName = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its labels, sorted."""


@dataclass
class History:
    """Samples on a grid.

    Attributes:
        start_s: Moment of the first sample, seconds since 1970.
        step_s: Seconds between two samples.
        length: How many moments there are.
        series: A value for each moment of the grid, or None where there is no sample.
    """

    start_s: float
    step_s: float
    length: int
    series: dict[SeriesName, list[float | None]] = field(default_factory=dict)

    def moments(self) -> Iterator[float]:
        """Yield the moments of the grid, seconds since 1970."""
        return (self.start_s + index * self.step_s for index in range(self.length))

    def lose(self, gap: range) -> None:
        """Forget some scrapes, as if they had failed.

        Args:
            gap: Their numbers.
        """
        for values in self.series.values():
            for index in gap:
                values[index] = None

    def put(self, name: str, labels: Mapping[str, str], index: int, value: float) -> None:
        """Set one sample."""
        key = (name, tuple(sorted(labels.items())))
        self.series.setdefault(key, [None] * self.length)[index] = value


def exported(
    rules: Rules,
    records: Sequence[AnyRecord],
    *,
    starts_at_s: float,
    start_s: float,
    step_s: float,
    length: int,
    limit: int = 10_000,
) -> History:
    """Return what the exporter would have told during an event.

    Args:
        rules: Of the event.
        records: Its log.
        starts_at_s: Start of the event, seconds since 1970.
        start_s: Moment of the first sample.
        step_s: Seconds between two samples.
        length: How many samples.
        limit: How many users have series of their own.
    """
    history = History(start_s, step_s, length)
    moment = start_s

    def read() -> Reading:
        board = standings(rules, records, moment - starts_at_s)
        return Reading(board, starts_at_s, len(records))

    collector = LeaderboardCollector(rules, read, limit=limit)
    for index, moment in enumerate(history.moments()):  # noqa: B007 (read() looks at it)
        for family in collector.collect():
            for sample in family.samples:
                history.put(sample.name, sample.labels, index, sample.value)
    return history


def to_openmetrics(histories: Iterable[History]) -> str:
    """Write histories as one OpenMetrics text with timestamps in seconds."""
    families: dict[str, list[str]] = defaultdict(list)
    for history in histories:
        moments = [number(round(moment, 3)) for moment in history.moments()]
        for (name, labels), values in history.series.items():
            families[name] += [
                f"{selector(name, labels)} {number(value)} {moment}"
                for value, moment in zip(values, moments, strict=True)
                if value is not None
            ]
    lines = []
    for name, samples in families.items():
        lines += [f"# TYPE {name} gauge", *samples]
    return "\n".join([*lines, "# EOF", ""])


def to_promtool(history: History) -> list[dict[str, str]]:
    """Write a history as the ``input_series`` of ``promtool test rules``."""
    return [
        {"series": selector(name, labels), "values": run_lengths(values)}
        for (name, labels), values in history.series.items()
    ]


def run_lengths(values: Iterable[float | None]) -> str:
    """Write values shortly: ``0x3`` for four zeros, ``_x3`` for three gaps."""
    parts = []
    for value, same in groupby(values):
        count = sum(1 for _ in same)
        if value is None:
            parts.append(f"_x{count}")
        else:
            text = repr(float(value)).removesuffix(".0")
            parts.append(f"{text}x{count - 1}" if count > 1 else text)
    return " ".join(parts)


def selector(name: str, labels: Iterable[tuple[str, str]]) -> str:
    """Write a series as Prometheus does."""
    inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels)
    return f"{name}{{{inner}}}" if inner else name


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

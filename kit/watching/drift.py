"""Drift: whether the frames of now are still like those of a reference.

Each figure's values are counted in bins, and the two counts are compared by the population
stability index, sum of (p - q) ln(p / q) over the bins: 0 when they agree. As a rule of thumb,
0.1 is worth a look and 0.25 a change. It tells *that* something changed, not whether the model
got worse. Neighbouring frames are alike, so even an unchanged track moves it a little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kit.errors import ConfigError
from kit.watching.figures import Figures

WORTH_A_LOOK = 0.1
"""A stability index from here on is worth a look, as a rule of thumb."""

CHANGED = 0.25
"""From here on something has changed, as a rule of thumb."""

LEAST_VALUES = 30
"""Of fewer values nothing is said."""

_PARTS = 10
_FIXED_EDGES: Mapping[str, tuple[float, ...]] = {
    "detections": (0.5, 1.5, 2.5, 3.5),
    "doubtful": (0.5,),
    "box_side": (12, 16, 24, 32, 48, 64, 96),
}
_SMOOTHING = 0.5
_Count = Annotated[int, Field(ge=0)]


def stability_index(reference: Sequence[int], now: Sequence[int]) -> float:
    """Compare two counts over the same bins.

    Half a value is added to each bin, so that an empty one makes no infinity.

    Args:
        reference: Values in each bin before, each 0 or more.
        now: The same now.

    Returns:
        The population stability index, 0 or more.
    """
    before, after = (np.asarray(counts, np.float64) + _SMOOTHING for counts in (reference, now))
    p, q = before / before.sum(), after / after.sum()
    return float(((p - q) * np.log(p / q)).sum())


class Histogram(BaseModel):
    """How a figure's values were spread.

    Attributes:
        edges: Between the bins, rising; the first and the last bin are open.
        counts: Values in each bin; one more than edges.
        mean: Of all values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    edges: tuple[float, ...]
    counts: tuple[_Count, ...]
    mean: float

    @model_validator(mode="after")
    def _fits(self) -> Self:
        rising = all(a < b for a, b in zip(self.edges, self.edges[1:], strict=False))
        if not rising or len(self.counts) != len(self.edges) + 1:
            msg = "edges must rise, and there must be one more count than edges"
            raise ValueError(msg)
        return self

    @classmethod
    def of(cls, values: npt.NDArray[np.float64], edges: Sequence[float]) -> Histogram:
        """Count values: (N,) float64, one or more."""
        return cls(edges=tuple(edges), counts=_count(values, edges), mean=float(values.mean()))


class Reference(BaseModel):
    """What the frames were like when all was well.

    Attributes:
        about: Where it comes from, in words.
        frames: How many frames it was made of.
        figures: A histogram for each figure that had enough values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    frames: _Count
    figures: dict[str, Histogram]

    @classmethod
    def of(cls, rows: Iterable[Figures], *, about: str) -> Reference:
        """Make a reference of frames; bins hold about as many values each."""
        rows = list(rows)
        found = {
            name: Histogram.of(values, _FIXED_EDGES.get(name) or _quantiles(values))
            for name, values in _columns(rows).items()
            if len(values) >= LEAST_VALUES
        }
        return cls(about=about, frames=len(rows), figures=found)

    def save(self, path: Path) -> None:
        """Write it as JSON, all or nothing.

        Raises:
            OSError: If the file cannot be written.
        """
        unfinished = path.with_name(f".{path.name}.part")
        unfinished.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read what :meth:`save` wrote.

        Raises:
            ConfigError: If it cannot be read.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, ValidationError) as error:
            raise ConfigError(
                "The reference for drift cannot be read",
                expected="a file that an earlier run wrote",
                got=f"{path}: {error}",
                fix="remove it; the next frames will make a new one",
            ) from error


class Drift:
    """Compares the last frames with a reference, which the first ones make if there is none.

    Args:
        reference: What to compare with; None makes one of the first `window` frames.
        window: How many frames to look back.
    """

    def __init__(self, reference: Reference | None = None, *, window: int = 300) -> None:
        self.reference = reference
        self._rows: deque[Figures] = deque(maxlen=window)

    def push(self, figures: Figures) -> None:
        """Take a frame's figures."""
        self._rows.append(figures)
        if self.reference is None and len(self._rows) == self._rows.maxlen:
            about = f"the first {len(self._rows)} frames"
            self.reference = Reference.of(self._rows, about=about)
            self._rows.clear()

    def indices(self) -> dict[str, float]:
        """Return the stability index of each figure of which there are enough values."""
        if self.reference is None:
            return {}
        now = _columns(self._rows)
        return {
            name: stability_index(before.counts, _count(now[name], before.edges))
            for name, before in self.reference.figures.items()
            if len(now.get(name, ())) >= LEAST_VALUES
        }

    def means(self) -> dict[str, float]:
        """Return the mean of each figure over the last frames."""
        columns = _columns(self._rows)
        return {name: float(np.mean(values)) for name, values in columns.items() if len(values)}


def _columns(rows: Iterable[Figures]) -> dict[str, npt.NDArray[np.float64]]:
    columns: dict[str, list[float]] = {name: [] for name in Figures._fields}
    for row in rows:
        for name, values in zip(Figures._fields, row, strict=True):
            columns[name].extend(values)
    return {name: np.asarray(values, np.float64) for name, values in columns.items()}


def _quantiles(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    edges = np.unique(np.quantile(values, np.arange(1, _PARTS) / _PARTS))
    return tuple(edges.tolist())


def _count(values: npt.NDArray[np.float64], edges: Sequence[float]) -> tuple[int, ...]:
    bins = np.searchsorted(np.asarray(edges), values, side="right")
    return tuple(np.bincount(bins, minlength=len(edges) + 1).tolist())

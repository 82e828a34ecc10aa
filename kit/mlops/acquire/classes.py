"""From the class names of other people's sets to ours.

A table has rows of a pattern and what it means; the first row that fits a name counts. Patterns
are those of file names (``*`` for anything, ``[0-9]`` for a digit), and capitals do not matter.
A name that no row fits is reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from kit.errors import ConfigError
from kit.events import LABELS, Label

OTHER = "other"
"""Meaning of a name: a sign of none of our classes, which the model learns not to report."""

IGNORE = "ignore"
"""Meaning of a name: neither to be found nor to be missed."""

MEANINGS: tuple[str, ...] = (*(label.value for label in LABELS), OTHER, IGNORE)
"""What a name may mean."""


@dataclass(frozen=True)
class ClassMap:
    """A table of class names.

    Attributes:
        rows: Pattern and meaning; the first that fits counts.
    """

    rows: tuple[tuple[str, str], ...]

    def meaning(self, name: str) -> str | None:
        """Return one of `MEANINGS` for a name, or None if no row fits."""
        lowered = name.strip().lower()
        fits = (meaning for pattern, meaning in self.rows if fnmatchcase(lowered, pattern.lower()))
        return next(fits, None)

    def __add__(self, other: ClassMap) -> ClassMap:
        return ClassMap(self.rows + other.rows)


KIT = ClassMap(
    (*((label.value, label.value) for label in LABELS), (OTHER, OTHER), (f"{IGNORE}*", IGNORE))
)
"""The kit's own names."""

MAPILLARY = ClassMap(
    (
        # The first design (g1) is the red ring that Europe has; the others are plates with words.
        ("regulatory--maximum-speed-limit-[0-9]*--g1", Label.SPEED_LIMIT.value),
        ("warning--*--g[0-9]*", Label.DANGER_AHEAD.value),
        ("regulatory--stop--g[0-9]*", Label.STOP.value),
        ("regulatory--no-entry--g[0-9]*", Label.STOP.value),
        ("regulatory--*--g[0-9]*", OTHER),
        ("information--*--g[0-9]*", OTHER),
        ("complementary--*--g[0-9]*", OTHER),
        ("other-sign", OTHER),
    )
)
"""Names of the Mapillary Traffic Sign Dataset."""

_GTSDB_SPEED_LIMITS = (0, 1, 2, 3, 4, 5, 7, 8)  # 6 is the end of one
_GTSDB_DANGERS = (11, *range(18, 32))
_GTSDB_STOPS = (14, 17)  # stop, no entry
_GTSDB = dict.fromkeys(range(43), OTHER)
_GTSDB |= dict.fromkeys(_GTSDB_SPEED_LIMITS, Label.SPEED_LIMIT.value)
_GTSDB |= dict.fromkeys(_GTSDB_DANGERS, Label.DANGER_AHEAD.value)
_GTSDB |= dict.fromkeys(_GTSDB_STOPS, Label.STOP.value)

GTSDB = ClassMap(tuple((str(number), meaning) for number, meaning in _GTSDB.items()))
"""Class ids, 0 to 42, of the German Traffic Sign Detection Benchmark (and of GTSRB)."""

TABLES: Mapping[str, ClassMap] = {"kit": KIT, "mapillary": MAPILLARY, "gtsdb": GTSDB}
"""The tables that come with the kit, by name."""


def find_class_map(name: str) -> ClassMap:
    """Return a table that comes with the kit, or read one from a file.

    Args:
        name: A key of `TABLES`, or the path of a YAML file.

    Raises:
        ConfigError: If it is neither, or the file is no table.
    """
    return TABLES[name] if name in TABLES else read_class_map(Path(name))


def read_class_map(path: Path) -> ClassMap:
    """Read a table from a YAML file: a mapping from patterns to meanings.

    ::

        "limit_*": SpeedLimit
        parking: other
        reflection: ignore

    Args:
        path: The file. Its rows count in their order.

    Raises:
        ConfigError: If the file cannot be read, or a meaning is none of `MEANINGS`.
    """
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(
            "The table of classes cannot be read",
            expected=f"a YAML file, or one of {', '.join(TABLES)}",
            got=f"{path}: {error}",
        ) from error
    if not isinstance(rows, dict) or not rows:
        raise ConfigError(
            "The table of classes is empty or no table",
            expected="lines such as 'limit_*: SpeedLimit'",
            got=str(path),
        )
    wrong = {str(key): value for key, value in rows.items() if value not in MEANINGS}
    if wrong:
        raise ConfigError(
            f"The table of classes {path} has meanings that the kit does not know",
            expected=", ".join(MEANINGS),
            got=wrong,
        )
    return ClassMap(tuple((str(key), str(value)) for key, value in rows.items()))

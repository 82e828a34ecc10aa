"""Results as plain values that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

NOT_IN_JSON: dict[str, Any] = {"json": False}
"""Metadata of a dataclass's field that :func:`as_json` leaves out."""

_PLACES = 4


def as_json(value: Any) -> Any:
    """Turn results into what JSON can hold, floats rounded to 4 places.

    Args:
        value: Dataclasses, mappings, sequences, paths, texts, numbers or None; an infinite or
            undefined number becomes None, and an array is not meant to come here.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = (field.name for field in fields(value) if field.metadata.get("json", True))
        return {name: as_json(getattr(value, name)) for name in kept}
    if isinstance(value, Mapping):
        return {str(name): as_json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, float):
        return round(value, _PLACES) if math.isfinite(value) else None
    return str(value) if isinstance(value, Path | str) else value

"""Notebooks that need more than the kit itself say so; where that is missing, they are skipped.

A notebook names the packages in its metadata: ``"kit": {"needs": ["torch"]}``.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the cells of notebooks whose packages are missing, unless nothing may be skipped."""
    if os.environ.get("KIT_REQUIRE_ALL") == "1":
        return
    for item in items:
        if item.path.suffix == ".ipynb" and (missing := _missing(item.path)):
            names = " and ".join(missing)
            item.add_marker(pytest.mark.skip(f"{names} not installed: run 'make train-venv'"))


@lru_cache
def _missing(notebook: Path) -> tuple[str, ...]:
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    needs: list[str] = metadata.get("kit", {}).get("needs", [])
    return tuple(name for name in needs if find_spec(name) is None)

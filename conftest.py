"""Notebooks that need more than the kit itself say so; where that is missing, they are skipped.

A notebook names the packages in its metadata: ``"kit": {"needs": ["torch"]}``.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import nbval.kernel
import pytest
from jupyter_client.manager import KernelManager


def kernel_over_files(**options: object) -> KernelManager:
    """Make a kernel that is spoken to through files, as those of `kit.runtime.engine` are.

    Its five ports would be free when they are chosen, and another program's a second later.
    """
    folder = tempfile.mkdtemp(prefix="kit-")  # short: the path of a socket may have 107 bytes
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return KernelManager(transport="ipc", connection_file=f"{folder}/kernel.json", **options)


nbval.kernel.KernelManager = kernel_over_files


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

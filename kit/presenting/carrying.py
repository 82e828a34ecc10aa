"""What goes along with a bundle to be read: notebooks, texts, data, and what was made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

CARRIED = ("notebooks", "docs", "presenters", "datasets", "README.md", "CHANGELOG.md", "LICENSE")
"""What goes along to be read; what runs is in the wheel."""

BUILT = ("site", "slides")
"""What goes along too if ``build/`` has it."""

_SKIPPED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pt", "runs")


def carry_along(source: Path, out: Path) -> None:
    """Copy what goes along to be read; what is not there does not.

    Args:
        source: The repository's top folder.
        out: The bundle.
    """
    for name in CARRIED:
        _carry(source / name, out / name)
    for name in BUILT:
        _carry(source / "build" / name, out / name)


def _carry(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, ignore=_SKIPPED)
    elif path.is_file():
        shutil.copy2(path, target)

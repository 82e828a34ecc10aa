"""Prometheus's own tools, for tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Return the path of a program of Debian's package 'prometheus'; skip where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: it comes with Debian's package 'prometheus'")
    return found


def promtool(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run promtool; what it says is in the failure if it does not succeed."""
    done = subprocess.run(
        [program("promtool"), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

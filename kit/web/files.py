"""Files that all pages have in common, at ``/shared``."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

SHARED = Path(__file__).resolve().parent / "shared"
"""Where they are: reasons in the languages of the pages."""


def shared_files() -> Mount:
    """Return the route to them."""
    return Mount("/shared", StaticFiles(directory=SHARED))

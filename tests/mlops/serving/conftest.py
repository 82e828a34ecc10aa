"""A real model server for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.mlops.serving.server import ModelServer, find_mlserver, serving


@pytest.fixture(scope="session")
def mlserver() -> Path:
    """The program MLServer."""
    program = find_mlserver()
    if program is None:
        pytest.skip("MLServer is not installed: run 'make serve-venv'")
    return program


@pytest.fixture(scope="session")
def server(mlserver: Path) -> Iterator[ModelServer]:
    """A server of the kit's model that the whole session shares."""
    with serving(http_port=0, grpc_port=0, provider="cpu") as running:
        yield running

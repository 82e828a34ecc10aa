"""Errors as a notebook shows them, in a real kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

Ask = Callable[..., str]

SHOW = """from kit.workshop import desk

def show(name):
    return desk.hint(name)
"""


@pytest.fixture(scope="module")
def shown() -> Iterator[Ask]:
    """Runs a cell, as JupyterLab or as a program does, and returns the error that is shown."""
    manager, client = start_new_kernel(startup_timeout=120)
    try:

        def run(cell: str, *, by_a_person: bool = True) -> str:
            shown: list[str] = []

            def take(message: dict[str, Any]) -> None:
                if message["msg_type"] == "error":
                    shown.extend(message["content"]["traceback"])

            client.execute_interactive(cell, allow_stdin=by_a_person, output_hook=take, timeout=120)
            return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(shown))

        run(SHOW)
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_learner_sees_the_message_and_the_lines_of_the_cells(shown: Ask) -> None:
    lines = shown("name = 'no_such'\nshow(name)").splitlines()

    assert lines[0] == "ConfigError: There is no such exercise."
    assert lines[1].startswith("  Expected: middle_of, overlap, ")
    assert lines[2] == "  Got: no_such."
    assert re.fullmatch(r"Cell In\[\d+\], line 2", lines[4])
    assert lines[5] == "----> show(name)"
    assert re.fullmatch(r"Cell In\[\d+\], line 4", lines[6])
    assert lines[7] == "----> return desk.hint(name)"
    assert "desk.py" not in "".join(lines)


def test_the_inside_of_the_kit_is_there_for_whoever_asks_for_it(shown: Ask) -> None:
    first = shown("show('no_such')")
    asked = shown("%tb Plain")

    assert "%tb Plain" in first
    assert "desk.py" in asked
    assert "in _exercise" in asked


def test_a_program_is_told_where_in_the_kit_it_was(shown: Ask) -> None:
    told = shown("show('no_such')", by_a_person=False)

    assert "desk.py" in told
    assert "in _exercise" in told

"""A leaderboard for learners, as a process of its own."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from kit.child import Child
from kit.cli import build_app
from tests.waiting import PATIENCE_S, wait_until


def place(folder: Path) -> tuple[str, ...]:
    """Where the leaderboard of a folder keeps its log and its keys."""
    database = f"sqlite:///{folder / 'board.sqlite'}"
    return ("--database", database, "--keys", str(folder / "keys.json"))


def give_token(folder: Path, name: str) -> str:
    """Add a participant, as the organiser does."""
    words = ["leaderboard", "token", name, "--rules", "workshop", "--json", *place(folder)]
    asked = CliRunner().invoke(build_app(), words)
    assert asked.exit_code == 0, asked.output
    token: str = json.loads(asked.stdout)["tokens"][0]["token"]
    return token


def board(folder: Path) -> Child:
    """Serve the workshop's rules, begun a minute ago."""
    began = datetime.now(UTC) - timedelta(minutes=1)
    return Child.module(
        "kit.leaderboard",
        *("--rules", "workshop", "--starts-at", began.isoformat()),
        *place(folder),
        name="leaderboard",
    )


def finishers(url: str) -> list[dict[str, Any]]:
    """Wait until a board shows that somebody has done something: it follows its log."""
    return wait_until(
        lambda: [row for row in standings(url) if row["done"]],
        "somebody has done something",
        pause_s=0.05,
    )


def standings(url: str) -> list[dict[str, Any]]:
    """Ask a board for its rows."""
    with urllib.request.urlopen(f"{url.rstrip('/')}/api/standings", timeout=PATIENCE_S) as answer:
        rows: list[dict[str, Any]] = json.load(answer)["rows"]
    return rows

"""Options that several of the leaderboard's commands take."""

from __future__ import annotations

from typing import Annotated

import typer

RulesOption = Annotated[
    str, typer.Option("--rules", help="Rules: a name such as 'original', or a YAML file.")
]
"""Type of the ``rules`` parameter of the leaderboard's commands."""

StartsAtOption = Annotated[
    str | None,
    typer.Option(help="Start of the event, ISO 8601; that of the rules if not given."),
]
"""Type of the ``starts_at`` parameter of the leaderboard's commands."""

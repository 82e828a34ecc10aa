"""The presenter's commands: before a show, during it, and what to take along."""

from __future__ import annotations

import typer

from kit.presenting.before_commands import doctor, rehearse
from kit.presenting.packing_commands import bundle, signs, slides
from kit.presenting.show_commands import kiosk, reset


def register(app: typer.Typer) -> None:
    """Add the presenter's commands to the command line."""
    app.command("doctor")(doctor)
    app.command("rehearse")(rehearse)
    app.command("reset")(reset)
    app.command("kiosk")(kiosk)
    app.command("signs")(signs)
    app.command("slides")(slides)
    app.command("bundle")(bundle)

"""The command ``kit stop``."""

from __future__ import annotations

from typing import Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit


def register(app: typer.Typer) -> None:
    """Add the services' commands to the command line."""
    app.command("stop")(stop)


def stop(
    *,
    train: Annotated[
        str | None, typer.Option(help="Which train; KIT_TRAIN_ID if not given.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for those who look on.")] = "kit stop",
    as_json: JsonFlag = False,
) -> None:
    """Stop a train at once and latch it, from any terminal that reaches its broker.

    The broker is named by KIT_MQTT_URL. Stopping needs no key. The exit code is 0 only if the
    train says that it stands and is latched.
    """
    from kit.config import Settings
    from kit.services.operator import emergency_stop

    settings = Settings.load()
    train_id = train or settings.train_id
    state = emergency_stop(settings, train_id=train_id, reason=reason)
    stands = state is not None
    text = (
        f"The train '{train_id}' stands and is latched: {state.reason}."
        if state is not None
        else f"The train '{train_id}' was told to stop, but it has not said that it stands: look!"
    )
    emit({"train": train_id, "stands": stands}, as_json=as_json, text=text)
    if not stands:
        raise typer.Exit(EXIT_ERROR)

"""The command ``kit console``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import JsonFlag, emit

if TYPE_CHECKING:
    from kit.config import Settings


def register(app: typer.Typer) -> None:
    """Add the console's command to the command line."""
    app.command("console")(console)


def console(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 for any free one.")] = 8080,
    show_tokens: Annotated[
        bool, typer.Option("--show-tokens", help="Tell what people sign in with, and end.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show live what the trains see, decide and do, from Kafka, in a browser.

    Kafka is named by KIT_KAFKA_BOOTSTRAP. On this machine anyone may view; beyond it viewers
    sign in with a token. Operators, who may arm trains and have capture pause, always do.
    """
    from kit.config import Settings

    settings = Settings.load()
    if show_tokens:
        _show_tokens(settings, as_json=as_json)
        return
    from kit.console.server import Address, serve

    def tell(address: Address) -> None:
        lines = [
            f"The console is at {address.url} (Ctrl-C ends it).",
            f"As an operator, open this, once: {address.operator_url}",
        ]
        if address.signs_in:
            lines.append("Viewers sign in with the token that 'kit console --show-tokens' tells.")
        facts = {"url": address.url, "operator_url": address.operator_url}
        emit(facts, as_json=as_json, text="\n".join(lines))

    serve(settings, host=host, port=port, on_ready=tell)


def _show_tokens(settings: Settings, *, as_json: bool) -> None:
    from kit.console.access import load_tokens

    tokens = load_tokens(settings)
    emit(
        {"viewer": tokens.viewer, "operator": tokens.operator},
        as_json=as_json,
        text=f"viewer:   {tokens.viewer}\noperator: {tokens.operator}",
    )

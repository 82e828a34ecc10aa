"""The command ``kit console``."""

from __future__ import annotations

from typing import Annotated

import typer

from kit.cli import JsonFlag, emit


def register(app: typer.Typer) -> None:
    """Add the console's command to the command line."""
    app.command("console")(console)


def console(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 for any free one.")] = 8080,
    as_json: JsonFlag = False,
) -> None:
    """Show live what the trains see, decide and do, from Kafka, in a browser.

    Kafka is named by KIT_KAFKA_BOOTSTRAP. The page has no login: listen beyond this machine
    only in a network that you trust.
    """
    from kit.config import Settings
    from kit.console.server import serve

    def tell(url: str) -> None:
        emit({"url": url}, as_json=as_json, text=f"The console is at {url} (Ctrl-C ends it).")

    serve(Settings.load(), host=host, port=port, on_ready=tell)

"""The command ``kit serve``."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kit.cli import EXIT_INTERRUPTED, JsonFlag, emit
from kit.errors import MissionError
from kit.vision.commands import Model, Threads

if TYPE_CHECKING:
    from kit.mlops.serving.server import ModelServer

_LOOK_EVERY_S = 0.5


def register(app: typer.Typer) -> None:
    """Add this room's command.

    Args:
        app: The ``kit`` application.
    """
    app.command("serve")(serve)


def serve(
    *,
    model: Model = None,
    http_port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port of REST; 0 for any free one.")
    ] = 8090,
    grpc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port of gRPC; 0 for any free one.")
    ] = 8091,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    name: Annotated[str, typer.Option(help="What the model is called at the server.")] = "signs",
    provider: Annotated[
        Literal["auto", "cpu", "cuda", "tensorrt"], typer.Option(help="Where the model runs.")
    ] = "auto",
    threads: Threads = 2,
    log: Annotated[Path | None, typer.Option(help="File for the server's messages.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Serve the model to other programs: the Open Inference Protocol, REST and gRPC.

    It has no login: listen beyond this machine only in a network that you trust. It runs until
    Ctrl-C or SIGTERM.
    """
    from kit.mlops.serving.server import serving

    # A service manager's SIGTERM ends it as a person's Ctrl-C does.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    served = False
    try:
        with serving(
            model,
            name=name,
            host=host,
            http_port=http_port,
            grpc_port=grpc_port,
            provider=provider,
            threads=threads,
            log=log,
        ) as server:
            _tell(server, as_json=as_json)
            served = True
            while server.child.alive:
                threading.Event().wait(_LOOK_EVERY_S)
            raise MissionError(
                "The model server ended by itself", got=f"exit code {server.child.exit_code}"
            )
    except KeyboardInterrupt:
        if not served:
            raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(server: ModelServer, *, as_json: bool) -> None:
    urls = {"http": server.http_url, "grpc": server.grpc_url, "rest": server.rest_endpoint}
    text = (
        "The model is served (Ctrl-C ends it).\n"
        f"as a detector's model  {server.grpc_url}\n"
        f"the same over REST     {server.http_url}\n"
        f"for other programs     {server.rest_endpoint}"
    )
    emit(urls, as_json=as_json, text=text)

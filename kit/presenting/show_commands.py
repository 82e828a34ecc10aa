"""The presenter's commands during a show: ``kit kiosk``, ``kit reset``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit
from kit.presenting.options import HubOption, Language, ProviderOption, SourceOption
from kit.runtime.commands import Provider, Runtime, absolute


def kiosk(
    *,
    source: SourceOption = None,
    hub: HubOption = None,
    provider: ProviderOption = Provider.AUTO,
    track: Annotated[
        list[str] | None,
        typer.Option(
            help="Scenario of the virtual set to choose from; may be given several times."
        ),
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="Bare processes, which start sooner, or notebooks.")
    ] = Runtime.PROCESSES,
    seconds: Annotated[
        float, typer.Option(min=5, max=600, help="How long a train may be under way, seconds.")
    ] = 60.0,
    language: Annotated[Language, typer.Option(help="In which the page begins.")] = Language.EN,
    recording: Annotated[
        Path | None, typer.Option(help="Run that the attract loop plays; the kit's own if not.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 for any free one.")] = 8070,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Whether to open it on this machine's screen.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Serve the page on which visitors fly missions, one after the other.

    The best of the day are those of the leaderboard that KIT_LEADERBOARD_URL names; with
    KIT_LEADERBOARD_ORGANISER_TOKEN each visitor is added there, and each mission claimed. Whoever
    reaches the page can start and stop a train: listen beyond this machine only in a network that
    you trust.
    """
    from kit.config import Settings
    from kit.presenting.kiosk.kiosk import TRACKS, Options
    from kit.presenting.kiosk.server import serve

    def tell(url: str) -> None:
        emit({"url": url}, as_json=as_json, text=f"The kiosk is at {url} (Ctrl-C ends it).")

    options = Options(
        source=absolute(source, is_path=True) if source else None,
        hub=hub,
        provider=provider.value,
        runtime=runtime.value,
        seconds=seconds,
        tracks=[
            absolute(name, is_path=name.endswith((".yaml", ".yml"))) for name in track or TRACKS
        ],
        language=language.value,
        recording=recording,
    )
    serve(options, Settings.load(), host=host, port=port, open_browser=open_browser, on_ready=tell)


def reset(
    *,
    drop_older_than: Annotated[
        int | None, typer.Option(min=0, help="Delete runs put aside more than so many days ago.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Get ready for the next visitor: the train stands, the name is gone, old runs are put aside.

    Nothing is started again. The exit code is 0 only if the next visitor may come.
    """
    from kit.config import Settings
    from kit.presenting.reset import reset as do_reset

    done = do_reset(Settings.load(), drop_older_than_days=drop_older_than)
    words = ["Ready for the next visitor." if done.ok else "Not ready."]
    words += [f"  problem   {problem}" for problem in done.problems]
    words += [f"  train     {done.train}", f"  kiosk     {done.kiosk}"]
    words += [f"  runs      {done.moved} put aside, {done.dropped} old days deleted"]
    words += [f"  time      {done.took_s:.1f} s"]
    emit(done.as_json(), as_json=as_json, text="\n".join(words))
    if not done.ok:
        raise typer.Exit(EXIT_ERROR)

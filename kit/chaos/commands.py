"""The command ``kit chaos``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit

if TYPE_CHECKING:
    from kit.chaos.trial import Trial


def register(app: typer.Typer) -> None:
    """Add the room's command to the command line."""
    app.command("chaos")(chaos)


def chaos(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Names of faults, or patterns such as 'camera-*'; all if not given."),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, max=100, help="How many rounds.")] = 1,
    list_only: Annotated[
        bool, typer.Option("--list", help="Tell which faults there are, and try none.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets a folder for this run; KIT_RUNS_DIR.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Break the real processes one by one on the virtual set, and see whether the train stops.

    Needs no hardware. The exit code is 0 only if every fault ended as expected, in every round.
    """
    from rich.console import Console

    from kit.chaos.run import choose, result_json, run_chaos, save
    from kit.chaos.table import terminal_table, write_page
    from kit.config import Settings
    from kit.runtime.mission import make_run_dir

    faults = choose(only or [])
    if list_only:
        known = [{"name": f.name, "what": f.what, "expected": f.expected} for f in faults]
        text = "\n".join(f"{f.name:24} {f.what}" for f in faults)
        emit({"faults": known}, as_json=as_json, text=text)
        return
    folder = make_run_dir(out or Settings.load().runs_dir)
    rounds: list[list[Trial]] = []
    for number in range(1, repeat + 1):
        logs = folder / f"round-{number}"
        logs.mkdir()
        rounds.append(run_chaos(faults, logs, on_trial=_tell))
    result = result_json(rounds)
    save(result, folder)
    page = write_page(result, folder)
    if not as_json:
        Console(soft_wrap=True, highlight=False).print(terminal_table(result))
    text = f"{result['as_expected']} of {result['tried']} faults ended as expected; see {page}"
    emit(result | {"out": str(folder), "page": str(page)}, as_json=as_json, text=text)
    if not result["ok"]:
        raise typer.Exit(EXIT_ERROR)


def _tell(trial: Trial) -> None:
    came = "skipped" if trial.skipped else "ok" if trial.ok else "NOT AS EXPECTED"
    problems = "; ".join(trial.verdict.problems) if trial.verdict else trial.trouble
    typer.echo(f"{trial.fault.name}: {came}{f' ({problems})' if problems else ''}", err=True)

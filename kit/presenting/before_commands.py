"""The presenter's commands before a show: ``kit doctor``, ``kit rehearse``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit
from kit.presenting.options import (
    HardwareFlag,
    HubOption,
    ModelOption,
    ProviderOption,
    SourceOption,
)
from kit.runtime.commands import Provider, absolute

if TYPE_CHECKING:
    from kit.presenting.check import Check, Wanted


def doctor(
    *,
    hardware: HardwareFlag = False,
    source: SourceOption = None,
    hub: HubOption = None,
    provider: ProviderOption = Provider.AUTO,
    model: ModelOption = "",
    registry: Annotated[
        str | None, typer.Option(help="Registry whose promoted model must be signed and whole.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Look at this alone; may be given several times.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look at everything that a show needs, by trying it, and say how to mend what is wrong.

    What is not at this machine is told as not here, and is a failure only if it was asked for:
    by --hardware, --source, --hub, --provider, or a broker's setting. The exit code is 0 only
    if nothing failed.
    """
    from kit.config import Settings
    from kit.errors import ConfigError
    from kit.presenting.doctor import EXAMINATIONS, all_fine, examine

    unknown = sorted(set(only or ()) - set(EXAMINATIONS))
    if unknown:
        raise ConfigError(
            "There is no such check", expected=", ".join(EXAMINATIONS), got=", ".join(unknown)
        )
    wanted = _wanted(
        hardware=hardware,
        source=source,
        hub=hub,
        provider=provider,
        model=model,
        registry=registry,
    )
    checks = []
    for check in examine(wanted, Settings.load(), only=only):
        checks.append(check)
        if not as_json:
            _tell(check)
    fine = all_fine(checks)
    words = "Everything that is here works." if fine else "Mend what failed before the show."
    emit({"ok": fine, "checks": [check.as_json() for check in checks]}, as_json=as_json, text=words)
    if not fine:
        raise typer.Exit(EXIT_ERROR)


def rehearse(
    *,
    hardware: HardwareFlag = False,
    source: SourceOption = None,
    hub: HubOption = None,
    provider: ProviderOption = Provider.AUTO,
    model: ModelOption = "",
    registry: Annotated[
        str | None, typer.Option(help="Registry whose promoted model is run.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="Scenario of the virtual set: a name or a YAML file.")
    ] = "standard",
    seed: Annotated[int, typer.Option(help="Varies the scenario.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets the rehearsal's; KIT_RUNS_DIR/rehearsals.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Rehearse the show: the doctor, then the whole mission, passed or not within two minutes.

    The mission uses the camera and the hub that are named, or with --hardware those that are
    there; what is neither is the virtual set's. A sheet of one page tells what came of it, to be
    printed. The exit code is 0 only if it passed.
    """
    from kit.config import Settings
    from kit.presenting.rehearse import rehearse as run_rehearsal
    from kit.presenting.sheet import write_sheet

    def tell(words: str) -> None:
        if not as_json:
            typer.echo(f"Rehearsal: {words} ...")

    rehearsal = run_rehearsal(
        _wanted(
            hardware=hardware,
            source=source,
            hub=hub,
            provider=provider,
            model=model,
            registry=registry,
        ),
        Settings.load(),
        scenario=absolute(scenario, is_path=scenario.endswith((".yaml", ".yml"))),
        seed=seed,
        out=out,
        tell=tell,
    )
    sheet = write_sheet(rehearsal)
    if not as_json:
        for check in rehearsal.checks:
            _tell(check)
    words = ["Passed." if rehearsal.passed else "Not passed."]
    words += [f"  problem   {problem}" for problem in rehearsal.problems]
    words += [f"  look at   {caution}" for caution in rehearsal.cautions]
    words += [f"  mission   {rehearsal.mission.get('verdict', 'not flown')}"]
    words += [f"  time      {rehearsal.took_s:.0f} s", f"  sheet     {sheet}"]
    emit(rehearsal.as_json(), as_json=as_json, text="\n".join(words))
    if not rehearsal.passed:
        raise typer.Exit(EXIT_ERROR)


def _wanted(
    *,
    hardware: bool,
    source: str | None,
    hub: str | None,
    provider: Provider,
    model: str,
    registry: str | None = None,
) -> Wanted:
    from kit.presenting.check import Wanted

    return Wanted(
        hardware=hardware,
        source=absolute(source, is_path=True) if source else None,
        hub=hub,
        provider=provider.value,
        model=str(Path(model).resolve()) if model else "",
        registry=registry,
    )


def _tell(check: Check) -> None:
    from rich.console import Console
    from rich.text import Text

    colours = {"fine": "green", "warning": "yellow", "failed": "bold red", "not here": "dim"}
    state = check.state.value
    line = Text.assemble(
        (f"{state:<9}", colours[state]), (f"{check.name:<12}", "bold"), check.detail
    )
    if check.fix:
        line.append(f"\n{'':<9}{'':<12}→ {check.fix}", "yellow")
    Console(soft_wrap=True, highlight=False).print(line)

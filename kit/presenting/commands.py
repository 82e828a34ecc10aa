"""The presenter's commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit
from kit.runtime.commands import Provider, absolute

if TYPE_CHECKING:
    from kit.presenting.check import Check, Wanted

SourceOption = Annotated[
    str | None, typer.Option(help="Camera that must work, such as /dev/video0 or csi://0.")
]
HubOption = Annotated[
    str | None, typer.Option(help="Hub that must answer: ble, or ble:<name or address>.")
]
HardwareFlag = Annotated[
    bool, typer.Option("--hardware", help="The real camera and hub must be there.")
]
ProviderOption = Annotated[Provider, typer.Option(help="Where the model must run.")]
ModelOption = Annotated[str, typer.Option(help="An ONNX file instead of the kit's model.")]


def register(app: typer.Typer) -> None:
    """Add the presenter's commands to the command line."""
    app.command("doctor")(doctor)


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

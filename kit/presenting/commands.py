"""The presenter's commands."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit
from kit.runtime.commands import Provider, Runtime, absolute

if TYPE_CHECKING:
    from kit.presenting.check import Check, Wanted


class Language(StrEnum):
    """Languages of what visitors read."""

    EN = "en"
    FR = "fr"


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
    app.command("rehearse")(rehearse)
    app.command("reset")(reset)
    app.command("kiosk")(kiosk)
    app.command("signs")(signs)
    app.command("bundle")(bundle)


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


def signs(
    *,
    out: Annotated[Path, typer.Option(help="The PDF.")] = Path("signs.pdf"),
    face: Annotated[
        list[str] | None,
        typer.Option(help="Print this face; may be given several times. All of the usual if none."),
    ] = None,
    width_mm: Annotated[float, typer.Option(help="Width of each sign, millimetres.")] = 45.0,
    letter: Annotated[
        bool, typer.Option("--letter", help="On paper of US Letter's size, not A4.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write signs to print and cut out, for who has no LEGO ones: right scale, cut marks."""
    from kit.presenting.signs import FACES, Paper, write_signs

    faces = face or FACES
    paper = Paper.LETTER if letter else Paper.A4
    sheets = write_signs(out, faces=faces, width_mm=width_mm, paper=paper)
    result = {"file": str(out), "sheets": sheets, "signs": len(faces), "width_mm": width_mm}
    text = f"{len(faces)} signs on {sheets} sheets: {out}. Print at 100 %, and measure the line."
    emit(result, as_json=as_json, text=text)


def bundle(
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    *,
    machine: Annotated[
        list[str] | None, typer.Option(help="x86_64 or aarch64; both if none is named.")
    ] = None,
    python: Annotated[
        list[str] | None, typer.Option(help="Python to be installed with, such as 3.12; repeat.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make one folder from which the kit is installed and run where there is no network.

    Making it needs the network: it fetches the wheels of all packages in their exact versions.
    """
    from kit.errors import ConfigError
    from kit.presenting.bundle import Machine, Target, make_bundle

    known = [each.value for each in Machine]
    unknown = sorted(set(machine or ()) - set(known))
    if unknown:
        raise ConfigError("There is no such machine", expected=" or ".join(known), got=unknown[0])
    targets = [
        Target(Machine(name), version)
        for name in machine or known
        for version in python or ["3.12"]
    ]

    def tell(words: str) -> None:
        if not as_json:
            typer.echo(f"Bundle: {words} ...")

    made = make_bundle(out, targets, tell=tell)
    result = {"folder": str(made.folder), "wheels": made.wheels, "size_bytes": made.size_bytes}
    text = f"{made.folder}: {made.size_bytes / 1e6:.0f} MB. On the other machine: ./install.sh"
    emit(result, as_json=as_json, text=text)


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

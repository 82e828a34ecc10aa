"""The commands ``kit demo`` and ``kit batch``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import EXIT_ERROR, JsonFlag, emit

if TYPE_CHECKING:
    from kit.runtime.outcome import Outcome


class Runtime(StrEnum):
    """How the services are run."""

    NOTEBOOKS = "notebooks"
    PROCESSES = "processes"


class Provider(StrEnum):
    """Where the model runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"


def register(app: typer.Typer) -> None:
    """Add the runtime's commands to the command line."""
    app.command("demo")(demo)
    app.command("batch")(batch)


def demo(
    *,
    seconds: Annotated[
        float, typer.Option(help="How long the train may be under way, seconds.")
    ] = 60.0,
    scenario: Annotated[
        str, typer.Option(help="Scenario of the virtual set: a name or a YAML file.")
    ] = "standard",
    seed: Annotated[int, typer.Option(help="Varies the scenario.")] = 1,
    fps: Annotated[float, typer.Option(help="Frames a second, to 30.")] = 10.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets a folder for this run; KIT_RUNS_DIR.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Pictures from elsewhere: a camera, a video, a folder, a URL."),
    ] = None,
    hub: Annotated[
        str | None, typer.Option(help="A real hub: ble, or ble:<name or address>.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="An ONNX file, or a model server's URL, instead of the kit's model."),
    ] = None,
    provider: Annotated[Provider, typer.Option(help="Where the model runs.")] = Provider.AUTO,
    registry: Annotated[
        str | None, typer.Option(help="Registry whose promoted model is run and followed.")
    ] = None,
    harvest: Annotated[
        Path | None, typer.Option(help="Folder for frames that the model doubts.")
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="Notebooks by papermill, or bare processes.")
    ] = Runtime.NOTEBOOKS,
    console: Annotated[bool, typer.Option(help="Whether to serve the console page.")] = True,
    stay: Annotated[
        bool, typer.Option("--stay", help="Go on after the stop, until the time is over.")
    ] = False,
    resume_after: Annotated[
        float,
        typer.Option(help="With --stay: seconds after which it goes on from a sign; 0 never."),
    ] = 0.0,
    as_json: JsonFlag = False,
) -> None:
    """Run the whole mission: the train sees the signs and stops before it derails.

    What is not named is started for the mission: brokers, the virtual set, the console. The
    exit code is 0 only if the mission went as its scenario expects.
    """
    from kit.runtime.mission import result_json, run_mission
    from kit.runtime.plan import Plan
    from kit.runtime.progress import terminal_display

    plan = Plan.parse(
        seconds=seconds,
        scenario=absolute(scenario, is_path=scenario.endswith((".yaml", ".yml"))),
        seed=seed,
        fps=fps,
        out=out,
        source=absolute(source, is_path=True) if source else None,
        hub=hub,
        model=absolute(model, is_path=True) if model else "",
        provider=provider.value,
        registry=registry if registry and "://" in registry else absolute_folder(registry),
        harvest=absolute_folder(harvest),
        runtime=runtime.value,
        console=console,
        stay=stay,
        resume_after_s=resume_after,
    )
    with terminal_display() as display:
        outcome, run_dir = run_mission(plan, display=display)
    result = result_json(outcome, run_dir)
    emit(result, as_json=as_json, text=summary(outcome, run_dir))
    if not outcome.ok:
        raise typer.Exit(EXIT_ERROR)


def batch(
    *,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many missions.")] = 20,
    first: Annotated[int, typer.Option(min=0, help="Seed of the first one.")] = 1,
    scenario: Annotated[str, typer.Option(help="Scenario of the virtual set.")] = "standard",
    fps: Annotated[float, typer.Option(help="Frames a second, to 30.")] = 10.0,
    seconds: Annotated[float, typer.Option(help="Most that one mission may take.")] = 60.0,
    out: Annotated[Path | None, typer.Option(help="Folder that gets the batch's folder.")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="In simulated time, without processes.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="Simulated missions at the same time.")
    ] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Run the mission with many seeds, as bare processes, and plot the stop margins.

    With --simulated they run faster than life: the same decision, controller, model and
    physics, without brokers, processes and a radio. The exit code is 0 only if every mission
    went as its scenario expects.
    """
    if simulated:
        _batch_simulated(
            range(first, first + seeds),
            scenario=absolute(scenario, is_path=scenario.endswith((".yaml", ".yml"))),
            fps=fps,
            jobs=jobs,
            out=out,
            as_json=as_json,
        )
        return
    from kit.runtime.batch import MARGINS, Flown, run_batch, summarise
    from kit.runtime.plan import Plan

    plan = Plan.parse(
        scenario=absolute(scenario, is_path=scenario.endswith((".yaml", ".yml"))),
        fps=fps,
        seconds=seconds,
        out=out,
        runtime="processes",
        console=False,
    )

    def tell(flown: Flown) -> None:
        typer.echo(f"seed {flown.seed}: {flown.outcome.error or flown.outcome.verdict}")

    flown, folder = run_batch(plan, range(first, first + seeds), on_flown=tell)
    result = summarise(flown) | {"out": str(folder), "plot": str(folder / MARGINS)}
    text = f"{result['ok']} of {len(flown)} went as they should; see {folder / MARGINS}"
    emit(result, as_json=as_json, text=text)
    if result["ok"] < len(flown):
        raise typer.Exit(EXIT_ERROR)


def _batch_simulated(
    seeds: range, *, scenario: str, fps: float, jobs: int, out: Path | None, as_json: bool
) -> None:
    from kit.config import Settings
    from kit.runtime.batch import BATCH, MARGINS
    from kit.runtime.mission import make_run_dir
    from kit.runtime.plan import Plan
    from kit.runtime.simulated import SimulatedMission
    from kit.runtime.simulated_batch import (
        fly_many,
        plot_simulated,
        save_simulated,
        summarise_simulated,
    )
    from kit.sim.scenario import load_scenario

    plan = Plan.parse(scenario=scenario, fps=fps)
    expect = load_scenario(plan.set_scenario).expect
    folder = make_run_dir(out or Settings.load().runs_dir)

    def tell(flown: SimulatedMission) -> None:
        margin = "" if flown.margin_m is None else f"{flown.margin_m:.2f} m left: "
        typer.echo(f"seed {flown.seed}: {margin}{flown.reason}")

    flown = fly_many(plan.set_scenario, list(seeds), fps=plan.fps, jobs=jobs, on_flown=tell)
    result = summarise_simulated(flown, expect=expect)
    save_simulated(result, folder / BATCH)
    plot_simulated(flown, folder / MARGINS, expect=expect)
    spread = result["margins_m"]
    margins = (
        f"; track left {spread['least']:.2f} m at the least, {spread['median']:.2f} m at the "
        f"median, {spread['most']:.2f} m at the most"
        if spread
        else ""
    )
    text = (
        f"{result['stopped']} stopped, {result['derailed']} derailed, {result['ok']} of "
        f"{len(flown)} went as they should{margins}; see {folder / MARGINS}"
    )
    result |= {"out": str(folder), "plot": str(folder / MARGINS)}
    emit(result, as_json=as_json, text=text)
    if result["ok"] < len(flown):
        raise typer.Exit(EXIT_ERROR)


def absolute_folder(folder: Path | str | None) -> str:
    """Return a folder as the services find it, whether it is there already or not.

    Args:
        folder: Its path; None for none.

    Returns:
        An absolute path, or an empty text.
    """
    return str(Path(folder).resolve()) if folder else ""


def absolute(text: str, *, is_path: bool) -> str:
    """Return a name as the services find it: made absolute if it is the path of something.

    Args:
        text: A path, or a name, address or URL.
        is_path: Whether it is a path if something of that name is there.
    """
    return str(Path(text).resolve()) if is_path and Path(text).exists() else text


def summary(outcome: Outcome, run_dir: Path) -> str:
    """Return what came of a mission, for people."""
    lines = [outcome.verdict]
    if outcome.error:
        lines.append(f"Error: {outcome.error}")
    lines.append(f"  frames    {outcome.frames}, {outcome.dropped} dropped")
    if outcome.latency_ms:
        spread = outcome.latency_ms
        lines.append(
            f"  latency   {spread.p50:.0f} ms at the median, {spread.p95:.0f} at p95, "
            f"{spread.p99:.0f} at p99, from capture to action"
        )
    if outcome.brake_latency_ms is not None:
        lines.append(f"  brake     {outcome.brake_latency_ms:.0f} ms after the deciding frame")
    if outcome.memory_mb:
        lines.append(f"  memory    {outcome.memory_mb:.0f} MB at most, all processes together")
    lines.append(f"  report    {run_dir / 'report.html'}")
    return "\n".join(lines)

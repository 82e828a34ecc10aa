"""The command ``kit bench``, and its own commands, from ``stages`` to ``viewers``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from kit.cli import EXIT_ERROR, JsonFlag, emit

if TYPE_CHECKING:
    from kit.bench.link_result import Phase

SHORT_S = 5.0
"""How long each run of ``kit bench`` is measured when nothing more is said, seconds."""

_TELL_EVERY = 20


def register(app: typer.Typer) -> None:
    """Add the benches to the command line."""
    benches = typer.Typer(invoke_without_command=True)
    benches.callback()(bench)
    benches.command("stages")(stages)
    benches.command("safety")(safety)
    benches.command("battery")(battery)
    benches.command("outage")(outage)
    benches.command("link")(link)
    benches.command("viewers")(viewers)
    app.add_typer(benches, name="bench")


def bench(context: typer.Context, *, as_json: JsonFlag = False) -> None:
    """Measure on this machine what the kit promises; without a command, the stages, shortly."""
    if context.invoked_subcommand is None:
        stages(seconds=SHORT_S, as_json=as_json)


def stages(
    *,
    fps: Annotated[str, typer.Option(help="Frames a second, with commas.")] = "10,30",
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="How long each run is measured.")
    ] = 20.0,
    classic: Annotated[
        bool, typer.Option(help="Whether the classic arrangement is measured as well.")
    ] = True,
    busy: Annotated[
        int, typer.Option(min=0, max=64, help="Programs that compute on the model's processor.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder that gets a folder for this bench.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure each stage from the camera to the hub and to the console, and what it costs.

    The kit's services run as processes on brokers and a virtual set of their own; then, on the
    same machine with the same model, the classic arrangement: base64 in JSON, the model in the
    MQTT callback, quality of service 0, nothing dropped. There is no radio in the figures.
    """
    from kit.bench.stages import PLOT, measure_stages, parse_rates, save, tell
    from kit.config import Settings
    from kit.runtime.mission import make_run_dir

    rates = parse_rates(fps)
    folder = make_run_dir(out or Settings.load().runs_dir)
    console = Console(stderr=True, highlight=False)
    found = measure_stages(
        rates,
        seconds,
        classic=classic,
        busy=busy,
        told=lambda run: console.print(tell(run), markup=False),
    )
    save(found, folder)
    result = found.as_dict() | {"folder": str(folder), "plot": str(folder / PLOT)}
    result["ok"] = all(run.latency is not None for run in found.runs)
    emit(result, as_json=as_json, text=f"The plot and all figures are in {folder}")
    if not result["ok"]:
        raise typer.Exit(EXIT_ERROR)


def safety(
    *,
    trials: Annotated[
        int, typer.Option(min=0, max=100_000, help="Stops of a train that is speeding up.")
    ] = 1000,
    silences: Annotated[
        int, typer.Option(min=0, max=100_000, help="Silences of each part: camera, model, ...")
    ] = 200,
    as_json: JsonFlag = False,
) -> None:
    """Measure how fast a stop is written, and how soon a silence brakes the train.

    The real services run in processes of their own on the virtual set, so there is no radio in
    the figures. The exit code is 0 only if 99 of 100 keep the promises.
    """
    from kit.bench.figures import machine
    from kit.bench.silences import measure_silences
    from kit.bench.stops import measure_stops

    console = Console(stderr=True, highlight=False)

    def told(part: str, count: int) -> None:
        if count % _TELL_EVERY == 0:
            console.print(f"{part}: {count}")

    result: dict[str, Any] = {"machine": {"before": machine()}}
    verdicts: list[bool] = []
    if trials:
        stops = measure_stops(trials, told=lambda count: told("stop", count))
        result["stop"] = stops.as_dict()
        verdicts.append(stops.ok)
    if silences:
        found = measure_silences(silences, told=told)
        result["silence"] = {one.part: one.as_dict() for one in found}
        verdicts += [one.ok for one in found]
    result["machine"]["after"] = machine()
    result["ok"] = all(verdicts)
    emit(result, as_json=as_json, text=_told(result))
    if not result["ok"]:
        raise typer.Exit(EXIT_ERROR)


def outage(
    *,
    minutes: Annotated[float, typer.Option(min=0.05, max=600, help="Length of the outage.")] = 2.0,
    before: Annotated[
        float, typer.Option(min=5, max=36_000, help="Seconds on a good link before it.")
    ] = 30.0,
    after: Annotated[
        float, typer.Option(min=5, max=36_000, help="Seconds on a good link after it.")
    ] = 20.0,
    as_json: JsonFlag = False,
) -> None:
    """Take Kafka away in the middle of a run, and see what the train and the far end notice.

    The exit code is 0 only if no event was lost or overtaken and pictures came back.
    """
    from kit.bench.link_result import Phase

    phases = [Phase("5g", before), Phase("outage", minutes * 60), Phase("5g", after)]
    _report_link(phases, adaptive=True, as_json=as_json)


def link(
    *,
    seconds: Annotated[
        float, typer.Option(min=5, max=3600, help="How long each kind of link lasts.")
    ] = 30.0,
    adaptive: Annotated[bool, typer.Option(help="Whether live pictures follow the link.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Lead the train's link to Kafka from 5G into a tunnel and back, and see what comes through.

    With --no-adaptive the pictures stay as they are, for comparison.
    """
    from kit.bench.link_result import Phase

    phases = [Phase(name, seconds) for name in ("5g", "tunnel", "5g")]
    _report_link(phases, adaptive=adaptive, as_json=as_json)


def _report_link(phases: Sequence[Phase], *, adaptive: bool, as_json: bool) -> None:
    from kit.bench.figures import machine
    from kit.bench.link_result import told_link
    from kit.bench.outage import measure_link

    console = Console(stderr=True, highlight=False)
    before = machine()
    found = measure_link(
        phases,
        adaptive=adaptive,
        told=lambda phase: console.print(f"{phase.link}: {phase.seconds:g} s"),
    )
    result = {"machine": {"before": before, "after": machine()}, **found.as_dict(), "ok": found.ok}
    emit(result, as_json=as_json, text=told_link(found))
    if not found.ok:
        raise typer.Exit(EXIT_ERROR)


def battery(*, as_json: JsonFlag = False) -> None:
    """Tell how fast a train is while its battery drains, with and without the compensation."""
    from kit.bench.battery import drain

    found = [one.as_dict() for one in drain()]
    lines = [f"{'charge':>7} {'battery':>8} {'plain':>10} {'held':>10}  at power"]
    lines += [
        f"{one['charge_percent']:>6g}% {one['voltage_v']:>6.2f} V {one['plain_mps']:>6.3f} m/s "
        f"{one['held_mps']:>6.3f} m/s  {one['power_percent']} %"
        for one in found
    ]
    emit({"charges": found}, as_json=as_json, text="\n".join(lines))


def _told(result: Mapping[str, Any]) -> str:
    lines = []
    if "stop" in result:
        stop = result["stop"]
        lines += [
            _line("stop → write", stop["written"], stop["limit_ms"]),
            _line("stop → hub", stop["at_hub"], None),
            f"stopped in the middle of a ramp: {stop['mid_ramp']}",
            f"power after the brake: {stop['power_after_brake']}",
        ]
    for part, one in result.get("silence", {}).items():
        lines.append(_line(f"{part} silent → hub", one["braked"], one["limit_ms"]))
    load = result["machine"]
    lines.append(
        f"{load['before']['processors']} processors, load {load['before']['load_1min']:g} before "
        f"and {load['after']['load_1min']:g} after"
    )
    return "\n".join(lines)


def _line(what: str, figures: Mapping[str, float], limit_ms: float | None) -> str:
    limit = "" if limit_ms is None else f" (promised: {limit_ms:g} ms)"
    return (
        f"{what:<24} p50 {figures['p50']:.1f}  p95 {figures['p95']:.1f}  "
        f"p99 {figures['p99']:.1f}{limit}  worst {figures['worst']:.1f} ms, "
        f"{figures['count']:.0f} trials"
    )


def viewers(
    *,
    viewers: Annotated[int, typer.Option(min=1, max=90, help="How many look.")] = 50,
    fps: Annotated[float, typer.Option(min=1, max=30, help="Pictures a second.")] = 10.0,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long to measure.")] = 20.0,
    browser: Annotated[
        str | None,
        typer.Option(help="Path of a Chromium that looks, too, and says when it has painted."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure what the console costs while many look, and how old their pictures are."""
    from kit.bench.figures import machine
    from kit.bench.viewers import measure_viewers

    before = machine()
    found = measure_viewers(viewers, fps=fps, seconds=seconds, browser=browser)
    lines = [
        f"{found.viewers} viewers, {found.fps:g} pictures a second, {found.seconds:g} s",
        f"pictures a second: {found.mean_fps:g} on average, {found.worst_fps:g} for the last one",
        f"age at arrival: p50 {found.age.p50:g} ms, p95 {found.age.p95:g} ms",
        f"console: {found.console.cpu_percent:g} % of a processor, {found.console.memory_mb:g} MB",
    ]
    if found.painted is not None:
        painted = found.painted
        lines.append(f"captured to painted: p50 {painted.p50:g} ms, p95 {painted.p95:g} ms")
    result = {"machine": {"before": before, "after": machine()}, **found.as_dict()}
    emit(result, as_json=as_json, text="\n".join(lines))

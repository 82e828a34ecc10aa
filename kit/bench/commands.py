"""The commands ``kit bench safety`` and ``kit bench battery``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from kit.cli import EXIT_ERROR, JsonFlag, emit

_TELL_EVERY = 20


def register(app: typer.Typer) -> None:
    """Add the benches to the command line."""
    benches = typer.Typer(no_args_is_help=True)
    benches.callback(help="Measure on this machine what the kit promises.")(lambda: None)
    benches.command("safety")(safety)
    benches.command("battery")(battery)
    app.add_typer(benches, name="bench")


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

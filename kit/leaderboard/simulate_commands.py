"""The commands ``kit leaderboard simulate`` and ``bench``."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from kit.cli import JsonFlag, emit
from kit.errors import BrokerError, ConfigError
from kit.leaderboard.options import RulesOption

if TYPE_CHECKING:
    from kit.leaderboard.kubernetes.sinks import ServicePost


def add_simulation_commands(group: typer.Typer) -> None:
    """Add these commands to the leaderboard's."""
    group.command("simulate")(simulate)
    group.command("bench")(bench)


def simulate(
    *,
    rules: RulesOption = "original",
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many take part.")] = 96,
    seed: Annotated[int, typer.Option(min=0, help="The same one gives the same event.")] = 1,
    speed: Annotated[
        float | None,
        typer.Option(help="Play it so much faster than life; all at once if not given."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File of JSON lines; standard output if not given.")
    ] = None,
    post: Annotated[
        str | None,
        typer.Option(help="A running service to bring the events to, in place of a file."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Play a whole event: fast and slow people, late starters, wrong clocks, outages.

    Records come in the order of their arrival, some late and some twice; 'kit leaderboard replay'
    makes of them what it would have made of the event. A service needs its organiser's token in
    KIT_LEADERBOARD_ORGANISER_TOKEN, the same rules, and a start that has come; with --post the
    simulated event begins when the service's did, and goes at its speed.
    """
    from kit.leaderboard.log import write_lines
    from kit.leaderboard.rules import load_rules
    from kit.leaderboard.simulate import simulate as simulated
    from kit.leaderboard.simulate_play import play

    loaded = load_rules(rules)
    arrivals = simulated(loaded, people=people, seed=seed)
    with ExitStack() as stack:
        if post is not None:
            start_s = _start_of(post)
            sink = stack.enter_context(_service(post, start_s))
            count = play(arrivals, sink, speed=1.0, begun_s=start_s, clock=time.time)
        else:
            file = sys.stdout if out is None else stack.enter_context(_file(out))
            count = play(arrivals, lambda records: write_lines(records, file), speed=speed)
    result = {"records": count, "people": people, "seed": seed, "rules": loaded.name}
    where = post or out
    if as_json or where is not None:
        emit(
            result | ({} if where is None else {"out": str(where)}),
            as_json=as_json,
            text=f"{count} records of {people} people: {where}",
        )


def _file(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be written", got=str(error)) from error


def _organiser_token() -> str:
    from kit.config import Settings

    token = Settings.load().leaderboard_organiser_token
    if token is None:
        raise ConfigError(
            "The leaderboard's service wants the organiser's token",
            fix="set KIT_LEADERBOARD_ORGANISER_TOKEN; it is in the key file of the service",
        )
    return token.get_secret_value()


def _start_of(url: str) -> float:
    """Ask a service when its event started, seconds since 1970."""
    import httpx

    try:
        answer = httpx.get(
            f"{url.rstrip('/')}/api/desk",
            headers={"Authorization": f"Bearer {_organiser_token()}"},
            timeout=30,
        )
        answer.raise_for_status()
        starts_at = answer.json()["starts_at"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
        raise BrokerError(
            "The leaderboard does not tell when its event starts",
            got=f"{type(error).__name__}: {error}",
            fix="look at its address, and at KIT_LEADERBOARD_ORGANISER_TOKEN",
        ) from error
    if starts_at is None:
        raise ConfigError(
            "The service's event has no start yet",
            fix="begin it on the organiser's page, or give 'kit leaderboard serve' --starts-at",
        )
    return datetime.fromisoformat(starts_at).timestamp()


def _service(url: str, start_s: float) -> ServicePost:
    from kit.leaderboard.kubernetes.sinks import ServicePost

    return ServicePost(url, token=_organiser_token(), starts_at_s=start_s)


def bench(
    *,
    people: Annotated[int, typer.Option(min=10, help="How many take part in the large event.")] = (
        100_000
    ),
    records: Annotated[int, typer.Option(min=100, help="Records of the large event.")] = 1_000_000,
    trials: Annotated[int, typer.Option(min=1, help="How often each thing is measured.")] = 200,
    as_json: JsonFlag = False,
) -> None:
    """Measure how long standings take, of 96 people and of very many."""
    from kit.bench.figures import Figures
    from kit.leaderboard import bench as benches
    from kit.leaderboard.rules import load_rules

    kubernetes = load_rules("kubernetes")
    small = benches.full(kubernetes, people=96, trials=trials)
    large, begin_s = benches.incremental(people=people, records=records, trials=trials)
    found = {
        timed.name: {
            "people": timed.people,
            "records": timed.records,
            "finishes": timed.finishes,
        }
        | Figures.of(timed.taken_ms).as_dict()
        for timed in (small, large)
    }
    lines = [
        f"{name}, {each['people']} people, {each['records']} records: "
        f"p50 {each['p50']} ms, p99 {each['p99']} ms, worst {each['worst']} ms"
        for name, each in found.items()
    ]
    lines.append(f"beginning with all {records} records: {begin_s:.1f} s")
    emit({"benches": found, "begin_s": begin_s}, as_json=as_json, text="\n".join(lines))

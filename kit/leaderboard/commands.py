"""The commands ``kit leaderboard ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import JsonFlag, emit
from kit.leaderboard.options import RulesOption, StartsAtOption


def register(app: typer.Typer) -> None:
    """Add the leaderboard's commands to the command line."""
    group = typer.Typer(
        name="leaderboard",
        help="Rank the participants of an event: exact, replayable, live.",
        no_args_is_help=True,
    )
    group.command("rules")(show_rules)
    group.command("replay")(replay)
    from kit.leaderboard.grafana.commands import grafana
    from kit.leaderboard.kubernetes.commands import collect
    from kit.leaderboard.prometheus.commands import exporter, prometheus

    group.command("prometheus")(prometheus)
    group.command("exporter")(exporter)
    group.command("grafana")(grafana)
    group.command("collect")(collect)
    from kit.leaderboard.service_commands import add_service_commands

    add_service_commands(group)
    from kit.leaderboard.simulate_commands import add_simulation_commands

    add_simulation_commands(group)
    app.add_typer(group)


def show_rules(
    rules: Annotated[str, typer.Argument(help="A name, or a YAML file to check.")] = "original",
    *,
    faster: Annotated[
        float, typer.Option(help="How much faster than life the event shall be, for a rehearsal.")
    ] = 1.0,
    out: Annotated[Path | None, typer.Option(help="File to write these rules to.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a rule file, show what each exercise is worth and when, and write a faster one."""
    from kit.leaderboard.rules import load_rules, rule_names, save_rules
    from kit.leaderboard.simulate_play import faster as made_faster
    from kit.leaderboard.worth import table

    loaded = load_rules(rules)
    if faster != 1:
        loaded = made_faster(loaded, faster)
    if out is not None:
        save_rules(loaded, out)
    known = ", ".join(rule_names())
    emit(
        {"names": rule_names(), "rules": loaded.model_dump(mode="json")},
        as_json=as_json,
        text=f"{table(loaded)}\n\nRules that come with the kit: {known}",
    )


def replay(
    *,
    rules: RulesOption = "original",
    events: Annotated[Path, typer.Option(help="Log of the event: JSON lines.")],
    at: Annotated[
        str | None,
        typer.Option(help="Moment to show: seconds from the start, or ISO 8601; the end if not."),
    ] = None,
    starts_at: StartsAtOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Rank everybody at any moment of an event, from its log alone."""
    from kit.leaderboard import replay as replaying

    board = replaying.replay(rules, events, at=at, starts_at=starts_at)
    emit(board.to_fields(), as_json=as_json, text=replaying.to_text(board))

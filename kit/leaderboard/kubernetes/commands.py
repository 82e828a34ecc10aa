"""The command ``kit leaderboard collect``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from kit.cli import JsonFlag, emit
from kit.leaderboard.options import RulesOption, StartsAtOption


def collect(
    *,
    rules: RulesOption = "kubernetes",
    prometheus: Annotated[
        list[str], typer.Option(help="URL of a Prometheus or Thanos; several may be named.")
    ],
    starts_at: StartsAtOption = None,
    until: Annotated[
        str | None, typer.Option(help="Read up to here, ISO 8601, once; now if not given.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 15.0,
    out: Annotated[Path | None, typer.Option(help="File that lines of JSON are added to.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Database of a log, such as sqlite:///event.db.")
    ] = None,
    post: Annotated[
        str | None,
        typer.Option(
            help="URL of the leaderboard's service; KIT_LEADERBOARD_ORGANISER_TOKEN opens it."
        ),
    ] = None,
    cluster_label: Annotated[
        str, typer.Option(help="Label that tells the clusters of one server apart.")
    ] = "cluster",
    stale: Annotated[
        float, typer.Option(min=1, help="Seconds for which a sample counts, if none follows.")
    ] = 300.0,
    overlap: Annotated[
        float, typer.Option(min=0, help="Seconds before the last look that are read again.")
    ] = 600.0,
    as_json: JsonFlag = False,
) -> None:
    """Make events of what kube-state-metrics says of the participants' namespaces.

    Prints lines of JSON, unless told to write them to a file, to a database, or to the service.
    KIT_PROMETHEUS_TOKEN and KIT_PROMETHEUS_CA_FILE open a server that wants them.
    """
    from kit.config import Settings
    from kit.errors import ConfigError
    from kit.leaderboard.kubernetes.follow import Collecting
    from kit.leaderboard.kubernetes.follow import collect as collecting
    from kit.leaderboard.replay import moment
    from kit.leaderboard.rules import load_rules

    settings = Settings.load()
    loaded = load_rules(rules)
    start = moment(starts_at) if starts_at else loaded.starts_at
    if start is None:
        raise ConfigError(
            "Nobody says when the event starts",
            fix="give --starts-at, such as 2026-11-25T14:00:00Z, or 'starts_at' in the rule file",
        )
    if post and settings.leaderboard_organiser_token is None:
        raise ConfigError(
            "The leaderboard's service wants the organiser's token",
            fix="set KIT_LEADERBOARD_ORGANISER_TOKEN to the one in the leaderboard's key file",
        )
    tally = collecting(
        Collecting(
            rules=loaded,
            starts_at_s=start.timestamp(),
            urls=prometheus,
            token=_secret(settings.prometheus_token),
            ca_file=str(settings.prometheus_ca_file) if settings.prometheus_ca_file else None,
            cluster_label=cluster_label,
            stale_s=stale,
            overlap_s=overlap,
            every_s=None if once or until else every,
            until_s=moment(until).timestamp() if until else None,
        ),
        lines=None if out or store or post else sys.stdout,
        out=out,
        store=store,
        post=post,
        post_token=_secret(settings.leaderboard_organiser_token) or "",
    )
    if as_json or out or store or post:
        emit(
            {"records": tally.records, "looks": tally.looks, "failures": tally.failures},
            as_json=as_json,
            text=f"{tally.records} records in {tally.looks} looks; {tally.failures} failed.",
        )


def _secret(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

"""The commands ``kit leaderboard prometheus`` and ``kit leaderboard exporter``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import JsonFlag, emit
from kit.leaderboard.options import RulesOption, StartsAtOption
from kit.leaderboard.prometheus.recording import Source


def prometheus(
    *,
    rules: RulesOption = "original",
    out: Annotated[Path, typer.Option(help="Folder for the files; made if it is not there.")],
    source: Annotated[
        Source, typer.Option(help="Where the rules see that an exercise is done.")
    ] = Source.EXPORTER,
    starts_at: StartsAtOption = None,
    event: Annotated[
        str, typer.Option(help="Name of this run, to keep a rehearsal's finishes out of it.")
    ] = "",
    interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two evaluations.")
    ] = 15.0,
    target: Annotated[
        str, typer.Option(help="host:port at which Prometheus finds the leaderboard.")
    ] = "127.0.0.1:8090",
    as_json: JsonFlag = False,
) -> None:
    """Write Prometheus's recording and alert rules, their unit tests, and a configuration.

    For Kubernetes, there are the ConfigMaps of Advanced Cluster Management too.
    """
    from kit.leaderboard.prometheus.files import prometheus_files, write_files
    from kit.leaderboard.replay import moment
    from kit.leaderboard.rules import load_rules

    files = prometheus_files(
        load_rules(rules),
        source,
        starts_at=moment(starts_at) if starts_at else None,
        event=event,
        interval_s=interval,
        target=target,
    )
    paths = [str(path) for path in write_files(files, out)]
    emit({"files": paths}, as_json=as_json, text="\n".join(paths))


def exporter(
    *,
    rules: RulesOption = "original",
    database: Annotated[
        str, typer.Option(help="The leaderboard's log, SQLAlchemy's URL; it is only read.")
    ],
    starts_at: StartsAtOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, help="TCP port; 0 for any free one.")] = 9190,
    limit: Annotated[
        int, typer.Option(min=0, help="How many users, the first ones, have series of their own.")
    ] = 200,
    as_json: JsonFlag = False,
) -> None:
    """Export a leaderboard's log to Prometheus, apart from the service.

    The service has the same at /metrics. This one tells everything, also while a board is frozen.
    """
    import threading

    from kit.errors import ConfigError
    from kit.leaderboard.prometheus.alone import LogReader, exporting
    from kit.leaderboard.replay import moment
    from kit.leaderboard.rules import load_rules
    from kit.leaderboard.store import Store

    loaded = load_rules(rules)
    start = moment(starts_at) if starts_at else loaded.starts_at
    if start is None:
        raise ConfigError(
            "Nobody says when the event starts",
            fix="give --starts-at, such as 2026-11-25T14:00:00Z, or 'starts_at' in the rule file",
        )
    with Store.open(database) as store:
        read = LogReader(loaded, store, starts_at_s=start.timestamp())
        with exporting(loaded, read, host=host, port=port, limit=limit) as url:
            emit({"url": url}, as_json=as_json, text=f"Metrics are at {url} (Ctrl-C ends it).")
            threading.Event().wait()

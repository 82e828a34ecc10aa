"""The command ``kit leaderboard grafana``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import JsonFlag, emit
from kit.leaderboard.options import RulesOption


def grafana(
    *,
    rules: RulesOption = "original",
    out: Annotated[Path, typer.Option(help="Folder for the files; made if it is not there.")],
    as_json: JsonFlag = False,
) -> None:
    """Write Grafana's dashboards: the leaderboard, where its points come from, the platform.

    They show what the rules of 'kit leaderboard prometheus' record. Each is there as JSON, and as
    a ConfigMap for Advanced Cluster Management.
    """
    from kit.leaderboard.grafana.files import grafana_files
    from kit.leaderboard.prometheus.files import write_files
    from kit.leaderboard.rules import load_rules

    paths = [str(path) for path in write_files(grafana_files(load_rules(rules)), out)]
    emit({"files": paths}, as_json=as_json, text="\n".join(paths))

"""The commands of ``kit leaderboard`` around its service: serve, token, claim, import, export."""

from __future__ import annotations

import getpass
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import JsonFlag, emit
from kit.errors import ConfigError, EventError, missing_extra

if TYPE_CHECKING:
    from kit.leaderboard.offline import Place

RulesOption = Annotated[str, typer.Option("--rules", help="Rules: a name, or a YAML file.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(help="Its log, SQLAlchemy's URL; KIT_LEADERBOARD_DATABASE, else a file in runs/."),
]
KeysOption = Annotated[
    Path | None, typer.Option(help="File of its secret; leaderboard-keys.json in runs/ if not.")
]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it; your user name.")]
StartsAtOption = Annotated[str | None, typer.Option(help="Start of the event, ISO 8601.")]


def add_service_commands(group: typer.Typer) -> None:
    """Add this module's commands to the group ``kit leaderboard``."""
    group.command("serve")(serve)
    group.command("token")(token)
    group.command("claim")(claim)
    group.command("import")(import_)
    group.command("export")(export)
    group.command("stress")(stress)


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, help="TCP port; 0 for any free one.")] = 8090,
    rules: RulesOption = "original",
    database: DatabaseOption = None,
    keys: KeysOption = None,
    starts_at: StartsAtOption = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Name by which it may be called; repeat.")
    ] = None,
    proxy: Annotated[
        list[str] | None, typer.Option(help="Address of a reverse proxy to trust; repeat.")
    ] = None,
    per_person: Annotated[
        str, typer.Option(help="Most claims of one person, such as '10/second;240/minute'.")
    ] = "",
    per_address: Annotated[
        str, typer.Option(help="Most ill-signed requests of one address, such as '20/second'.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Serve the leaderboard: the projector's page, the organiser's page, and claims.

    The organiser's token is in the key file, which only you can read.
    """
    _need_packages()
    from kit.leaderboard.keys import Keys
    from kit.leaderboard.replay import moment
    from kit.leaderboard.server import Options
    from kit.leaderboard.server import serve as serve_

    where = _where(database, keys)

    def tell(url: str, _keys: Keys) -> None:
        text = (
            f"The leaderboard is at {url} and the organiser's desk at {url}desk (Ctrl-C ends it; "
            f"the organiser's token is in {where.keys})."
        )
        emit({"url": url, "keys": str(where.keys)}, as_json=as_json, text=text)

    options = Options(
        host=host,
        port=port,
        rules=rules,
        database=where.database,
        keys=where.keys,
        starts_at=moment(starts_at) if starts_at else None,
        names=tuple(name or ()),
        proxies=tuple(proxy or ()),
        per_person=per_person,
        per_address=per_address,
    )
    serve_(options, on_ready=tell)


def token(
    names: Annotated[list[str], typer.Argument(help="Names of participants.")],
    *,
    rules: RulesOption = "original",
    database: DatabaseOption = None,
    keys: KeysOption = None,
    bracket: Annotated[str, typer.Option(help="In which they are ranked apart.")] = "",
    team: Annotated[str, typer.Option(help="For which they play.")] = "",
    hidden: Annotated[bool, typer.Option("--hidden", help="They are accounts for tests.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Their old tokens become worthless.")
    ] = False,
    by: ByOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Add participants and print their tokens, to be handed over."""
    _need_packages()
    from kit.leaderboard.offline import issue
    from kit.leaderboard.rules import load_rules

    issued = issue(
        _where(database, keys),
        names,
        rules=load_rules(rules),
        by=by or getpass.getuser(),
        bracket=bracket,
        team=team,
        hidden=hidden,
        replace=replace,
    )
    emit(
        {"tokens": [{"user": user, "token": text} for user, text in issued]},
        as_json=as_json,
        text="\n".join(f"{user}\t{text}" for user, text in issued),
    )


def claim(
    exercise: Annotated[str, typer.Argument(help="Id of the exercise.")],
    *,
    env: Annotated[str, typer.Option(help="Its environment.")] = "",
    condition: Annotated[str, typer.Option(help="The condition that holds.")] = "",
    value: Annotated[float, typer.Option(help="What was measured; 0 takes a condition back.")] = 1,
    report: Annotated[
        Path | None, typer.Option(help="What 'kit demo --json' or 'kit evaluate --json' printed.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Claim what you have done, at KIT_LEADERBOARD_URL with KIT_LEADERBOARD_TOKEN."""
    _need_packages()
    from kit.config import Settings
    from kit.leaderboard.client import Participant

    with Participant.of(Settings.load()) as participant:
        answer = participant.claim(
            exercise,
            env=env,
            condition=condition,
            value=value,
            report=None if report is None else _last_json(report),
        )
    text = f"{exercise}: {answer.status}, {answer.at_s:.3f} s after the start"
    emit(answer.model_dump(mode="json"), as_json=as_json, text=text)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV: time, user, exercise, env, condition, value.")],
    *,
    rules: RulesOption = "original",
    database: DatabaseOption = None,
    starts_at: StartsAtOption = None,
    by: ByOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Bring in events from a CSV; a row that was brought in before counts once."""
    _need_packages()
    from kit.leaderboard.offline import bring_in
    from kit.leaderboard.replay import moment
    from kit.leaderboard.rules import load_rules

    done = bring_in(
        _where(database, None),
        file,
        rules=load_rules(rules),
        by=by or getpass.getuser(),
        starts_at=moment(starts_at) if starts_at else None,
    )
    counts = {
        "accepted": len(done.accepted),
        "duplicates": len(done.duplicates),
        "conflicts": len(done.conflicts),
    }
    emit(counts, as_json=as_json)


def export(
    *,
    out: Annotated[Path | None, typer.Option(help="CSV file; the screen if not given.")] = None,
    rules: RulesOption = "original",
    database: DatabaseOption = None,
    log: Annotated[bool, typer.Option("--log", help="The log, not the standings.")] = False,
    at: Annotated[
        float | None, typer.Option(help="Moment, seconds from the start; the end if not given.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Export the standings, or the log, as CSV."""
    _need_packages()
    from kit.leaderboard.offline import export as export_
    from kit.leaderboard.rules import load_rules

    text = export_(_where(database, None), rules=load_rules(rules), log=log, at_s=at)
    if out is not None:
        out.write_text(text, encoding="utf-8", newline="")
    rows = text.count("\r\n") - 1
    shown = text if out is None else f"{rows} rows in {out}"
    emit({"rows": rows, "file": str(out) if out else None}, as_json=as_json, text=shown)


def stress(
    *,
    rate: Annotated[float, typer.Option(min=1, help="Claims a second.")] = 500,
    seconds: Annotated[float, typer.Option(min=1, help="For how long.")] = 60,
    people: Annotated[int, typer.Option(min=1, help="Participants who claim in turn.")] = 500,
    pages: Annotated[int, typer.Option(min=0, help="Open pages.")] = 0,
    flood: Annotated[int, typer.Option(min=0, help="Ill-signed requests of one client.")] = 0,
    kill: Annotated[bool, typer.Option(help="Kill the service in the middle.")] = True,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty database; a SQLite file if not given.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Rehearse under load, with a service of its own: is any claim lost, how late is a page?"""
    _need_packages()
    from kit.leaderboard.stress import Load
    from kit.leaderboard.stress import stress as stress_

    load = Load(
        rate=rate,
        seconds=seconds,
        people=people,
        pages=pages,
        flood=flood,
        kill=kill,
        database=database,
    )
    result = stress_(load)
    emit(result.as_json(), as_json=as_json)
    if result.lost or result.doubled or result.acknowledged < result.claimed:
        raise typer.Exit(1)


def _where(database: str | None, keys: Path | None) -> Place:
    from kit.config import Settings
    from kit.leaderboard.offline import place

    return place(Settings.load(), database=database, keys=keys)


def _last_json(path: Path) -> dict[str, Any]:
    """Read a command's report: its last line, or the whole file if that is one object."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The report {path} cannot be read", got=str(error)) from error
    for candidate in (text, text.strip().rpartition("\n")[2]):
        try:
            report = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(report, dict):
            return report
    raise EventError(
        f"The report {path} is no JSON object", fix="save what a command printed with --json"
    )


def _need_packages() -> None:
    for package in ("fastapi", "httpx", "jwt", "limits", "sqlalchemy"):
        if find_spec(package) is None:
            raise missing_extra(package, "leaderboard")

"""What an organiser does from a terminal, on the event's database: tokens, import, export."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kit.config import Settings
from kit.errors import ConfigError, EventError
from kit.leaderboard.desk import Deed, Desk, Entry, fold, from_epoch_ms, to_epoch_ms
from kit.leaderboard.desk_store import DeskStore
from kit.leaderboard.events import AnyRecord, Hide, Join, check, identified
from kit.leaderboard.keys import open_keys
from kit.leaderboard.names import clean_name, same_name
from kit.leaderboard.rules import Rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.store import Appended, Store
from kit.leaderboard.table import log_csv, read_csv, standings_csv


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an event is kept.

    Attributes:
        database: SQLAlchemy's URL.
        keys: File of the event's secret.
    """

    database: str
    keys: Path


def place(settings: Settings, *, database: str | None, keys: Path | None) -> Place:
    """Tell where the event is kept: as named, by the settings, or in the folder of the runs.

    Args:
        settings: Of this process.
        database: SQLAlchemy's URL, if it was named.
        keys: Key file, if it was named.
    """
    folder = settings.runs_dir.resolve()
    if database is None and settings.leaderboard_database is not None:
        database = settings.leaderboard_database.get_secret_value()
    if database is None:
        folder.mkdir(parents=True, exist_ok=True)
        database = f"sqlite:///{folder / 'leaderboard.sqlite'}"
    return Place(database=database, keys=keys or folder / "leaderboard-keys.json")


def issue(
    where: Place,
    names: Sequence[str],
    *,
    rules: Rules,
    by: str,
    bracket: str = "",
    team: str = "",
    hidden: bool = False,
    replace: bool = False,
) -> list[tuple[str, str]]:
    """Add participants and make their tokens.

    Args:
        where: The event.
        names: Of the participants.
        rules: Of the event.
        by: Who does it.
        bracket: In which they are ranked apart.
        team: For which they play.
        hidden: Whether they are accounts for tests.
        replace: Give new tokens to those who are there already; their old ones become worthless.

    Returns:
        Each name, as it is shown, with its token. Who is there already and not replaced gets the
        token of before.

    Raises:
        EventError: If a name cannot be, or differs from another one by its capitals only.
        ConfigError: If the database or the keys cannot be used.
    """
    keys = open_keys(where.keys)
    desk_store = DeskStore(where.database)
    now_ms = time.time_ns() // 1_000_000
    try:
        with Store.open(where.database) as store:
            known = {
                stored.record.user for stored in store.read() if isinstance(stored.record, Join)
            }
            desk = fold(desk_store.read())
            at_ms = 0 if desk.starts_ms is None else now_ms - desk.starts_ms
            records: list[AnyRecord] = []
            entries: list[Entry] = []
            users = [clean_name(name) for name in names]
            for user in users:
                if user in known:
                    if replace:
                        entries.append(Entry(at_ms=now_ms, who=by, deed=Deed.TOKEN, about=user))
                    continue
                _check_free(user, known)
                known.add(user)
                join = Join(at_ms=at_ms, user=user, bracket=bracket, team=team)
                check(join, rules)
                records.append(identified(join))
                if hidden:
                    why = "a test account"
                    records.append(identified(Hide(at_ms=at_ms, user=user, who=by, why=why)))
            store.append(records, by=f"desk: {by}")
            if entries:
                desk_store.append(*entries)
            desk = fold(desk_store.read())
    finally:
        desk_store.close()
    return [(user, keys.token(user, replaced=desk.generations.get(user, 0))) for user in users]


def bring_in(
    where: Place, file: Path, *, rules: Rules, by: str, starts_at: datetime | None = None
) -> Appended:
    """Bring in events from a CSV.

    Args:
        where: The event.
        file: The table; see `read_csv`.
        rules: Of the event.
        by: Who does it.
        starts_at: Start of the event, for times in ISO 8601; that of the desk if None.

    Returns:
        What was new and what was known.

    Raises:
        EventError: If the table cannot be understood; names the line. Nothing is kept then.
        ConfigError: If the database cannot be used.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EventError(f"The table {file} cannot be read", got=str(error)) from error
    starts_at = starts_at or start_of(where.database) or rules.starts_at
    events = read_csv(text, rules, starts_at=starts_at, name=file.name)
    with Store.open(where.database) as store:
        return store.append(events, by=f"import: {by}")


def export(where: Place, *, rules: Rules, log: bool = False, at_s: float | None = None) -> str:
    """Return the standings, or the whole log, as CSV.

    Args:
        where: The event.
        rules: Of the event.
        log: The log instead of the standings.
        at_s: Moment of the standings, seconds from the start; the end of the event if None.

    Raises:
        ConfigError: If the database cannot be used.
    """
    with Store.open(where.database) as store:
        stored = store.read()
    if log:
        return log_csv(stored)
    desk = _desk(where.database)
    if at_s is None and desk.ended_ms is not None and desk.starts_ms is not None:
        ended_s = max(1, desk.ended_ms - desk.starts_ms) / 1000
        if ended_s < rules.duration_s:
            rules = rules.model_copy(update={"duration_s": ended_s})
    return standings_csv(standings(rules, (each.record for each in stored), at_s), rules)


def start_of(database: str) -> datetime | None:
    """Return the event's start; None if nobody has set it."""
    starts_ms = _desk(database).starts_ms
    return None if starts_ms is None else from_epoch_ms(starts_ms)


def set_start(database: str, starts_at: datetime, *, by: str) -> None:
    """Set the event's start, for all who look into its database.

    Raises:
        ConfigError: If it has begun at another time.
    """
    value, now_ms = to_epoch_ms(starts_at), time.time_ns() // 1_000_000
    known_ms = _desk(database).starts_ms
    if known_ms == value:
        return
    if known_ms is not None and known_ms <= now_ms:
        raise ConfigError(
            "The event has begun at another time",
            expected=from_epoch_ms(known_ms).isoformat(),
            got=starts_at.isoformat(),
            fix="leave --starts-at out, or name another --database for another event",
        )
    desk_store = DeskStore(database)
    try:
        desk_store.append(Entry(at_ms=now_ms, who=by, deed=Deed.BEGIN, value=value))
    finally:
        desk_store.close()


def _desk(database: str) -> Desk:
    desk_store = DeskStore(database)
    try:
        return fold(desk_store.read())
    finally:
        desk_store.close()


def _check_free(user: str, known: set[str]) -> None:
    for other in known:
        if same_name(other) == same_name(user):
            raise EventError(f"The name '{user}' is taken, by '{other}'", fix="choose another one")

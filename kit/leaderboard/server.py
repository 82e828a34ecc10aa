"""Listens for participants and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kit.leaderboard.application import application
from kit.leaderboard.desk_store import DeskStore
from kit.leaderboard.hub import Hub
from kit.leaderboard.keys import Keys, open_keys
from kit.leaderboard.limiter import Kind, Limiter
from kit.leaderboard.live import Live
from kit.leaderboard.offline import set_start
from kit.leaderboard.rules import Rules, load_rules
from kit.leaderboard.service import Service
from kit.leaderboard.store import Store
from kit.leaderboard.writer import Writer
from kit.web import server
from kit.web.address import LOOPBACK, listen, names_for, page_url

CONNECTIONS = 4000
"""How many connections may be open at once."""

CLOSE_S = 3
"""How long connections may take to end with the service, seconds."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to serve.

    Attributes:
        host: Address to listen on.
        port: TCP port; 0 for any free one.
        rules: A rule file's name or path.
        database: SQLAlchemy's URL.
        keys: File of the event's secret; a new one is written if there is none.
        starts_at: Start of the event, kept in the database; the rules' if None, else the organiser
            sets it.
        names: Names under which the service may be called; any beyond this machine if empty.
        proxies: Addresses of reverse proxies whose word about the client's address counts.
        per_person: How many claims one person may make, such as ``10/second;240/minute``; the
            limiter's own rate if empty.
        per_address: The same for requests of one address that are not well signed.
    """

    host: str = "127.0.0.1"
    port: int = 0
    rules: str = "original"
    database: str = "sqlite://"
    keys: Path = Path("leaderboard-keys.json")
    starts_at: datetime | None = None
    names: Sequence[str] = ()
    proxies: Sequence[str] = ()
    per_person: str = ""
    per_address: str = ""


def serve(options: Options, *, on_ready: Callable[[str, Keys], None]) -> None:
    """Serve the leaderboard until SIGINT or SIGTERM.

    Args:
        options: How.
        on_ready: Called with the page's address and the keys once browsers can connect.

    Raises:
        ConfigError: If the rules, the database, the keys or the address cannot be used.
    """
    rules = load_rules(options.rules)
    keys = open_keys(options.keys)
    starts_at = options.starts_at or rules.starts_at
    if starts_at is not None:
        set_start(options.database, starts_at, by="kit leaderboard serve")
    fix = "name another port with --port, or let it choose: --port 0"
    with (
        listen(options.host, options.port, who="The leaderboard", fix=fix) as listener,
        Store.open(options.database) as store,
    ):
        desk_store = DeskStore(options.database)
        try:
            service = _build(options, rules, keys, store, desk_store)
            url = page_url(options.host, listener)
            names = (*options.names, *LOOPBACK) if options.names else names_for(options.host)
            server.serve(
                application(service, hosts=names),
                listener,
                connections=CONNECTIONS,
                close_s=CLOSE_S,
                websockets=False,
                proxies=options.proxies,
                on_ready=lambda: on_ready(url, keys),
                on_end=service.hub.close,
            )
        finally:
            desk_store.close()


def _build(
    options: Options, rules: Rules, keys: Keys, store: Store, desk_store: DeskStore
) -> Service:
    live = Live(rules, store, desk_store)
    hub = Hub(live)
    writer = Writer(store, on_kept=hub.wake)
    rates = {Kind.CLAIM: options.per_person, Kind.FAULT: options.per_address}
    limiter = Limiter({kind: rate for kind, rate in rates.items() if rate})
    return Service(live, writer, hub, keys=keys, limiter=limiter)

"""Listens for participants and pages."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uvicorn

from kit.errors import ConfigError
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

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a service that listens on this machine only may be called."""

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
    with _listen(options.host, options.port) as listener, Store.open(options.database) as store:
        desk_store = DeskStore(options.database)
        try:
            service = _build(options, rules, keys, store, desk_store)
            url = address(options.host, listener)
            server = _Server(
                _config(options, service),
                on_ready=lambda: on_ready(url, keys),
                on_end=service.hub.close,
            )
            server.run(sockets=[listener])
        finally:
            desk_store.close()


def address(host: str, listener: socket.socket) -> str:
    """Return the address of the page, as a browser on this machine reaches it."""
    shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  # we only compare
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/"


def _build(
    options: Options, rules: Rules, keys: Keys, store: Store, desk_store: DeskStore
) -> Service:
    live = Live(rules, store, desk_store)
    hub = Hub(live)
    writer = Writer(store, on_kept=hub.wake)
    rates = {Kind.CLAIM: options.per_person, Kind.FAULT: options.per_address}
    limiter = Limiter({kind: rate for kind, rate in rates.items() if rate})
    return Service(live, writer, hub, keys=keys, limiter=limiter)


def _config(options: Options, service: Service) -> uvicorn.Config:
    local = LOOPBACK if _is_loopback(options.host) else ("*",)
    hosts = (*options.names, *LOOPBACK) if options.names else local
    return uvicorn.Config(
        application(service, hosts=hosts),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        backlog=2048,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=CLOSE_S,
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=list(options.proxies),
    )


class _Server(uvicorn.Server):
    """Says when it is ready, and lets the pages go before it ends."""

    def __init__(
        self, config: uvicorn.Config, *, on_ready: Callable[[], None], on_end: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_end = on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(
            f"The leaderboard cannot listen on {host}, port {port}",
            got=error.strerror or str(error),
            fix="name another port with --port, or let it choose: --port 0",
        ) from error
    # Connections inherit it. asyncio does not set it on those of a socket of our own, and the
    # second part of each answer would wait 40 ms for the acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Listens for browsers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn

from kit.config import Settings
from kit.console.access import load_tokens
from kit.console.app import LOOPBACK, Console
from kit.console.gate import Gate
from kit.errors import ConfigError

BROWSERS = 100
"""How many connections may be open at once."""

CLOSE_S = 1
"""How long browsers may take to go when the console ends, seconds."""


@dataclass(frozen=True)
class Address:
    """How the console is reached.

    Attributes:
        url: The page.
        operator_url: The page for the one who brings this address first, who may arm trains;
            left out of ``repr``.
        signs_in: Whether viewers must sign in, too.
    """

    url: str
    operator_url: str = field(repr=False)
    signs_in: bool


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[Address], None],
) -> None:
    """Serve the console until SIGINT or SIGTERM.

    Args:
        settings: Where Kafka is and what opens it, who may come in.
        host: Address to listen on.
        port: TCP port; 0 for any free one.
        on_ready: Called with the page's address once browsers can connect.

    Raises:
        ConfigError: If no Kafka cluster is named, if the address cannot be listened on, or if
            the tokens of the console cannot be had.
    """
    if settings.kafka_bootstrap is None:
        raise ConfigError(
            "The console knows no Kafka cluster",
            expected="the environment variable KIT_KAFKA_BOOTSTRAP, such as 127.0.0.1:9092",
            fix="run 'kit demo', which starts one and its console, or name yours",
        )
    here_only = _is_loopback(host)
    tokens = load_tokens(settings, lasting=not here_only)
    gate = Gate(tokens, open_to_viewers=here_only and not tokens.chosen)
    with _listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}/"
        address = Address(
            url, operator_url=f"{url}?ticket={gate.ticket}", signs_in=not gate.open_to_viewers
        )
        hosts = LOOPBACK if here_only else ("*",)
        console = Console(settings.kafka_bootstrap, settings=settings, gate=gate)
        config = uvicorn.Config(
            console.application(hosts=hosts),
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=4096,
            ws_per_message_deflate=False,  # a JPEG gets no smaller
            limit_concurrency=BROWSERS,
            timeout_graceful_shutdown=CLOSE_S,
        )
        _Server(config, on_ready=lambda: on_ready(address)).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"The console cannot listen on {host}, port {port}",
            got=error.strerror or str(error),
            fix="name another port with --port, or let the console choose: --port 0",
        ) from error
    # Inherited by each connection: uvicorn sets it only on sockets that it has made itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

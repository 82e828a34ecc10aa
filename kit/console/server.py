"""Listens for browsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kit.config import Settings
from kit.console.access import load_tokens
from kit.console.app import Console
from kit.console.gate import Gate
from kit.errors import ConfigError
from kit.web import server
from kit.web.address import is_loopback, listen, names_for, page_url

BROWSERS = 100
"""How many connections may be open at once."""

CLOSE_S = 1
"""How long browsers may take to go when the console ends, seconds."""

PROXIES = ("127.0.0.1", "::1")
"""Proxies with TLS on this machine, which tell where a browser is and whether it came by HTTPS."""


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
    here_only = is_loopback(host)
    tokens = load_tokens(settings, lasting=not here_only)
    gate = Gate(tokens, open_to_viewers=here_only and not tokens.chosen)
    fix = "name another port with --port, or let the console choose: --port 0"
    with listen(host, port, who="The console", fix=fix) as listener:
        url = page_url(host, listener)
        address = Address(
            url, operator_url=f"{url}?ticket={gate.ticket}", signs_in=not gate.open_to_viewers
        )
        console = Console(settings.kafka_bootstrap, settings=settings, gate=gate)
        server.serve(
            console.application(hosts=names_for(host)),
            listener,
            connections=BROWSERS,
            close_s=CLOSE_S,
            websockets=True,
            proxies=PROXIES,
            on_ready=lambda: on_ready(address),
        )

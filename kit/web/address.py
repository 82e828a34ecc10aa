"""Where a page is: the socket that listens, the names it answers to, its address."""

from __future__ import annotations

import ipaddress
import socket

from kit.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a page that listens on this machine only may be called."""

_BACKLOG = 2048


def listen(host: str, port: int, *, who: str, fix: str) -> socket.socket:
    """Listen at an address.

    Args:
        host: Address to listen on.
        port: TCP port; 0 for any free one.
        who: Who wants to, such as ``The console``.
        fix: What to do if it cannot be.

    Raises:
        ConfigError: If it cannot, such as when another program has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"{who} cannot listen on {host}, port {port}",
            got=error.strerror or str(error),
            fix=fix,
        ) from error
    # Connections inherit it. asyncio does not set it on those of a socket of our own, and the
    # second part of each answer would wait 40 ms for the acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def page_url(host: str, listener: socket.socket) -> str:
    """Return the address of the page, as a browser on this machine reaches it."""
    shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  # we only compare
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/"


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_for(host: str) -> tuple[str, ...]:
    """Return the names under which a page may be called: any, beyond this machine."""
    return LOOPBACK if is_loopback(host) else ("*",)

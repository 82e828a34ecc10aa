"""Ports of this machine, for brokers that we start ourselves."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import psutil

START_TIMEOUT_S = 60.0
"""How long a broker may take until it listens, seconds."""

_POLL_S = 0.01


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_listening(pid: int, address: str, *, timeout_s: float = START_TIMEOUT_S) -> bool:
    """Wait until a process, or a child of it, listens.

    Looking at the process, and not only at the port, tells our broker from a stranger who took
    the port a moment before.

    Args:
        pid: The process.
        address: ``host:port``.
        timeout_s: How long to wait, seconds.

    Returns:
        Whether it listens; False if it ended before, or the time was up.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if address in _listeners(psutil.Process(pid)):
                return True
        except psutil.NoSuchProcess:
            return False
        time.sleep(_POLL_S)
    return False


def _listeners(process: psutil.Process) -> set[str]:
    found = _own_listeners(process)
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended while we looked: only the parent counts
            found |= _own_listeners(child)
    return found


def _own_listeners(process: psutil.Process) -> set[str]:
    return {
        f"{connection.laddr.ip}:{connection.laddr.port}"
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }

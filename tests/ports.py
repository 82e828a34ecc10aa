"""Addresses that are the same from the beginning of a test to its end."""

from __future__ import annotations

import secrets
import socket

NOBODY = "127.0.0.1:9"
"""Where nobody listens, and nobody begins to: a free port may be somebody's a moment later."""

_NOT_GIVEN_AWAY = range(20_000, 32_000)


def kept_port() -> int:
    """Return a free port for a server that takes long to come, or goes away and comes again.

    It is none of those that the system hands out to whoever asks for any, as all tests beside
    this one do.
    """
    while True:
        port = secrets.choice(_NOT_GIVEN_AWAY)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port

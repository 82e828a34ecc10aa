"""Serves a page's application until SIGINT or SIGTERM."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

_WEBSOCKETS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 4096,
    "ws_per_message_deflate": False,  # a JPEG gets no smaller
}


def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    connections: int,
    close_s: int,
    websockets: bool,
    proxies: Sequence[str] = (),
    on_ready: Callable[[], None],
    on_end: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application until SIGINT or SIGTERM.

    Args:
        app: The ASGI application.
        listener: From `kit.web.address.listen`.
        connections: How many may be open at once.
        close_s: How long they may take to end with the server, seconds.
        websockets: Whether it speaks WebSocket, in messages of 4096 bytes at most from browsers.
        proxies: Addresses of reverse proxies whose word about the client's address counts.
        on_ready: Called once browsers can connect.
        on_end: Called at the end, before connections are asked to go.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=connections,
        timeout_graceful_shutdown=close_s,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        **(_WEBSOCKETS if websockets else {"ws": "none"}),
    )
    _Server(config, on_ready=on_ready, on_end=on_end).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it is ready, and when it ends."""

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

"""The console's web application: one page, its files, and a WebSocket for each browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from kit.config import Settings
from kit.console.board import Board
from kit.console.controls import Controls
from kit.console.feed import Arrival, Feed
from kit.console.viewer import BAD_MESSAGE, Viewer

STATIC = Path(__file__).resolve().parent / "static"
"""The page and its files."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Names under which a console that listens on this machine only may be called."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Sent with every answer: nothing foreign is loaded and no other site may embed the page."""


class SafeHeaders:
    """Adds `HEADERS` to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Console:
    """Joins the feed and the browsers.

    Args:
        bootstrap: ``host:port`` of the Kafka cluster, comma-separated.
        settings: What opens it.
    """

    def __init__(self, bootstrap: str, *, settings: Settings) -> None:
        self._bootstrap = bootstrap
        self._settings = settings
        self._board = Board()
        self._controls = Controls(settings, changed=self._wake)
        self._viewers: set[Viewer] = set()
        self._feed: Feed | None = None

    def application(self, *, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
        """Build the ASGI application.

        Args:
            hosts: Names under which it may be called; ``("*",)`` for any.
        """
        return Starlette(
            routes=[
                Route("/", _page),
                WebSocketRoute("/view", self._view),
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            middleware=[
                Middleware(SafeHeaders),
                Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()

        def deliver(arrival: Arrival) -> None:
            loop.call_soon_threadsafe(self._observe, arrival)

        with Feed(self._bootstrap, settings=self._settings, deliver=deliver) as self._feed:
            yield

    def _observe(self, arrival: Arrival) -> None:
        self._board.observe(
            arrival.event, received_ns=arrival.received_ns, received_s=arrival.received_s
        )
        self._wake()

    def _wake(self) -> None:
        for viewer in self._viewers:
            viewer.wake()

    def _trouble(self) -> str:
        return self._feed.trouble if self._feed else ""

    async def _view(self, socket: WebSocket) -> None:
        if not _same_origin(socket):
            await socket.close(BAD_MESSAGE)
            return
        await socket.accept()
        viewer = Viewer(socket, board=self._board, trouble=self._trouble, controls=self._controls)
        self._viewers.add(viewer)
        try:
            await viewer.serve()
        finally:
            self._viewers.discard(viewer)


def _same_origin(socket: WebSocket) -> bool:
    """Tell whether our own page asks: browsers let any page open a WebSocket to anywhere."""
    return urlsplit(socket.headers.get("origin", "")).netloc == socket.headers.get("host")


async def _page(_request: Request) -> FileResponse:
    return FileResponse(STATIC / "console.html")

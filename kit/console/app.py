"""The console's web application: one page, its files, and a WebSocket for each browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from kit.config import Settings
from kit.console.board import Board
from kit.console.controls import Controls
from kit.console.copies import Copies
from kit.console.doors import STATIC, Doors
from kit.console.feed import Arrival, Feed
from kit.console.gate import Gate
from kit.console.viewer import SIGN_IN_FIRST, Viewer
from kit.web.address import LOOPBACK
from kit.web.files import shared_files
from kit.web.guards import BAD_MESSAGE, guards, same_origin


class Console:
    """Joins the feed and the browsers.

    Args:
        bootstrap: ``host:port`` of the Kafka cluster, comma-separated.
        settings: What opens it, and what opens the way to the trains.
        gate: Knows who may come in.
    """

    def __init__(self, bootstrap: str, *, settings: Settings, gate: Gate) -> None:
        self._bootstrap = bootstrap
        self._settings = settings
        self._board = Board()
        self._controls = Controls(settings, changed=self._wake)
        self._copies = Copies(self._board, also=self._also)
        self._doors = Doors(gate)
        self._viewers: set[Viewer] = set()
        self._feed: Feed | None = None

    def application(self, *, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
        """Build the ASGI application.

        Args:
            hosts: Names under which it may be called; ``("*",)`` for any.
        """
        return Starlette(
            routes=[
                *self._doors.routes,
                WebSocketRoute("/view", self._view),
                Mount("/static", StaticFiles(directory=STATIC)),
                shared_files(),
            ],
            middleware=guards(hosts),
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
        fresh = self._board.observe(
            arrival.event, received_ns=arrival.received_ns, received_s=arrival.received_s
        )
        if fresh:  # all else is told at its own pace
            self._wake(arrival.event.train_id)

    def _wake(self, train_id: str | None = None) -> None:
        for viewer in self._viewers:
            viewer.wake(train_id)

    def _also(self, train_id: str | None) -> dict[str, Any]:
        view = self._board.find(train_id)
        return {
            "trouble": self._feed.trouble if self._feed else "",
            "orders": self._controls.told(view.train_id) if view else None,
        }

    async def _view(self, socket: WebSocket) -> None:
        if not same_origin(socket):
            await socket.close(BAD_MESSAGE)
            return
        await socket.accept()
        role = self._doors.role(socket)
        if role is None:
            await socket.close(SIGN_IN_FIRST)
            return
        viewer = Viewer(
            socket, role=role, board=self._board, copies=self._copies, controls=self._controls
        )
        self._viewers.add(viewer)
        try:
            await viewer.serve()
        finally:
            self._viewers.discard(viewer)

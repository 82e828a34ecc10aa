"""The kiosk's web application: one page, its files, and a WebSocket for each browser."""

from __future__ import annotations

import asyncio
import hmac
import json
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from kit.console.trains import Picture
from kit.errors import EventError
from kit.presenting.kiosk.kiosk import Kiosk
from kit.web.address import LOOPBACK
from kit.web.files import shared_files
from kit.web.guards import BAD_MESSAGE, guards, same_origin

STATIC = Path(__file__).resolve().parent / "static"
"""The page and its files."""

UNSEEN = 2
"""How many pictures may be on their way to a browser that has not said it got them."""

STATUS_EVERY_S = 0.1
"""How often a browser is told everything but the picture, seconds."""

PICTURE_EVERY_S = 0.02
"""How often it is looked for a new picture, seconds."""

TOKEN_HEADER = "X-Kit-Token"  # noqa: S105 - the header's name
"""Header by which ``kit reset`` shows that it may read this machine's files."""


class Said(BaseModel):
    """What a browser may say.

    Attributes:
        do: What is to be done.
        name: The visitor's name, to start.
        track: The scenario, to start.
    """

    model_config = ConfigDict(extra="forbid")

    do: Literal["start", "again", "next", "stop", "got_picture"]
    name: Annotated[str, Field(max_length=200)] = ""
    track: Annotated[str, Field(max_length=60)] = ""


def application(kiosk: Kiosk, *, token: str, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """Build the ASGI application.

    Args:
        kiosk: What it shows.
        token: Opens the reset.
        hosts: Names under which it may be called; ``("*",)`` for any.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(kiosk.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def view(socket: WebSocket) -> None:
        if not same_origin(socket):
            await socket.close(BAD_MESSAGE)
            return
        await socket.accept()
        await Guest(socket, kiosk).serve()

    async def reset(request: Request) -> Response:
        shown = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(shown.encode(), token.encode()):
            return JSONResponse({"error": "the token is wrong"}, status_code=403)
        kiosk.reset()
        return JSONResponse({"ok": True})

    return Starlette(
        routes=[
            Route("/", _page),
            Route("/reset", reset, methods=["POST"]),
            WebSocketRoute("/view", view),
            Mount("/static", StaticFiles(directory=STATIC)),
            shared_files(),
        ],
        middleware=guards(hosts),
        lifespan=lifespan,
    )


class Guest:
    """Serves one browser until it goes.

    Args:
        socket: An accepted WebSocket.
        kiosk: What it looks at.
    """

    def __init__(self, socket: WebSocket, kiosk: Kiosk) -> None:
        self._socket = socket
        self._kiosk = kiosk
        self._sent: Picture | None = None
        self._unseen = 0

    async def serve(self) -> None:
        """Send and listen until the browser goes."""
        tasks = {asyncio.create_task(self._send()), asyncio.create_task(self._listen())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while True:
                await self._hear(Said.model_validate_json(await self._socket.receive_text()))
        except WebSocketDisconnect:
            return
        except (ValidationError, KeyError):  # KeyError: it sent bytes, not text
            await self._socket.close(BAD_MESSAGE)

    async def _hear(self, said: Said) -> None:
        if said.do == "stop":
            self._kiosk.stop()
        elif said.do == "got_picture":
            self._unseen = max(0, self._unseen - 1)
        elif said.do == "next":
            self._kiosk.next()
        elif said.do == "again":
            self._kiosk.again()
        else:
            try:
                self._kiosk.start(said.name, said.track)
            except EventError:
                await self._socket.send_text(json.dumps({"refused": "name"}))

    async def _send(self) -> None:
        told_s = 0.0
        while True:
            await self._send_picture()
            if time.monotonic() - told_s >= STATUS_EVERY_S:
                told_s = time.monotonic()
                await self._socket.send_text(json.dumps(self._kiosk.told()))
            await asyncio.sleep(PICTURE_EVERY_S)

    async def _send_picture(self) -> None:
        live = self._kiosk.live
        picture = self._kiosk.ear.picture(live=live)
        if picture is None or picture is self._sent or self._unseen >= UNSEEN:
            return
        self._sent = picture
        self._unseen += 1
        header = json.dumps(picture.header(now_ns=time.monotonic_ns()) | {"live": live}).encode()
        await self._socket.send_bytes(struct.pack(">I", len(header)) + header + picture.frame.image)


async def _page(_request: Request) -> FileResponse:
    return FileResponse(STATIC / "kiosk.html")

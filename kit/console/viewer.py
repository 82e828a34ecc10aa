"""One browser that looks at a train: it gets the newest picture as often as it can take one."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from kit.console.board import Board
from kit.console.controls import Controls
from kit.console.trains import Picture

UNSEEN = 2
"""How many pictures may be on their way to a browser that has not said it got them."""

STATUS_EVERY_S = 0.1
"""How often a browser is told everything but the picture, seconds."""

BAD_MESSAGE = 1008
"""WebSocket close code for a browser that says what it should not (RFC 6455, 7.4.1)."""

_Name = Annotated[str, Field(max_length=100)]


class Said(BaseModel):
    """What a browser may say.

    Attributes:
        train: Which train it looks at from now on.
        got_picture: That a picture has come.
        emergency_stop: Which train must stop at once; named, so that it is the one that the
            person at the page saw, whatever is shown by now.
    """

    model_config = ConfigDict(extra="forbid")

    train: _Name | None = None
    got_picture: bool = False
    emergency_stop: _Name | None = None


class Viewer:
    """Serves one WebSocket until it closes.

    Args:
        socket: An accepted WebSocket.
        board: What there is to see.
        trouble: Tells what is wrong with the feed; empty if nothing is.
        controls: What may be done to the trains.
    """

    def __init__(
        self,
        socket: WebSocket,
        *,
        board: Board,
        trouble: Callable[[], str],
        controls: Controls,
    ) -> None:
        self._socket = socket
        self._board = board
        self._trouble = trouble
        self._controls = controls
        self._wake = asyncio.Event()
        self._train: str | None = None
        self._entry = 0
        self._sent: Picture | None = None
        self._unseen = 0

    def wake(self) -> None:
        """Say that there may be something new."""
        self._wake.set()

    async def serve(self) -> None:
        """Send and listen until the browser goes."""
        sending = asyncio.create_task(self._send())
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while True:
                self._hear(Said.model_validate_json(await self._socket.receive_text()))
        except WebSocketDisconnect:
            return
        except (ValidationError, KeyError):  # KeyError: it sent bytes, not text
            await self._socket.close(BAD_MESSAGE)

    def _hear(self, said: Said) -> None:
        if said.got_picture:
            self._unseen = max(0, self._unseen - 1)
        if said.train is not None and said.train != self._train:
            self._train, self._entry, self._sent = said.train, 0, None
        if said.emergency_stop is not None and said.emergency_stop in self._board.ids:
            self._controls.stop(said.emergency_stop)
        self.wake()

    async def _send(self) -> None:
        status_at = 0.0
        while True:
            await self._send_picture()
            if time.monotonic() - status_at >= STATUS_EVERY_S:
                status_at = time.monotonic()
                await self._send_status()
            try:
                await asyncio.wait_for(self._wake.wait(), STATUS_EVERY_S)
            except TimeoutError:
                continue
            self._wake.clear()

    async def _send_picture(self) -> None:
        view = self._board.find(self._train)
        picture = view.picture(now_ns=time.monotonic_ns()) if view else None
        if picture is None or picture is self._sent or self._unseen >= UNSEEN:
            return
        self._sent = picture
        self._unseen += 1
        header = json.dumps(picture.header(now_ns=time.monotonic_ns())).encode()
        await self._socket.send_bytes(struct.pack(">I", len(header)) + header + picture.frame.image)

    async def _send_status(self) -> None:
        message, view = self._board.message(
            self._train, after_entry=self._entry, now_ns=time.monotonic_ns()
        )
        if view is not None:
            self._train = view.train_id
        if message["log"]:
            self._entry = message["log"][-1]["number"]
        stop = self._controls.told(view.train_id) if view else None
        told = {**message, "trouble": self._trouble(), "stop": stop}
        await self._socket.send_text(json.dumps(told))

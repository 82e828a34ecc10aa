"""One browser that looks at a train: it gets the newest picture as often as it can take one."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from kit.console.board import Board
from kit.console.trains import Picture

UNSEEN = 2
"""How many pictures may be on their way to a browser that has not said it got them."""

STATUS_EVERY_S = 0.1
"""How often a browser is told everything but the picture, seconds."""

BAD_MESSAGE = 1008
"""WebSocket close code for a browser that says what it should not (RFC 6455, 7.4.1)."""


class Said(BaseModel):
    """What a browser may say: which train it looks at, that it got a picture, that it must stop."""

    model_config = ConfigDict(extra="forbid")

    train: str | None = None
    got_picture: bool = False
    emergency_stop: bool = False


class Viewer:
    """Serves one WebSocket until it closes.

    Args:
        socket: An accepted WebSocket.
        board: What there is to see.
        trouble: Tells what is wrong with the feed; empty if nothing is.
        stop: Stops the train of this name at once, which may take seconds, and tells what went
            wrong; None if the console has no way to the trains.
    """

    def __init__(
        self,
        socket: WebSocket,
        *,
        board: Board,
        trouble: Callable[[], str],
        stop: Callable[[str], str] | None = None,
    ) -> None:
        self._socket = socket
        self._board = board
        self._trouble = trouble
        self._stop = stop
        self._stopping: asyncio.Task[None] | None = None
        self._stop_trouble = ""
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
        if said.emergency_stop:
            self._begin_to_stop()
        self.wake()

    def _begin_to_stop(self) -> None:
        view = self._board.find(self._train)
        if self._stop is not None and view is not None and self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_train(self._stop, view.train_id))

    async def _stop_train(self, stop: Callable[[str], str], train_id: str) -> None:
        try:
            self._stop_trouble = await asyncio.to_thread(stop, train_id)
        finally:
            self._stopping = None
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
        told = {**message, "trouble": self._trouble(), "stop": self._stop_told()}
        await self._socket.send_text(json.dumps(told))

    def _stop_told(self) -> dict[str, object] | None:
        if self._stop is None:
            return None
        return {"under_way": self._stopping is not None, "trouble": self._stop_trouble}

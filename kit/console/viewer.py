"""One browser that looks at a train: it gets the newest picture as often as it can take one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from kit.console.access import Role
from kit.console.board import Board
from kit.console.budget import Budget
from kit.console.controls import Controls
from kit.console.copies import Copies
from kit.console.trains import Picture
from kit.reasons import readings
from kit.web.guards import BAD_MESSAGE

UNSEEN = 2
"""How many pictures may be on their way to a browser that has not said it got them."""

STATUS_EVERY_S = 0.1
"""How often a browser is told everything but the picture, seconds."""

SIGN_IN_FIRST = 4401
"""WebSocket close code for a browser that must sign in before it may see anything."""

_Name = Annotated[str, Field(max_length=100)]


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Arming(_Words):
    """Asks that a train be armed.

    Attributes:
        train: Which one.
        seen: The latch that the operator saw; see `kit.console.latches.latch_of`.
    """

    train: _Name
    seen: _Name


class Capturing(_Words):
    """Asks that a train's capture pause, or go on.

    Attributes:
        train: Which train's.
        on: Whether pictures are wanted.
    """

    train: _Name
    on: bool


class Said(_Words):
    """What a browser may say.

    Attributes:
        train: Which train it looks at from now on.
        got_picture: That a picture has come.
        emergency_stop: Which train must stop at once; named, so that it is the one that the
            person at the page saw, whatever is shown by now.
        arm: For operators.
        capture: For operators.
    """

    train: _Name | None = None
    got_picture: bool = False
    emergency_stop: _Name | None = None
    arm: Arming | None = None
    capture: Capturing | None = None


class Forbidden(Exception):  # noqa: N818  # not an error of ours: the browser's
    """Ends the conversation with a browser that asks for what it may not, or talks too much."""


class Viewer:
    """Serves one WebSocket until it closes.

    Args:
        socket: An accepted WebSocket.
        role: What the one behind it may do.
        board: What there is to see.
        copies: Writes it down.
        controls: What may be done to the trains.
    """

    def __init__(
        self,
        socket: WebSocket,
        *,
        role: Role,
        board: Board,
        copies: Copies,
        controls: Controls,
    ) -> None:
        self._socket = socket
        self._role = role
        self._board = board
        self._copies = copies
        self._controls = controls
        self._budget = Budget()
        self._wake = asyncio.Event()
        self._train: str | None = None
        self._entry = 0
        self._sent: Picture | None = None
        self._unseen = 0

    def wake(self, train_id: str | None = None) -> None:
        """Say that there may be something new, of one train or of any."""
        if train_id is None or self._train in {None, train_id}:
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
                text = await self._socket.receive_text()
                self._hear(Said.model_validate_json(text))
        except WebSocketDisconnect:
            return
        except (Forbidden, ValidationError, KeyError):  # KeyError: it sent bytes, not text
            await self._socket.close(BAD_MESSAGE)

    def _hear(self, said: Said) -> None:
        if not self._budget.take():
            raise Forbidden
        if said.got_picture:
            self._unseen = max(0, self._unseen - 1)
        if said.train is not None and said.train != self._train:
            self._train, self._entry, self._sent = said.train, 0, None
        if said.emergency_stop is not None and self._board.find(said.emergency_stop):
            self._controls.stop(said.emergency_stop)
        if said.arm is not None or said.capture is not None:
            if self._role is not Role.OPERATOR:
                raise Forbidden
            self._obey(said)
        self.wake()

    def _obey(self, said: Said) -> None:
        if said.arm is not None and (view := self._board.find(said.arm.train)):
            self._controls.arm(view.train_id, seen=said.arm.seen, state=view.state)
        if said.capture is not None and (view := self._board.find(said.capture.train)):
            self._controls.switch_capture(view.train_id, on=said.capture.on)

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
        await self._socket.send_bytes(self._copies.picture(picture, now_ns=time.monotonic_ns()))

    async def _send_status(self) -> None:
        view = self._board.find(self._train)
        if view is not None:
            self._train = view.train_id
        entries = view.log.after(self._entry) if view else []
        if entries:
            self._entry = entries[-1].number
        log = [
            {
                **asdict(entry),
                "at": entry.at.isoformat(),
                "readings": readings([entry.reason]),
            }
            for entry in entries
        ]
        text = self._copies.status(self._train, log=log, role=self._role)
        await self._socket.send_text(text)

"""Where a program asks the virtual set for a mishap: a line of JSON over TCP, and an answer.

``{"camera": "frozen"}`` or ``{"hub": "out of reach"}``, with the values of
:class:`~kit.sim.mishaps.CameraMishap` and :class:`~kit.sim.mishaps.HubMishap`. The answer is
``{"done": true}``, or ``{"error": "..."}``. It is there only when the set is started with
``--mishaps``.
"""

from __future__ import annotations

import asyncio
import json
import socket
from types import TracebackType
from typing import Any, Self

from kit.errors import MissionError
from kit.sim.mishaps import CameraMishap, HubMishap, Mishaps
from kit.sim.radio import VirtualRadio

_TIMEOUT_S = 10.0


class MishapServer:
    """Takes requests for mishaps; an async context manager.

    Args:
        mishaps: What is wrong.
        radio: The hub's radio.
        enabled: Whether to listen at all.
    """

    def __init__(self, mishaps: Mishaps, radio: VirtualRadio, *, enabled: bool) -> None:
        self._mishaps = mishaps
        self._radio = radio
        self._enabled = enabled
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """``host:port``, while it listens."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def __aenter__(self) -> Self:
        if self._enabled:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            if "camera" in asked:
                self._mishaps.camera = CameraMishap(asked["camera"])
            else:
                await self._happen(HubMishap(asked["hub"]))
        except (ValueError, KeyError, TypeError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"done": True}

    async def _happen(self, mishap: HubMishap) -> None:
        radio = self._radio
        match mishap:
            case HubMishap.OUT_OF_REACH:
                await radio.go_out_of_reach()
            case HubMishap.OFF:
                radio.hub.switch_off()
            case HubMishap.BACK:
                radio.hub.switch_on()
                await radio.come_back()
            case HubMishap.BUTTON:
                radio.hub.press_button()
                radio.hub.press_button(pressed=False)


class MishapDesk:
    """Asks a virtual set for mishaps; a context manager.

    Args:
        address: ``host:port``, as the set announces it.

    Raises:
        MissionError: If nobody answers there.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), timeout=_TIMEOUT_S)
        except OSError as error:
            raise MissionError(
                "The virtual set takes no requests for mishaps",
                expected=f"an answer at {address}",
                got=str(error),
                fix="start it with --mishaps",
            ) from error
        self._lines = self._socket.makefile("rb")

    def camera(self, mishap: CameraMishap) -> None:
        """Break the camera, or mend it with ``NONE``.

        Raises:
            MissionError: If the set does not do it.
        """
        self._ask(camera=mishap.value)

    def hub(self, mishap: HubMishap) -> None:
        """Have something happen to the hub.

        Raises:
            MissionError: If the set does not do it.
        """
        self._ask(hub=mishap.value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._socket.close()

    def _ask(self, **what: str) -> None:
        try:
            self._socket.sendall(json.dumps(what).encode() + b"\n")
            answer = json.loads(self._lines.readline() or b'{"error": "it has gone"}')
        except OSError as error:
            answer = {"error": str(error)}
        if "error" in answer:
            raise MissionError("The virtual set did not bring the mishap about", got=answer)

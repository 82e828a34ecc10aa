"""A window on the world for the camera's process: ask with a line, get the state as JSON.

What is wrong with the camera, if anything is, comes along.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import asdict
from types import TracebackType
from typing import Self

from kit.errors import CameraError
from kit.sim.mishaps import CameraMishap
from kit.sim.world import WorldState

_TIMEOUT_S = 5.0
_MISHAP = "camera_mishap"


class WindowServer:
    """Answers whoever asks for the state of the world; an async context manager.

    Args:
        look: Returns the present state.
        mishap: Returns what is wrong with the camera.
        host: Address to listen on, at any free port.
    """

    def __init__(
        self,
        look: Callable[[], WorldState],
        *,
        mishap: Callable[[], CameraMishap] = lambda: CameraMishap.NONE,
        host: str = "127.0.0.1",
    ) -> None:
        self.look = look
        self.mishap = mishap
        self.watchers: set[asyncio.Transport] = set()
        self._host = host

    @property
    def port(self) -> int:
        """Where it listens, while it does."""
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Watcher(self), self._host, 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for transport in tuple(self.watchers):
            transport.abort()
        await self._server.wait_closed()


class _Watcher(asyncio.Protocol):
    """One connection: a state for each line."""

    def __init__(self, server: WindowServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.watchers.add(transport)

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"\n")):
            seen = asdict(self._server.look()) | {_MISHAP: self._server.mishap()}
            self._transport.write(json.dumps(seen).encode() + b"\n")

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.watchers.discard(self._transport)


class Window:
    """The other side: looks at the world; a context manager.

    Attributes:
        mishap: What was wrong with the camera at the last look.

    Args:
        host: Where the world is.
        port: Where it answers.

    Raises:
        CameraError: If nobody answers there.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=_TIMEOUT_S)
        except OSError as error:
            raise CameraError(
                f"The virtual world at {host}:{port} cannot be reached", got=str(error)
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")
        self.mishap = CameraMishap.NONE

    def look(self) -> WorldState:
        """Return the present state.

        Raises:
            CameraError: If the world has gone.
        """
        try:
            self._socket.sendall(b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise CameraError("The virtual world fell silent", got=str(error)) from error
        if not line:
            raise CameraError("The virtual world has gone")
        seen = json.loads(line)
        self.mishap = CameraMishap(seen.pop(_MISHAP))
        return WorldState(**seen)

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

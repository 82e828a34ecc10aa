"""The camera of the virtual set: pictures over TCP, the newest one to whoever asks.

For each picture come two blocks, each after its length in 4 bytes, big-endian: a JSON object
(``sequence``, ``captured_ns``, ``captured_at``, ``width``, ``height``, ``truth``), then the raw
pixels, BGR, row by row from the top. ``captured_ns`` is the moment at which the finished
picture leaves the camera, as V4L2 stamps the end of a frame.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from kit.sim.scene.view import Picture

_SEND_BUFFER_BYTES = 1 << 18  # little, or old pictures would queue up in the kernel
_STOP_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Shot:
    """A picture with what is truly in it.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        truth: One JSON object for each sign that shows.
    """

    image: Picture
    truth: list[dict[str, Any]]


@dataclass(frozen=True)
class _Block:
    sequence: int
    header: bytes
    pixels: bytes


class CameraServer:
    """Takes pictures at a steady pace while anyone watches; a context manager.

    A picture that cannot be taken in its time is left out, and so is one that a slow client
    cannot take; the sequence number counts those too.

    Args:
        shoot: Takes a picture; None if there is none to be had.
        fps: Pictures a second.
        on_frame: Called with the facts of each picture when it leaves.
        host: Address to listen on.
    """

    def __init__(
        self,
        shoot: Callable[[], Shot | None],
        *,
        fps: float,
        on_frame: Callable[[dict[str, Any]], None] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._shoot = shoot
        self._period_ns = round(1e9 / fps)
        self._on_frame = on_frame
        self._server = socket.create_server((host, 0))
        self._changed = threading.Condition()
        self._newest: _Block | None = None
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._stopping = False
        self._plugged = True
        self._threads = [
            threading.Thread(target=self._accept, name="camera-accept", daemon=True),
            threading.Thread(target=self._take, name="camera-take", daemon=True),
        ]

    @property
    def url(self) -> str:
        """What a camera of ``kit.vision`` opens, such as ``virtual://127.0.0.1:40002``."""
        host, port = self._server.getsockname()[:2]
        return f"virtual://{host}:{port}"

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            clients = dict(self._clients)
        for connection in (self._server, *clients):
            _hang_up(connection)
        for thread in (*self._threads, *clients.values()):
            thread.join(_STOP_TIMEOUT_S)
        self._server.close()

    def plug(self, *, plugged: bool) -> None:
        """Pull the camera's cable, or put it back: who watches is cut off, who comes is sent away.

        Args:
            plugged: Whether the cable is in.
        """
        with self._changed:
            self._plugged = plugged
            clients = () if plugged else tuple(self._clients)
        for connection in clients:
            _hang_up(connection)

    def _take(self) -> None:
        """Take a picture at each tick of the clock, but only while someone watches."""
        start_ns = time.monotonic_ns()
        while self._wait_until_watched():
            tick = (time.monotonic_ns() - start_ns) // self._period_ns + 1
            due_ns = start_ns + tick * self._period_ns
            if self._wait_until(due_ns):
                return
            if shot := self._shoot():
                block = self._packed(shot, tick)
                with self._changed:
                    self._newest = block
                    self._changed.notify_all()

    def _wait_until_watched(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._clients or self._stopping)
            return not self._stopping

    def _wait_until(self, due_ns: int) -> bool:
        """Wait for a moment; return whether the server is stopping."""
        with self._changed:
            left_s = max(due_ns - time.monotonic_ns(), 0) / 1e9
            return self._changed.wait_for(lambda: self._stopping, left_s)

    def _packed(self, shot: Shot, sequence: int) -> _Block:
        pixels = shot.image.tobytes()
        height, width = shot.image.shape[:2]
        facts: dict[str, Any] = {"sequence": sequence, "captured_ns": time.monotonic_ns()}
        header = facts | {
            "captured_at": datetime.now(UTC).isoformat(),
            "width": width,
            "height": height,
            "truth": shot.truth,
        }
        if self._on_frame:
            self._on_frame(facts | {"truth": shot.truth})
        return _Block(sequence, json.dumps(header).encode(), pixels)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:  # closed: we are stopping
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            thread = threading.Thread(
                target=self._serve, args=(connection,), name="camera-client", daemon=True
            )
            with self._changed:
                if self._stopping:
                    connection.close()
                    return
                if not self._plugged:
                    connection.close()
                    continue
                self._clients[connection] = thread
                self._changed.notify_all()
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        """Send one client the newest picture, again and again."""
        with self._changed:
            last = self._newest.sequence if self._newest else -1
        try:
            while block := self._next_after(last):
                for part in (block.header, block.pixels):
                    connection.sendall(struct.pack(">I", len(part)))
                    connection.sendall(part)
                last = block.sequence
        except OSError:  # the client has gone, or we are stopping
            pass
        finally:
            with self._changed:
                self._clients.pop(connection, None)
            connection.close()

    def _next_after(self, sequence: int) -> _Block | None:
        """Wait for a picture newer than the last one sent; None when stopping."""

        def news() -> bool:
            return self._stopping or (self._newest is not None and self._newest.sequence > sequence)

        with self._changed:
            self._changed.wait_for(news)
            return None if self._stopping else self._newest


def _hang_up(connection: socket.socket) -> None:
    """Wake whoever waits on a socket; it may be closed already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # not connected any more
        return

"""The virtual set's camera, over TCP.

For each picture the camera sends two blocks, each after its length in 4 bytes, big-endian: a
JSON object (sequence, captured_ns, captured_at, width, height, truth), then the raw pixels,
BGR, row by row from the top.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kit.errors import CameraError
from kit.vision.cameras.camera import Source
from kit.vision.frames import Picture

SILENCE_S = 3.0
"""How long the camera may take to answer or to send, seconds."""

MAX_HEADER_BYTES = 1 << 20
"""A longer header cannot be ours."""

MAX_SIDE_PX = 8192
"""Nor can a wider or higher picture."""


class _Header(BaseModel):
    model_config = ConfigDict(extra="ignore")

    sequence: int = Field(ge=0)
    captured_ns: int = Field(ge=0)
    captured_at: AwareDatetime
    width: int = Field(ge=1, le=MAX_SIDE_PX)
    height: int = Field(ge=1, le=MAX_SIDE_PX)
    truth: tuple[dict[str, Any], ...] = ()


class VirtualSource:
    """A connection to the virtual set's camera.

    Args:
        host: Where the virtual set runs.
        port: Where its camera listens.

    Raises:
        CameraError: If nobody listens there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._name = f"virtual://{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=SILENCE_S)
        except OSError as error:
            raise CameraError(
                f"The virtual camera '{self._name}' cannot be reached",
                got=str(error),
                fix="start the virtual set: python -m kit.sim",
            ) from error

    def grab(self) -> Picture:
        """Wait for the next picture.

        Raises:
            CameraError: If the connection is lost or something else speaks there.
        """
        header = self._header(self._block(MAX_HEADER_BYTES))
        expected = header.width * header.height * 3
        pixels = self._block(expected)
        if len(pixels) != expected:
            raise self._nonsense(f"a picture of {expected} bytes", f"{len(pixels)} bytes")
        image = np.frombuffer(pixels, np.uint8).reshape(header.height, header.width, 3)
        captured_at: datetime = header.captured_at
        return Picture(image, header.sequence, header.captured_ns, captured_at, header.truth)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _header(self, block: bytes | bytearray) -> _Header:
        try:
            return _Header.model_validate(json.loads(block))
        except (ValueError, ValidationError) as error:
            raise self._nonsense("a header in JSON", str(error)[:200]) from error

    def _block(self, limit: int) -> bytearray:
        (length,) = struct.unpack(">I", self._exactly(4))
        if length > limit:
            raise self._nonsense(f"a block of {limit} bytes at most", f"{length} bytes")
        return self._exactly(length)

    def _exactly(self, count: int) -> bytearray:
        block = bytearray(count)
        rest = memoryview(block)
        while rest:
            try:
                got = self._socket.recv_into(rest)
            except OSError as error:
                raise CameraError(f"The virtual camera '{self._name}' fell silent") from error
            if not got:
                raise CameraError(f"The virtual camera '{self._name}' closed the connection")
            rest = rest[got:]
        return block

    def _nonsense(self, expected: str, got: str) -> CameraError:
        problem = f"What listens at '{self._name}' is no virtual camera"
        return CameraError(problem, expected=expected, got=got)


def virtual_opener(source: str) -> Callable[[], Source]:
    """Prepare to connect to the virtual set's camera.

    Args:
        source: ``virtual://host:port``.

    Returns:
        A function that connects, or raises CameraError.

    Raises:
        CameraError: If the source is written wrongly.
    """
    try:
        parts = urlsplit(source)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise CameraError(
            "This virtual camera is written wrongly", expected="virtual://HOST:PORT", got=source
        )
    return lambda: VirtualSource(host, port)

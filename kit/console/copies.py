"""What is the same for all who look at a train is written once, however many they are."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kit.console.board import Board
from kit.console.trains import Picture
from kit.reasons import readings

STATUS_HOLDS_S = 0.05
"""For how long the written status of a train is given out again, seconds."""


class Copies:
    """Writes pictures and statuses for the wire, each once.

    Args:
        board: What there is to see.
        also: Returns what else is told to all who look at a train of some name, ready for JSON.
    """

    def __init__(self, board: Board, *, also: Callable[[str | None], dict[str, Any]]) -> None:
        self._board = board
        self._also = also
        self._pictures: dict[str, tuple[Picture, bytes]] = {}
        self._statuses: dict[str | None, tuple[float, str]] = {}

    def picture(self, picture: Picture, *, now_ns: int) -> bytes:
        """Return a picture as a browser gets it.

        Args:
            picture: The picture.
            now_ns: Monotonic time, nanoseconds.

        Returns:
            Its age now, milliseconds, as a big-endian float of 8 bytes; the length of a JSON
            header, as a big-endian integer of 4 bytes; the header; the JPEG.
        """
        train_id = picture.frame.train_id
        latest, body = self._pictures.get(train_id, (None, b""))
        if latest is not picture:
            told = picture.header(now_ns=now_ns)
            del told["age_ms"]  # the only part that is another one for each
            header = json.dumps(told).encode()
            body = struct.pack(">I", len(header)) + header + picture.frame.image
            self._pictures[train_id] = picture, body
        return struct.pack(">d", picture.age_ms(now_ns=now_ns)) + body

    def status(self, train_id: str | None, **own: object) -> str:
        """Return what a browser is told, as JSON.

        Args:
            train_id: The train that is looked at; None for the first.
            own: What this browser alone is told besides.
        """
        now_s = time.monotonic()
        written_s, text = self._statuses.get(train_id, (0.0, ""))
        if not text or now_s - written_s >= STATUS_HOLDS_S:
            status = self._board.status(train_id, now_ns=time.monotonic_ns())
            told = status | self._also(train_id)
            text = json.dumps(told | {"readings": readings(_sentences(told))})
            self._forget(now_s)
            self._statuses[train_id] = now_s, text
        return f"{text[:-1]}, {json.dumps(own)[1:]}"

    def _forget(self, now_s: float) -> None:
        """Let go of what is old: browsers may ask for any name."""
        old = [of for of, (at_s, _) in self._statuses.items() if now_s - at_s > 1]
        for train_id in old:
            del self._statuses[train_id]


def _sentences(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a page may tell in its own language."""
    yield told["trouble"]
    train = told["train"] or {}
    for part in ("decision", "state", "pictures"):
        if train.get(part):
            yield train[part]["reason"]
    yield from (service["detail"] for service in train.get("services", ()))
    latest = (told["orders"] or {}).get("latest")
    if latest:
        yield latest["detail"]

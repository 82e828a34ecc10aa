"""Those who call a proxy: where they are, and what they say before anybody answers."""

from __future__ import annotations

import asyncio

import psutil


def is_ours(writer: asyncio.StreamWriter) -> bool:
    """Return whether the other end of a connection is in this very process.

    Both addresses tell: connections to different places may leave from the same port.
    """
    theirs, here = (writer.get_extra_info(name)[:2] for name in ("peername", "sockname"))
    ours = psutil.Process().net_connections(kind="tcp4")
    return any((one.laddr, one.raddr) == (theirs, here) for one in ours)


async def hear(reader: asyncio.StreamReader, said: bytearray, *, most: int) -> None:
    """Take in what a caller says until there is enough of it.

    Args:
        reader: The caller's end.
        said: Gets what it says.
        most: How much is enough, bytes.

    Raises:
        ConnectionResetError: If the caller leaves before.
    """
    while len(said) < most:
        chunk = await reader.read(most)
        if not chunk:
            raise ConnectionResetError("the caller gave up before there was an answer")
        said += chunk

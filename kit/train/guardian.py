"""The guardian: a process of its own that brakes the train when the controller's process dies.

The controller's process sends it a byte every 100 ms. When the bytes stop, or their pipe closes
without a goodbye, the guardian connects to the hub and brakes, again and again until the hub
confirms it, and ends. A process that was killed, a hung event loop and a kernel without memory
look the same to it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from kit.child import Child, announce_ready
from kit.errors import HubError, KitError
from kit.train.hub import Hub
from kit.train.hub_finder import HubSource

BEAT_EVERY_S = 0.1
"""How often the controller's process says that it lives, seconds."""

SILENCE_S = 0.4
"""Silence after which the guardian brakes, seconds."""

TRY_FOR_S = 60.0
"""How long the guardian tries to reach the hub before it gives up, seconds."""

CONFIRM_S = 0.3
"""How long the guardian waits for the hub to confirm a brake, seconds."""

_BEAT = b"."
_GOODBYE = b"q"
_ADDRESS, _END = b"@", b"\n"
_LEFT_TO_BRAKE: list[Child] = []  # held, since a Popen that is collected while it runs warns
_log = logging.getLogger(__name__)


class Guardian:
    """The controller's side of the guardian; a context manager.

    It leaves without a goodbye if an exception passes through, so that the guardian brakes.

    Args:
        hub: Which hub, as :class:`~kit.train.hub.Hub` takes it.
        enabled: False makes it do nothing, for tests and for simulations.
        silence_s: Silence after which it brakes, seconds.
        log: File for its messages; inherited if not given.
    """

    def __init__(
        self,
        hub: str,
        *,
        enabled: bool = True,
        silence_s: float = SILENCE_S,
        log: Path | None = None,
    ) -> None:
        self.beat_every_s = BEAT_EVERY_S
        self._hub = hub
        self._enabled = enabled
        self._silence_s = silence_s
        self._log = log
        self._news = b""
        self._told = False  # with the next beat: the first word begins the watch
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Its process, or None if there is none."""
        return self._child.pid if self._child else None

    def beat(self) -> bool:
        """Say that this process lives; call it every ``beat_every_s``, from the event loop.

        Returns:
            False if the guardian was gone: it has braked the train, or died. Another one has
            been started, and the controller must be told.
        """
        if not self._enabled:
            return True
        assert self._child is not None
        if self._child.alive and self._send(_BEAT if self._told else self._news + _BEAT):
            self._told = True
            return True
        code = self._child.exit_code
        _log.warning("The guardian was gone (exit code %s); starting another", code)
        self._start()
        return False

    def __enter__(self) -> Self:
        if self._enabled:
            self._start()
            assert self._child is not None
            self._child.ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child is None:
            return
        if error is None:
            self.goodbye()
        else:
            self._child.stdin.close()
            _LEFT_TO_BRAKE.append(self._child)

    def keep_to(self, address: str | None) -> None:
        """Say which hub the controller drives, so that no other one is braked in its place.

        Args:
            address: The hub's address; None if the link has none.
        """
        self._news = b"" if address is None else _ADDRESS + address.encode() + _END
        self._told = False

    def goodbye(self) -> None:
        """Say that the train was braked and the guardian is needed no more.

        Call it once the controller has ended and the hub is still open, since the end of a
        Bluetooth link may take longer than the silence that the guardian bears.
        """
        if self._child is not None:
            self._send(_GOODBYE)
            self._child.stop()
            self._child = None

    def _start(self) -> None:
        if self._child is not None:
            self._child.signal(signal.SIGKILL)  # it ended, or it hangs
            self._child.stop()
        arguments = ("--hub", self._hub, "--silence-s", str(self._silence_s))
        self._child = Child.module("kit.train.guardian", *arguments, name="guardian", log=self._log)
        os.set_blocking(self._child.stdin.fileno(), False)
        self._told = False

    def _send(self, word: bytes) -> bool:
        assert self._child is not None
        try:
            os.write(self._child.stdin.fileno(), word)
        except BlockingIOError:  # its pipe is full: it hangs
            return False
        except BrokenPipeError:
            return False
        return True


class Watch:
    """The guardian's side: reads beats, and tells when to brake, and which hub.

    Args:
        silence_s: Longest silence, seconds.
    """

    def __init__(self, silence_s: float) -> None:
        self.address: str | None = None
        self._silence_s = silence_s
        self._rest = b""

    async def silent(self, beats: asyncio.StreamReader) -> bool:
        """Wait until the beats end.

        Args:
            beats: What the controller's process writes.

        Returns:
            True if they fell silent or ended without a goodbye. False after a goodbye, and if
            they never began: then the train was never moved either.
        """
        words = self._take(await beats.read(1))
        if words is None:
            return False
        while words is not None and _GOODBYE not in words:
            try:
                async with asyncio.timeout(self._silence_s):
                    words = self._take(await beats.read(4096))
            except TimeoutError:
                return True
        return words is None

    def _take(self, data: bytes) -> bytes | None:
        """Note an address among what was read, and return the rest; None at the end."""
        if not data:
            return None
        words = self._rest + data
        self._rest = b""
        while _ADDRESS in words:
            before, _, after = words.partition(_ADDRESS)
            address, end, after = after.partition(_END)
            if not end:
                self._rest = _ADDRESS + address
                return before
            self.address = address.decode("ascii", "replace")
            words = before + after
        return words


async def brake(source: str, *, try_for_s: float = TRY_FOR_S) -> int:
    """Reach a hub and brake it, until it confirms.

    Args:
        source: Which hub, as :class:`~kit.train.hub.Hub` takes it.
        try_for_s: How long to try, seconds.

    Returns:
        How many attempts it took.

    Raises:
        HubError: If the hub could not be reached and braked in that time.
    """
    end = time.monotonic() + try_for_s
    attempt = 0
    while True:
        attempt += 1
        try:
            async with Hub(source, attempts=1) as hub:
                await hub.brake()
                if await hub.braked(CONFIRM_S):
                    return attempt
                _log.warning("The hub did not confirm the brake (attempt %d)", attempt)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next attempt may brake
            _log.warning("The hub is out of reach (attempt %d): %s", attempt, error)
        if time.monotonic() >= end:
            raise HubError(
                f"The guardian could not brake the train in {try_for_s:g} s",
                fix="stop the train by hand: press the hub's green button",
            )
        await asyncio.sleep(min(1.0, 0.05 * 2.0 ** min(attempt, 10)))


def _with_address(source: str, address: str | None) -> str:
    """Name the hub by its address, if the system's own Bluetooth reaches it."""
    over_system = HubSource.parse(source).transport is None
    return f"ble:{address}" if over_system and address is not None else source


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _guard(source: str, silence_s: float) -> int:
    beats = await _standard_input()
    announce_ready(pid=os.getpid())
    watch = Watch(silence_s)
    if not await watch.silent(beats):
        return 0
    began = time.monotonic()
    _log.error("The controller's process is silent: braking the train")
    attempts = await brake(_with_address(source, watch.address))
    took_ms = (time.monotonic() - began) * 1000
    _log.error("The train was braked after %.0f ms, in %d attempts", took_ms, attempts)
    return 3


def main() -> int:
    """Run the guardian; the exit code is 0 after a goodbye, 3 if it had to brake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hub", required=True)
    parser.add_argument("--silence-s", type=float, default=SILENCE_S)
    arguments = parser.parse_args()
    logging.basicConfig(format="guardian: %(message)s", level=logging.WARNING)
    try:
        HubSource.parse(arguments.hub).preload()
        return asyncio.run(_guard(arguments.hub, arguments.silence_s))
    except KitError as error:
        _log.error("%s", error)  # its message says it all
        return 1


if __name__ == "__main__":
    sys.exit(main())

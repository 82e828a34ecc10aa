"""A D-Bus apart from the system's: ``dbus-daemon`` with a socket that only this user may use."""

from __future__ import annotations

import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.child import Child
from kit.errors import ConfigError, MissionError

START_TIMEOUT_S = 60.0
"""How long the bus may take to accept connections, seconds."""

_POLL_S = 0.02
_CONFIGURATION = Path(__file__).with_name("private_bus.conf")


@contextmanager
def private_bus(*, log: Path | None = None) -> Iterator[str]:
    """Run a D-Bus for as long as the context lasts, or this process.

    Args:
        log: File for its messages; inherited if not given.

    Yields:
        Its address.

    Raises:
        ConfigError: If ``dbus-daemon`` is not installed.
        MissionError: If it does not start.
    """
    name = f"kit-{secrets.token_hex(8)}"
    address = f"unix:abstract={name}"
    options = (f"--config-file={_CONFIGURATION}", f"--address={address}", "--nofork", "--nopidfile")
    with Child.program(need_dbus_daemon(), *options, name="D-Bus", log=log) as daemon:
        end = time.monotonic() + START_TIMEOUT_S
        while not _accepts(name):
            if not daemon.alive or time.monotonic() > end:
                raise MissionError(
                    "The private D-Bus did not start",
                    got=f"exit code {daemon.exit_code}",
                    fix="read its messages above" if log is None else f"read {log}",
                )
            time.sleep(_POLL_S)
        yield address


def need_dbus_daemon() -> str:
    """Return the path of ``dbus-daemon``.

    Raises:
        ConfigError: If it is not installed.
    """
    program = shutil.which("dbus-daemon")
    if program is None:
        raise ConfigError(
            "The program 'dbus-daemon' is not installed",
            expected="it on the path, for a D-Bus apart from the system's",
            fix="run: apt install dbus",
        )
    return program


def _accepts(name: str) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(f"\0{name}") == 0

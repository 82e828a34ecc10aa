"""The machine: room on its disk, its clocks, free ports, and a browser for the kiosk."""

from __future__ import annotations

import ctypes
import shutil
import socket
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from subprocess import TimeoutExpired, run

from kit.config import Settings
from kit.presenting.check import Check, State, Wanted

SHOW_BYTES = 2_000_000_000
"""Room for a day: a mission of a minute records some 20 MB, and a visitor comes every 3 minutes."""

LEAST_BYTES = 200_000_000
"""Room below which no mission should be started: each one wants 100 MB."""

PORTS = {8080: "the console", 8090: "the leaderboard", 8070: "the kiosk"}
"""Ports on which the kit listens by default, and who does."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Programs that can show the kiosk, the preferred one first."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right tells an earlier time."""

_BROWSER_TIMEOUT_S = 20.0
_STA_UNSYNC = 0x40  # from Linux's <sys/timex.h>
_TIMEX_BYTES = 256  # struct timex has 208 on 64 bits
_STATUS = struct.Struct("@I4xqqqqi")  # modes, offset, freq, maxerror, esterror, status
_CLOCK_WATCH_S = 0.2
_STEP_MS = 50.0


def check_disk(_wanted: Wanted, settings: Settings) -> Check:
    """Measure the room where runs are recorded, and write there."""
    folder = settings.runs_dir.resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 1e9:.1f} GB free for {folder.name}/"
    probe = there / ".kit-doctor"
    try:
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        fix = "name a folder that can be written to: KIT_RUNS_DIR"
        return Check("disk", State.FAILED, f"{detail}, but not writable: {error.strerror}", fix)
    fix = "move old runs away: kit reset --drop-older-than 7 removes what it kept aside"
    if free < LEAST_BYTES:
        return Check("disk", State.FAILED, detail, fix)
    if free < SHOW_BYTES:
        return Check("disk", State.WARNING, f"{detail}; a day takes 2 GB", fix)
    return Check("disk", State.FINE, detail)


def check_clock(_wanted: Wanted, _settings: Settings) -> Check:
    """Compare the wall clock with the monotonic one, and ask the kernel whether it is set by NTP.

    The train itself uses the monotonic clock alone; the wall clock names runs and dates events.
    """
    now = datetime.now(UTC)
    offset_ms = (time.time_ns() - time.monotonic_ns()) / 1e6
    time.sleep(_CLOCK_WATCH_S)
    step_ms = (time.time_ns() - time.monotonic_ns()) / 1e6 - offset_ms
    shown = now.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    detail = f"{shown}, {_synchronised()}; against the monotonic clock it moved {step_ms:+.1f} ms"
    if now < EPOCH:
        return Check("clock", State.FAILED, detail, "set it: sudo timedatectl set-time 'DATE TIME'")
    if abs(step_ms) > _STEP_MS:
        return Check(
            "clock", State.WARNING, detail, "something sets the clock; wait until it is done"
        )
    return Check("clock", State.FINE, detail)


def _synchronised() -> str:
    """Ask Linux's kernel for the state of its clock discipline; reading needs no rights."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_long) != 8:
        return "NTP not asked"
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
        return "the kernel does not tell about NTP"
    _, _, _, max_error_us, _, status = _STATUS.unpack_from(buffer)
    if status & _STA_UNSYNC:
        return "not set by NTP (only dates in records need that)"
    return f"set by NTP to within {max_error_us / 1e3:.0f} ms"


def check_ports(_wanted: Wanted, _settings: Settings) -> Check:
    """Listen for a moment where the kit's pages will."""
    taken = [port for port in PORTS if not _free(port)]
    if not taken:
        return Check("ports", State.FINE, f"{', '.join(map(str, PORTS))} are free")
    who = ", ".join(f"{port} ({PORTS[port]})" for port in taken)
    fix = "end the kit's earlier programs, or choose others with --port"
    return Check("ports", State.WARNING, f"in use already: {who}", fix)


def _free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def check_browser(_wanted: Wanted, _settings: Settings) -> Check:
    """Ask the browser that would show the kiosk for its version."""
    program = browser()
    if program is None:
        fix = "apt install chromium, or open the kiosk's address in any browser yourself"
        return Check("browser", State.WARNING, "no Chromium to open the kiosk with", fix)
    try:
        said = run(
            [program, "--version"], capture_output=True, timeout=_BROWSER_TIMEOUT_S, check=True
        ).stdout
    except (OSError, TimeoutExpired) as error:
        return Check("browser", State.WARNING, f"{program} does not start: {error}", "reinstall it")
    return Check("browser", State.FINE, said.decode(errors="replace").strip()[:120])


def browser() -> str | None:
    """Return the path of the browser that can show the kiosk; None if there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def runs_size_bytes(folder: Path) -> int:
    """Return how much the files of a folder hold, bytes; 0 if it is not there."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""A Jetson's power mode, and how warm it and any other machine is."""

from __future__ import annotations

import platform
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired, run

from kit.config import Settings
from kit.presenting.check import Check, State, Wanted

ROOT = Path("/")
"""Where the system's files are."""

WARM_C = 80.0
"""Temperature above which a machine should stand freer before a day of shows, °C."""

HOT_C = 95.0
"""Temperature at which Jetsons and PCs slow down, °C; a lower passive trip point goes before."""

_LEAST_LIMIT_C = 60.0  # some firmware tells 0, or less, for a trip point that is not used
_TOOL_TIMEOUT_S = 10.0
_MODE = re.compile(r"NV Power Mode:\s*(\S+)\s*\n\s*(\d+)")


@dataclass(frozen=True)
class Zone:
    """One place whose temperature the system tells.

    Attributes:
        name: Such as ``gpu-thermal``.
        temperature_c: Now, °C.
        slows_at_c: Where the system begins to slow down, °C.
    """

    name: str
    temperature_c: float
    slows_at_c: float


def is_jetson(root: Path = ROOT) -> bool:
    """Tell whether this is a Jetson, by its kernel or by NVIDIA's release file."""
    return "tegra" in platform.release() or (root / "etc/nv_tegra_release").exists()


def has_nvidia_gpu(root: Path = ROOT) -> bool:
    """Tell whether there is an NVIDIA GPU, by the driver's device files."""
    return any((root / "dev" / name).exists() for name in ("nvidia0", "nvhost-gpu", "nvgpu"))


def zones(root: Path = ROOT) -> list[Zone]:
    """Read the thermal zones of Linux; those that tell nothing are left out.

    Args:
        root: Where the system's files are.
    """
    found = []
    for folder in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        # A zone that is switched off raises at its reading, and some have no type.
        with suppress(OSError, ValueError):
            name = (folder / "type").read_text().strip()
            value = int((folder / "temp").read_text()) / 1000
            if -40 < value < 150:
                found.append(Zone(name, value, _slows_at_c(folder)))
    return found


def _slows_at_c(folder: Path) -> float:
    limits = [HOT_C]
    for kind in folder.glob("trip_point_*_type"):
        with suppress(OSError, ValueError):
            if kind.read_text().strip() == "passive":
                trip = kind.with_name(kind.name.replace("_type", "_temp"))
                limits.append(int(trip.read_text()) / 1000)
    return min(limit for limit in limits if limit >= _LEAST_LIMIT_C)


def check_temperature(_wanted: Wanted, _settings: Settings, *, root: Path = ROOT) -> Check:
    """Read all thermal zones: is one near where the system slows down?"""
    there = zones(root)
    if not there:
        return Check("temperature", State.NOT_HERE, "this system tells no temperatures")
    warmest = max(there, key=lambda zone: zone.temperature_c - zone.slows_at_c)
    detail = (
        f"{warmest.temperature_c:.0f} °C at '{warmest.name}', the closest of {len(there)} to its "
        f"limit of {warmest.slows_at_c:.0f} °C"
    )
    if warmest.temperature_c >= warmest.slows_at_c:
        return Check("temperature", State.FAILED, detail, "let it cool; clear its fan and slots")
    if warmest.temperature_c > min(WARM_C, warmest.slows_at_c - 5):
        return Check("temperature", State.WARNING, detail, "give it more air before the show")
    return Check("temperature", State.FINE, detail)


def check_power(_wanted: Wanted, _settings: Settings, *, root: Path = ROOT) -> Check:
    """Ask a Jetson for its power mode, and for one line of its statistics."""
    if not is_jetson(root):
        return Check("power", State.NOT_HERE, "power modes are a Jetson's")
    tool = shutil.which("nvpmodel")
    if tool is None:
        fix = "it comes with JetPack: apt install nvidia-l4t-nvpmodel"
        return Check("power", State.WARNING, "a Jetson without its program nvpmodel", fix)
    try:
        said = run([tool, "-q"], capture_output=True, timeout=_TOOL_TIMEOUT_S, check=False).stdout
    except (OSError, TimeoutExpired) as error:
        return Check("power", State.WARNING, f"nvpmodel does not answer: {error}", "run it by hand")
    match = _MODE.search(said.decode(errors="replace"))
    if match is None:
        fix = "run: sudo nvpmodel -q"
        return Check("power", State.WARNING, "nvpmodel does not tell its mode", fix)
    detail = f"mode {match[1]} (number {match[2]})" + _statistics()
    if not match[1].upper().startswith("MAXN"):
        fix = "'nvpmodel -p --verbose' lists the modes: choose MAXN with sudo nvpmodel -m NUMBER"
        return Check("power", State.WARNING, f"{detail}; it is not MAXN", fix)
    return Check("power", State.FINE, detail)


def _statistics() -> str:
    """Return one line of tegrastats, which else goes on for ever; empty without it."""
    tool = shutil.which("tegrastats")
    if tool is None:
        return ""
    with Popen([tool, "--interval", "500"], stdout=PIPE, stderr=DEVNULL, text=True) as process:
        try:
            line = process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()
    return f"; {line[:300]}" if line else ""

"""Stages for faults that need more than the plain wiring: a clock to step, a BlueZ."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kit.chaos.fault import Where
from kit.chaos.ground import Ground
from kit.chaos.stage import Stage, Wiring, open_stage
from kit.chaos.supervised import SupervisedStage
from kit.errors import ConfigError, MissionError
from kit.services.catalogue import SERVICES

STEP_S = 3600
"""How far the wall clock is stepped, seconds."""

_CLOCK_FILE = "wall-clock"
_NEAR_S = 60.0
_STEP_TIMEOUT_S = 8.0
_LIBRARIES = ("/usr/lib", "/usr/local/lib", "/lib")


@contextmanager
def stage_for(where: Where, ground: Ground) -> Iterator[Stage]:
    """Open the stage that a fault needs.

    Args:
        where: Which one.
        ground: What it stands on.

    Raises:
        ConfigError: If something that it needs is not installed.
        MissionError: If it does not start.
    """
    if where is Where.CLOCK:
        with open_stage(ground, _stepped_clock(ground)) as stage:
            yield stage
    elif where is Where.BLUEZ:
        from kit.sim.bluez import virtual_bluez

        with virtual_bluez(ground.hub, log=ground.folder / "bluez.log") as bluez:
            wiring = Wiring(hub=bluez.hub, env={"control": bluez.environment})
            with open_stage(ground, wiring) as stage:
                yield stage
    elif where is Where.SUPERVISED:
        with SupervisedStage(ground) as supervised:
            yield supervised
    else:
        with open_stage(ground) as stage:
            yield stage


@contextmanager
def clock_stepped(stage: Stage, *, by_s: int) -> Iterator[None]:
    """Step the wall clock of the services on the train while they run, and step it back.

    The monotonic clock goes on as it was, as it does when a real clock is set.

    Raises:
        MissionError: If the train's events do not show the step.
    """
    ear, file = stage.ground.ear, stage.ground.folder / _CLOCK_FILE

    def shows() -> bool:
        state = ear.state
        if state is None:
            return False
        ahead_s = (state.made_at - datetime.now(UTC)).total_seconds()
        return abs(ahead_s - by_s) < _NEAR_S

    file.write_text(f"{by_s:+d}\n")
    try:
        if not ear.wait_for(shows, timeout_s=_STEP_TIMEOUT_S):
            raise MissionError("The wall clock was not stepped", got=str(ear.state))
        yield
    finally:
        file.write_text("+0\n")


def _stepped_clock(ground: Ground) -> Wiring:
    file = ground.folder / _CLOCK_FILE
    file.write_text("+0\n")
    faked = {
        "LD_PRELOAD": str(_faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",  # else it reads its file each time it is asked
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    # Kafka's library waits in ways that faketime breaks: its threads would spin.
    return Wiring(env={name: faked for name in SERVICES if name != "streaming"})


def _faketime() -> Path:
    """Return the library that gives a process another wall clock."""
    if shutil.which("faketime") is not None:
        for folder in _LIBRARIES:
            for path in Path(folder).glob("**/faketime/libfaketimeMT.so.1"):
                return path
    raise ConfigError(
        "The wall clock of a process cannot be stepped here",
        expected="the program 'faketime' with its library",
        fix="run: apt install faketime",
    )

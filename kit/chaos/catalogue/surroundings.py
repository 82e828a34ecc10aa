"""Faults of what the services stand on: camera, hub, processor, disk and clock."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from kit.chaos import faults as f
from kit.chaos.catalogue.outcomes import GOES_ON, STANDS
from kit.chaos.fault import Effect, Fault, Where
from kit.chaos.wirings import STEP_S, clock_stepped
from kit.services.catalogue import SERVICES
from kit.sim.mishaps import CameraMishap, HubMishap


def camera() -> Iterator[Fault]:
    """Yield what befalls the camera."""
    silent = "Stops: no fresh decision for 450 ms."
    no_frame = "is no frame, so there is no fresh decision for 450 ms."
    for mishap, what, expected in (
        (
            CameraMishap.FROZEN,
            "the camera gives the same picture again and again, each as if it were new",
            f"Stops: a live picture that repeats itself {no_frame}",
        ),
        (CameraMishap.SILENT, "the camera hangs: connected, and no picture comes", silent),
        (
            CameraMishap.BLACK,
            "the camera's lens is covered: black pictures, with the sensor's noise",
            f"Stops: an empty picture {no_frame}",
        ),
        (CameraMishap.UNPLUGGED, "the camera's cable is pulled out, and put back", silent),
    ):
        yield Fault(
            name=f"camera-{mishap.value}",
            what=what,
            effect=Effect.STOPS,
            expected=expected,
            inject=partial(f.camera, mishap=mishap),
            demo=STANDS,
        )


def inference() -> Iterator[Fault]:
    """Yield what slows the model down."""
    yield Fault(
        name="inference-slowed",
        what=f"the inference service runs a tenth of the time, {f.SLOWDOWN} times slower",
        effect=Effect.NEVER_BLIND,
        expected="Stops or goes slowly: it moves on no frame older than 300 ms.",
        inject=partial(f.throttled, name="inference"),
        demo=STANDS,
        lasts_s=5.0,
    )


def hub() -> Iterator[Fault]:
    """Yield what befalls the hub."""
    yield Fault(
        name="hub-out-of-reach",
        what="the Bluetooth link breaks, and comes back after 2 s",
        effect=Effect.STOPS,
        expected="Runs on, since nobody can reach the motor; stops at once when the link is back, "
        "where a brake is the first thing written.",
        inject=partial(f.hub, mishap=HubMishap.OUT_OF_REACH),
        demo=STANDS,
        from_mending=True,
        lasts_s=2.0,
        stand_within_ms=6000,
    )
    yield Fault(
        name="hub-off",
        what="the hub loses its power, and is switched on again",
        effect=Effect.STOPS,
        expected="Rolls out without power, and stays stopped when the hub is back.",
        inject=partial(f.hub, mishap=HubMishap.OFF),
        demo=STANDS,
        stand_within_ms=4000,
    )
    yield Fault(
        name="hub-button",
        what="someone presses the hub's green button",
        effect=Effect.STOPS,
        expected="Stops: the button is an emergency stop.",
        inject=partial(f.hub, mishap=HubMishap.BUTTON),
        demo=STANDS,
    )


def disk() -> Iterator[Fault]:
    """Yield what befalls the disk."""
    yield Fault(
        name="disk-full",
        what="no service can write a byte to any file",
        effect=Effect.DRIVES_ON,
        expected="Drives on: nothing that drives the train needs the disk.",
        inject=partial(f.no_disk, names=SERVICES),
        demo="The mission ends with an emergency stop: see supervisor-disk-full.",
    )
    yield Fault(
        name="disk-full-no-kafka",
        what="Kafka hangs, and the streaming service can write nothing to its disk",
        effect=Effect.DRIVES_ON,
        expected="Drives on: what can be neither sent nor kept is dropped.",
        inject=partial(
            f.both,
            faults=(
                f.kafka_halted,
                partial(f.no_disk, names=("streaming",)),
            ),
        ),
        demo=GOES_ON,
        lasts_s=4.0,
    )


def clock() -> Iterator[Fault]:
    """Yield what befalls the wall clock."""
    for name, step_s in (("clock-forward", STEP_S), ("clock-back", -STEP_S)):
        hours = f"{step_s / 3600:+.0f}"
        yield Fault(
            name=name,
            what=f"the wall clock of all services but streaming is stepped by {hours} h",
            effect=Effect.DRIVES_ON,
            expected="Drives on: only the monotonic clock decides what is fresh.",
            inject=partial(clock_stepped, by_s=step_s),
            demo=GOES_ON,
            where=Where.CLOCK,
        )

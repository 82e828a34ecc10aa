"""Rides and faults for the tests of the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from kit.chaos.fault import Effect, Facts, Fault
from kit.chaos.witness import Ride
from kit.runtime.truth import Physics

MS = 1_000_000
CRUISE_MPS = 0.48


def moment(at_ms: float, speed_mps: float, position_m: float = 0.0) -> Physics:
    return Physics(
        t_ns=round(at_ms * MS),
        position_m=position_m,
        speed_mps=speed_mps,
        power_percent=60 if speed_mps else 0,
        braking=not speed_mps,
        distance_to_danger_m=None,
    )


def ride(*speeds_mps: float, every_ms: float = 50, brakes_ms: Sequence[float] = ()) -> Ride:
    """A ride of one moment each 50 ms from 0 on."""
    moments, position_m = [], 0.0
    for number, speed in enumerate(speeds_mps):
        moments.append(moment(number * every_ms, speed, position_m))
        position_m += speed * every_ms / 1000
    return Ride(moments, [round(at * MS) for at in brakes_ms])


def braking(*, cruise_ms: float = 400, stand_ms: float = 2000) -> Ride:
    """A train that cruises, brakes for 350 ms, and stands."""
    slowing = [0.4, 0.33, 0.26, 0.2, 0.13, 0.06, 0.01]
    cruising = [CRUISE_MPS] * round(cruise_ms / 50)
    return ride(*cruising, *slowing, *[0.0] * round(stand_ms / 50), brakes_ms=[cruise_ms])


def fault(effect: Effect, **changes: Any) -> Fault:
    values: dict[str, Any] = {
        "name": "something-broken",
        "what": "something breaks",
        "effect": effect,
        "expected": "What must come.",
        "inject": lambda _stage: nullcontext(),
        "demo": "Nothing.",
    }
    return Fault(**(values | changes))


def facts(seen: Ride, **changes: Any) -> Facts:
    values: dict[str, Any] = {
        "injected_ns": 0,
        "mended_ns": 1500 * MS,
        "armed_ns": 2600 * MS,
        "ride": seen,
        "recovered_ms": 800.0,
        "drove_again": True,
    }
    return Facts(**(values | changes))

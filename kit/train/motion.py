"""The controller's states and its parameters: pure, and described in docs/safety.md."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kit.events import Motion
from kit.train.lwp3.enums import Colour
from kit.train.power import LOWEST_V

TRANSITIONS: dict[Motion, frozenset[Motion]] = {
    Motion.DISCONNECTED: frozenset({Motion.STOPPING}),
    Motion.STOPPED: frozenset(
        {Motion.CRUISING, Motion.SLOWED, Motion.STOPPING, Motion.FAULT, Motion.DISCONNECTED}
    ),
    Motion.CRUISING: frozenset({Motion.SLOWED, Motion.STOPPING, Motion.FAULT, Motion.DISCONNECTED}),
    Motion.SLOWED: frozenset({Motion.CRUISING, Motion.STOPPING, Motion.FAULT, Motion.DISCONNECTED}),
    Motion.STOPPING: frozenset({Motion.STOPPED, Motion.FAULT, Motion.DISCONNECTED}),
    Motion.FAULT: frozenset({Motion.STOPPED, Motion.STOPPING, Motion.DISCONNECTED}),
}
"""To which state each state can lead. Only a standing, armed train comes to move."""

MOVING = frozenset({Motion.CRUISING, Motion.SLOWED})
"""States in which the motor has power."""

COLOURS: dict[Motion, Colour] = {
    Motion.STOPPED: Colour.RED,
    Motion.CRUISING: Colour.GREEN,
    Motion.SLOWED: Colour.ORANGE,
    Motion.STOPPING: Colour.RED,
    Motion.FAULT: Colour.PURPLE,
}
"""Colour of the hub's own light by state; an armed train that waits shows ``ARMED_COLOUR``."""

ARMED_COLOUR = Colour.YELLOW
"""Colour of the hub's own light while an armed train waits for its first decision."""

LEAST_PAUSE_S = 1.0
"""Shortest time that a train stands for a sign before it may go on by itself, seconds."""

_Percent = Annotated[int, Field(ge=0, le=100)]
_Milliseconds = Annotated[int, Field(ge=10, le=60_000)]


class ControlParameters(BaseModel):
    """Powers, ramps and patience of the controller.

    Attributes:
        cruise_percent: Motor power to cruise.
        slow_percent: Motor power to go slowly.
        start_percent: Motor power at which a ramp begins; below about 10 nothing moves.
        ramp_percent_per_s: How fast power rises. It never ramps down: slower is at once.
        ramp_step_ms: Time between two writes of a ramp, milliseconds.
        silence_slow_ms: Silence of the decisions after which the train slows, milliseconds.
        silence_stop_ms: Silence after which it brakes. Below the 500 ms that are promised, since
            the write itself takes time.
        max_age_ms: Frames captured longer ago do not move the train, milliseconds.
        arm_expires_ms: How long an armed train waits for its first decision, milliseconds.
        confirm_ms: How long to wait for the hub to confirm a brake before it is repeated.
        confirm_attempts: Unconfirmed brakes after which the state is a fault; they go on.
        headlight_percent: Brightness of the light on port B while the train moves.
        blink_ms: How long each half of a blink of that light lasts when the train slows down or
            stops, milliseconds; 0 never blinks.
        nominal_v: Battery voltage at which the powers hold, volts; on a weaker battery the motor
            gets more, so that the speed stays. 0 leaves the powers alone.
        resume_after_s: For a train that runs in a loop at a booth: how long it stands for a sign
            before it goes on by itself, seconds. 0, as it is by default, means that it never
            does. It never goes on by itself after any other stop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    cruise_percent: _Percent = 60
    slow_percent: _Percent = 35
    start_percent: _Percent = 20
    ramp_percent_per_s: Annotated[int, Field(ge=1, le=10_000)] = 150
    ramp_step_ms: _Milliseconds = 40
    silence_slow_ms: _Milliseconds = 250
    silence_stop_ms: Annotated[int, Field(ge=20, le=500)] = 450
    max_age_ms: _Milliseconds = 300
    arm_expires_ms: _Milliseconds = 30_000
    confirm_ms: _Milliseconds = 150
    confirm_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    headlight_percent: _Percent = 100
    blink_ms: Annotated[int, Field(ge=0, le=2000)] = 250
    nominal_v: Annotated[float, Field(ge=0, le=10)] = 8.5
    resume_after_s: Annotated[float, Field(ge=0, le=3600)] = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> ControlParameters:
        if not self.start_percent <= self.slow_percent <= self.cruise_percent:
            msg = (
                "start_percent, slow_percent and cruise_percent must rise, got "
                f"{self.start_percent}, {self.slow_percent}, {self.cruise_percent}"
            )
            raise ValueError(msg)
        if self.silence_slow_ms >= self.silence_stop_ms:
            msg = (
                "silence_slow_ms must be below silence_stop_ms, got "
                f"{self.silence_slow_ms} and {self.silence_stop_ms}"
            )
            raise ValueError(msg)
        for name, least in (("nominal_v", LOWEST_V), ("resume_after_s", LEAST_PAUSE_S)):
            value = getattr(self, name)
            if 0 < value < least:
                msg = f"{name} must be 0, which switches it off, or at least {least:g}, got {value}"
                raise ValueError(msg)
        return self

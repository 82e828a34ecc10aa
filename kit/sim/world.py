"""The little world: a train on its track, with a place where it derails.

It has no clock of its own: :meth:`World.step` moves it on, faster than life if you like.
``kit.sim.live`` ties it to real time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kit.errors import ConfigError
from kit.reasons import Reason
from kit.sim.physics import Drive, TrainPhysics
from kit.sim.scenario import Scenario

STEP_S = 0.005
"""Longest step of the physics, seconds."""

_DERAILED_BRAKE_N = 4.0  # a train on its side scrapes along


@dataclass(frozen=True)
class WorldState:
    """One moment of the world.

    Attributes:
        time_s: Since the start.
        position_m: Of the train's front along the track; in a loop it goes on counting.
        speed_mps: Negative is backwards.
        power_percent: Power of the motor, -100 to 100.
        braking: Whether the motor is shorted.
        light_percent: Power of the headlight.
        battery_percent: Charge left.
        voltage_v: Battery voltage under load.
        derailed: Whether it is off the track.
        derail_reason: Why, in words for people; empty if it is not.
        distance_to_danger_m: To the broken rail, negative when passed; None without one.
        finished: Whether the run has come as far as the scenario goes.
    """

    time_s: float
    position_m: float
    speed_mps: float
    power_percent: int
    braking: bool
    light_percent: int
    battery_percent: float
    voltage_v: float
    derailed: bool
    derail_reason: str
    distance_to_danger_m: float | None
    finished: bool


class World:
    """A scenario that runs. It stands still and rolls freely at the start.

    Args:
        scenario: What stands where.
        seed: Varies it; see :meth:`~kit.sim.scenario.Scenario.varied`.
    """

    def __init__(self, scenario: Scenario, *, seed: int = 0) -> None:
        self.scenario = scenario.varied(seed)
        self.track = self.scenario.build_track()
        self._physics = TrainPhysics(self.scenario.train)
        self._steps_s = 0.0
        self._derail_reason = ""

    @property
    def state(self) -> WorldState:
        """The present moment."""
        physics, danger = self._physics, self.scenario.derails_at_m
        position, end = physics.travelled_m, self.scenario.ends_after_m
        return WorldState(
            time_s=self._steps_s,
            position_m=position,
            speed_mps=physics.speed_mps,
            power_percent=physics.power_percent,
            braking=physics.drive is Drive.BRAKING,
            light_percent=physics.light_percent,
            battery_percent=physics.battery_percent,
            voltage_v=physics.voltage_v,
            derailed=bool(self._derail_reason),
            derail_reason=self._derail_reason,
            distance_to_danger_m=None if danger is None else danger - position,
            finished=end is not None and position >= end,
        )

    @property
    def battery_percent(self) -> float:
        """Charge left, 0 to 100."""
        return self._physics.battery_percent

    @property
    def voltage_v(self) -> float:
        """Battery voltage under load, volts."""
        return self._physics.voltage_v

    def set_motor(self, power_percent: int) -> None:
        """Power the motor.

        Args:
            power_percent: -100 to 100; 0 lets the train roll.

        Raises:
            ConfigError: If the power is out of range.
        """
        if not -100 <= power_percent <= 100:
            raise ConfigError(
                "Motor power is out of range", expected="-100 to 100", got=power_percent
            )
        self._physics.set_power(power_percent)

    def brake(self) -> None:
        """Short the motor, so that the train stops."""
        self._physics.brake()

    def float_(self) -> None:
        """Let the train roll."""
        self._physics.set_power(0)

    def set_light(self, power_percent: int) -> None:
        """Set the headlight, 0 to 100; less and more count as those."""
        self._physics.light_percent = min(max(power_percent, 0), 100)

    def step(self, dt_s: float = STEP_S) -> None:
        """Move the world on.

        Args:
            dt_s: By how much, seconds; longer than :data:`STEP_S` is cut into equal steps.
        """
        parts = max(1, math.ceil(dt_s / STEP_S - 1e-9))
        for _ in range(parts):
            self._step(dt_s / parts)

    def _step(self, dt_s: float) -> None:
        extra = _DERAILED_BRAKE_N if self._derail_reason else 0.0
        if self._derail_reason:
            self._physics.set_power(0)
        self._physics.step(dt_s, extra_brake_n=extra)
        self._steps_s += dt_s
        if not self._derail_reason:
            self._derail_reason = self._why_off_the_track()
        if self._physics.travelled_m < 0 and not self.track.closed:
            self._physics.travelled_m = 0.0
            self._physics.halt()

    def _why_off_the_track(self) -> str:
        position, speed = self._physics.travelled_m, abs(self._physics.speed_mps)
        danger = self.scenario.derails_at_m
        if danger is not None and position >= danger:
            return Reason.AT_BROKEN_RAIL.say(place=f"{danger:.2f}", speed=f"{speed:.2f}")
        if position >= self.track.length_m and not self.track.closed:
            return Reason.AT_TRACK_END.say(place=f"{self.track.length_m:.2f}")
        limit = self.track.piece_at(position).max_speed_mps
        if limit is not None and speed > limit:
            return Reason.IN_CURVE.say(
                place=f"{position:.2f}", speed=f"{speed:.2f}", limit=f"{limit:.2f}"
            )
        return ""

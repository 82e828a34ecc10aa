"""How a LEGO train moves: motor, friction, brake and battery.

A direct-current motor pulls less the faster it turns, so that pull falls in a straight line
from standstill to its free speed. Friction then makes both the dead zone at low power and the
difference between power and speed. Braking shorts the motor; floating lets the train roll.
"""

from __future__ import annotations

import math
from enum import StrEnum

from kit.sim.scenario import Train

NOMINAL_V = 9.0
"""Battery voltage at which the motor has its free speed at full power, volts."""

_EMPTY_V = 6.3
_FULL_V = 9.3
_RESISTANCE_OHM = 0.5
_IDLE_A = 0.06
_AMPERE_PER_NEWTON = 0.3
_LIGHT_A = 0.03


class Drive(StrEnum):
    """What the hub does with the motor."""

    POWERED = "powered"
    BRAKING = "braking"
    FLOATING = "floating"


class TrainPhysics:
    """The train along its track.

    Attributes:
        speed_mps: Speed; negative is backwards.
        travelled_m: Way from the start; backwards counts negative.
        drive: What the hub does with the motor.
        power_percent: Power that was set, -100 to 100; 0 unless powered.
        light_percent: Power of the headlight, 0 to 100.

    Args:
        train: Its parameters.
    """

    def __init__(self, train: Train) -> None:
        self._train = train
        self._charge = train.battery_percent / 100
        self._drive_level = 0.0
        self._current_a = _IDLE_A
        self.speed_mps = 0.0
        self.travelled_m = 0.0
        self.drive = Drive.FLOATING
        self.power_percent = 0
        self.light_percent = 0

    @property
    def battery_percent(self) -> float:
        """Charge left, 0 to 100."""
        return self._charge * 100

    @property
    def voltage_v(self) -> float:
        """Battery voltage under the present load, volts."""
        open_circuit = _EMPTY_V + (_FULL_V - _EMPTY_V) * self._charge
        return open_circuit - self._current_a * _RESISTANCE_OHM

    def set_power(self, power_percent: int) -> None:
        """Power the motor, -100 to 100; 0 lets the train roll."""
        self.drive = Drive.POWERED if power_percent else Drive.FLOATING
        self.power_percent = power_percent

    def brake(self) -> None:
        """Short the motor."""
        self.drive = Drive.BRAKING
        self.power_percent = 0

    def step(self, dt_s: float, *, extra_brake_n: float = 0.0) -> None:
        """Move on by one step of a few milliseconds.

        Args:
            dt_s: Length of the step, seconds; at most 10 ms to be exact.
            extra_brake_n: Force of whatever else holds the train, newtons.
        """
        train = self._train
        level = self.power_percent / 100 * self.voltage_v / NOMINAL_V
        self._drive_level += (level - self._drive_level) * -math.expm1(-dt_s / train.motor_lag_s)
        pull = self._pull()
        held = train.friction_n + extra_brake_n
        if self.drive is Drive.BRAKING:
            held += train.brake_n
        self.speed_mps = self._next_speed(pull, held, dt_s)
        self.travelled_m += self.speed_mps * dt_s
        self._spend(pull, dt_s)

    def halt(self) -> None:
        """Stand still at once, as against a buffer stop."""
        self.speed_mps = 0.0

    def _pull(self) -> float:
        if self.drive is not Drive.POWERED:
            self._drive_level = 0.0
            return 0.0
        slope = self._train.pull_n / self._train.free_speed_mps
        return slope * (self._drive_level * self._train.free_speed_mps - self.speed_mps)

    def _next_speed(self, pull: float, held: float, dt_s: float) -> float:
        """Apply forces; what only holds can stop the train but never turn it round."""
        drag = self._train.drag_n_per_mps2 * self.speed_mps * abs(self.speed_mps)
        pushed = self.speed_mps + (pull - drag) / self._train.mass_kg * dt_s
        loss = held / self._train.mass_kg * dt_s
        return math.copysign(max(abs(pushed) - loss, 0.0), pushed)

    def _spend(self, pull: float, dt_s: float) -> None:
        light = _LIGHT_A * self.light_percent / 100
        self._current_a = _IDLE_A + _AMPERE_PER_NEWTON * abs(pull) + light
        hours = dt_s / 3600
        self._charge = max(self._charge - self._current_a * hours / self._train.capacity_ah, 0.0)


def steady_speed_mps(train: Train, power_percent: int, voltage_v: float) -> float:
    """Return the speed that a train comes to on a level track, metres a second.

    Args:
        train: Its parameters.
        power_percent: Power of the motor, 0 to 100.
        voltage_v: Battery voltage under load, volts.
    """
    slope = train.pull_n / train.free_speed_mps
    surplus_n = train.pull_n * power_percent / 100 * voltage_v / NOMINAL_V - train.friction_n
    if surplus_n <= 0:
        return 0.0
    drag = train.drag_n_per_mps2
    if drag == 0:
        return surplus_n / slope
    return (math.sqrt(slope * slope + 4 * drag * surplus_n) - slope) / (2 * drag)

"""What the compensation for the battery does to the speed, on the virtual set's physics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from kit.sim.physics import TrainPhysics
from kit.sim.scenario import Train
from kit.train.motion import ControlParameters
from kit.train.power import SteadyVoltage, compensated

CAPACITY_AH = 0.05
"""Of a battery that is empty soon enough, ampere hours; a real one drains as far, but slower."""

_STEP_S = 0.005
_DECIDE_EVERY_STEPS = 20  # ten decisions a second, each of which keeps the speed
_SETTLE_S = 10.0


@dataclass(frozen=True)
class Charge:
    """The train at one charge of its battery.

    Attributes:
        charge_percent: What is left.
        voltage_v: Under load, without the compensation, volts.
        plain_mps: Speed at the same power as ever, metres a second.
        power_percent: Power with the compensation.
        held_mps: Speed with it.
    """

    charge_percent: float
    voltage_v: float
    plain_mps: float
    power_percent: int
    held_mps: float

    def as_dict(self) -> dict[str, Any]:
        """Return it by name, rounded to what can be told apart."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def drain(
    charges_percent: tuple[int, ...] = (100, 80, 60, 40, 20, 10, 2),
    *,
    parameters: ControlParameters | None = None,
) -> list[Charge]:
    """Let a train cruise until its battery is empty, with and without the compensation.

    Args:
        charges_percent: At which charges to look, falling.
        parameters: The controller's; the default ones if None.
    """
    rules = parameters or ControlParameters()
    plain = _cruise(charges_percent, rules, nominal_v=0)
    held = _cruise(charges_percent, rules, nominal_v=rules.nominal_v)
    return [
        Charge(charge, without[1], without[0], power_percent=with_it[2], held_mps=with_it[0])
        for charge, without, with_it in zip(charges_percent, plain, held, strict=True)
    ]


def _cruise(
    charges_percent: tuple[int, ...], rules: ControlParameters, *, nominal_v: float
) -> list[tuple[float, float, int]]:
    """Return speed, voltage and power when each charge is reached."""
    train = Train(battery_percent=100, capacity_ah=CAPACITY_AH)
    physics, voltage = TrainPhysics(train), SteadyVoltage()
    found: list[tuple[float, float, int]] = []
    step = 0
    while len(found) < len(charges_percent):
        if step % _DECIDE_EVERY_STEPS == 0:
            now_ns = round(step * _STEP_S * 1e9)
            voltage.read(physics.voltage_v, now_ns=now_ns)
            steady_v = voltage.at(now_ns)
            power = compensated(rules.cruise_percent, steady_v, nominal_v=nominal_v)
            physics.set_power(power)
        physics.step(_STEP_S)
        step += 1
        settled = step * _STEP_S >= _SETTLE_S
        if settled and physics.battery_percent <= charges_percent[len(found)]:
            found.append((physics.speed_mps, physics.voltage_v, physics.power_percent))
    return found

"""Power that holds the train's speed while its battery drains: pure.

What turns the motor is the share of the battery's voltage that it gets, so the same power is
slower on a weak battery. Asking for more in proportion holds the speed, until there is no more.
"""

from __future__ import annotations

import math

LOWEST_V = 5.0
"""Readings below are no battery of a hub that still runs, volts."""

HIGHEST_V = 10.5
"""Readings above are no six batteries, volts."""

LEAST_FACTOR = 0.8
"""Power is never lowered below this share, whatever the hub reads."""

MOST_FACTOR = 1.4
"""Power is never raised above this multiple, whatever the hub reads."""

SETTLE_S = 3.0
"""Time constant with which a reading is believed: a start lets the voltage sag, seconds."""

_FULL_PERCENT = 100


def compensated(percent: int, voltage_v: float | None, *, nominal_v: float) -> int:
    """Return the power that makes a train as fast as it would be at the nominal voltage.

    Args:
        percent: Power for the nominal voltage, 0 to 100.
        voltage_v: Battery voltage under load, volts; None if the hub has not told.
        nominal_v: Voltage at which ``percent`` is right as it is, volts; 0 leaves it alone.

    Returns:
        0 to 100. ``percent`` itself if the voltage is unknown or none that batteries have.
    """
    if nominal_v <= 0 or voltage_v is None or not LOWEST_V <= voltage_v <= HIGHEST_V:
        return percent
    factor = min(MOST_FACTOR, max(LEAST_FACTOR, nominal_v / voltage_v))
    return min(_FULL_PERCENT, round(percent * factor))


class SteadyVoltage:
    """The battery's voltage without its short sags.

    A hub tells its voltage only when it changed, so the value goes on settling in between.
    """

    def __init__(self) -> None:
        self._read_v: float | None = None
        self._settled_v = 0.0
        self._since_ns = 0

    def read(self, voltage_v: float | None, *, now_ns: int) -> None:
        """Take in what the hub tells; None is not news.

        Args:
            voltage_v: Volts.
            now_ns: Monotonic time now, nanoseconds.
        """
        if voltage_v is None:
            return
        self._settled_v = voltage_v if self._read_v is None else self._at(now_ns)
        self._read_v, self._since_ns = voltage_v, now_ns

    def at(self, now_ns: int) -> float | None:
        """Return the settled voltage in volts, or None before the first reading.

        Args:
            now_ns: Monotonic time now, nanoseconds.
        """
        return None if self._read_v is None else self._at(now_ns)

    def _at(self, now_ns: int) -> float:
        assert self._read_v is not None
        left = math.exp(-max(0, now_ns - self._since_ns) / 1e9 / SETTLE_S)
        return self._read_v + (self._settled_v - self._read_v) * left

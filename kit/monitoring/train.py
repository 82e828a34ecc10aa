"""A train's state as readings."""

from __future__ import annotations

from collections.abc import Iterator

from kit.events import Motion, TrainState
from kit.monitoring.metrics import Reading


def train_readings(state: TrainState) -> Iterator[Reading]:
    """Yield what a monitor may read of a train; what the hub has not told is left out.

    Args:
        state: The controller's latest word.
    """
    yield Reading("kit_hub_connected", float(state.motion is not Motion.DISCONNECTED))
    for motion in Motion:
        yield Reading("kit_train_motion", float(state.motion is motion), {"motion": motion})
    yield Reading("kit_train_latched", float(state.latched))
    yield Reading("kit_motor_power_ratio", state.power_percent / 100)
    if state.battery_percent is not None:
        yield Reading("kit_battery_ratio", state.battery_percent / 100)
    if state.voltage_v is not None:
        yield Reading("kit_battery_volts", state.voltage_v)
    if state.rssi_dbm is not None:
        yield Reading("kit_hub_signal_dbm", state.rssi_dbm)

"""Power for a draining battery: what it is, what bounds it, and what it does to the speed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.train.controller import ControlParameters
from kit.train.power import (
    HIGHEST_V,
    LEAST_FACTOR,
    LOWEST_V,
    MOST_FACTOR,
    SteadyVoltage,
    compensated,
)

_percent = st.integers(0, 100)
_any_voltage = st.none() | st.floats(0, 20)


@pytest.mark.parametrize(
    ("voltage_v", "power"), [(8.5, 60), (7.5, 68), (6.5, 78), (9.5, 54), (None, 60)]
)
def test_power_is_in_proportion_to_what_the_battery_lacks(
    voltage_v: float | None, power: int
) -> None:
    assert compensated(60, voltage_v, nominal_v=8.5) == power


@pytest.mark.parametrize("voltage_v", [0.0, 4.99, 10.6, 20.0])
def test_a_voltage_that_cannot_be_changes_nothing(voltage_v: float) -> None:
    assert compensated(60, voltage_v, nominal_v=8.5) == 60


def test_it_can_be_switched_off() -> None:
    assert compensated(60, 6.5, nominal_v=0) == 60


@given(percent=_percent, voltage_v=_any_voltage, nominal_v=st.floats(LOWEST_V, 10))
def test_it_stays_within_its_bounds(
    percent: int, voltage_v: float | None, nominal_v: float
) -> None:
    power = compensated(percent, voltage_v, nominal_v=nominal_v)
    assert 0 <= power <= 100
    assert round(percent * LEAST_FACTOR) <= power <= round(percent * MOST_FACTOR)


@given(percent=_percent, one=st.floats(LOWEST_V, HIGHEST_V), other=st.floats(LOWEST_V, HIGHEST_V))
def test_a_weaker_battery_never_gets_less(percent: int, one: float, other: float) -> None:
    weak, strong = sorted((one, other))
    assert compensated(percent, weak, nominal_v=8.5) >= compensated(percent, strong, nominal_v=8.5)


@pytest.mark.parametrize("nominal_v", [3.0, 11.0, float("nan")])
def test_a_nominal_voltage_that_no_hub_has_is_refused(nominal_v: float) -> None:
    with pytest.raises(ValidationError, match="nominal_v"):
        ControlParameters(nominal_v=nominal_v)


def test_the_first_reading_is_believed_at_once() -> None:
    voltage = SteadyVoltage()
    assert voltage.at(0) is None
    voltage.read(8.0, now_ns=10)
    assert voltage.at(10) == 8.0


def test_a_later_reading_is_believed_by_and_by_even_if_none_follows() -> None:
    voltage = SteadyVoltage()
    voltage.read(9.0, now_ns=0)
    voltage.read(8.0, now_ns=0)
    seen = [voltage.at(round(s * 1e9)) for s in (0, 1, 3, 30)]
    assert seen[0] == 9.0
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == pytest.approx(8.0, abs=0.001)


def test_no_reading_is_no_news() -> None:
    voltage = SteadyVoltage()
    voltage.read(9.0, now_ns=0)
    voltage.read(None, now_ns=5)
    assert voltage.at(5) == 9.0

"""A plan that cannot be is rejected, and says what the virtual set is needed for."""

from __future__ import annotations

import pytest

from kit.errors import ConfigError
from kit.runtime.plan import HUB_ONLY_SCENARIO, Plan


@pytest.mark.parametrize(
    "values",
    [
        {"fps": 99},
        {"fps": 0},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"seed": -1},
        {"scenario": ""},
        {"provider": "abacus"},
        {"runtime": "threads"},
        {"speed": 3},
    ],
)
def test_a_value_that_cannot_be_is_named(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"'{next(iter(values))}' is wrong"):
        Plan.parse(**values)


def test_with_nothing_named_the_mission_is_on_the_virtual_track() -> None:
    plan = Plan.parse()

    assert (plan.on_track, plan.needs_virtual_set, plan.set_scenario) == (True, True, "standard")


def test_with_other_pictures_the_virtual_set_lends_its_hub() -> None:
    plan = Plan.parse(source="photos")

    assert (plan.on_track, plan.needs_virtual_set) == (False, True)
    assert plan.set_scenario == HUB_ONLY_SCENARIO


def test_with_other_pictures_and_a_real_hub_no_virtual_set_is_needed() -> None:
    assert not Plan.parse(source="/dev/video0", hub="ble").needs_virtual_set


def test_a_source_with_a_password_is_refused_since_the_run_would_keep_it() -> None:
    with pytest.raises(ConfigError, match="password"):
        Plan.parse(source="http://me:secret@camera/stream")

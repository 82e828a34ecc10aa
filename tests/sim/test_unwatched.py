import pytest

from kit.errors import ConfigError
from kit.sim import load_scenario, run_unwatched


def test_at_full_power_with_nobody_watching_the_train_derails():
    run = run_unwatched("standard", seed=1, pictures=0)
    assert run.derailed
    assert run.reason


def test_the_trajectory_goes_forwards_until_the_train_lies_still():
    run = run_unwatched("no-sign", power_percent=60, pictures=0)
    assert len(run.times_s) == len(run.positions_m) == len(run.speeds_mps)
    assert list(run.positions_m) == sorted(run.positions_m)
    assert max(run.speeds_mps) > 0.4
    assert run.speeds_mps[-1] == 0


def test_at_low_power_it_comes_through_a_curve_to_the_end():
    run = run_unwatched("speed-limit", power_percent=35, pictures=0)
    assert not run.derailed
    assert run.positions_m[-1] == pytest.approx(5.6, abs=0.3)


def test_it_takes_as_many_pictures_as_asked_for_the_last_of_the_end():
    run = run_unwatched(load_scenario("stop-sign"), seed=2, pictures=3)
    assert [moment.image.shape for moment in run.pictures] == [(400, 600, 3)] * 3
    assert run.pictures[-1].state.derailed
    assert run.pictures[0].state.time_s < run.pictures[1].state.time_s


def test_an_endless_run_ends_when_its_time_is_up():
    run = run_unwatched("endless", power_percent=60, limit_s=4, pictures=0)
    assert run.times_s[-1] == pytest.approx(4)
    assert not run.derailed


def test_an_unknown_scenario_is_refused():
    with pytest.raises(ConfigError, match="atlantis"):
        run_unwatched("atlantis")

import pytest

from kit.errors import ConfigError
from kit.sim.scenario import Scenario, load_scenario
from kit.sim.world import World


def long_straight(**changes):
    fields = {
        "name": "straight",
        "title": "A straight",
        "expect": "run",
        "jitter": 0,
        "track": {"pieces": [{"straight_m": 60}]},
    }
    return Scenario.model_validate(fields | changes)


def at_steady_speed(power, **changes):
    world = World(long_straight(**changes))
    world.set_motor(power)
    world.step(8)
    return world


def stopping_distance(world):
    start = world.state.position_m
    while world.state.speed_mps:
        world.step()
    return world.state.position_m - start


def test_a_train_stands_still_until_it_is_told_to_move():
    world = World(long_straight())
    world.step(2)
    assert world.state.position_m == 0


@pytest.mark.parametrize(("power", "speed"), [(100, 0.9), (60, 0.5), (35, 0.25)])
def test_power_gives_the_speeds_of_the_real_train(power, speed):
    assert at_steady_speed(power).state.speed_mps == pytest.approx(speed, abs=0.04)


@pytest.mark.parametrize("power", [-9, -5, 5, 9])
def test_power_below_ten_percent_does_not_move_it(power):
    assert at_steady_speed(power).state.speed_mps == 0


def test_a_heavier_train_takes_longer_to_get_going():
    worlds = [World(long_straight(train={"mass_kg": mass})) for mass in (0.6, 1.2)]
    for world in worlds:
        world.set_motor(80)
        world.step(0.3)
    assert worlds[0].state.speed_mps > worlds[1].state.speed_mps > 0


def test_braking_from_cruise_stops_at_about_twelve_decimetres_a_second_squared():
    world = at_steady_speed(60)
    expected = world.state.speed_mps**2 / (2 * 1.2)
    world.brake()
    assert world.state.braking
    assert stopping_distance(world) == pytest.approx(expected, rel=0.1)


def test_a_floating_train_rolls_much_further_than_a_braking_one():
    braking, floating = at_steady_speed(60), at_steady_speed(60)
    braking.brake()
    floating.float_()
    assert stopping_distance(floating) > 2 * stopping_distance(braking)


def test_braking_never_turns_the_train_round():
    world = at_steady_speed(40)
    world.brake()
    speeds = []
    for _ in range(400):
        world.step()
        speeds.append(world.state.speed_mps)
    assert min(speeds) == 0
    assert speeds == sorted(speeds, reverse=True)


def test_the_battery_sags_when_the_motor_starts_and_recovers():
    world = World(long_straight())
    rest = world.voltage_v
    world.set_motor(100)
    world.step(0.1)
    starting = world.voltage_v
    world.step(5)
    assert starting < world.voltage_v < rest


def test_the_battery_drains_and_a_weak_one_makes_the_train_slow():
    world = at_steady_speed(60, train={"battery_percent": 20})
    assert world.battery_percent < 20
    assert world.state.speed_mps < at_steady_speed(60).state.speed_mps


def test_the_battery_never_goes_below_empty():
    world = World(long_straight(train={"battery_percent": 0.0001, "capacity_ah": 0.01}))
    world.set_motor(50)
    world.step(5)
    assert world.battery_percent == 0
    assert world.voltage_v > 0


def test_it_derails_at_the_broken_rail_and_says_so():
    world = World(long_straight(expect="stop", derails_at_m=1.0))
    world.set_motor(60)
    while not world.state.derailed:
        world.step()
    assert world.state.position_m == pytest.approx(1.0, abs=0.01)
    assert "broken rail at 1.00 m" in world.state.derail_reason


def test_the_distance_to_the_danger_counts_down():
    world = World(long_straight(expect="stop", derails_at_m=3.0))
    world.set_motor(60)
    world.step(2)
    state = world.state
    assert state.distance_to_danger_m == pytest.approx(3.0 - state.position_m)


def test_without_a_danger_there_is_no_distance_to_it():
    assert World(long_straight()).state.distance_to_danger_m is None


def test_a_derailed_train_soon_lies_still_whatever_the_hub_wants():
    world = World(long_straight(expect="stop", derails_at_m=1.0))
    world.set_motor(100)
    world.step(6)
    world.set_motor(100)
    world.step(2)
    assert world.state.derailed
    assert world.state.speed_mps == 0
    assert world.state.position_m < 1.2


@pytest.mark.parametrize(("power", "derails"), [(60, True), (35, False)])
def test_a_tight_curve_holds_a_slow_train_only(power, derails):
    pieces = [{"straight_m": 2}, {"curve_deg": 60, "radius_m": 0.6, "max_speed_mps": 0.4}]
    pieces.append({"straight_m": 30})
    world = World(long_straight(track={"pieces": pieces}))
    world.set_motor(power)
    world.step(15)
    assert world.state.derailed is derails
    assert ("took the curve" in world.state.derail_reason) is derails


def test_it_falls_off_the_end_of_an_open_track():
    world = World(long_straight(track={"pieces": [{"straight_m": 1}]}))
    world.set_motor(60)
    world.step(5)
    assert "end of the track" in world.state.derail_reason


def test_it_goes_round_a_closed_track_for_ever():
    world = World(load_scenario("endless"))
    world.set_motor(60)
    world.step(60)
    assert world.state.position_m > 2 * world.track.length_m
    assert not world.state.derailed


def test_it_backs_up_to_the_start_and_no_further():
    world = World(long_straight())
    world.set_motor(-60)
    world.step(3)
    assert world.state.position_m == 0
    assert world.state.speed_mps == 0


def test_it_is_finished_where_the_scenario_ends():
    world = World(long_straight(ends_after_m=1))
    assert not world.state.finished
    world.set_motor(60)
    world.step(4)
    assert world.state.finished


@pytest.mark.parametrize("power", [-101, 101, 127])
def test_power_out_of_range_is_refused(power):
    with pytest.raises(ConfigError, match="-100 to 100"):
        World(long_straight()).set_motor(power)


def test_many_small_steps_lead_where_one_long_one_does():
    one, many = World(long_straight()), World(long_straight())
    for world in (one, many):
        world.set_motor(60)
    one.step(2)
    for _ in range(400):
        many.step(0.005)
    assert one.state.position_m == pytest.approx(many.state.position_m, rel=1e-6)


def test_the_same_seed_gives_the_same_run():
    states = []
    for _ in range(2):
        world = World(load_scenario("standard"), seed=4)
        world.set_motor(60)
        world.step(3)
        states.append(world.state)
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("name", "derails"),
    [
        ("standard", True), ("no-sign", True), ("stop-sign", True), ("night", True),
        ("speed-limit", True), ("endless", False),
    ],
)  # fmt: skip
def test_what_becomes_of_a_train_at_cruise_that_nobody_watches(name, derails):
    world = World(load_scenario(name), seed=1)
    world.set_motor(60)
    world.step(40)
    assert world.state.derailed is derails

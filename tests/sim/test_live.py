import itertools
import json

import pytest

from kit.sim.journal import Journal
from kit.sim.live import LiveWorld
from kit.sim.scenario import Scenario
from kit.sim.world import World


class Clock:
    def __init__(self):
        self.ns = 5_000_000_000

    def __call__(self):
        return self.ns

    def wait(self, seconds):
        self.ns += round(seconds * 1e9)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "truth.jsonl"

    def read(kind=None):
        found = [json.loads(line) for line in path.read_text().splitlines()]
        return [line for line in found if kind in {None, line["kind"]}]

    read.path = path
    return read


def world(**changes):
    fields = {
        "name": "line",
        "title": "A line",
        "expect": "run",
        "jitter": 0,
        "track": {"pieces": [{"straight_m": 20}]},
    }
    return World(Scenario.model_validate(fields | changes))


@pytest.fixture
def make(clock, notes):
    with Journal(notes.path) as journal:
        yield lambda **changes: LiveWorld(world(**changes), journal, now_ns=clock)


def test_the_world_is_as_old_as_the_clock_says(make, clock):
    live = make()
    clock.wait(2.5)
    assert live.state.time_s == pytest.approx(2.5)


def test_a_process_that_slept_has_not_slowed_the_train(make, clock):
    attentive, sleepy = make(), make()
    for live in (attentive, sleepy):
        live.set_motor(60)
    for _ in range(300):
        clock.wait(0.01)
        attentive.advance()
    assert sleepy.state.position_m == pytest.approx(attentive.state.position_m, abs=1e-9)


def test_a_command_acts_from_its_own_moment_on(make, clock):
    live = make()
    clock.wait(3)
    live.set_motor(60)
    assert live.state.position_m == 0
    clock.wait(1)
    assert live.state.position_m > 0.1


def test_physics_is_noted_twenty_times_a_second(make, clock, notes):
    live = make()
    clock.wait(1)
    live.advance()
    times = [line["t_ns"] for line in notes("physics")]
    assert len(times) == 20
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {50_000_000}


def test_physics_is_noted_at_every_change_too(make, clock, notes):
    live = make()
    clock.wait(0.01)
    live.set_motor(60)
    (line,) = notes("physics")
    assert line["power_percent"] == 60
    assert line["t_ns"] == clock.ns


@pytest.mark.parametrize(("act", "how"), [("brake", "brake"), ("float_", "float")])
def test_a_brake_is_noted_with_its_moment(make, clock, notes, act, how):
    live = make()
    clock.wait(0.3)
    getattr(live, act)()
    (line,) = notes("brake")
    assert (line["t_ns"], line["how"]) == (clock.ns, how)


def test_the_light_is_set_and_is_no_brake(make, notes):
    live = make()
    live.set_light(50)
    assert live.state.light_percent == 50
    assert notes("brake") == []


def test_a_derailment_is_noted_once_with_its_reason(make, clock, notes):
    live = make(expect="stop", derails_at_m=0.5)
    live.set_motor(80)
    clock.wait(5)
    live.advance()
    (line,) = notes("derailed")
    assert "broken rail" in line["reason"]
    assert line["t_ns"] < clock.ns


def test_the_end_of_a_scenario_is_noted_once(make, clock, notes):
    live = make(ends_after_m=0.5)
    live.set_motor(80)
    clock.wait(5)
    live.advance()
    assert len(notes("finished")) == 1


def test_the_hub_can_ask_for_the_battery(make):
    live = make()
    assert 80 < live.battery_percent <= 100
    assert 7 < live.voltage_v < 9.5

import pytest
import yaml

from kit.errors import ConfigError
from kit.sim.scenario import load_scenario, scenario_names, stands_clear

GOOD = {
    "title": "A test",
    "expect": "run",
    "track": {"pieces": [{"straight_m": 3}]},
    "signs": [{"face": "speed_30", "at_m": 1}],
}


def write(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    return path


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_of_the_kit_loads_under_its_own_name(name):
    assert load_scenario(name).name == name


def test_the_promised_scenarios_are_there():
    promised = {"standard", "no-sign", "speed-limit", "stop-sign", "endless", "night"}
    assert promised <= set(scenario_names())


def test_a_file_of_ones_own_loads_by_its_path(tmp_path):
    scenario = load_scenario(write(tmp_path, GOOD))
    assert scenario.name == "mine"
    assert scenario.signs[0].label == "SpeedLimit"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"track": {"pieces": []}}, "track.pieces", "at least 1"),
        ({"track": {"pieces": [{"straight_m": -1}]}}, "track.pieces.0.straight_m", "-1"),
        ({"track": {"pieces": [{"curve_deg": 90}]}}, "track.pieces.0", "radius_m"),
        ({"track": {"pieces": [{"straight_m": ".nan"}]}}, "track.pieces.0.straight_m", "number"),
        ({"track": {"pieces": [{"straight_m": 1}], "closed": True}}, "track", "away from"),
        ({"track": {"pieces": [{"straight_m": 0.1}]}}, "track", "long"),
        ({"track": 7}, "track", "dictionary"),
        ({"signs": [{"face": "unicorn", "at_m": 1}]}, "signs.0.face", "no such sign"),
        ({"signs": [{"face": "speed_30"}]}, "signs.0.at_m", "required"),
        ({"signs": [{"face": "speed_30", "at_m": -1}]}, "signs.0.at_m", "greater"),
        ({"signs": [{"face": "speed_30", "at_m": 9}]}, "signs.0.at_m", "beyond the end"),
        ({"signs": [{"face": "stop", "at_m": 1, "side": "up"}]}, "signs.0.side", "left"),
        ({"signs": [{"face": "stop", "at_m": 1, "offset_m": 0}]}, "signs.0.offset_m", "0.07"),
        ({"signs": [{"face": "stop", "at_m": 1, "yaw_deg": 999}]}, "signs.0.yaw_deg", "180"),
        ({"derails_at_m": 99}, "derails_at_m", "beyond the end"),
        ({"derails_at_m": 0}, "derails_at_m", "0.3"),
        ({"ends_after_m": 99}, "ends_after_m", "beyond the end"),
        ({"expect": "fly"}, "expect", "stop"),
        ({"expect": "stop"}, "expect", "no derails_at_m"),
        ({"expect": "slow"}, "expect", "max_speed_mps"),
        ({"derails_at_m": 2}, "expect", "broken"),
        ({"train": {"mass_kg": 0}}, "train.mass_kg", "0.1"),
        ({"train": {"friction_n": 4}}, "train", "leaves nothing"),
        ({"train": {"battery_percent": 101}}, "train.battery_percent", "100"),
        ({"camera": {"hfov_deg": 200}}, "camera.hfov_deg", "110"),
        ({"camera": {"height_m": 0}}, "camera.height_m", "0.03"),
        ({"room": "castle"}, "room", "home"),
        ({"lighting": "strobe"}, "lighting", "daylight"),
        ({"jitter": 2}, "jitter", "1"),
        ({"title": ""}, "title", "1 character"),
        ({"name": "No Good"}, "name", "pattern"),
        ({"sings": []}, "sings", "not permitted"),
    ],
)
def test_nonsense_is_refused_with_its_file_and_field(tmp_path, change, field, message):
    path = write(tmp_path, GOOD | change)
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    assert str(path) in str(caught.value)
    assert field in str(caught.value)
    assert message in str(caught.value)


def test_a_sign_that_another_part_of_the_track_runs_over_is_refused(tmp_path):
    loop = [{"straight_m": 2}, {"curve_deg": 180, "radius_m": 0.2}, {"straight_m": 1.5}]
    sign = {"face": "stop", "at_m": 1, "side": "left", "offset_m": 0.38}
    path = write(tmp_path, GOOD | {"track": {"pieces": loop}, "signs": [sign]})
    with pytest.raises(ConfigError, match=r"signs\.0 'stop' stands on the track"):
        load_scenario(path)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "7", "just words"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match="mapping"):
        load_scenario(write(tmp_path, text))


def test_broken_yaml_is_refused_with_the_line(tmp_path):
    with pytest.raises(ConfigError, match=r"no YAML.*line 2"):
        load_scenario(write(tmp_path, "title: x\n  bad: [1\n"))


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scenario(path)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"nowhere/x\.yaml"):
        load_scenario("nowhere/x.yaml")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"endless.*standard"):
        load_scenario("atlantis")


def test_the_same_seed_varies_a_scenario_in_the_same_way():
    scenario = load_scenario("standard")
    assert scenario.varied(5) == scenario.varied(5)
    assert scenario.varied(5) != scenario.varied(6)


def test_a_seed_leaves_nothing_open():
    varied = load_scenario("standard").varied(1)
    assert "any" not in {varied.room, varied.lighting, varied.table}


def test_a_seed_moves_neither_track_nor_danger():
    scenario = load_scenario("standard")
    varied = scenario.varied(3)
    assert (varied.track, varied.derails_at_m) == (scenario.track, scenario.derails_at_m)


def test_without_jitter_the_signs_stay_where_they_are(tmp_path):
    scenario = load_scenario(write(tmp_path, GOOD | {"jitter": 0}))
    assert scenario.varied(9).signs == scenario.signs


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", scenario_names())
def test_no_seed_puts_a_sign_on_the_track(name, seed):
    scenario = load_scenario(name).varied(seed)
    track = scenario.build_track()
    assert all(stands_clear(sign, track) for sign in scenario.signs)

"""The benches run the real services, and count what really happened; no test looks at the time."""

from __future__ import annotations

import json

import pytest

from kit.bench.silences import PARTS, measure_silences
from kit.bench.stops import measure_stops
from kit.cli import main


def test_each_trial_stops_a_train_that_is_speeding_up_for_good() -> None:
    counted: list[int] = []
    found = measure_stops(3, told=counted.append)
    assert counted == [1, 2, 3]
    assert len(found.written_ms) == len(found.at_hub_ms) == 3
    assert all(ms > 0 for ms in found.written_ms)
    assert found.power_after == 0
    assert found.mid_ramp <= 3


def test_each_silence_of_each_part_brakes_the_train() -> None:
    counted: list[tuple[str, int]] = []
    found = measure_silences(1, told=lambda part, count: counted.append((part, count)))
    assert counted == [(part, 1) for part in PARTS]
    assert [one.part for one in found] == list(PARTS)
    assert all(len(one.braked_ms) == 1 and one.braked_ms[0] > 0 for one in found)


def test_the_battery_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["bench", "battery", "--json"])
    assert end.value.code == 0
    charges = json.loads(capsys.readouterr().out.splitlines()[-1])["charges"]
    assert charges[0]["charge_percent"] == 100
    assert charges[-1]["power_percent"] > charges[0]["power_percent"]

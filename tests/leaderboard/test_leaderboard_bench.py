"""The bench measures what it says; how long it took is asserted nowhere."""

from __future__ import annotations

import json

import pytest

from kit.cli import main
from kit.errors import MissionError
from kit.leaderboard import bench
from kit.leaderboard.events import Event
from kit.leaderboard.rules import load_rules


def test_the_bench_compares_the_fast_way_with_the_pure_function(
    capsys: pytest.CaptureFixture[str],
) -> None:
    size = ["--people", "300", "--records", "3000", "--trials", "5"]
    with pytest.raises(SystemExit) as end:
        main(["leaderboard", "bench", *size, "--json"])
    assert end.value.code == 0
    small, large = json.loads(capsys.readouterr().out.splitlines()[-1])["benches"].values()
    assert (small["people"], small["count"]) == (96, 5)
    assert (large["people"], large["records"], large["count"]) == (300, 3005, 5)
    assert large["finishes"] > 100


def test_a_fast_way_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(bench.Incremental):
        def apply(self, *records: object) -> None:
            super().apply(*[r for r in records if not isinstance(r, Event)])

    monkeypatch.setattr(bench, "Incremental", Forgetful)
    with pytest.raises(MissionError, match="not those of all records"):
        bench.incremental(people=50, records=1000, trials=2)


def test_the_large_log_has_the_records_that_were_asked_for_each_once() -> None:
    log = bench.large_log(load_rules("kubernetes"), people=10, records=200, seed=3)
    assert len({record.id for record in log}) == len(log) == 200
    assert len({record.user for record in log}) == 10

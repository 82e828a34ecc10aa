"""``kit leaderboard replay`` as other programs call it, and what a wrong log is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.cli import main
from kit.leaderboard.events import AnyRecord, identified, parse, to_fields
from kit.leaderboard.log import read_lines
from kit.leaderboard.replay import clock

START = "2026-11-25T09:00:00+01:00"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three people, one finish a line."""
    lines = [
        {"time": 1800, "user": "ada", "exercise": "hero"},
        {"time": 3000, "user": "bob", "exercise": "hero"},
        {"time": 4000.5, "user": "bob", "exercise": "villain"},
        {"time": 7200, "user": "cem", "exercise": "fight"},
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as end:
        main(["leaderboard", *map(str, args), "--json"])
    return int(end.value.code or 0), json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_final_board(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "replay", "--rules", "original", "--events", log)
    assert code == 0
    assert [
        {key: row[key] for key in ("rank", "user", "finished")} for row in said["standings"]
    ] == [
        {"rank": 1, "user": "bob", "finished": {"hero": 3000.0, "villain": 4000.5}},
        {"rank": 2, "user": "ada", "finished": {"hero": 1800.0}},
        {"rank": 3, "user": "cem", "finished": {"fight": 7200.0}},
    ]
    villain = 25 + (5100 - 4000.5) / 300 + (9000 - 4000.5) / 300
    by_hand = [55 + 1 + 20 + villain, 55 + 5 + 24, 29 + 2 + 6]
    assert [row["score"] for row in said["standings"]] == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize("at", ["3600", "3600.0", "2026-11-25T10:00:00+01:00", "2026-11-25T09:00Z"])
def test_a_past_moment_in_seconds_or_iso(
    log: Path, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "replay", "--events", log, "--at", at, "--starts-at", START)
    assert code == 0
    assert said["at"] == 3600
    assert [(row["user"], row["score"]) for row in said["standings"]] == [("ada", 66), ("bob", 58)]


def test_times_in_iso_are_those_in_seconds(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_iso = tmp_path / "iso.jsonl"
    lines = [
        '{"time": "2026-11-25T08:30:00Z", "user": "ada", "exercise": "hero"}',
        '{"time": "2026-11-25T09:50:00+01:00", "user": "bob", "exercise": "hero"}',
        '{"time": "2026-11-25T10:06:40.500+01:00", "user": "bob", "exercise": "villain"}',
        '{"time": 7200, "user": "cem", "exercise": "fight"}',
    ]
    in_iso.write_text("\n".join(lines))
    _, seconds = run(capsys, "replay", "--events", log)
    _, iso = run(capsys, "replay", "--events", in_iso, "--starts-at", START)
    assert iso == seconds


def test_own_rules_with_conditions_and_a_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "own.yaml"
    rules.write_text(
        """
        name: own
        starts_at: 2026-11-25T09:00:00+01:00
        duration_s: 100
        step_s: 10
        exercises:
          - {id: x, bonus: 5, nominal_end_s: 50, conditions: [{id: up}, {id: db}]}
        """
    )
    log = tmp_path / "log.jsonl"
    same = {"user": "ada", "exercise": "x", "env": None}
    lines = [
        {**same, "time": 30, "condition": "db", "value": True},
        {**same, "time": 20, "condition": "up", "value": True},
        {**same, "time": "2026-11-25T09:00:25+01:00", "condition": "up", "value": False},
        {**same, "time": 40, "condition": "up", "value": 1},
    ]
    log.write_text("\n".join(map(json.dumps, lines)))
    _, said = run(capsys, "replay", "--rules", rules, "--events", log)
    assert said["standings"] == [{"rank": 1, "user": "ada", "score": 12.0, "finished": {"x": 40.0}}]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "no JSON"),
        ("[1]", "no object"),
        ('{"user": "ada", "exercise": "hero"}', "no 'time'"),
        ('{"time": 1, "exercise": "hero"}', "'user'"),
        ('{"time": 1, "user": "", "exercise": "hero"}', "'user'"),
        ('{"time": 1, "user": 7, "exercise": "hero"}', "'user'"),
        ('{"time": 1, "user": "ada"}', "'exercise'"),
        ('{"time": 1, "user": "ada", "exercise": "heroo"}', "no such exercise"),
        ('{"time": 1, "user": "ada", "exercise": "hero", "condition": "up"}', "no such condition"),
        ('{"time": 1, "user": "ada", "exercise": "hero", "conditio": "up"}', "conditio"),
        ('{"time": 1, "user": "ada", "exercise": "hero", "value": "much"}', "'value'"),
        ('{"time": "soon", "user": "ada", "exercise": "hero"}', "ISO 8601"),
        ('{"time": "2026-11-25T09:00Z", "user": "ada", "exercise": "hero"}', "--starts-at"),
        ('{"time": NaN, "user": "ada", "exercise": "hero"}', "NaN"),
        ('{"time": 1e300, "user": "ada", "exercise": "hero"}', "less than a year"),
        ('{"time": true, "user": "ada", "exercise": "hero"}', "seconds from the start"),
        ('{"kind": "win", "time": 1, "user": "ada"}', "unknown kind"),
        ('{"kind": "undo", "time": 1, "user": "ada", "target": "x", "who": "olga"}', "'why'"),
        ('{"kind": "join", "time": 1, "user": "ada", "bracket": "x"}', "no such bracket"),
        ("x" * 70_000, "too long"),
        ("[" * 60_000, "no JSON"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(
    log: Path, line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with log.open("a") as file:
        file.write(f"\n{line}\n")
    code, said = run(capsys, "replay", "--events", log)
    assert code == 1
    assert f"{log}, line 6: " in said["error"]
    assert told in said["error"]


def test_a_log_that_is_not_there_and_one_that_is_no_text_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "nowhere", binary):
        code, said = run(capsys, "replay", "--events", path)
        assert code == 1
        assert f"{path} cannot be read" in said["error"]


@pytest.mark.parametrize("at", ["soon", "1e300"])
def test_a_moment_that_cannot_be_is_told(
    log: Path, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "replay", "--events", log, f"--at={at}")[0] == 1


def test_an_empty_log_has_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert run(capsys, "replay", "--events", empty)[1]["standings"] == []


def test_people_read_a_table(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["leaderboard", "replay", "--events", str(log)])
    first = capsys.readouterr().out.splitlines()[1]
    assert first.split() == ["1", "bob", "121.330", "hero", "0:50:00.000", "villain", "1:06:40.500"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00:00.000"), (3723.004, "1:02:03.004"), (59.9996, "0:01:00.000"), (-5, "-0:00:05.000")],
)
def test_times_are_shown_to_the_millisecond(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_a_record_is_read_as_it_was_written() -> None:
    who = {"who": "olga", "why": "a reason"}
    given: list[dict[str, Any]] = [
        {
            "time": 1.001,
            "user": "ada",
            "exercise": "hero",
            "env": "prod",
            "value": 0,
            "source": "s",
        },
        {"kind": "hint", "time": 2, "user": "ada", "exercise": "hero", "hint": "1"},
        {"kind": "join", "time": 3, "user": "ada", "name": "Ada", "team": "red"},
        {"kind": "undo", "time": 4, "user": "ada", "target": "x", "restore": True, **who},
        {"kind": "disqualify", "time": 5, "user": "ada", **who},
        {"kind": "adjust", "time": 6, "user": "ada", "points": -2.5, **who},
        {"kind": "hide", "time": 7, "user": "ada", "hidden": False, **who},
    ]
    records: list[AnyRecord] = [parse(fields) for fields in given]
    lines = [json.dumps(to_fields(record)) for record in records]
    assert list(read_lines(lines)) == records
    assert [identified(record).id for record in records] == [record.id for record in records]
    assert len({record.id for record in records}) == len(records)

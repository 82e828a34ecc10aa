"""CSV, in and out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EventError
from kit.leaderboard.events import Event, Hide, Join, identified
from kit.leaderboard.names import clean_name
from kit.leaderboard.rules import Condition, Exercise, Rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.store import Stored
from kit.leaderboard.table import COLUMNS, log_csv, read_csv, standings_csv

HERO = Exercise(id="hero", conditions=(Condition(id="up"),), environments=("dev", "prod"))
RULES = Rules(name="r", duration_s=9000, exercises=(HERO, Exercise(id="fight")))
START = datetime(2026, 11, 25, 9, tzinfo=UTC)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def read(text: str) -> list[Event]:
    return read_csv(text, RULES, starts_at=START)  # type: ignore[return-value]


def test_events_are_read_with_times_in_seconds_or_iso() -> None:
    first, second = read(
        "time,user,exercise,env,condition,value\n"
        "12.5,ada,hero,dev,up,1\n"
        "2026-11-25T10:00:00+01:00,bob,fight,,,\n"
    )
    assert first == identified(
        Event(at_ms=12_500, user="ada", exercise="hero", env="dev", condition="up")
    )
    assert (second.at_ms, second.user, second.value) == (0, "bob", 1.0)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_of_all_countries_are_read(separator: str) -> None:
    text = "\ufeffTime, User ,exercise\n5,Zoë,fight\r\n".replace(",", separator)
    (event,) = read(text)
    assert (event.at_ms, event.user) == (5000, "Zoë")


def test_a_row_that_comes_twice_is_the_same_event() -> None:
    one, two = read("time,user,exercise\n5,ada,fight\n5,ada,fight\n")
    assert one.id == two.id


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "head line"),
        ("time,user\n1,ada\n", "head line"),
        ("time,user,exercise,points\n1,ada,fight,5\n", "head line"),
        ("time,user,exercise\n1,ada,fight\nx,ada,fight\n", "line 3"),
        ("time,user,exercise\n1,,fight\n", "line 2"),
        ("time,user,exercise\n1,ada,nothing\n", "line 2"),
        ("time,user,exercise\n1,ada\n", "line 2"),
        ("time,user,exercise\n1,ada,fight,more\n", "line 2"),
        ("time,user,exercise,value\n1,ada,fight,nan\n", "line 2"),
        ("time,user,exercise,value\n1,ada,fight,much\n", "line 2"),
        ('time,user,exercise\n1,"ada,fight\n', "line"),
    ],
)
def test_a_table_that_is_wrong_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(EventError, match=problem):
        read(text)


def test_standings_are_a_row_for_each_user_with_the_times_of_the_finishes() -> None:
    records = [Event(at_ms=1500, user="ada", exercise="fight"), Join(at_ms=0, user="bob")]
    records.append(Hide(at_ms=0, user="bob", who="org", why="a test"))
    ada, bob = rows(standings_csv(standings(RULES, records, 10), RULES))
    assert (ada["rank"], ada["user"], ada["fight"], ada["hero"]) == ("1", "ada", "1.5", "")
    assert (bob["rank"], bob["hidden"]) == ("", "1")


def test_a_log_is_a_row_for_each_record() -> None:
    event = identified(Event(at_ms=1500, user="ada", exercise="fight"))
    (row,) = rows(log_csv([Stored(7, event, START, "claim")]))
    assert (row["sequence"], row["kind"], row["user"], row["time"]) == ("7", "event", "ada", "1.5")


@pytest.mark.parametrize("name", ["=1+1", "+SUM(A1)", "-2", "@x", '=HYPERLINK("http://x")'])
def test_a_name_is_no_formula_in_a_spreadsheet_and_comes_back_as_it_was(name: str) -> None:
    event = identified(Event(at_ms=1500, user=name, exercise="fight"))
    text = log_csv([Stored(1, event, START, "claim")])
    (row,) = rows(text)
    assert row["user"] == f"'{name}"
    cells = io.StringIO()
    csv.writer(cells).writerow(["1.5", row["user"], "fight"])
    (again,) = read("time,user,exercise\n" + cells.getvalue())
    assert again.user == name


NAMES = (
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
    .map(clean_name)
    .filter(lambda name: not name.startswith("'"))
)


@given(
    st.lists(
        st.builds(
            Event,
            at_ms=st.integers(-1000, 10_000_000),
            user=NAMES,
            exercise=st.just("fight"),
            env=st.sampled_from(["", "dev", "prod"]),
            value=st.sampled_from([0.0, 1.0]),
        ).map(identified),
        max_size=8,
    )
)
def test_what_was_exported_can_be_brought_in_again(events: list[Event]) -> None:
    text = log_csv(Stored(i, event, START, "") for i, event in enumerate(events, start=1))
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
    table.writeheader()
    table.writerows(rows(text))
    assert read(out.getvalue()) == events

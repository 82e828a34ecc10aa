"""What a late starter could still do, the plots of it, and the widgets, without a front end."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from kit.leaderboard import charts
from kit.leaderboard.board_widget import LiveBoard, board_html
from kit.leaderboard.events import Join, parse
from kit.leaderboard.rules import load_rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.simulate import Mix, simulate
from kit.leaderboard.what_if import compare, places, runner, with_accelerator
from kit.leaderboard.what_if_panel import LateStarter

ORIGINAL = load_rules("original")
ARRIVALS = simulate(ORIGINAL, people=20, seed=2)
OTHERS = [arrival.record for arrival in ARRIVALS]


def test_a_runner_in_time_finishes_at_the_nominal_ends() -> None:
    times = [event.at_ms / 60_000 for event in runner(ORIGINAL, start_s=0, pace=1)]
    assert times == [55, 85, 130]
    late = [event.at_ms / 60_000 for event in runner(ORIGINAL, start_s=1200, pace=0.5)]
    assert late == [20 + 27.5, 20 + 42.5, 20 + 65]


def test_the_fastest_wins_even_with_a_late_start_and_the_slowest_does_not() -> None:
    assert compare(ORIGINAL, OTHERS, start_s=600, pace=0.2).rank == 1
    last = compare(ORIGINAL, OTHERS, start_s=3600, pace=2)
    assert last.rank > 10
    assert last.score < last.best_score


def test_who_starts_after_the_end_has_done_nothing() -> None:
    outcome = compare(ORIGINAL, OTHERS, start_s=8900, pace=2)
    assert (outcome.rank, outcome.score, outcome.finished) == (21, 0.0, {})


def test_places_are_those_of_one_runner_after_the_other_and_grow_with_start_and_pace() -> None:
    starts, paces = [0, 1200, 3000], [0.4, 0.8, 1.2]
    found = places(ORIGINAL, OTHERS, starts_s=starts, paces=paces)
    one_by_one = [
        [compare(ORIGINAL, OTHERS, start_s=start, pace=pace).rank for start in starts]
        for pace in paces
    ]
    assert found.tolist() == one_by_one
    assert np.all(np.diff(found, axis=0) >= 0)
    assert np.all(np.diff(found, axis=1) >= 0)


def test_without_accelerators_only_the_bonus_is_left() -> None:
    flat = with_accelerator(ORIGINAL, 0)
    log = [parse({"time": 1800, "user": "ada", "exercise": "hero"})]
    assert [standings(flat, log, at).rows[0].score for at in (1800, 9000)] == [60, 60]


def test_a_line_of_scores_ends_where_the_board_does() -> None:
    board = standings(ORIGINAL, OTHERS, ORIGINAL.duration_s)
    users = [row.user for row in board.rows]
    minutes, scores = charts.score_lines(ORIGINAL, OTHERS, users)
    assert minutes[-1] == 150
    assert [scores[user][-1] for user in users] == [row.score for row in board.rows]
    assert all(np.all(np.diff(line) >= 0) for line in scores.values())


@pytest.mark.parametrize("name", ["original", "kubernetes"])
def test_the_plots_say_what_they_show(name: str) -> None:
    rules = load_rules(name)
    worth = charts.plot_worth(rules)
    assert [axes.get_title() for axes in worth.axes] == ["Hero", "Villain", "Fight"]
    scores = charts.plot_scores(ORIGINAL, OTHERS, {OTHERS[0].user: "A & <B>"})
    ET.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", charts.to_svg(scores), flags=re.DOTALL))
    found = places(ORIGINAL, OTHERS, starts_s=[0, 3000], paces=[0.2, 1.5])
    figure = charts.plot_places(found, starts_s=[0, 3000], paces=[0.2, 1.5], rewarded=5)
    lines = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert lines == ["below this line: first", "below this line: among the first 5"]


def test_sliders_work_without_a_front_end() -> None:
    panel = LateStarter(ORIGINAL, OTHERS)
    panel.start.value, panel.pace.value = 10, 20
    assert panel.outcome.rank == 1
    assert "You win" in panel.words.value
    panel.start.value, panel.pace.value = 60, 200
    assert panel.outcome.rank > 10
    assert f"<b>{panel.outcome.rank}</b>" in panel.words.value
    before = panel.picture.value
    panel.slope.value = 3
    assert panel.picture.value != before


def test_the_board_shows_what_had_arrived_by_then_forth_and_back() -> None:
    late = simulate(ORIGINAL, people=20, seed=2, mix=Mix(outages=6, outage_s=3000))
    live = LiveBoard(ORIGINAL, late)
    for at_s in (3000, 6000, 3000):
        arrived = [a.record for a in late if a.arrives_ms <= at_s * 1000]
        assert live.show(at_s) == standings(ORIGINAL, arrived, at_s)
    assert live.show(3000) != standings(ORIGINAL, [a.record for a in late], 3000)


def test_the_boards_slider_moves_it_without_a_front_end() -> None:
    live = LiveBoard(ORIGINAL, ARRIVALS)
    live.moment.value = 9000
    best = standings(ORIGINAL, OTHERS, 9000).rows[0]
    assert f"{best.score:.2f}" in live.rows.value
    assert "20 people" in live.rows.value


def test_a_name_on_the_board_is_text() -> None:
    log = [Join(at_ms=0, user="x", name="<script>alert(1)</script>")]
    shown = board_html(standings(ORIGINAL, log), ORIGINAL)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_board_tells_who_rose_and_who_fell() -> None:
    log = [parse({"time": 60, "user": user, "exercise": "hero"}) for user in ("ada", "bob", "cem")]
    shown = board_html(standings(ORIGINAL, log), ORIGINAL, before={"ada": 3, "bob": 1, "cem": 3})
    assert "▲ 2" in shown
    assert "▼ 1" in shown


def test_the_slider_goes_where_a_program_moves_the_board() -> None:
    live = LiveBoard(ORIGINAL, ARRIVALS)
    board = live.show(4500.5)
    assert live.moment.value == 4500
    assert board.at_s == 4500.5
    assert f"{board.rows[0].score:.2f}" in live.rows.value

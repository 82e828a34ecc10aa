"""What is solved is claimed from a leaderboard, now or when it can be reached again."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.leaderboard.rules import load_rules
from kit.workshop import desk, reporting
from kit.workshop.folder import Folder, Progress
from kit.workshop.tasks import EXERCISES
from tests.ports import NOBODY
from tests.waiting import PATIENCE_S
from tests.workshop.boards import board, finishers, give_token, standings


def right(seen: list[bool], votes: int, of: int) -> bool:
    return sum(seen[-of:]) >= votes


@pytest.fixture
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Work in a learner's folder, as Ada, whom the organiser has given a token."""
    (tmp_path / "mine").mkdir()
    made = Folder(tmp_path / "mine")
    made.save(Progress())
    monkeypatch.chdir(made.path)
    monkeypatch.setenv("KIT_LEADERBOARD_TOKEN", give_token(tmp_path, "Ada"))
    monkeypatch.setenv("KIT_LEADERBOARD_URL", f"http://{NOBODY}")
    return made


def test_every_exercise_is_worth_something_on_the_workshops_leaderboard() -> None:
    assert {one.id for one in load_rules("workshop").exercises} == EXERCISES.keys()


def test_a_solved_exercise_is_on_the_board(
    learner: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "PATIENCE_S", PATIENCE_S)
    with board(learner.path.parent) as service:
        url = service.ready()["url"]
        monkeypatch.setenv("KIT_LEADERBOARD_URL", url)
        assert "The leaderboard knows." in desk.check("enough_votes", right).data
        (row,) = finishers(url)
    assert row["user"] == "Ada"
    assert list(row["done"]) == ["enough_votes"]
    assert learner.load().reported == ["enough_votes"]


def test_what_was_solved_without_a_connection_is_claimed_later(
    learner: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "next check tries again" in desk.check("enough_votes", right).data
    assert learner.load().reported == []
    monkeypatch.setattr(reporting, "PATIENCE_S", PATIENCE_S)
    with board(learner.path.parent) as service:
        monkeypatch.setenv("KIT_LEADERBOARD_URL", service.ready()["url"])
        desk.check("enough_votes", right)
    assert learner.load().reported == ["enough_votes"]


def test_a_skipped_exercise_is_not_claimed(
    learner: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.solve("enough_votes")
    with board(learner.path.parent) as service:
        url = service.ready()["url"]
        monkeypatch.setenv("KIT_LEADERBOARD_URL", url)
        desk.check("enough_votes", right)
        assert [row for row in standings(url) if row["done"]] == []

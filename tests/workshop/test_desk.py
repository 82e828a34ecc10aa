"""What a learner calls in a notebook, and what is kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.errors import ConfigError
from kit.workshop import desk
from kit.workshop.folder import FILE, Folder, Progress
from kit.workshop.tasks import EXERCISES


def right(seen: list[bool], votes: int, of: int) -> bool:
    return sum(seen[-of:]) >= votes


def wrong(seen: list[bool], votes: int, _of: int) -> bool:
    return sum(seen) >= votes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Work in a French learner's folder."""
    made = Folder(tmp_path)
    made.save(Progress(language="fr"))
    monkeypatch.chdir(tmp_path)
    return made


def test_a_right_function_is_kept_as_solved(folder: Folder) -> None:
    assert "est juste" in desk.check("enough_votes", right).data
    assert folder.load().done["enough_votes"].outcome == "solved"


def test_a_wrong_one_is_told_so_in_the_language_of_the_folder_and_counted(folder: Folder) -> None:
    with pytest.raises(desk.NotYetError, match="attendu"):
        desk.check("enough_votes", wrong)
    kept = folder.load()
    assert kept.tries == {"enough_votes": 1}
    assert kept.done == {}


def test_jupyter_shows_one_line_of_a_failed_check() -> None:
    with pytest.raises(desk.NotYetError) as failed:
        desk.check("enough_votes", wrong)
    (line,) = failed.value._render_traceback_()
    assert "expected" in line


def test_hints_say_more_each_time_and_stay_at_the_last(folder: Folder) -> None:
    said = [desk.hint("motor_message").data for _ in range(4)]
    assert len(set(said)) == 3
    assert said[2] == said[3]
    assert folder.load().hints == {"motor_message": 3}


def test_who_skips_gets_the_solution_to_go_on_with(folder: Folder) -> None:
    function: Any = desk.solve("enough_votes")
    assert function([True, True], 2, 5) is True
    assert folder.load().done["enough_votes"].outcome == "skipped"


def test_solving_after_skipping_does_not_count(folder: Folder) -> None:
    desk.solve("enough_votes")
    desk.check("enough_votes", right)
    assert folder.load().done["enough_votes"].outcome == "skipped"


def test_a_reset_opens_the_exercise_again_and_shows_the_stub(folder: Folder) -> None:
    desk.check("enough_votes", right)
    assert "NotImplementedError" in desk.reset("enough_votes").data
    assert folder.load().done == {}


def test_outside_a_learners_folder_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    desk.check("enough_votes", right)
    assert list(tmp_path.iterdir()) == []


def test_a_passed_check_shows_how_far_the_learner_has_come(folder: Folder) -> None:
    desk.solve("overlap")
    shown = desk.check("enough_votes", right).data
    assert f"2 sur {len(EXERCISES)} en tout (passés : 1)" in shown
    assert "2 sur 6 en deux heures" in shown
    assert shown.count("title=") == len(EXERCISES)
    assert shown.index('title="overlap"') < shown.index('title="enough_votes"')


def test_outside_a_learners_folder_a_passed_check_shows_no_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "title=" not in desk.check("enough_votes", right).data


def test_progress_is_shown_for_each_exercise(folder: Folder) -> None:
    desk.hint("overlap")
    desk.check("enough_votes", right)
    shown = desk.progress_table().data
    assert folder.load().hints == {"overlap": 1}
    assert "résolu" in shown
    assert "à faire" in shown


def test_an_unknown_exercise_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="enough_votes"):
        desk.hint("nonsense")


def test_a_broken_file_is_named_and_not_overwritten(folder: Folder) -> None:
    path = folder.path / FILE
    path.write_text("{broken")
    with pytest.raises(ConfigError, match="kit workshop new"):
        desk.check("enough_votes", right)
    assert path.read_text() == "{broken"

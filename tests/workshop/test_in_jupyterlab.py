"""A learner in a real JupyterLab: fails a check, reads a hint, solves it, and is on the board."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.workshop.cells import solution
from kit.workshop.copying import new_copy
from kit.workshop.folder import Folder
from tests.jupyterlab import HAS_KERNEL, PATIENCE_S, jupyterlab
from tests.workshop.boards import board, finishers, give_token, standings

NOTEBOOK = "70_view_the_leaderboard"
EXERCISE = "points"

WRITE = """async ([id, text]) => {
  const { content } = jupyterapp.shell.currentWidget;
  const index = content.widgets.findIndex((cell) => cell.model.id === id);
  content.activeCellIndex = index;
  if (text) content.activeCell.model.sharedModel.setSource(text);
  await jupyterapp.commands.execute("notebook:run-cell");
}"""
"""Write something into the cell of an id, as if typed, and run it."""

ASK = """async (text) => {
  await jupyterapp.commands.execute("notebook:insert-cell-below");
  jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(text);
  await jupyterapp.commands.execute("notebook:run-cell");
}"""
"""Write something into a cell of one's own below, and run it."""

PATIENTLY = f"from kit.workshop import reporting; reporting.PATIENCE_S = {PATIENCE_S}"
"""A line for a cell: wait longer for the leaderboard than a learner would like to."""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE_S * 1000)
    yield page
    page.close()


def see(page: Any, words: str) -> None:
    page.wait_for_selector(f".jp-OutputArea-output:has-text({words!r})")


def test_a_learner_fails_reads_a_hint_solves_and_is_on_the_board(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    new_copy(mine, language="fr")
    monkeypatch.setenv("KIT_LEADERBOARD_TOKEN", give_token(tmp_path, "Ada"))
    with board(tmp_path) as service:
        url = service.ready()["url"]
        monkeypatch.setenv("KIT_LEADERBOARD_URL", url)
        with jupyterlab(mine) as lab:
            page.goto(f"{lab}/lab/tree/{NOTEBOOK}.ipynb")
            page.wait_for_function(HAS_KERNEL)
            page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
            see(page, "n'est pas encore écrite")
            assert [row for row in standings(url) if row["done"]] == []
            page.wait_for_function(HAS_KERNEL)
            page.evaluate(ASK, f'{PATIENTLY}\ndesk.hint("{EXERCISE}")')
            see(page, "1/3")
            page.evaluate(WRITE, ["exercise-points", solution(EXERCISE, NOTEBOOK)])
            page.evaluate(WRITE, ["check-points", ""])
            see(page, "Le classement est au courant.")
        (row,) = finishers(url)
    assert row["user"] == "Ada"
    assert list(row["done"]) == [EXERCISE]
    kept = Folder(mine).load()
    assert kept.done[EXERCISE].outcome == "solved"
    assert kept.hints == {EXERCISE: 1}
    assert kept.tries == {EXERCISE: 1}

"""Labels of charts: each has its French text, and a French notebook shows it."""

from __future__ import annotations

import ast
import json
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

from kit import labels
from kit.config import share_path
from kit.labels import say
from kit.learning import fault_plot, link_plot
from kit.learning.show import show_plot
from kit.mlops.measuring import confusion
from kit.workshop.folder import Folder, Progress

NOTEBOOKS = sorted(share_path("notebooks").glob("*.ipynb"))
MODULES = sorted(
    path
    for path in Path(labels.__file__).parent.rglob("*.py")
    if "from kit.labels import" in path.read_text(encoding="utf-8")
)
OF_AXES = {"xlabel", "ylabel", "title", "label"}
"""Arguments that matplotlib and `show_picture` write on a picture."""

IN_TABLES = {*fault_plot._ROWS, *fault_plot._CONTROLLER, *link_plot.GROUNDS, confusion.NOTHING}
"""Labels that are the names of something, translated where they are shown."""

french = labels.labels("fr")


def nodes(path: Path) -> Iterator[ast.AST]:
    """Yield each node of a module, or of a notebook's cells."""
    text = path.read_text(encoding="utf-8")
    sources = [text]
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for source in sources:
        yield from ast.walk(ast.parse(source))


def texts(*within: ast.AST) -> set[str]:
    """Return the texts that are written out in some expressions, without those with places."""
    return {
        node.value
        for root in within
        for node in ([] if isinstance(root, ast.JoinedStr) else ast.walk(root))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def said(path: Path) -> set[str]:
    """Return what a module says by `say`."""
    return {
        text
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
        for text in texts(node.args[0])
    }


def drawn(path: Path) -> set[str]:
    """Return what a notebook writes on its own plots and above its pictures."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.keyword) and node.arg in OF_AXES:
            found |= texts(node.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "show_strip":
            found |= texts(*(node.args[1].elts if isinstance(node.args[1], ast.List) else ()))
            found |= texts(node.args[1].left) if isinstance(node.args[1], ast.BinOp) else set()
    return found - {"", "ms"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_label_of_a_chart_has_a_french_text(path: Path) -> None:
    assert said(path) - french.keys() == set()
    assert IN_TABLES - french.keys() == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_label_of_a_notebooks_own_plot_has_a_french_text(path: Path) -> None:
    assert drawn(path) - french.keys() == set()


def test_no_label_is_left_that_nothing_says() -> None:
    written = {text for path in (*MODULES, *NOTEBOOKS) for text in texts(*nodes(path))}
    assert french.keys() - written - IN_TABLES == set()


@pytest.mark.parametrize("english", french)
def test_a_french_label_fills_the_same_places(english: str) -> None:
    def places(text: str) -> list[tuple[str | None, str | None]]:
        return sorted((name, form) for _, name, form, _ in string.Formatter().parse(text) if name)

    assert places(french[english]) == places(english)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_chart_writes_no_words_of_its_own(path: Path) -> None:
    labels = [
        node.value for node in nodes(path) if isinstance(node, ast.keyword) and node.arg in OF_AXES
    ]
    labels += [
        node.args[0]
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"set_xlabel", "set_ylabel", "set_title"}
    ]
    assert texts(*(label for label in labels if isinstance(label, ast.Constant))) == set()


def test_a_plot_is_shown_with_its_labels_in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "language", lambda: "fr")
    figure, axis = plt.subplots()
    axis.plot([0, 1], [0, 1], label="broken rail")
    axis.set(xlabel="metres along the track", ylabel="{no label}", title="Nobody brakes")
    legend = axis.legend()

    show_plot(figure)

    assert axis.get_xlabel() == "mètres le long de la voie"
    assert axis.get_ylabel() == "{no label}"
    assert axis.get_title() == "Personne ne freine"
    assert [text.get_text() for text in legend.get_texts()] == ["rail cassé"]


def test_a_notebook_speaks_the_language_of_its_folder_and_a_program_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Folder(tmp_path).save(Progress(language="fr"))
    monkeypatch.chdir(tmp_path)

    monkeypatch.setattr("IPython.get_ipython", object)
    assert say("{model} takes over", model="0.6.0") == "0.6.0 prend le relais"
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    assert say("{model} takes over", model="0.6.0") == "0.6.0 takes over"

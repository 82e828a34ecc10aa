"""What notebooks say: each has its French text, and a French notebook shows it."""

from __future__ import annotations

import ast
import html
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

from kit import labels
from kit.chaos.catalogue import all_faults
from kit.chaos.fault import Where
from kit.config import share_path
from kit.events import LABELS, Action, Motion, TrainState
from kit.labels import say, told
from kit.learning import fault_plot, link_plot
from kit.learning.drive_panel import status_html
from kit.learning.live_widget import WORDS, LiveWidget
from kit.learning.show import rows, show_plot, table, tell
from kit.learning.wire import _PORTS, _PROPERTIES, in_words
from kit.mlops.labelling.widget import HINT
from kit.mlops.measuring import confusion, gallery
from kit.mlops.measuring.mistakes import Kind
from kit.reasons import Reason
from kit.runtime.outcome import FAILED, STAGE_NAMES
from kit.services.base import Snapshot
from kit.services.catalogue import SERVICES
from kit.services.live import render
from kit.services.swap_policy import Phase
from kit.sim import load_scenario
from kit.train.lwp3 import enums
from kit.watching.doubt import Reason as Doubt
from kit.workshop.folder import Folder, Progress
from kit.workshop.translation import LOCALE

NOTEBOOKS = sorted(share_path("notebooks").glob("*.ipynb"))
KIT = Path(labels.__file__).parent
MODULES = sorted(
    path
    for path in KIT.rglob("*.py")
    if "from kit.labels import" in path.read_text(encoding="utf-8")
)
SAYERS = {"say", "tell", "translated"}
"""Functions whose first argument is shown in the notebook's language."""

OF_AXES = {"xlabel", "ylabel", "title", "label"}
"""Arguments that matplotlib and `show_picture` write on a picture."""

OF_THE_HUB = (
    enums.HubProperty,
    enums.PropertyOperation,
    enums.HubAction,
    enums.AlertType,
    enums.AlertOperation,
    enums.IoType,
    enums.ErrorCode,
    enums.ModeInformationType,
    enums.Feedback,
    enums.Colour,
)
"""What a message to or from a train is about; what the protocol calls its messages stays."""

A_WORD = re.compile(r"[A-Za-z]{3,}")

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


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions by their plain names."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def said(path: Path) -> set[str]:
    """Return what a module or a notebook says in the notebook's language."""
    return {
        node.value
        for call in calls(path, *SAYERS)
        for node in shown(call.args[0])
        if isinstance(node, ast.Constant) and A_WORD.search(node.value)
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


def shown(node: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield the texts of an expression, but those that are only arguments, keys or compared."""
    if isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    ):
        yield node
        return
    inner = [node.func] if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in inner:
        if not isinstance(node, ast.Subscript | ast.Compare):
            yield from shown(child)


def in_tables(path: Path) -> set[str]:
    """Return heads, names and whole values that a notebook writes into its tables."""
    found = {
        node.value
        for call in calls(path, "table", "rows")
        for argument in call.args
        for node in shown(argument)
        if isinstance(node, ast.Constant) and A_WORD.search(node.value)
    }
    return found - set(LABELS)


def own_words(path: Path) -> set[str]:
    """Return texts of a notebook that are printed or put together past the catalogue."""
    found = list(nodes(path))
    prints = [n for n in found if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
    printed = [node for call in prints for arg in call.args for node in shown(arg)]
    asserts = {
        id(inner) for node in found if isinstance(node, ast.Assert) for inner in ast.walk(node)
    }
    joined = [n for n in found if isinstance(n, ast.JoinedStr) and id(n) not in asserts]
    return {
        ast.unparse(node)
        for node in (*printed, *joined)
        if any(A_WORD.search(part) for part in literal(node))
    }


def literal(node: ast.Constant | ast.JoinedStr) -> list[str]:
    """Return what is written out in a text."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return [part.value for part in parts if isinstance(part, ast.Constant)]


def in_numbers() -> set[str]:
    """Return names and values that services show beside the live picture."""
    return {
        text.value
        for path in (KIT / "services").glob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and node.name in {"numbers", "snapshot"}
        for statement in node.body[1:]
        for text in shown(statement)
        if isinstance(text, ast.Constant) and text.value == text.value.strip() != ""
    }


def blind() -> set[str]:
    """Return why a picture shows nothing."""
    returns = [n for n in nodes(KIT / "vision/blindness.py") if isinstance(n, ast.Return)]
    return texts(*returns)


def in_words_of_faults() -> set[str]:
    """Return the names and the fixed values of what came of a fault."""
    tree = ast.parse(Path(fault_plot.__file__).with_name("fault_lesson.py").read_text("utf-8"))
    (words,) = (
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "in_words"
    )
    names = {
        t for n in ast.walk(words) if isinstance(n, ast.Dict) for t in texts(*filter(None, n.keys))
    }
    return names | {"never", "yes", "never: it drove on"}


SHARED = [fault for fault in all_faults() if fault.where is Where.SHARED]
IN_TABLES = {
    *fault_plot._ROWS,
    *fault_plot._CONTROLLER,
    *link_plot.GROUNDS,
    confusion.NOTHING,
    gallery.NOTHING,
    HINT,
    *WORDS,
    *Motion,
    *(f"{motion} (latched)" for motion in Motion),
    *Action,
    *Phase,
    *Kind,
    *(doubt.replace("_", " ") for doubt in Doubt),
    *SERVICES,
    FAILED,
    *STAGE_NAMES.values(),
    *(text for fault in SHARED for text in (fault.what, fault.expected)),
    *(load_scenario(path.stem).title for path in share_path("datasets/scenarios").glob("*.yaml")),
    *(member.name.lower().replace("_", " ") for kind in OF_THE_HUB for member in kind),
    *_PORTS.values(),
    *_PROPERTIES.values(),
    *(port.name.lower().replace("_", " ") for port in set(enums.Port) - _PORTS.keys()),
    *in_numbers(),
    *blind(),
    *in_words_of_faults(),
}
"""What is in English where it comes from, and translated where it is shown."""

VALUES = {"derailed", "finished", "interrupt", "True", "False"}
"""What a mission ends by, besides what a service does, and what a table shows of truth."""


@pytest.fixture
def in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "language", lambda: "fr")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_a_module_says_has_a_french_text(path: Path) -> None:
    assert said(path) - french.keys() == set()


def test_what_is_translated_where_it_is_shown_has_a_french_text() -> None:
    assert (IN_TABLES | VALUES) - french.keys() == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_draws_says_and_lists_has_a_french_text(path: Path) -> None:
    assert (drawn(path) | said(path) | in_tables(path)) - french.keys() == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_puts_no_sentence_together_past_the_catalogue(path: Path) -> None:
    assert {text for text in own_words(path) if "://" not in text} == set()


def test_words_past_the_catalogue_would_be_found(tmp_path: Path) -> None:
    cells = ['print("so many words")', 'table({f"frame {n}": 1})', 'assert True, f"frame {n}"']
    notebook = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    path = tmp_path / "words.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert own_words(path) == {"'so many words'", "f'frame {n}'"}


def test_no_label_is_left_that_nothing_says() -> None:
    written = {text for path in (*MODULES, *NOTEBOOKS) for text in texts(*nodes(path))}
    assert french.keys() - written - IN_TABLES - VALUES == set()


def test_no_text_stands_in_two_files_of_the_catalogue() -> None:
    files = (LOCALE / "labels.fr").glob("*.json")
    keys = [key for path in files for key in json.loads(path.read_text(encoding="utf-8"))]
    assert sorted(keys) == sorted(set(keys))


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


@pytest.mark.usefixtures("in_french")
def test_a_plot_is_shown_with_its_labels_in_french() -> None:
    figure, axis = plt.subplots()
    axis.plot([0, 1], [0, 1], label="broken rail")
    axis.set(xlabel="metres along the track", ylabel="{no label}", title="Nobody brakes")
    legend = axis.legend()

    show_plot(figure)

    assert axis.get_xlabel() == "mètres le long de la voie"
    assert axis.get_ylabel() == "{no label}"
    assert axis.get_title() == "Personne ne freine"
    assert [text.get_text() for text in legend.get_texts()] == ["rail cassé"]


@pytest.mark.usefixtures("in_french")
def test_a_sentence_is_printed_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    tell("{votes} of 5 votes", votes=3)
    tell("{votes} of no catalogue", votes=3)
    assert capsys.readouterr().out == "votes : 3 sur 5\n3 of no catalogue\n"


@pytest.mark.usefixtures("in_french")
def test_a_table_is_french_but_for_the_names_of_a_model() -> None:
    page = table({"ended by": "no sign", "reason": Reason.NO_SIGN, "SpeedLimit": "Speed"}).data
    assert "<b>motif de fin</b>" in page
    assert ">aucun panneau<" in page
    assert ">aucun panneau en vue<" in page
    assert "<b>SpeedLimit</b>" in page
    assert ">oui<" in table({"stopped": True}).data
    state = TrainState.model_construct(reason="never")
    assert "<b>reason</b>" in table(state).data
    assert ">jamais<" in table(state).data
    assert '<th style="text-align:left">étape</th>' in rows(["stage"], [["decode"]]).data
    assert ">décoder<" in rows(["stage"], [["decode"]]).data


@pytest.mark.usefixtures("in_french")
def test_a_reason_is_told_in_french_with_what_is_within() -> None:
    stopped = Reason.SILENCE_STOPS.say(silence=Reason.NO_DECISION)
    assert told(stopped) == "pas de décision fraîche : arrêté"
    assert told(Reason.SERVICE_GONE.say(service="control")) == "le service « commande » a disparu"
    assert told("seconds") == "la durée prévue"
    assert told("because I say so") == "because I say so"


@pytest.mark.usefixtures("in_french")
def test_messages_to_the_hub_are_in_french_words() -> None:
    assert in_words(bytes.fromhex("0800810011510060")) == "port A : puissance 96 %"
    assert in_words(bytes.fromhex("0500820 00a".replace(" ", ""))) == "port A : terminé, au repos"


@pytest.mark.usefixtures("in_french")
def test_live_view_and_drive_panel_are_in_french() -> None:
    shown = render(Snapshot("control", 3.0, {"state": "cruising (latched)", "reason": "paused"}))
    assert "contrôle · 3 s" in shown
    assert ">état<" in shown
    assert ">en marche (verrouillé)<" in shown
    assert ">en pause<" in shown
    assert LiveWidget().words["no picture yet"] == "aucune image encore"
    state = TrainState.model_construct(
        motion=Motion.STOPPED,
        latched=True,
        reason=str(Reason.LATCHED_AT_START),
        power_percent=0,
        battery_percent=None,
        voltage_v=None,
        rssi_dbm=None,
    )
    panel = status_html(state, speed="0.00 m/s")
    assert "arrêté · verrouillé" in panel
    assert html.escape(told(Reason.LATCHED_AT_START)) in panel
    assert ">batterie<" in panel
    assert status_html(None, speed="") == "<b>recherche du hub</b>"


def test_a_notebook_speaks_the_language_of_its_folder_and_a_program_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Folder(tmp_path).save(Progress(language="fr"))
    monkeypatch.chdir(tmp_path)

    monkeypatch.setattr("IPython.get_ipython", object)
    assert say("{model} takes over", model="0.6.0") == "0.6.0 prend le relais"
    assert told(Reason.NO_SIGN) == "aucun panneau en vue"
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    assert say("{model} takes over", model="0.6.0") == "0.6.0 takes over"
    assert told(Reason.NO_SIGN) == "no sign in sight"

"""The French edition: every text is translated, and its notebooks are the same notebooks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kit.config import share_path
from kit.errors import ConfigError
from kit.workshop.copying import new_copy
from kit.workshop.translation import (
    catalogue,
    messages,
    translate,
    translated_notebooks,
    unbroken,
)

NOTEBOOKS = sorted(share_path("notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def french(path: Path) -> dict[str, str]:
    return dict(catalogue(path.stem, "fr"))


def code_in(text: str) -> list[str]:
    """Return the pieces of code and the addresses in a text."""
    return sorted(re.findall(r"`[^`]+`|\]\([^)]+\)", text))


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ ", text, flags=re.MULTILINE)


@every_notebook
def test_every_text_has_its_translation_and_no_other_is_kept(path: Path) -> None:
    assert french(path).keys() == set(messages(read(path)))


@every_notebook
def test_a_translation_has_the_same_headings_code_and_links(path: Path) -> None:
    for english, translated in french(path).items():
        assert headings(translated) == headings(english)
        assert code_in(translated) == code_in(english)


@every_notebook
def test_it_says_the_same_time(path: Path) -> None:
    opening = messages(read(path))[0]
    (minutes,) = re.findall(r"\*\*Takes\*\* (\d+) minutes", opening)
    assert f"**Durée** : {minutes} minutes" in french(path)[opening]


def test_no_catalogue_is_left_of_a_notebook_that_is_gone() -> None:
    assert translated_notebooks("fr") == [path.stem for path in NOTEBOOKS]


def test_a_french_copy_has_the_same_code(tmp_path: Path) -> None:
    def code(path: Path) -> list[Any]:
        return [c for c in read(path)["cells"] if c["cell_type"] == "code"]

    english, translated = new_copy(tmp_path / "en"), new_copy(tmp_path / "fr", language="fr")
    assert [code(path) for path in english] == [code(path) for path in translated]
    assert all(
        messages(read(a)) != messages(read(b)) for a, b in zip(english, translated, strict=True)
    )


def test_a_text_without_translation_is_named() -> None:
    notebook = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# Brand new"}]}
    with pytest.raises(ConfigError, match="Brand new"):
        translate(notebook, stem="00_mission_briefing", language="fr")


def test_no_line_ends_before_a_mark_and_code_stays_as_it_is() -> None:
    assert unbroken("« Quoi ? » 5 % : `a : b ?` ; non !") == (
        "«\xa0Quoi\xa0?\xa0» 5\xa0%\xa0: `a : b ?`\xa0; non\xa0!"
    )

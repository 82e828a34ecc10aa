"""Notebooks in other languages, from catalogues: gettext's PO files, one a notebook.

A message is the whole text of a markdown cell. Code stays as it is: its names are English
everywhere. There is no second copy of a notebook, so the two cannot drift apart; a test tells
which cells have no translation yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import ConfigError, missing_extra
from kit.workshop.cells import Cell, Notebook
from kit.workshop.texts import Language

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LOCALE = Path(__file__).resolve().parent / "locale"
"""Holds a folder for each language but English, and the labels of charts beside it."""

_CODE_OR_SPACE = re.compile(r"(`+.+?`+)|(?<=«) | (?=[:;?!»%])", re.DOTALL)


def translate(notebook: Notebook, *, stem: str, language: Language) -> None:
    """Put the text of a notebook into another language.

    Args:
        notebook: As read from JSON; changed in place.
        stem: Of its file.
        language: English changes nothing.

    Raises:
        ConfigError: If a text is not translated.
    """
    if language == "en":
        return
    words = catalogue(stem, language)
    for cell in markdown(notebook):
        text = _source(cell)
        if text not in words:
            raise ConfigError(
                f"The notebook '{stem}' is not all translated to '{language}'",
                got=text.splitlines()[0],
                fix=f"add it to {LOCALE.name}/{language}/{stem}.po",
            )
        cell["source"] = unbroken(words[text])


def unbroken(text: str) -> str:
    """Keep lines from ending where French has a space beside a mark, as in ``Quoi ?``.

    Args:
        text: Markdown; code in it stays as it is.
    """
    return _CODE_OR_SPACE.sub(lambda found: found[1] or "\N{NO-BREAK SPACE}", text)


def catalogue(stem: str, language: Language) -> Mapping[str, str]:
    """Read the translations of a notebook's text.

    Args:
        stem: Of its file.
        language: Which one.

    Returns:
        Translated by English text; what has no translation is left out.
    """
    path = LOCALE / language / f"{stem}.po"
    if not path.exists():
        return {}
    return {
        str(message.id): str(message.string)
        for message in _read(path)
        if message.id and message.string and not message.fuzzy
    }


def translated_notebooks(language: Language) -> list[str]:
    """Name the notebooks that have a catalogue of a language."""
    return sorted(path.stem for path in (LOCALE / language).glob("*.po"))


def markdown(notebook: Notebook) -> Iterator[Cell]:
    """Find the cells that are text."""
    return (cell for cell in notebook["cells"] if cell["cell_type"] == "markdown")


def messages(notebook: Notebook) -> list[str]:
    """Return the text of each markdown cell."""
    return [_source(cell) for cell in markdown(notebook)]


def _read(path: Path) -> Catalog:
    try:
        from babel.messages.pofile import read_po
    except ImportError as error:
        raise missing_extra("babel", "lab") from error
    with path.open("rb") as file:
        return read_po(file)


def _source(cell: Cell) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)

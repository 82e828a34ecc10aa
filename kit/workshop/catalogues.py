"""Bring the catalogues up to date with the notebooks: ``python -m kit.workshop.catalogues``.

Each text cell of a notebook becomes a message; translations of unchanged texts stay, texts that are
gone go. What is empty then is for a translator to fill in.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from kit.config import share_path
from kit.workshop.texts import LANGUAGES, Language
from kit.workshop.translation import LOCALE, catalogue, messages


def update(notebook: Path, language: Language) -> int:
    """Write the catalogue of one notebook.

    Args:
        notebook: Its file.
        language: Of the translations.

    Returns:
        How many texts have no translation.
    """
    known = catalogue(notebook.stem, language)
    fresh = Catalog(locale=language, fuzzy=False, header_comment="")
    texts = messages(json.loads(notebook.read_text(encoding="utf-8")))
    for text in texts:
        fresh.add(text, known.get(text, ""))
    path = LOCALE / language / f"{notebook.stem}.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, fresh, width=100, omit_header=True, sort_output=False)
    return sum(text not in known for text in texts)


def main() -> None:
    """Bring all catalogues up to date, and tell what is missing."""
    for language in LANGUAGES[1:]:
        for notebook in sorted(share_path("notebooks").glob("*.ipynb")):
            missing = update(notebook, language)
            if missing:
                sys.stdout.write(f"{language} {notebook.stem}: {missing} texts to translate\n")


if __name__ == "__main__":
    main()

"""Labels of charts, in the language of the notebook that draws them.

The code says them in English. In a learner's folder in French, a notebook shows what stands for
them in ``kit/workshop/locale/labels.fr.json``. A program speaks English, as its pages do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from kit.workshop.folder import Folder
from kit.workshop.texts import Language
from kit.workshop.translation import LOCALE


def say(english: str, /, **places: object) -> str:
    """Return a label in the notebook's language.

    Args:
        english: The label, with ``{places}`` to fill.
        **places: What to fill in.
    """
    return translated(english).format(**places)


def translated(english: str) -> str:
    """Return what stands for a text in the notebook's language; the text itself if nothing does."""
    return labels(language()).get(english, english)


def language() -> Language:
    """Return the language of the learner's folder that a notebook runs in; English elsewhere."""
    ipython = sys.modules.get("IPython")
    folder = Folder.around(Path.cwd()) if ipython and ipython.get_ipython() else None
    return folder.load().language if folder else "en"


@lru_cache
def labels(language: Language) -> Mapping[str, str]:
    """Read the labels of a language by their English text; none in English."""
    if language == "en":
        return {}
    found: dict[str, str] = json.loads(
        (LOCALE / f"labels.{language}.json").read_text(encoding="utf-8")
    )
    return found

"""What notebooks say, in the language of the notebook: labels, sentences, names in tables, reasons.

The code says them in English. In a learner's folder in French, a notebook shows what stands for
them in ``kit/workshop/locale/labels.fr``, and reasons as the pages tell them. A program speaks
English, and so does whatever goes over the wire.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from kit.reasons import read
from kit.workshop.folder import Folder
from kit.workshop.texts import Language
from kit.workshop.translation import LOCALE

_PAGES = Path(__file__).resolve().parent / "web" / "shared"
_PLACE = re.compile(r"\{(\w+)\}")


def say(english: str, /, **places: object) -> str:
    """Return a text in the notebook's language.

    Args:
        english: The text, with ``{places}`` to fill.
        **places: What to fill in.
    """
    return translated(english).format(**places)


def translated(english: str) -> str:
    """Return what stands for a text in the notebook's language; the text itself if nothing does."""
    return labels(language()).get(english, english)


def told(english: str) -> str:
    """Return a reason, or what a service was ended by, in the notebook's language.

    Args:
        english: As events carry it; see `kit.reasons`. What is none of the kit's stays as it is.
    """
    spoken = language()
    return english if spoken == "en" else _told(english, spoken)


def known(value: object) -> object:
    """Return what a table shows of a value: labels, reasons, yes and no in its own language."""
    spoken = language()
    if isinstance(value, bool):
        return labels(spoken).get(str(value), value)
    if spoken == "en" or not isinstance(value, str):
        return value
    return labels(spoken).get(value) or _reason(value, spoken)


def language() -> Language:
    """Return the language of the learner's folder that a notebook runs in; English elsewhere."""
    ipython = sys.modules.get("IPython")
    return _language_in(Path.cwd()) if ipython and ipython.get_ipython() else "en"


@lru_cache
def labels(language: Language) -> Mapping[str, str]:
    """Read the labels of a language by their English text; none in English."""
    if language == "en":
        return {}
    found: dict[str, str] = {}
    for path in sorted((LOCALE / f"labels.{language}").glob("*.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found


@lru_cache
def _language_in(place: Path) -> Language:
    """Look once: a live view asks many times a second."""
    folder = Folder.around(place)
    return folder.load().language if folder else "en"


@lru_cache
def _reasons(language: Language) -> Mapping[str, Mapping[str, str]]:
    """Read the pages' reasons: ``sentences`` by code, and ``words`` that fill their places."""
    found: dict[str, dict[str, str]] = json.loads(
        (_PAGES / f"reasons.{language}.json").read_text(encoding="utf-8")
    )
    return found


def _told(english: str, language: Language) -> str:
    sentence = _reason(english, language)
    if sentence != english:
        return sentence
    words = {**labels(language), **_reasons(language)["words"]}
    return ", ".join(words.get(word, word) for word in english.split(", "))


def _reason(english: str, language: Language) -> str:
    found = read(english)
    if found is None:
        return english
    text = _reasons(language)["sentences"][found.reason.code]
    return _PLACE.sub(lambda place: _told(found.values[place[1]], language), text)

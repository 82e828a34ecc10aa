"""Names of people, made safe to compare and to show.

A name is text and nothing else: what would be markup, SQL or a formula elsewhere stays as it was
typed. What cannot be seen (control and format characters, such as those that turn the direction of
writing) is taken out, so that two names that look alike to the computer are the same name.
"""

from __future__ import annotations

import unicodedata

from kit.errors import EventError

LONGEST = 40
"""How many characters a name may have, after it was normalised."""

LONGEST_RAW = 200
"""How many characters are looked at; a longer text is refused before any work is done on it."""

_MOST_MARKS = 2  # accents on one letter: Vietnamese needs two, a tower of them hides its neighbours
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # categories of the Unicode standard


def clean_name(raw: str) -> str:
    """Return a name as it is stored and shown.

    Args:
        raw: What was typed, at most `LONGEST_RAW` characters.

    Returns:
        The name in Unicode's normal form NFKC, on one line, without characters that cannot be
        seen, 1 to `LONGEST` characters.

    Raises:
        EventError: If nothing is left of it, or too much.
    """
    if len(raw) > LONGEST_RAW:
        raise _wrong(f"{len(raw)} characters")
    seen = "".join(_space(letter) for letter in unicodedata.normalize("NFKC", raw))
    name = unicodedata.normalize("NFKC", " ".join(_without_towers(seen).split()))
    if not 1 <= len(name) <= LONGEST:
        raise _wrong(f"{len(name)} characters")
    return name


def same_name(name: str) -> str:
    """Return what two names share that people would take for one: capitals do not count."""
    return unicodedata.normalize("NFKC", name.casefold())


def _space(letter: str) -> str:
    if letter.isspace():
        return " "
    return "" if unicodedata.category(letter) in _UNSEEN else letter


def _without_towers(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _wrong(got: str) -> EventError:
    return EventError(
        "This name cannot be used",
        expected=f"1 to {LONGEST} characters that can be seen",
        got=got,
        fix="choose a shorter name, of letters and digits",
    )

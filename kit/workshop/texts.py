"""Words in the languages of the workshop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "fr"]

LANGUAGES: tuple[Language, ...] = ("en", "fr")


@dataclass(frozen=True)
class Text:
    """The same words in each language.

    Attributes:
        en: English.
        fr: French.
    """

    en: str
    fr: str

    def say(self, language: Language) -> str:
        """Return the words of one language."""
        return self.en if language == "en" else self.fr

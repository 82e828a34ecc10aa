"""The talk track, read from its page: what is said and done at which moment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kit.config import share_path
from kit.errors import ConfigError
from kit.workshop.texts import Language

Minutes = Literal[5, 15, 45]

LENGTHS: tuple[Minutes, ...] = (5, 15, 45)
"""The talks, in minutes; each longer one begins as the one before it."""

_ROW = re.compile(r"^\| (\d+:\d\d) \| (.+) \|$", re.MULTILINE)
_DONE = re.compile(r"(?<!\*)\*(?!\*)([^*]+)\*(?!\*)")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[«“`*]|[^\W\d_])")


@dataclass(frozen=True)
class Moment:
    """A moment of the talk.

    Attributes:
        minutes: Of the talk whose table it stands in.
        at: Minutes and seconds from the start, such as ``2:30``.
        text: What is said, and between asterisks what is done; Markdown.
    """

    minutes: Minutes
    at: str
    text: str

    @property
    def name(self) -> str:
        """What a notebook's cell calls it, such as ``15 2:30``."""
        return f"{self.minutes} {self.at}"

    @property
    def seconds(self) -> int:
        """Seconds from the start of the talk."""
        minutes, seconds = self.at.split(":")
        return int(minutes) * 60 + int(seconds)

    @property
    def statement(self) -> tuple[str, str]:
        """The first sentence that is said, and the next if it follows at once; Markdown.

        Where nothing is said, the first is what is done.
        """
        said = [part.strip(" ;") for part in _DONE.sub("\n", self.text).splitlines()]
        first = next((part for part in said if len(part) > 1), self.text.strip("*"))
        sentences = [*split_sentences(first), ""]
        return sentences[0], sentences[1]


def read_talk(minutes: Minutes, language: Language) -> list[Moment]:
    """Read the moments of one talk, from its start to its end.

    A longer talk's first row says that it begins as the shorter one does, up to the second row's
    time; those moments come in its place.

    Args:
        minutes: Its length.
        language: Of the talk.

    Raises:
        ConfigError: If the page does not have a table for each length.
    """
    path = share_path(f"presenters/talk.{language}.md")
    parts = path.read_text(encoding="utf-8").split("\n## ")[1:]
    tables = [_ROW.findall(part) for part in parts]
    if [bool(table) for table in tables] != [True] * len(LENGTHS):
        raise ConfigError(
            "The talk track is not as expected",
            expected=f"a table below a heading for each of {LENGTHS} minutes",
            got=f"{len(tables)} headings in {path.name}",
        )
    moments: list[Moment] = []
    for length, table in zip(LENGTHS[: LENGTHS.index(minutes) + 1], tables, strict=False):
        own = [Moment(length, at, text) for at, text in table]
        moments = _continued(moments, own)
    return moments


def split_sentences(text: str) -> list[str]:
    """Split a paragraph into its sentences."""
    return _SENTENCE.split(" ".join(text.split()))


def _continued(shorter: Sequence[Moment], longer: Sequence[Moment]) -> list[Moment]:
    if not shorter:
        return list(longer)
    own = longer[1:]
    return [*(one for one in shorter if one.seconds < own[0].seconds), *own]

"""What executed notebooks have for the slides: their marked cells.

A cell whose metadata has ``"slideshow": {"slide_type": "slide"}`` begins a slide and says at which
moments of the talk it is shown: ``"kit": {"talk": ["5 0:30", "15 2:30"]}``. Cells below it with the
type ``fragment`` stand on the same slide. All other cells are not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from kit.errors import ConfigError
from kit.presenting.slides.talk import split_sentences

_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass
class LessonSlide:
    """One slide from a notebook.

    Attributes:
        lesson: Title of the notebook, such as ``30 · Decide the action``.
        moments: Names of the talk's moments at which it is shown.
        title: Markdown.
        lead: The first sentence below the title, Markdown; may be empty.
        more: The second one, for a slide that has nothing else to show.
        points: First sentences of a list's entries, Markdown.
        shown: Code cells whose outputs it shows.
    """

    lesson: str
    moments: Sequence[str]
    title: str
    lead: str = ""
    more: str = ""
    points: list[str] = field(default_factory=list)
    shown: list[Mapping[str, Any]] = field(default_factory=list)


def lesson_slides(notebook: Path) -> Iterator[LessonSlide]:
    """Yield the slides of an executed notebook, in its order.

    Args:
        notebook: Its file.

    Raises:
        ConfigError: If a marked cell cannot be a slide.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    lesson = _title(cells[0].source, notebook)
    slide: LessonSlide | None = None
    for cell in cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "skip")
        if kind == "slide":
            if slide:
                yield slide
            slide = LessonSlide(
                lesson, cell.metadata.get("kit", {}).get("talk", []), _title(cell.source, notebook)
            )
            slide.lead, slide.more, slide.points = _words(cell.source)
        elif kind == "fragment":
            if slide is None or cell.cell_type != "code":
                raise ConfigError(
                    f"A marked cell of {notebook.stem} belongs to no slide",
                    expected="a code cell below a text cell of the type 'slide'",
                    got=cell.source[:60],
                )
            slide.shown.append(cell)
    if slide:
        yield slide


def marked_moments(notebook: Mapping[str, Any]) -> list[str]:
    """Name the moments of the talk that a notebook has slides for.

    Args:
        notebook: As read from JSON.
    """
    metadata = [cell["metadata"] for cell in notebook["cells"]]
    return [name for one in metadata for name in one.get("kit", {}).get("talk", [])]


def _title(source: str, notebook: Path) -> str:
    heading = _HEADING.search(source)
    if heading is None:
        raise ConfigError(
            f"A slide of {notebook.stem} has no title",
            expected="a text cell with a heading",
            got=source[:60],
        )
    return heading[1].strip()


def _words(source: str) -> tuple[str, str, list[str]]:
    """Take two sentences below the first heading, and the first one of each entry of a list."""
    below = _HEADING.split(source, maxsplit=1)[2]
    section = _HEADING.split(below, maxsplit=1)[0]
    paragraphs = [part.strip() for part in section.strip().split("\n\n")]
    lead, more, *_ = [*split_sentences(paragraphs[0]), "", ""]
    entries = re.findall(r"^- (.+)$", section, re.MULTILINE)
    return lead.rstrip(" :"), more.rstrip(" :"), [split_sentences(entry)[0] for entry in entries]

"""A deck of slides in one HTML file that needs nothing from outside."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt

from kit.config import share_path
from kit.presenting.slides.cells import LessonSlide, lesson_slides, marked_moments
from kit.presenting.slides.outputs import render_cell
from kit.presenting.slides.talk import Minutes, Moment, read_talk
from kit.workshop.editions import execute
from kit.workshop.texts import Language, Text
from kit.workshop.translation import unbroken

TITLE = Text("Runaway train", "Train fou")
LEAD = Text("See the sign, stop the train", "Voir le panneau, arrêter le train")
LENGTH = Text("{} minutes", "{} minutes")
KEYS = Text(
    "→ next · ← back · N notes · F full screen",
    "→ suivant · ← retour · N notes · F plein écran",
)

LONG = 80
"""A statement of more characters is written smaller."""

_INLINE = MarkdownIt("commonmark")


def make_deck(
    out: Path,
    *,
    minutes: Minutes,
    language: Language,
    executed: Path,
    tell: Callable[[str], None] = lambda _words: None,
) -> int:
    """Write the slides of one talk.

    The notebooks that it shows are executed first, unless ``executed`` has them as they are now. A
    moment of the talk that no cell is marked for gets a slide with what is said.

    Args:
        out: File to write.
        minutes: Which talk.
        language: Of the talk and of the notebooks.
        executed: Folder with a folder of executed notebooks by language.
        tell: Called with what is being done, in words.

    Returns:
        How many slides it has.

    Raises:
        ConfigError: If the talk or a marked cell is not as expected.
        MissionError: If a notebook does not run.
    """
    moments = read_talk(minutes, language)
    names = _lessons({one.name for one in moments})
    notebooks = execute({language: executed / language}, names=names, tell=tell)[language]
    lessons = [slide for path in notebooks for slide in lesson_slides(path)]
    slides = [_title_slide(minutes, language)]
    for moment in moments:
        own = [slide for slide in lessons if moment.name in slide.moments]
        slides += [_lesson_slide(slide, moment) for slide in own] or [_spoken_slide(moment)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(_page(slides, language), encoding="utf-8")
    return len(slides)


def _lessons(moments: set[str]) -> list[str]:
    """Name the notebooks that have a slide for one of these moments."""
    return [
        path.stem
        for path in sorted(share_path("notebooks").glob("*.ipynb"))
        if moments & set(marked_moments(json.loads(path.read_text(encoding="utf-8"))))
    ]


def _page(slides: Sequence[str], language: Language) -> str:
    def read(name: str) -> str:
        return files(__package__).joinpath(name).read_text(encoding="utf-8")

    return Template(read("deck.html")).substitute(
        language=language,
        title=TITLE.say(language),
        style=read("deck.css"),
        script=read("deck.js"),
        slides="\n".join(slides),
    )


def _title_slide(minutes: Minutes, language: Language) -> str:
    body = f"<h1>{TITLE.say(language)}</h1><p>{LEAD.say(language)}</p>"
    keys = f"{LENGTH.say(language).format(minutes)} · {KEYS.say(language)}"
    return _slide("title", body, at="0:00", notes=keys, footer=keys)


def _spoken_slide(moment: Moment) -> str:
    first, second = moment.statement
    body = f"<h2>{_inline(first)}</h2>{_paragraph(second)}"
    kind = "spoken" if len(first) <= LONG else "spoken long"
    return _slide(kind, body, at=moment.at, notes=_inline(moment.text))


def _lesson_slide(slide: LessonSlide, moment: Moment) -> str:
    body = f"<h2>{_inline(slide.title)}</h2>{_paragraph(slide.lead)}{_list(slide.points)}"
    shown = "".join(render_cell(cell) for cell in slide.shown)
    alone = not shown and not slide.points
    body += _paragraph(slide.more) if alone else f'<div class="shown">{shown}</div>'
    return _slide(
        "lesson alone" if alone else "lesson",
        body,
        at=moment.at,
        notes=_inline(moment.text),
        footer=html.escape(slide.lesson),
    )


def _paragraph(text: str) -> str:
    return f"<p>{_inline(text)}</p>" if text else ""


def _list(points: Iterable[str]) -> str:
    entries = "".join(f"<li>{_inline(point)}</li>" for point in points)
    return f"<ul>{entries}</ul>" if entries else ""


def _slide(kind: str, body: str, *, at: str, notes: str, footer: str = "") -> str:
    return (
        f'<section class="{kind}"><div class="body">{body}</div><footer>{footer}</footer>'
        f"<aside><b>{at}</b> {notes}</aside></section>"
    )


def _inline(text: str) -> str:
    rendered: str = _INLINE.renderInline(unbroken(text))
    return rendered

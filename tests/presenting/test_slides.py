"""The slides: they follow the talk in both languages, fit the wall, need nothing from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import expect

from kit.config import share_path
from kit.errors import ConfigError
from kit.presenting.slides.cells import lesson_slides, marked_moments
from kit.presenting.slides.deck import make_deck
from kit.presenting.slides.outputs import render_cell
from kit.presenting.slides.talk import LENGTHS, Moment, read_talk, split_sentences
from kit.workshop.texts import LANGUAGES, Language

EXECUTED = Path(__file__).resolve().parents[2] / "build" / "notebooks"
MARKS = {
    path.name: names
    for path in share_path("notebooks").glob("*.ipynb")
    if (names := marked_moments(json.loads(path.read_text(encoding="utf-8"))))
}
MARKED = {name for names in MARKS.values() for name in names}
SLIDE = {"slideshow": {"slide_type": "slide"}, "kit": {"talk": ["5 0:30"]}}
FRAGMENT = {"slideshow": {"slide_type": "fragment"}}
PIXEL = "iVBORw0KGgo="

built = pytest.mark.skipif(
    not all((EXECUTED / language / name).exists() for language in LANGUAGES for name in MARKS),
    reason="the lessons of the talk are not executed: run 'make docs'",
)


def written(tmp_path: Path, *cells: Any) -> Path:
    path = tmp_path / "lesson.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 99 · Fly"), *cells]), path)
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_longer_talk_begins_as_the_shorter_one_and_goes_forward(language: Language) -> None:
    five, fifteen, long = (read_talk(minutes, language) for minutes in LENGTHS)
    assert [one.name for one in fifteen[:6]] == [one.name for one in five[:6]]
    assert (five[5].at, fifteen[6].name) == ("2:00", "15 2:30")
    assert [one.at for one in long if one.at == "14:00"] == ["14:00"]
    for talk in (five, fifteen, long):
        seconds = [one.seconds for one in talk]
        assert seconds == sorted(set(seconds))


def test_every_mark_of_a_cell_is_a_moment_of_the_talk() -> None:
    assert len(MARKED) > 10
    assert {one.name for minutes in LENGTHS for one in read_talk(minutes, "en")} >= MARKED


def test_a_statement_is_what_is_said_and_not_what_is_done() -> None:
    text = "*3, 2, 1.* Now it drives. What you see is what it sees. *Wait.* The boxes."
    assert Moment(5, "1:00", text).statement == ("Now it drives.", "What you see is what it sees.")
    assert Moment(5, "1:00", "*Cover the camera.*").statement == ("Cover the camera.", "")


def test_a_sentence_ends_at_its_full_stop_and_not_in_a_number() -> None:
    text = "Takes 0.5 s. « Et alors ? » `kit demo` says it.\nThen **stop**."
    assert split_sentences(text) == [
        "Takes 0.5 s.",
        "« Et alors ? » `kit demo` says it.",
        "Then **stop**.",
    ]


def test_a_slide_is_made_of_a_heading_two_sentences_a_list_and_outputs(tmp_path: Path) -> None:
    text = "A.\n\n## How *fast*?\n\nVery. Too much: so\n\n- **One** is. Not this.\n- Two\n\n## B"
    picture = new_output("display_data", {"image/png": PIXEL})
    path = written(
        tmp_path,
        new_markdown_cell(text, metadata=SLIDE),
        new_code_cell("hidden()", outputs=[picture]),
        new_code_cell("shown()", outputs=[picture], metadata=FRAGMENT),
    )
    (slide,) = lesson_slides(path)
    assert (slide.lesson, slide.title, slide.moments) == ("99 · Fly", "How *fast*?", ["5 0:30"])
    assert (slide.lead, slide.more) == ("Very.", "Too much: so")
    assert slide.points == ["**One** is.", "Two"]
    assert [cell["source"] for cell in slide.shown] == ["shown()"]


def test_a_mark_that_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="belongs to no slide"):
        list(lesson_slides(written(tmp_path, new_code_cell("1", metadata=FRAGMENT))))
    with pytest.raises(ConfigError, match="has no title"):
        list(lesson_slides(written(tmp_path, new_markdown_cell("Words.", metadata=SLIDE))))


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (
            new_output("display_data", {"image/png": PIXEL}),
            '<img alt="" src="data:image/png;base64',
        ),
        (new_output("display_data", {"image/svg+xml": "<svg/>"}), "data:image/svg+xml;base64,PHN2"),
        (new_output("display_data", {"text/html": "<b>x</b><table><tr></table>"}), "<table><tr>"),
        (
            new_output(
                "display_data",
                {"text/html": f'<figcaption><b>A</b></figcaption><img src="data:{PIXEL}">'},
            ),
            "<figcaption>A</figcaption>",
        ),
        (new_output("stream", name="stdout", text="a < b"), "<pre class=words>a &lt; b</pre>"),
        (new_output("execute_result", {"text/plain": "3"}), "<pre class=code>1 &lt; 2</pre><pre"),
    ],
)
def test_outputs_become_pictures_tables_and_words(output: Any, shown: str) -> None:
    assert shown in render_cell(new_code_cell("1 < 2", outputs=[output]))


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> dict[Language, Path]:
    """The longest talk, which has nearly all slides of the others, in both languages."""
    folder = tmp_path_factory.mktemp("decks")
    for language in LANGUAGES:
        out = folder / f"{language}.html"
        make_deck(out, minutes=45, language=language, executed=EXECUTED)
    return {language: folder / f"{language}.html" for language in LANGUAGES}


def sections(deck: Path) -> list[str]:
    return re.findall(r"<section.*?</section>", deck.read_text(encoding="utf-8"), re.DOTALL)


@built
def test_each_moment_has_its_slides_in_both_languages(decks: dict[Language, Path]) -> None:
    times = {}
    for language, deck in decks.items():
        times[language] = [re.findall(r"<aside><b>(.*?)</b>", one)[0] for one in sections(deck)]
        moments = read_talk(45, language)
        assert list(dict.fromkeys(times[language])) == [one.at for one in moments]
        plain = [
            at for one, at in zip(sections(deck), times[language], strict=True) if "spoken" in one
        ]
        assert plain == [one.at for one in moments if one.name not in MARKED]
    assert times["en"] == times["fr"]
    english, french = (sections(deck) for deck in decks.values())
    assert "The machine that saves it" in english[3]
    assert "La machine qui le sauve" in french[3]
    assert ["<img" in one for one in english] == ["<img" in one for one in french]
    assert sum("<img" in one for one in english) >= 8


@built
def test_a_deck_loads_nothing_from_outside(decks: dict[Language, Path]) -> None:
    for deck in decks.values():
        page = deck.read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:img|script|link|iframe)\b[^>]*?\b(?:src|href)=\"?([^\s\">]+)", page
        )
        assert loaded
        assert [one[:60] for one in loaded if not one.startswith("data:")] == []
        assert "url(" not in page
        assert "@import" not in page


OVERFLOW = """() => {
    const section = document.querySelector("section.now");
    const body = section.querySelector(".body"), foot = section.querySelector("footer");
    const floor = foot.getBoundingClientRect().top, wall = section.getBoundingClientRect().right;
    const out = [...body.querySelectorAll("*")].filter((part) => {
        const place = part.getBoundingClientRect();
        return place.bottom > floor + 1 || place.right > wall + 1;
    });
    return body.scrollHeight > body.clientHeight + 1 || out.length > 0
        || [...section.querySelectorAll("img")].some((image) => image.clientHeight < 100);
}"""


@built
@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_slide_overflows_and_each_is_a_page_of_the_pdf(
    decks: dict[Language, Path], browser: Any, language: Language
) -> None:
    deck = decks[language]
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(deck.as_uri())
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    count = len(sections(deck))
    over = []
    for number in range(1, count + 1):
        expect(page.locator("output")).to_have_text(f"{number} / {count}")
        if page.evaluate(OVERFLOW):
            over.append(number)
        page.keyboard.press("ArrowRight")
    assert over == []
    page.keyboard.press("n")
    expect(page.locator("section.now aside")).to_be_visible()
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == count
    page.close()
    assert [url[:40] for url in asked if not url.startswith(("file:", "data:"))] == []

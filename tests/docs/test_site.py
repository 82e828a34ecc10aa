"""The built site: all pages, all pictures, nothing from outside, no link that leads nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
EXECUTED = ROOT / "build" / "notebooks"
EDITIONS = {"en": "notebooks", "fr": "fr"}
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
DOCS = [
    path.relative_to(ROOT).with_suffix("").as_posix()
    for pattern in ("*.md", "docs/**/*.md", "presenters/*.md", "datasets/model/README.md")
    for path in sorted(ROOT.glob(pattern))
    if "site" not in path.parts
]
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("embed", "src")}
PICTURE = re.compile(r"<(?:img|svg)\b")

pytestmark = [
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no site: run 'make docs'"),
]


@dataclass
class Page(HTMLParser):
    """What a page names and loads."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    pictures: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if (tag, name) in LOADED or (tag == "link" and name == "href"):
                self.assets.append(value or "")
            if (tag, name) == ("a", "href"):
                self.links.append(value or "")
        self.pictures += tag in {"img", "svg"}


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def pages() -> list[Path]:
    return sorted(SITE.rglob("*.html"))


def test_every_doc_and_every_notebook_of_both_editions_has_its_page() -> None:
    wanted = [*DOCS, *(f"{folder}/{name}" for folder in EDITIONS.values() for name in NOTEBOOKS)]
    assert len(wanted) > 50
    assert [name for name in wanted if not (SITE / f"{name}.html").is_file()] == []


def test_nothing_is_loaded_from_outside() -> None:
    outside = [
        (path.name, asset)
        for path in pages()
        for asset in read(path).assets
        if urlsplit(asset).scheme not in {"", "data"} or asset.startswith("//")
    ]
    assert outside == []
    sheets = "\n".join(path.read_text(encoding="utf-8") for path in SITE.rglob("*.css"))
    assert re.findall(r"""(?:url\(|@import )\s*["']?(?:https?:|//)[^)"']*""", sheets) == []


def test_every_link_and_every_asset_leads_to_a_file_and_every_fragment_to_a_place() -> None:
    broken = []
    for path in pages():
        for target in (*read(path).links, *read(path).assets):
            parts = urlsplit(target)
            if parts.scheme or not target:
                continue
            file = path.parent / unquote(parts.path) if parts.path else path
            if not file.is_file() or not has_place(file, unquote(parts.fragment)):
                broken.append((path.name, target))
    assert broken == []


def has_place(file: Path, fragment: str) -> bool:
    return not fragment or file.suffix != ".html" or fragment in read(file.resolve()).ids


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("language", EDITIONS)
def test_a_lesson_was_executed_and_its_pictures_are_on_its_page(language: str, name: str) -> None:
    notebook = nbformat.read(EXECUTED / language / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert all(cell.execution_count for cell in code)
    drawn = sum(pictures(output) for cell in code for output in cell.outputs)
    told = sum(cell.source.count("![") for cell in notebook.cells if cell.cell_type == "markdown")
    shown = read(SITE / EDITIONS[language] / f"{name}.html").pictures
    bare = read(SITE / EDITIONS[language] / "index.html").pictures  # icons of the theme
    assert shown - bare == drawn + told


def pictures(output: dict[str, Any]) -> int:
    data = output.get("data", {})
    if "application/vnd.jupyter.widget-view+json" in data:
        return 0
    if "text/html" in data:
        return len(PICTURE.findall(data["text/html"]))
    return int(any(kind.startswith("image/") for kind in data))


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_from_the_disk_a_page_fits_the_screen_and_search_finds_it(browser: Any, width: int) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for name in ("index", "notebooks/20_detect_signs", "docs/measurements"):
        page.goto((SITE / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth)")
    page.goto((SITE / "search.html").as_uri() + "?q=latch")
    page.wait_for_selector("#search-results li a[href*='safety']", timeout=60_000)
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert wrong == []

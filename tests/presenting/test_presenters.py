"""What presenters read: its links lead somewhere, its commands exist, its two languages agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from kit.cli import build_app

FOLDER = Path(__file__).resolve().parents[2] / "presenters"
PAGES = sorted(FOLDER.glob("*.md"))
TALKS = [(FOLDER / f"talk.{language}.md").read_text(encoding="utf-8") for language in ("en", "fr")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"`(?:\.venv/bin/)?kit ([a-z]+)", page.read_text(encoding="utf-8")))
    assert named <= set(get_command(build_app()).commands)


def moments(talk: str) -> list[list[str]]:
    """Times of each length of the talk, in the order of the page."""
    return [
        re.findall(r"^\| (\d+:\d\d) \|", part, re.MULTILINE) for part in talk.split("\n## ")[1:]
    ]


def test_both_talks_have_the_same_moments() -> None:
    english, french = (moments(talk) for talk in TALKS)
    assert english == french
    assert len(english) == 3


@pytest.mark.parametrize(("part", "minutes"), [(0, 5), (1, 15), (2, 45)])
def test_a_talk_goes_forward_and_fits_its_time(part: int, minutes: int) -> None:
    seconds = [int(at.split(":")[0]) * 60 + int(at.split(":")[1]) for at in moments(TALKS[0])[part]]
    assert seconds == sorted(set(seconds))
    assert seconds[0] == 0
    assert seconds[-1] < minutes * 60

"""The pages in a real browser: what is on them is what happened."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from kit.leaderboard.claims import Claim, sign
from kit.leaderboard.public_routes import PAGES
from tests.leaderboard.served import Served, served
from tests.ports import kept_port

pytestmark = pytest.mark.browser

RULES = """
name: final
title: The final
duration_s: 9000
rewarded: 2
brackets: [Students]
exercises:
  - {id: hero, title: Hero, bonus: 55, nominal_end_s: 3300}
  - {id: villain, title: Villain, bonus: 25, nominal_end_s: 5100}
"""
WORDS = {path.stem: json.loads(path.read_text("utf-8")) for path in (PAGES / "words").iterdir()}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    """A service with an event of its own, which has begun an hour ago."""
    with _final(tmp_path) as service:
        yield service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Another one, for tests that do not mind what others have done to it."""
    with _final(tmp_path_factory.mktemp("shared")) as service:
        claim(service, service.add("Ada"), "hero", "villain")
        yield service


@contextmanager
def _final(folder: Path) -> Iterator[Served]:
    rules = folder / "final.yaml"
    rules.write_text(RULES)
    with served(folder, rules=str(rules), started_s=3600) as service:
        yield service


class Pages:
    """Opens pages; an error in one of them is remembered."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []
        self.faults: list[str] = []

    def __call__(self, service: Served, path: str = "") -> Page:
        page = self._browser.new_page(viewport={"width": 1600, "height": 900}, locale="en-GB")
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        page.on("console", self._hear)
        page.goto(f"{service.url}{path}")
        self._pages.append(page)
        return page

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.faults.append(said.text)

    def close(self) -> None:
        for page in self._pages:
            page.close()


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Opens pages; an error in one of them fails the test."""
    pages = Pages(browser)
    yield pages
    pages.close()
    assert pages.faults == []


def claim(service: Served, token: str, *exercises: str) -> None:
    for exercise in exercises:
        signed = sign(token, Claim(exercise=exercise), now_s=time.time())
        assert service.send(signed).status_code == 201


def order(page: Page) -> list[str]:
    """Names of the leaders, from the top of the screen down."""
    return page.evaluate(
        """() => [...document.querySelectorAll('#leaders li:not(.away)')]
            .map((row) => [Number(row.style.getPropertyValue('--place')), row])
            .sort(([one], [other]) => one - other)
            .map(([, row]) => row.querySelector('b.name').textContent)"""
    )


def test_the_board_moves_when_somebody_finishes(service: Served, pages: Pages) -> None:
    ada, bob = service.add("Ada", bracket="Students", team="Red"), service.add("Bob")
    claim(service, ada, "hero")
    page = pages(service)
    rows = page.locator("#leaders li")
    expect(rows).to_have_count(2)
    assert order(page) == ["Ada", "Bob"]
    expect(page.locator("#phase")).to_have_text("Live")
    expect(page.locator("#firsts li.yes")).to_contain_text("Ada")
    expect(page.locator("#nobody")).to_be_hidden()
    claim(service, bob, "hero", "villain")
    page.wait_for_function(
        "() => document.querySelector('#leaders [data-rank=\"1\"] b.name').textContent === 'Bob'"
    )
    assert order(page) == ["Bob", "Ada"]
    expect(page.locator("#leaders [data-rank='1'] .done .yes")).to_have_count(2)
    expect(page.locator("#leaders [data-rank='2'] .gap")).to_have_text(
        re.compile("^\N{MINUS SIGN}\\d")
    )
    expect(page.locator("#ticker li").first).to_contain_text("Bob")
    expect(page.locator("#ticker")).to_contain_text("is first to finish Villain")
    expect(page.locator("#ticker")).to_contain_text("takes the lead")
    expect(page.locator("#groups-box")).to_be_visible()
    expect(page.locator("#graph path.line")).to_have_count(2)
    page.wait_for_function(  # once they have passed each other
        """() => {
            const rows = [...document.querySelectorAll('#leaders li')];
            return new Set(rows.map((row) => row.getBoundingClientRect().top)).size === 2;
        }"""
    )


def test_a_script_in_a_name_stays_text(shared: Served, pages: Pages) -> None:
    odd = "<img src=x onerror=alert(1)>"
    claim(shared, shared.add(odd, team="<b>x</b>"), "hero")
    page = pages(shared)
    expect(page.locator("#leaders b.name", has_text=odd)).to_be_visible()
    expect(page.locator("#ticker b.name", has_text=odd)).to_be_visible()
    assert page.locator("#leaders img, #ticker img, #graph img").count() == 0


def test_time_runs_and_scores_count_on_between_two_messages(shared: Served, pages: Pages) -> None:
    page = pages(shared)
    clock = page.locator("#clock-time")
    expect(clock).to_have_text(re.compile(r"^1:\d\d:\d\d$"))
    first, score = clock.inner_text(), page.locator("#leaders .score").first
    expect(clock).not_to_have_text(first)
    expect(page.locator("#clock-label")).to_have_text("time left")
    expect(score).to_have_text(re.compile(r"^\d+\.\d$"))


def test_many_people_are_on_pages_that_turn(service: Served, pages: Pages) -> None:
    table = "time,user,exercise\n" + "".join(f"{10 + i},p{i:03d},hero\n" for i in range(90))
    headers = service.organiser | {"Content-Type": "text/csv"}
    answer = service.http.post("api/desk/import?who=Robin", content=table, headers=headers)
    assert answer.json()["accepted"] == 90
    page = pages(service)
    expect(page.locator("#leaders li")).to_have_count(10)
    label = page.locator("#pack-page")
    expect(label).to_have_text(re.compile(r"^11.\d+ of 90$"))
    expect(label).to_have_text(re.compile(r"^(?!11\D)\d+.\d+ of 90$"))
    box, pack = page.locator("footer").bounding_box(), page.locator("#pack").bounding_box()
    assert box is not None
    assert pack is not None
    assert pack["y"] + pack["height"] <= box["y"]


def test_the_page_speaks_two_languages(shared: Served, pages: Pages) -> None:
    page = pages(shared, "?lang=fr")
    expect(page.locator("#ranking-title")).to_have_text(WORDS["fr"]["leaders"])
    expect(page.locator("#phase")).to_have_text(WORDS["fr"]["phase_running"])
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.keyboard.press("l")
    expect(page.locator("#ranking-title")).to_have_text(WORDS["en"]["leaders"])
    expect(page.locator("#ticker")).to_contain_text("is first to finish Hero")


def test_the_catalogues_have_the_same_words_with_the_same_places() -> None:
    english, french = WORDS["en"], WORDS["fr"]
    assert set(english) == set(french)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", french[key])), key
        assert text.strip()
        assert french[key].strip()


def test_every_word_that_a_page_asks_for_is_in_the_catalogues() -> None:
    asked: set[str] = set()
    for path in [*PAGES.glob("*.html"), *PAGES.glob("*.js")]:
        text = path.read_text("utf-8")
        asked |= set(re.findall(r'data-(?:word|hint)="(\w+)"', text))
        asked |= set(re.findall(r'\bsay\("(\w+)"', text))
    assert asked - set(WORDS["en"]) == set()
    assert len(asked) > 50


def test_a_page_that_lost_the_service_says_so_and_comes_back(tmp_path: Path, pages: Pages) -> None:
    port = kept_port()
    with served(tmp_path, port=port) as service:
        page = pages(service)
        expect(page.locator("#nobody")).to_be_visible()
        expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#lost")).to_be_visible()
    with served(tmp_path, port=port, started_s=None) as service:
        expect(page.locator("#lost")).to_be_hidden()
        claim(service, service.add("Ada"), "hero")
        expect(page.locator("#leaders b.name")).to_have_text("Ada")
    assert all("net::ERR_" in fault for fault in pages.faults)
    pages.faults.clear()


def sign_in(service: Served, page: Page) -> None:
    page.fill("#gate-who", "Robin")
    page.fill("#gate-token", service.organiser["Authorization"].removeprefix("Bearer "))
    page.click("#gate button")
    expect(page.locator("#desk")).to_be_visible()


def do(page: Page, act: str, *, within: str = "", why: str = "") -> None:
    page.locator(f"{within} [data-act={act}]").click()
    if why:
        page.fill("#ask-why", why)
        page.click("#ask-form .main")


def test_the_organiser_adds_corrects_freezes_and_reveals(service: Served, pages: Pages) -> None:
    claim(service, service.add("Ada"), "hero", "villain")
    claim(service, service.add("Bob"), "hero")
    desk, board = pages(service, "desk"), pages(service)
    sign_in(service, desk)
    desk.fill("#add-name", "<b>Cleo</b>")
    desk.check("#add-hidden")
    desk.click("#add button")
    expect(desk.locator("#new-token-value")).to_have_text(re.compile(r"^[\w-]+\.[\w-]{43}$"))
    cleo = desk.locator("#people tr", has_text="Cleo")
    expect(cleo).to_have_class("off")
    expect(board.locator("#leaders li")).to_have_count(2)

    do(desk, "disqualify", within="tr[data-user='Ada']", why="two hands too many")
    expect(board.locator("#leaders li")).to_have_count(1)
    do(desk, "reinstate", within="tr[data-user='Ada']", why="they were her own")
    expect(board.locator("#leaders li")).to_have_count(2)
    expect(desk.locator("#audit")).to_contain_text("they were her own")

    do(desk, "freeze")
    expect(board.locator("#phase")).to_have_text("Frozen")
    do(desk, "end", why="it is late")
    expect(board.locator("#phase")).to_have_text("Over")
    do(desk, "reveal_open")
    expect(board.locator("#ceremony")).to_be_visible()
    expect(board.locator("#podium .covered")).to_have_count(2)
    assert "Ada" not in board.locator("#ceremony").inner_text()
    do(desk, "reveal_one")
    expect(board.locator("#podium [data-rank='2']")).to_contain_text("Bob")
    expect(board.locator("#podium [data-rank='1']")).to_have_class("covered")
    do(desk, "reveal_one")
    expect(board.locator("#podium [data-rank='1']")).to_contain_text("Ada")


def test_the_desk_stays_shut_without_the_right_token(shared: Served, pages: Pages) -> None:
    page = pages(shared, "desk")
    page.fill("#gate-who", "Mallory")
    page.fill("#gate-token", "guess")
    page.click("#gate button")
    expect(page.locator("#gate-trouble")).to_have_text(WORDS["en"]["token_wrong"])
    expect(page.locator("#desk")).to_be_hidden()
    assert all("401" in fault for fault in pages.faults)
    pages.faults.clear()


def test_the_desk_exports_a_file(shared: Served, pages: Pages) -> None:
    desk = pages(shared, "desk")
    sign_in(shared, desk)
    with desk.expect_download() as download:
        desk.click("#export-standings")
    text = Path(download.value.path()).read_text("utf-8")
    assert text.splitlines()[1].startswith("1,Ada,")

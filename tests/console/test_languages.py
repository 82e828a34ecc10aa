"""The page speaks English and French."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import get_args

import pytest
from playwright.sync_api import Browser, Page, expect

from kit.console.controls import Order, Trouble
from kit.console.doors import STATIC
from kit.console.stages import Leg
from kit.console.trains import PIPELINE
from kit.events import Action, Alive, Box, Detection, Label, Motion, Origin
from kit.reasons import Reason, readings
from tests.console import make
from tests.console.conftest import Link

LANGUAGES = ("en", "fr")
SLOW = Reason.STILL_SLOW.say(label=Label.SPEED_LIMIT, seconds="3.2")


def catalogue(language: str) -> dict[str, str]:
    text = (STATIC / f"texts.{language}.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def holes(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


def test_each_language_has_the_same_texts_with_the_same_holes() -> None:
    english, french = (catalogue(language) for language in LANGUAGES)
    assert list(english) == list(french)
    for key, text in english.items():
        assert holes(text) == holes(french[key]), key
        assert french[key].strip() == french[key] != ""


def test_there_are_words_for_all_that_can_be_told() -> None:
    told = {
        *(f"action.{action}" for action in Action),
        *(f"motion.{motion}" for motion in Motion),
        *(f"label.{label}" for label in Label),
        *(f"who.{who}" for who in (*PIPELINE, *Origin)),
        *(f"leg.{leg}" for leg in Leg),
        *(f"alive.{status}" for status in get_args(Alive.model_fields["status"].annotation)),
        *(f"trouble.{order}.{Trouble.NOT_CARRIED_OUT}" for order in Order),
    }
    assert told - set(catalogue("en")) == set()


def test_the_page_asks_for_no_text_that_is_not_there() -> None:
    asked: set[str] = set()
    for path in (*STATIC.glob("*.js"), *STATIC.glob("*.html")):
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r"""\bt\(["']([\w.]+)["']""", source))
        asked |= set(re.findall(r'data-(?:text|label)="([\w.]+)"', source))
    assert len(asked) > 30
    assert asked - set(catalogue("en")) == set()


@pytest.fixture
def page(browser: Browser, link: Link) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1600, "height": 900}, locale="de-DE")
    page.goto(f"{link.url}?lang=fr#{link.train_id}")
    yield page
    page.close()


@pytest.mark.browser
def test_the_page_speaks_french_when_asked_and_english_again(link: Link, page: Page) -> None:
    words = catalogue("fr")
    sign = Detection(label=Label.SPEED_LIMIT, confidence=0.9, box=Box(60, 120, 90, 100))
    of = make.stamp(50)
    link.send(
        make.command(link.train_id, Action.SLOW, reason=SLOW),
        make.state(
            link.train_id,
            Motion.STOPPED,
            latched=True,
            voltage_v=7.25,
            reason=Reason.SERVICE_GONE.say(service="inference"),
        ),
        make.frame(link.train_id, of),
        make.prediction(link.train_id, of, sign),
    )
    expect(page.locator("#action")).to_have_text("ralentir")
    expect(page.locator("#motion")).to_have_text("arrêté")
    expect(page.locator("#battery")).to_have_text("7,3 V")
    expect(page.locator(".box span")).to_have_text(f"{words['label.SpeedLimit']} 90 %")
    expect(page.locator("#why")).to_have_text(
        "panneau « limite de vitesse » vu : ralenti encore 3,2 s"
    )
    expect(page.locator("#because")).to_have_text("le service « inférence » a disparu")
    expect(page.locator("#log")).to_contain_text("Arrêté, verrouillé : le service « inférence »")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.locator("#language").click()
    expect(page.locator("#motion")).to_have_text("stopped")
    expect(page.locator("#why")).to_have_text(SLOW)
    assert page.url.endswith(f"?lang=en#{link.train_id}")


@pytest.mark.browser
def test_a_page_tells_every_reason_in_french(page: Page) -> None:
    said = {reason.say(**dict.fromkeys(reason.places, "4.5")): reason.code for reason in Reason}
    told = page.evaluate(
        """async ([said, readings]) => {
          const { reason, speakReasons } = await import("/shared/reasons.js");
          await speakReasons("fr");
          return said.map((sentence) => reason(sentence, readings));
        }""",
        [list(said), readings(said)],
    )
    for (sentence, code), french in zip(said.items(), told, strict=True):
        assert "{" not in french, code
        assert french.count("4,5") == sentence.count("4.5"), code
        assert french != sentence or code == "alone"


@pytest.mark.browser
def test_without_a_wish_the_browsers_language_is_spoken(browser: Browser, console: str) -> None:
    for locale, title in (("fr-CH", "Train fou"), ("de-DE", "Runaway train")):
        page = browser.new_page(locale=locale)
        page.goto(console)
        expect(page.locator("h1")).to_have_text(title)
        expect(page).to_have_title(title)
        page.close()

"""The page in a real browser: what is on it is what was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kit.events import Action, Alive, Box, Detection, Event, Label, Motion
from tests.console import make
from tests.console.conftest import Link
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

SPEED = Detection(label=Label.SPEED_LIMIT, confidence=0.91, box=Box(60, 120, 90, 100))
DANGER = Detection(label=Label.DANGER_AHEAD, confidence=0.78, box=Box(480, 20, 60, 50))

SHOWN = "id => document.querySelector('#picture').dataset.sequence === String(id)"
PIXEL = """([x, y]) => [...document.querySelector('#picture').getContext('2d')
    .getImageData(x, y, 1, 1).data].slice(0, 3)"""
# Where the boxes are on the screen, in pixels of the frame.
BOXES = """() => {
    const stage = document.querySelector('#picture').getBoundingClientRect();
    const scale = document.querySelector('#picture').width / stage.width;
    return [...document.querySelectorAll('.box')].map((box) => {
        const r = box.getBoundingClientRect();
        return [box.dataset.label, box.textContent, (r.left - stage.left) * scale,
                (r.top - stage.top) * scale, r.width * scale, r.height * scale];
    });
}"""

# What is on the page for a second only is written down by the page itself.
RECORD_LAMPS = """() => {
    window.lamps = [];
    new MutationObserver(() => {
        for (const lamp of document.querySelectorAll('.lamp')) {
            if (getComputedStyle(lamp).boxShadow !== 'none' && !lamps.includes(lamp.className))
                lamps.push(lamp.className);
        }
    }).observe(document.body, { attributes: true });
}"""
RECORD_BADGE = """() => {
    const badge = document.querySelector('#age');
    window.badges = [badge.textContent];
    new MutationObserver(() => badges.push(badge.textContent))
        .observe(badge, { childList: true });
}"""


@pytest.fixture
def page(browser: Browser, link: Link) -> Iterator[Page]:
    """The console, looking at this test's train; any error in the page fails the test."""
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(f"{link.url}#{link.train_id}")
    expect(page.get_by_role("button", name=link.train_id, exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    yield page
    page.close()
    assert faults == []


def show(
    link: Link, page: Page, sequence: int, *found: Detection, image: bytes | None = None
) -> None:
    of = make.stamp(sequence)
    link.send(
        make.frame(link.train_id, of, image=image), make.prediction(link.train_id, of, *found)
    )
    page.wait_for_function(SHOWN, arg=sequence)
    page.wait_for_function("n => document.querySelectorAll('.box').length === n", arg=len(found))


def show_until_live(link: Link, page: Page, sequence: int) -> None:
    """Show pictures until one was live; on a busy machine some are old when they come."""
    numbers = count(sequence)

    def was_live() -> bool:
        show(link, page, next(numbers))
        return bool(page.evaluate("() => window.badges.includes('live')"))

    wait_until(was_live, lambda: f"a live picture: {page.evaluate('() => window.badges')}")


def say_until(link: Link, page: Page, event: Callable[[], Event], seen: str) -> None:
    """Say what holds for a moment only, as the services do, until the page has shown it."""

    def is_seen() -> object:
        link.send(event())
        return page.evaluate(seen)

    wait_until(is_seen, seen, pause_s=0.1)


def test_the_picture_on_the_page_has_the_colours_that_were_sent(link: Link, page: Page) -> None:
    for sequence, colour_bgr in ((50, (200, 60, 30)), (51, (30, 180, 90))):
        show(link, page, sequence, image=make.jpeg(colour_bgr))
        for at in ((5, 5), (300, 200), (594, 394)):
            assert page.evaluate(PIXEL, at) == pytest.approx(colour_bgr[::-1], abs=3)


def test_each_box_lies_where_the_model_saw_the_sign(link: Link, page: Page) -> None:
    show(link, page, 60, SPEED, DANGER)
    drawn: list[list[Any]] = page.evaluate(BOXES)
    assert [box[:2] for box in drawn] == [
        ["SpeedLimit", "Speed limit 91 %"],
        ["DangerAhead", "Danger ahead 78 %"],
    ]
    for box, sign in zip(drawn, (SPEED, DANGER), strict=True):
        assert box[2:] == pytest.approx(list(sign.box), abs=1)
    show(link, page, 61)
    assert page.evaluate(BOXES) == []


def test_the_names_of_the_signs_stay_inside_the_picture(link: Link, page: Page) -> None:
    corner = Detection(label=Label.STOP, confidence=0.5, box=Box(570, 0, 30, 30))
    left = Detection(label=Label.DANGER_AHEAD, confidence=0.5, box=Box(0, 370, 30, 30))
    show(link, page, 65, corner, left)
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    for name in page.locator(".box span").all():
        box = name.bounding_box()
        assert box is not None
        assert box["x"] >= stage["x"] - 1
        assert box["y"] >= stage["y"] - 1
        assert box["x"] + box["width"] <= stage["x"] + stage["width"] + 1
        assert box["y"] + box["height"] <= stage["y"] + stage["height"] + 1


def test_the_key_b_hides_the_boxes_and_shows_them_again(link: Link, page: Page) -> None:
    show(link, page, 70, SPEED)
    expect(page.locator(".box")).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator(".box")).to_be_hidden()
    page.keyboard.press("b")
    expect(page.locator(".box")).to_be_visible()


@pytest.mark.parametrize(
    ("action", "word", "lamp"),
    [(Action.CRUISE, "cruise", "go"), (Action.SLOW, "slow", "slow"), (Action.STOP, "stop", "stop")],
)
def test_the_decision_is_a_word_a_reason_and_a_lamp(
    link: Link, page: Page, action: Action, word: str, lamp: str
) -> None:
    page.evaluate(RECORD_LAMPS)
    say_until(
        link,
        page,
        lambda: make.command(link.train_id, action, reason=f"reason to {word}"),
        "() => window.lamps.length",
    )
    expect(page.locator("#action")).to_have_text(word)
    expect(page.locator("#why")).to_have_text(f"reason to {word}")
    assert page.evaluate("() => window.lamps") == [f"lamp {lamp}"]


def test_a_latched_train_has_a_red_signal_whatever_is_decided(link: Link, page: Page) -> None:
    link.send(make.state(link.train_id, Motion.STOPPED, latched=True))
    expect(page.locator("#latched")).to_be_visible()
    page.evaluate(RECORD_LAMPS)
    say_until(
        link,
        page,
        lambda: make.command(link.train_id, Action.CRUISE, reason="was obeyed already"),
        "() => window.lamps.length && document.querySelector('#action').textContent === 'cruise'",
    )
    expect(page.locator("#held")).to_be_visible()
    assert page.evaluate("() => window.lamps") == ["lamp stop"]


def test_an_old_decision_goes_pale_and_its_lamp_goes_out(link: Link, page: Page) -> None:
    link.send(make.command(link.train_id, Action.CRUISE, reason="one word, then silence"))
    expect(page.locator("#why")).to_have_text("one word, then silence")
    expect(page.locator("#decision")).to_have_class("panel stale")
    expect(page.locator("body")).to_have_attribute("data-action", "none")


def test_the_train_panel_tells_what_the_controller_knows(link: Link, page: Page) -> None:
    link.send(
        make.state(
            link.train_id,
            Motion.SLOWED,
            reason="a speed limit",
            power_percent=35,
            battery_percent=64,
            voltage_v=7.25,
            rssi_dbm=-61,
        )
    )
    expect(page.locator("#motion")).to_have_text("slowed")
    expect(page.locator("#because")).to_have_text("a speed limit")
    expect(page.locator("#power")).to_have_text("35 %")
    expect(page.locator("#battery")).to_have_text("64 % · 7.3 V")
    expect(page.locator("#radio")).to_have_text("-61 dBm")
    expect(page.locator("#latched")).to_be_hidden()
    link.send(make.state(link.train_id, Motion.STOPPED, latched=True, challenge="secret"))
    expect(page.locator("#latched")).to_be_visible()
    assert "secret" not in page.content()


def test_the_sleepers_pass_only_while_the_train_moves(link: Link, page: Page) -> None:
    passes = "wanted => document.querySelector('#sleepers').getAnimations()[0].playState === wanted"
    link.send(make.state(link.train_id, Motion.CRUISING, power_percent=60))
    page.wait_for_function(passes, arg="running")
    link.send(make.state(link.train_id, Motion.STOPPED))
    page.wait_for_function(passes, arg="paused")


def test_each_service_has_a_light(link: Link, page: Page) -> None:
    link.send(Alive(train_id=link.train_id, service="control", status="offline", detail="hub lost"))
    light = page.locator("#services li")
    say_until(
        link,
        page,
        lambda: Alive(train_id=link.train_id, service="inference"),
        """() => [...document.querySelectorAll('#services [data-light="online"]')]
            .some((light) => light.textContent === 'inference')""",
    )
    expect(light.filter(has_text="control")).to_have_attribute("data-light", "offline")
    expect(light.filter(has_text="control")).to_have_attribute("title", "hub lost")
    expect(light.filter(has_text="decision")).to_have_attribute("data-light", "unknown")
    expect(light.filter(has_text="inference")).to_have_attribute("data-light", "silent")


def test_a_picture_that_stands_still_is_greyed_and_its_age_is_told(link: Link, page: Page) -> None:
    page.evaluate(RECORD_BADGE)
    show_until_live(link, page, 80)
    expect(page.locator("body")).to_have_attribute("data-link", "stale")
    expect(page.locator("#age")).to_contain_text("s old")
    expect(page.locator("#notice")).to_have_text("The picture stands still")
    grey = "() => getComputedStyle(document.querySelector('#picture')).filter.includes('grayscale')"
    assert page.evaluate(grey)
    page.evaluate("() => { window.badges = []; }")
    show_until_live(link, page, 200)


def test_the_latency_is_that_of_this_machines_pictures(link: Link, page: Page) -> None:
    show(link, page, 90)
    expect(page.locator("#latency")).to_contain_text("ms")


def test_a_picture_that_cannot_be_read_is_said_and_the_next_one_shows(
    link: Link, page: Page
) -> None:
    of = make.stamp(100)
    link.send(
        make.frame(link.train_id, of, image=b"\xff\xd8\xff not a picture"),
        make.prediction(link.train_id, of),
    )
    expect(page.locator("#notice")).to_have_text("Picture 100 cannot be read")
    show(link, page, 101)
    expect(page.locator("#notice")).not_to_contain_text("cannot be read")


def test_texts_from_the_train_are_never_taken_for_markup(link: Link, page: Page) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    link.send(
        make.command(link.train_id, Action.STOP, reason=evil),
        make.state(link.train_id, Motion.STOPPED, reason=evil),
    )
    expect(page.locator("#why")).to_have_text(evil)
    expect(page.locator("#because")).to_have_text(evil)
    expect(page.locator("#log li").first).to_contain_text(evil)
    assert page.locator("img, #log script, aside script").count() == 0


def test_another_train_is_chosen_with_a_click_and_kept_in_the_address(
    link: Link, page: Page
) -> None:
    other = f"{link.train_id}-b"
    link.send(
        make.command(link.train_id, Action.STOP, reason="of the first train"),
        make.command(other, Action.SLOW, reason="of the second train"),
    )
    expect(page.locator("#log")).to_contain_text("of the first train")
    page.get_by_role("button", name=other).click()
    expect(page.locator("#why")).to_have_text("of the second train")
    expect(page.locator("#log")).to_contain_text("of the second train")
    expect(page.locator("#log")).not_to_contain_text("of the first train")
    assert page.url.endswith(f"#{other}")


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (1024, 768), (390, 844)])
def test_the_page_fits_projectors_laptops_and_telephones(
    link: Link, page: Page, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    show(link, page, 110, SPEED)
    fits = """() => document.documentElement.scrollWidth <= innerWidth
        && (innerWidth < innerHeight || document.documentElement.scrollHeight <= innerHeight)"""
    assert page.evaluate(fits)
    stage = page.locator("#picture").bounding_box()
    assert stage is not None
    assert stage["width"] / stage["height"] == pytest.approx(1.5, abs=0.02)
    assert stage["width"] > 0.5 * width

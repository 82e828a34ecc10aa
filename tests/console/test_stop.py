"""The console's emergency stop: from the page in a browser, over a real broker, to the train."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import Browser, Page, expect

from kit.child import Child
from kit.config import Settings
from kit.events import Action, Alive, Command, Event, Origin
from kit.messaging.kafka import KafkaSink
from kit.messaging.mqtt import MqttClient
from tests.console.conftest import Link
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


class Train:
    """A train's end of the broker: it notes what it is told."""

    def __init__(self, mqtt_url: str, train_id: str) -> None:
        self.commands: list[Command] = []
        self.client = MqttClient(mqtt_url, service="control", train_id=train_id)
        self._topic = f"train/{train_id}/command"

    def __enter__(self) -> Self:
        self.client.start()
        self.client.subscribe(self._topic, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop()

    def _receive(self, event: Event, _received_ns: int) -> None:
        assert isinstance(event, Command)
        self.commands.append(event)


def until_told(train: Train, page: Page, press: Callable[[], object]) -> None:
    """Press once, and wait until the train is told; if it is not, tell what page and train know."""

    def known() -> str:
        return (
            f"the train is told; the page: "
            f"{page.locator('nav').inner_html()} {page.locator('#train').inner_text()!r} "
            f"link {page.locator('body').get_attribute('data-link')!r}; "
            f"the train: {train.client.stats}"
        )

    press()
    wait_until(lambda: train.commands, known)


@contextmanager
def console_at(
    kafka_bootstrap: str, mqtt_url: str, keys_dir: Path
) -> Iterator[tuple[str, KafkaSink]]:
    """A console that knows the trains' broker: its address, and a way to tell it something."""
    environment = {
        "KIT_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "KIT_MQTT_URL": mqtt_url,
        "KIT_KEYS_DIR": str(keys_dir),
    }
    with (
        Child.module("kit.console", "--port", "0", name="console", env=environment) as child,
        KafkaSink(kafka_bootstrap, settings=Settings(kafka_bootstrap=kafka_bootstrap)) as sink,
    ):
        yield child.ready()["url"], sink


def until_known(page: Page, sink: KafkaSink, train_id: str) -> None:
    button = page.get_by_role("button", name=train_id, exact=True)

    def is_known() -> bool:
        assert sink.send(Alive(train_id=train_id, service="capture"))
        return button.count() > 0

    wait_until(is_known, f"the page knows {train_id}", pause_s=0.05)


def until_shown(page: Page, sink: KafkaSink, train_id: str) -> None:
    """Wait until the page shows a train: it may know it sooner, and still show another one."""
    until_known(page, sink, train_id)
    expect(page.get_by_role("button", name=train_id, exact=True, pressed=True)).to_be_visible()


@pytest.fixture
def page_of(
    browser: Browser, kafka_bootstrap: str, mqtt_url: str, train_id: str, keys_dir: Path
) -> Iterator[Page]:
    """A console that knows the trains' broker, showing this test's train."""
    with console_at(kafka_bootstrap, mqtt_url, keys_dir) as (url, sink):
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.goto(f"{url}#{train_id}")
        until_shown(page, sink, train_id)
        yield page
        page.close()


def test_a_click_stops_the_train(page_of: Page, mqtt_url: str, train_id: str) -> None:
    stop = page_of.get_by_role("button", name="Emergency stop")
    with Train(mqtt_url, train_id) as train:
        until_told(train, page_of, stop.click)
    assert {command.origin for command in train.commands} == {Origin.OPERATOR}
    assert {command.action for command in train.commands} == {Action.EMERGENCY_STOP}
    assert {command.reason for command in train.commands} == {"emergency stop at the console"}


def test_the_key_s_stops_the_train(page_of: Page, mqtt_url: str, train_id: str) -> None:
    expect(page_of.get_by_role("button", name="Emergency stop")).to_be_visible()
    with Train(mqtt_url, train_id) as train:
        until_told(train, page_of, lambda: page_of.keyboard.press("s"))
    assert {command.action for command in train.commands} == {Action.EMERGENCY_STOP}


def test_a_train_that_does_not_say_that_it_stands_is_told(
    page_of: Page, mqtt_url: str, train_id: str
) -> None:
    with Train(mqtt_url, train_id) as train:
        until_told(train, page_of, page_of.get_by_role("button", name="Emergency stop").click)
        expect(page_of.get_by_role("alert")).to_contain_text("has not said that it stands")


def test_a_console_that_knows_no_broker_offers_no_stop(
    browser: Browser, link: Link, train_id: str
) -> None:
    page = browser.new_page()
    page.goto(f"{link.url}#{train_id}")
    expect(page.get_by_role("button", name=train_id, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Emergency stop")).to_be_hidden()
    page.close()


def test_the_stop_goes_to_the_train_that_is_shown_and_to_no_other(
    browser: Browser, kafka_bootstrap: str, mqtt_url: str, train_id: str, keys_dir: Path
) -> None:
    other = f"a-{train_id}"  # known before, and the first by its name
    with console_at(kafka_bootstrap, mqtt_url, keys_dir) as (url, sink):
        page = browser.new_page()
        page.goto(f"{url}#{train_id}")
        until_known(page, sink, other)
        expect(page.locator("#notice")).to_contain_text("Nothing has been heard of")
        expect(page.locator("#stop")).to_be_hidden()
        until_shown(page, sink, train_id)
        with Train(mqtt_url, train_id) as train, Train(mqtt_url, other) as bystander:
            until_told(train, page, page.get_by_role("button", name="Emergency stop").click)
        assert bystander.commands == []
        page.close()


def test_a_stop_that_cannot_be_sent_is_said(
    browser: Browser, kafka_bootstrap: str, mqtt_url: str, train_id: str, keys_dir: Path
) -> None:
    with console_at(kafka_bootstrap, mqtt_url, keys_dir) as (url, sink):
        page = browser.new_page()
        page.goto(f"{url}#{train_id}")
        until_shown(page, sink, train_id)
        expect(page.locator("#stop")).to_be_visible()
    expect(page.locator("#age")).to_have_text("console lost")
    page.keyboard.press("s")
    expect(page.get_by_role("alert")).to_contain_text("was NOT sent")
    page.close()

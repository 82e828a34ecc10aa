"""The console's emergency stop: from the page in a browser, over a real broker, to the train."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

import pytest
from playwright.sync_api import Browser, Page, expect

from kit.child import Child
from kit.config import Settings
from kit.events import Action, Alive, Command, Event, Origin
from kit.messaging.kafka import KafkaSink
from kit.messaging.mqtt import MqttClient
from tests.console.conftest import Link

pytestmark = pytest.mark.browser

expect.set_options(timeout=30_000)


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
    """Press until the train is told: it may not listen yet when the first command comes."""
    while not train.commands:
        press()
        page.wait_for_timeout(500)


@pytest.fixture
def page_of(browser: Browser, kafka_bootstrap: str, mqtt_url: str, train_id: str) -> Iterator[Page]:
    """A console that knows the trains' broker, showing this test's train."""
    environment = {"KIT_KAFKA_BOOTSTRAP": kafka_bootstrap, "KIT_MQTT_URL": mqtt_url}
    with (
        Child.module("kit.console", "--port", "0", name="console", env=environment) as child,
        KafkaSink(kafka_bootstrap, settings=Settings(kafka_bootstrap=kafka_bootstrap)) as sink,
    ):
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.goto(f"{child.ready()['url']}#{train_id}")
        button = page.get_by_role("button", name=train_id, exact=True)
        while not button.count():
            assert sink.send(Alive(train_id=train_id, service="capture"))
            page.wait_for_timeout(50)
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

"""The console's emergency stop: from the page in a browser, over a real broker, to the train."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import pytest
from playwright.sync_api import Browser, Page, expect

from kit.child import Child
from kit.config import Settings
from kit.events import Action, Alive, Command, Event, Motion, Origin
from kit.messaging.kafka import KafkaSink
from kit.messaging.mqtt import MqttClient
from tests.console import make
from tests.console.conftest import Link
from tests.messaging.servers import wait_until

pytestmark = pytest.mark.browser

expect.set_options(timeout=30_000)


class Train:
    """A train's end of the broker: it notes what it is told."""

    def __init__(self, mqtt_url: str, train_id: str) -> None:
        self.commands: list[Command] = []
        self.client = MqttClient(mqtt_url, service="control", train_id=train_id)
        self._train_id = train_id

    def __enter__(self) -> Self:
        self.client.start()
        self.client.subscribe(f"train/{self._train_id}/command", self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop()

    def _receive(self, event: Event, _received_ns: int) -> None:
        assert isinstance(event, Command)
        self.commands.append(event)

    def stands(self) -> None:
        """Say that it stands."""
        self.client.publish(make.state(self._train_id, Motion.STOPPED, latched=True))


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
        stop.click()
        wait_until(lambda: train.commands, "the train was told")
        while not stop.is_enabled():
            train.stands()
            page_of.wait_for_timeout(50)
    (command,) = train.commands
    assert (command.action, command.origin) == (Action.EMERGENCY_STOP, Origin.OPERATOR)
    assert command.reason == "emergency stop at the console"
    expect(page_of.locator("#stop-trouble")).to_be_hidden()


def test_the_key_s_stops_the_train(page_of: Page, mqtt_url: str, train_id: str) -> None:
    expect(page_of.get_by_role("button", name="Emergency stop")).to_be_visible()
    with Train(mqtt_url, train_id) as train:
        page_of.keyboard.press("s")
        wait_until(lambda: train.commands, "the train was told")
    assert [command.action for command in train.commands] == [Action.EMERGENCY_STOP]


def test_a_train_that_does_not_say_that_it_stands_is_told(
    page_of: Page, mqtt_url: str, train_id: str
) -> None:
    with Train(mqtt_url, train_id) as train:
        page_of.get_by_role("button", name="Emergency stop").click()
        expect(page_of.get_by_role("alert")).to_contain_text("has not said that it stands")
    assert len(train.commands) == 1


def test_a_console_that_knows_no_broker_offers_no_stop(
    browser: Browser, link: Link, train_id: str
) -> None:
    page = browser.new_page()
    page.goto(f"{link.url}#{train_id}")
    expect(page.get_by_role("button", name=train_id, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Emergency stop")).to_be_hidden()
    page.close()

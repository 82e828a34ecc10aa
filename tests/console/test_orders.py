"""Operators arm a train and have its pictures pause: from the page, over a real broker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import Browser, Page, expect

from kit.child import Child
from kit.config import Settings
from kit.events import (
    Action,
    Alive,
    CaptureSwitch,
    Command,
    Event,
    Motion,
    TrainState,
    arm_proof,
)
from kit.messaging.kafka import KafkaSink
from kit.messaging.mqtt import MqttClient
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

KEY = "the key of this train"


class Train:
    """A train that is latched until it is armed, and says so to MQTT and to Kafka all the time."""

    def __init__(self, mqtt_url: str, sink: KafkaSink, train_id: str) -> None:
        self.train_id = train_id
        self.told: list[Event] = []
        self.challenge: str | None = "first"
        self.paused = False
        self.client = MqttClient(mqtt_url, service="control", train_id=train_id)
        self._sink = sink
        self._ended = threading.Event()
        self._talking = threading.Thread(target=self._talk)

    def say(self) -> None:
        """Tell its state and its capture's."""
        state = TrainState(
            train_id=self.train_id,
            motion=Motion.STOPPED,
            reason="a danger sign.",
            latched=self.challenge is not None,
            challenge=self.challenge,
        )
        capture = Alive(train_id=self.train_id, service="capture", paused=self.paused)
        for event in (state, capture):
            self.client.publish(event)
            assert self._sink.send(event)

    def __enter__(self) -> Self:
        self.client.start()
        for kind in ("command", "capture"):
            self.client.subscribe(f"train/{self.train_id}/{kind}", self._receive)
        self._talking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._talking.join()
        self.client.stop()

    def _talk(self) -> None:
        while not self._ended.wait(0.1):
            self.say()

    def _receive(self, event: Event, _received_ns: int) -> None:
        self.told.append(event)
        if isinstance(event, CaptureSwitch):
            self.paused = not event.on
        elif isinstance(event, Command) and event.action is Action.ARM:
            assert self.challenge is not None
            proof = arm_proof(KEY, train_id=self.train_id, challenge=self.challenge)
            self.challenge = None if event.proof == proof else "another"
        self.say()


@dataclass(frozen=True)
class Desk:
    """An operator's page, and the train on it."""

    page: Page
    train: Train

    def until(self, seen: Callable[[], object]) -> None:
        """Wait until something is so; if it never is, tell what the page shows of the train."""
        wait_until(seen, self.page.locator("#train").inner_text, pause_s=0.05)

    def shows(self, selector: str, text: str) -> None:
        self.until(lambda: text in self.page.locator(selector).inner_text())


@pytest.fixture
def desk(
    browser: Browser, kafka_bootstrap: str, mqtt_url: str, train_id: str, tmp_path: Path
) -> Iterator[Desk]:
    environment = {
        "KIT_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "KIT_MQTT_URL": mqtt_url,
        "KIT_ARM_KEY": KEY,
        "KIT_KEYS_DIR": str(tmp_path),
    }
    with (
        Child.module("kit.console", name="console", env=environment) as child,
        KafkaSink(kafka_bootstrap, settings=Settings(kafka_bootstrap=kafka_bootstrap)) as sink,
        Train(mqtt_url, sink, train_id) as train,
    ):
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.goto(f"{child.ready()['operator_url']}#{train_id}")
        desk = Desk(page, train)
        desk.until(page.locator("#latched").is_visible)
        yield desk
        page.close()


def test_an_operator_arms_a_train_in_two_steps(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Re-arm").click()
    asked = desk.page.get_by_role("dialog")
    expect(asked).to_contain_text(f"Arm “{desk.train.train_id}”?")
    expect(asked).to_contain_text("It stands because: a danger sign. Once armed")
    desk.page.get_by_role("button", name="Arm the train").click()
    desk.until(desk.page.locator("#latched").is_hidden)
    (command,) = desk.train.told
    assert isinstance(command, Command)
    assert command.proof == arm_proof(KEY, train_id=desk.train.train_id, challenge="first")
    expect(desk.page.locator("#arm")).to_be_disabled()
    expect(desk.page.locator("#told")).to_be_hidden()


def test_no_key_arms_a_train_by_accident(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Re-arm").focus()
    for key in ("Enter", "Enter", " ", " "):  # asks, and is cancelled, and so again
        desk.page.keyboard.press(key)
    for key in "abcdefghijklmnopqrtuvwxyz0":
        desk.page.keyboard.press(key)
    expect(desk.page.get_by_role("dialog")).to_be_hidden()
    desk.page.get_by_role("button", name="Emergency stop").click()
    desk.until(lambda: desk.train.told)
    (command,) = desk.train.told
    assert isinstance(command, Command)
    assert command.action is Action.EMERGENCY_STOP


def test_what_was_asked_is_asked_no_more_when_the_train_is_stopped_again(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Re-arm").click()
    expect(desk.page.get_by_role("dialog")).to_be_visible()
    desk.train.challenge = "second"
    desk.until(desk.page.get_by_role("dialog").is_hidden)
    assert desk.train.told == []


def test_an_answer_to_what_no_longer_holds_the_train_is_not_sent(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Re-arm").click()
    # The page of a slow browser: it still asks about a latch that the console knows is gone.
    desk.page.evaluate("""async () => {
        const address = `ws://${location.host}/view`;
        const socket = new WebSocket(address);
        await new Promise((opened) => { socket.onopen = opened; });
        const train = decodeURIComponent(location.hash.slice(1));
        socket.send(JSON.stringify({ arm: { train, seen: 'of-yesterday' } }));
    }""")
    desk.page.get_by_role("button", name="Cancel").click()
    desk.shows("#told", "something has changed since you looked")
    assert desk.train.told == []


def test_an_operator_has_the_pictures_pause_and_come_again(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Pause pictures").click()
    desk.shows("#notice", "The pictures are paused")
    desk.shows("#capture", "Resume pictures")
    expect(desk.page.locator("#services li").first).to_have_attribute("data-light", "paused")
    desk.page.get_by_role("button", name="Resume pictures").click()
    desk.shows("#capture", "Pause pictures")
    assert [event.on for event in desk.train.told if isinstance(event, CaptureSwitch)] == [
        False, True
    ]  # fmt: skip
    assert desk.train.challenge == "first"  # and nothing armed it


def test_a_viewer_is_offered_the_stop_and_nothing_more(desk: Desk, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(desk.page.url)
    page.get_by_role("button", name="Emergency stop").wait_for()
    expect(page.locator("#role")).to_have_text("viewer")
    expect(page.get_by_role("button", name="Re-arm")).to_be_hidden()
    expect(page.get_by_role("button", name="Pause pictures")).to_be_hidden()
    page.close()

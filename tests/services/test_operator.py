"""The operator's side of arming and stopping, over a real broker."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from pydantic import SecretStr

from kit.cli import main
from kit.config import Settings
from kit.errors import ConfigError, HubError
from kit.events import Action, Command, Event, Motion, TrainState, arm_proof
from kit.messaging.mqtt import MqttClient
from kit.services.operator import Operator, emergency_stop
from tests.waiting import PATIENCE_S

KEY = "a key"


class Train:
    """The train's end of the conversation; ``answer`` says what it does about a command."""

    def __init__(self, client: MqttClient, train_id: str) -> None:
        self.client = client
        self.train_id = train_id
        self.commands: list[Command] = []
        self.told = threading.Event()
        self.answer: Callable[[Command], None] = lambda _command: None
        client.subscribe(f"train/{train_id}/command", self._receive)

    def say(self, motion: Motion, challenge: str | None) -> TrainState:
        state = TrainState(
            train_id=self.train_id,
            motion=motion,
            reason="a test",
            latched=challenge is not None,
            challenge=challenge,
        )
        self.client.publish(state)
        return state

    def _receive(self, event: Event, _ns: int) -> None:
        if isinstance(event, Command):
            self.commands.append(event)
            self.told.set()
            self.answer(event)


@pytest.fixture
def settings(mqtt_url: str) -> Settings:
    return Settings(mqtt_url=SecretStr(mqtt_url), arm_key=SecretStr(KEY))


@pytest.fixture
def operator(settings: Settings, train_id: str) -> Iterator[Operator]:
    with Operator(train_id=train_id, settings=settings) as operator:
        yield operator


@pytest.fixture
def train(mqtt_url: str, train_id: str) -> Iterator[Train]:
    with MqttClient(mqtt_url, service="train", train_id=train_id) as client:
        yield Train(client, train_id)


def test_arming_answers_the_challenge_of_a_standing_train(operator: Operator, train: Train) -> None:
    train.answer = lambda _command: train.say(Motion.STOPPED, None)
    train.say(Motion.STOPPING, "first")
    train.say(Motion.STOPPED, "second")
    assert operator.arm(timeout_s=PATIENCE_S).latched is False
    (command,) = train.commands
    assert command.action is Action.ARM
    assert command.proof == arm_proof(KEY, train_id=train.train_id, challenge="second")


def test_a_train_that_is_stopped_again_meanwhile_is_not_called_armed(
    operator: Operator, train: Train
) -> None:
    train.answer = lambda _command: train.say(Motion.STOPPED, "another")
    train.say(Motion.STOPPED, "first")
    with pytest.raises(HubError, match="stopped again"):
        operator.arm(timeout_s=PATIENCE_S)


def test_a_newer_challenge_is_not_answered_for_an_older_state(
    operator: Operator, train: Train
) -> None:
    train.answer = lambda _command: train.say(Motion.STOPPED, "newest")
    old = train.say(Motion.STOPPED, "old")
    train.say(Motion.STOPPED, "new")
    with pytest.raises(HubError):
        operator.arm(answering=old, timeout_s=1)
    assert train.told.wait(PATIENCE_S)
    assert train.commands[0].proof == arm_proof(KEY, train_id=train.train_id, challenge="old")


def test_a_silent_train_is_told_as_such(operator: Operator) -> None:
    with pytest.raises(HubError, match="did not answer"):
        operator.arm(timeout_s=0.1)


def test_an_emergency_stop_needs_no_challenge(operator: Operator, train: Train) -> None:
    train.answer = lambda _command: train.say(Motion.STOPPED, "stopped")
    operator.emergency_stop("a child on the track")
    operator.wait_for(lambda state: state.latched, PATIENCE_S)
    assert train.commands[0].action is Action.EMERGENCY_STOP
    assert train.commands[0].reason == "a child on the track"


def test_without_a_key_nobody_is_an_operator(mqtt_url: str, train_id: str) -> None:
    with pytest.raises(ConfigError, match="KIT_ARM_KEY"):
        Operator(train_id=train_id, settings=Settings(mqtt_url=SecretStr(mqtt_url)))


def test_anybody_who_reaches_the_broker_stops_the_train_from_a_terminal(
    train: Train, mqtt_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIT_MQTT_URL", mqtt_url)
    patient = partial(emergency_stop, timeout_s=PATIENCE_S)
    monkeypatch.setattr("kit.services.operator.emergency_stop", patient)
    said = threading.Event()

    def say(_command: Command) -> None:
        if said.is_set():
            train.say(Motion.STOPPED, "a challenge")

    train.answer = lambda _command: said.set()
    talking = threading.Event()

    def keep_telling() -> None:
        while not talking.wait(0.05):
            say(train.commands[-1]) if train.commands else None

    teller = threading.Thread(target=keep_telling, daemon=True)
    teller.start()
    with pytest.raises(SystemExit) as end:
        main(["stop", "--train", train.train_id, "--reason", "a dog", "--json"])
    talking.set()
    teller.join()
    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["stands"] is True
    assert (train.commands[0].action, train.commands[0].reason) == (Action.EMERGENCY_STOP, "a dog")


def test_a_train_that_does_not_say_that_it_stands_is_no_success(
    mqtt_url: str, train_id: str
) -> None:
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    assert emergency_stop(settings, train_id=train_id, reason="test", timeout_s=0.1) is None


def test_without_a_broker_the_button_on_the_hub_is_named() -> None:
    with pytest.raises(ConfigError, match="green button"):
        emergency_stop(Settings(), train_id="train-1", reason="test")

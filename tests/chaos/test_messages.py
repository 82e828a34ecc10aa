"""What the intruder says: nothing of it is an event, and he hears what he may repeat."""

from __future__ import annotations

import json
import random
import threading
import time
from datetime import UTC, datetime

import pytest

from kit.chaos.intruder import Intruder, busy
from kit.chaos.messages import HUGE_BYTES, broken_messages
from kit.errors import EventError
from kit.events import Action, Command, Event, FrameStamp
from kit.messaging.bindings import MqttMessage, from_mqtt, to_mqtt
from kit.messaging.mqtt import MqttClient
from tests.waiting import PATIENCE_S, wait_until


def command(train_id: str) -> Command:
    frame = FrameStamp.new(
        sequence=1, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
    )
    return Command(train_id=train_id, action=Action.CRUISE, reason="go", frame=frame)


@pytest.mark.parametrize("seed", range(5))
def test_no_broken_message_is_an_event_that_moves_a_train(seed: int) -> None:
    good = to_mqtt(command("t"), source="decision")
    broken = list(broken_messages([good], random.Random(seed)))
    assert len(broken) > 5
    for message in broken:
        with pytest.raises(EventError):
            from_mqtt(
                message.payload,
                topic=message.topic,
                content_type=message.content_type or None,
                user_properties=message.user_properties,
            )


def test_the_intruder_repeats_word_for_word_and_does_not_hear_himself(
    mqtt_url: str, train_id: str
) -> None:
    got: list[Event] = []
    with (
        MqttClient(mqtt_url, service="decision", train_id=train_id) as client,
        Intruder(mqtt_url, train_id=train_id) as intruder,
    ):
        client.subscribe(f"train/{train_id}/command", lambda event, _ns: got.append(event))
        said = command(train_id)
        client.publish(said)
        wait_until(lambda: intruder.of("command"))
        intruder.say(intruder.of("command")[0].message)
        wait_until(lambda: len(got) == 2)
        assert got == [said, said]
        after = command(train_id)
        client.publish(after)  # after what he said himself
        wait_until(lambda: len(got) == 3)
        wait_until(lambda: len(intruder.of("command")) > 1)
        heard = [json.loads(one.message.payload) for one in intruder.of("command")]
        assert [one["frame"]["frame_id"] for one in heard] == [
            event.frame.frame_id for event in (said, after)
        ]


def test_a_broker_throws_out_who_says_ten_million_bytes(mqtt_url: str, train_id: str) -> None:
    with Intruder(mqtt_url, train_id=train_id) as intruder:
        body = bytes(HUGE_BYTES)
        intruder.say(MqttMessage(f"train/{train_id}/frame", body, 0, False, "image/jpeg", ()))
        assert intruder.wait_gone()
    with MqttClient(mqtt_url, service="after", train_id=train_id) as client:
        assert client.stats.connected


def test_work_that_fails_beside_the_block_fails_the_block() -> None:
    tried = threading.Event()

    def fail() -> None:
        tried.set()
        raise ValueError("it broke")

    with pytest.raises(ValueError, match="it broke"), busy(fail, every_s=0.001):
        assert tried.wait(PATIENCE_S)

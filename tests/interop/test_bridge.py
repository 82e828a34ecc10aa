"""Services of the older demo in the place of ours, over real brokers, in both directions."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from ulid import ULID

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError, HubError
from kit.events import (
    Action,
    Alive,
    Box,
    Command,
    Detection,
    Frame,
    FrameStamp,
    Label,
    Motion,
    Prediction,
    TrainState,
)
from kit.interop.bridge import Bridge
from kit.interop.formats import (
    CAPTURE_TOPIC,
    COMMAND_TOPIC,
    IMAGE_TOPIC,
    MONITORING_TOPIC,
    RESULT_TOPIC,
    OlderDetection,
    OlderImage,
    OlderResult,
    decode_image,
    decode_monitoring,
    decode_result,
    encode_image,
    encode_result,
)
from kit.interop.pictures import decode_webp, encode_webp
from kit.interop.roles import Older
from kit.messaging.kafka.cluster import client_config
from kit.services.operator import Operator
from kit.vision.frames import decode_jpeg, encode_jpeg
from tests.interop.conftest import Ours, Theirs
from tests.waiting import PATIENCE_S, wait_until

Bridged = Callable[..., AbstractContextManager[Bridge]]
PICTURE = np.full((400, 600, 3), 90, np.uint8)
IMAGE = encode_jpeg(PICTURE)


def stamp(sequence: int = 0) -> FrameStamp:
    return FrameStamp.new(
        sequence=sequence, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
    )


def frame(train_id: str, of: FrameStamp) -> Frame:
    return Frame(train_id=train_id, frame=of, encoded_ns=of.captured_ns, image=IMAGE)


def prediction(train_id: str, of: FrameStamp, *labels: Label) -> Prediction:
    found = tuple(Detection(label=n, confidence=0.9, box=Box(60, 30, 90, 120)) for n in labels)
    return Prediction(train_id=train_id, frame=of, detections=found, model="1", provider="CPU")


def command(train_id: str, action: Action) -> Command:
    return Command(train_id=train_id, action=action, reason="test", frame=stamp())


def lights(ours: Ours, service: str) -> list[str]:
    return [e.status for e in ours.heard(Alive) if isinstance(e, Alive) and e.service == service]


def test_their_capture_makes_our_frames(bridged: Bridged, theirs: Theirs, ours: Ours) -> None:
    picture = np.full((480, 640, 3), 30, np.uint8)
    cv2.circle(picture, (320, 240), 60, (255, 255, 255), -1)
    with bridged(Older.CAPTURE):
        sent_ms = int(time.time() * 1000)
        theirs.say(IMAGE_TOPIC, b"no picture")
        theirs.say(IMAGE_TOPIC, encode_image(OlderImage(sent_ms, encode_webp(picture))))
        wait_until(lambda: ours.heard(Frame), "a frame came")
        (made,) = ours.heard(Frame)
        wait_until(lambda: "online" in lights(ours, "capture"), "capture is there")
    assert isinstance(made, Frame)
    assert decode_jpeg(made.image).shape == (400, 600, 3)
    assert decode_jpeg(made.image)[200, 300].min() > 200
    assert int(made.frame.captured_at.timestamp() * 1000) == sent_ms
    assert 0 <= time.monotonic_ns() - made.frame.captured_ns < 60e9
    wait_until(lambda: lights(ours, "capture")[-1] == "offline", "its light goes out")


def test_their_inference_looks_at_our_frames(
    bridged: Bridged, theirs: Theirs, ours: Ours, train_id: str
) -> None:
    theirs.listen(IMAGE_TOPIC)
    of = stamp(5)
    with bridged(Older.INFERENCE):
        ours.client.publish(frame(train_id, of))
        wait_until(lambda: theirs.payloads(IMAGE_TOPIC), "their picture came")
        image = decode_image(theirs.payloads(IMAGE_TOPIC)[0])
        assert decode_webp(image.image).shape == (400, 600, 3)
        assert image.id == int(of.captured_at.timestamp() * 1000)
        seen = OlderDetection(1, "DangerAhead", 0.93, (64.0, 32.0, 96.0, 128.0))
        stray = OlderResult(1, b"", (), 0.9375)
        theirs.say(RESULT_TOPIC, encode_result(stray))
        theirs.say(RESULT_TOPIC, encode_result(OlderResult(image.id, b"", (seen,), 0.9375)))
        wait_until(lambda: ours.heard(Prediction), "a prediction came")
    (made,) = ours.heard(Prediction)
    assert isinstance(made, Prediction)
    assert made.frame == of
    assert [(d.label, d.box) for d in made.detections] == [
        (Label.DANGER_AHEAD, Box(60, 30, 90, 120))
    ]


def test_their_decision_decides_on_our_predictions(
    bridged: Bridged, theirs: Theirs, ours: Ours, train_id: str
) -> None:
    theirs.listen(RESULT_TOPIC)
    with bridged(Older.DECISION) as bridge:
        wait_until(lambda: not bridge.side.attribution.resting, "nothing is left from before")
        stamps = [stamp(n) for n in range(3)]
        for count, of in enumerate(stamps, start=1):
            ours.client.publish(frame(train_id, of))
            ours.client.publish(prediction(train_id, of, Label.SPEED_LIMIT, Label.STOP))
            wait_until(lambda n=count: len(theirs.payloads(RESULT_TOPIC)) == n, "a result came")
        for answer in (b"-1", b"2", b"0", b"1"):
            theirs.say(COMMAND_TOPIC, answer)
        wait_until(lambda: len(ours.heard(Command)) == 3, "three commands came")
    result = decode_result(theirs.payloads(RESULT_TOPIC)[0])
    assert [found.class_id for found in result.detections] == [1, 0]
    assert result.scale == 0.9375
    made = [e for e in ours.heard(Command) if isinstance(e, Command)]
    assert [c.action for c in made] == [Action.CRUISE, Action.SLOW, Action.STOP]
    assert [c.frame for c in made] == stamps


def test_with_all_three_theirs_our_controller_still_gets_decisions_on_their_frames(
    bridged: Bridged, theirs: Theirs, ours: Ours
) -> None:
    theirs.listen(IMAGE_TOPIC)
    with bridged(Older.CAPTURE, Older.INFERENCE, Older.DECISION) as bridge:
        wait_until(lambda: not bridge.side.attribution.resting, "nothing is left from before")
        older_id = int(time.time() * 1000)
        theirs.say(IMAGE_TOPIC, encode_image(OlderImage(older_id, encode_webp(PICTURE))))
        wait_until(lambda: ours.heard(Frame), "a frame came")
        theirs.say(RESULT_TOPIC, encode_result(OlderResult(older_id, b"", (), 0.9375)))
        wait_until(lambda: ours.heard(Prediction), "a prediction came")
        theirs.say(COMMAND_TOPIC, b"-1")
        wait_until(lambda: ours.heard(Command), "a command came")
    (seen,), (made,) = ours.heard(Frame), ours.heard(Command)
    assert isinstance(made, Command)
    assert (made.action, made.frame) == (Action.CRUISE, seen.stamp)
    assert len(theirs.payloads(IMAGE_TOPIC)) == 1, "their own picture does not go back to them"


def says(theirs: Theirs, wanted: bytes) -> Callable[[], bool]:
    """Tell whether their controller was told something from now on."""
    before = len(theirs.payloads(COMMAND_TOPIC))
    return lambda: wanted in theirs.payloads(COMMAND_TOPIC)[before:]


def test_their_controller_moves_only_while_ours_would(
    bridged: Bridged, theirs: Theirs, ours: Ours, settings: Settings, train_id: str
) -> None:
    theirs.listen(COMMAND_TOPIC)
    with (
        bridged(Older.CONTROLLER),
        Operator(train_id=train_id, settings=settings) as operator,
    ):
        operator.wait_for_standing(timeout_s=PATIENCE_S)
        for _ in range(2):
            wait_until(says(theirs, b"1"), "a stopped train is told to stop, again and again")
        told = len(theirs.payloads(COMMAND_TOPIC))
        ours.client.publish(command(train_id, Action.CRUISE))
        wait_until(says(theirs, b"1"), "a latched train follows no decision")
        assert set(theirs.payloads(COMMAND_TOPIC)[told:]) == {b"1"}
        drive(ours, operator, Action.CRUISE, says(theirs, b"-1"))
        drive(ours, operator, Action.SLOW, says(theirs, b"0"))
        ours.client.publish(command(train_id, Action.STOP))
        wait_until(says(theirs, b"1"), "a sign stops it")
        operator.wait_for(lambda s: s.latched and s.motion is Motion.STOPPED, PATIENCE_S)
        told = len(theirs.payloads(COMMAND_TOPIC))
        decide(ours, train_id, Action.CRUISE, says(theirs, b"1"))
        assert set(theirs.payloads(COMMAND_TOPIC)[told:]) == {b"1"}, "and it stays stopped"


def decide(ours: Ours, train_id: str, action: Action, until: Callable[[], bool]) -> None:
    """Make fresh decisions, as a decision service does, until something has happened."""

    def happened() -> bool:
        ours.client.publish(command(train_id, action))
        return until()

    wait_until(happened, f"{action} had its effect")


def drive(ours: Ours, operator: Operator, action: Action, until: Callable[[], bool]) -> None:
    """Arm the train and decide so, again whenever a busy machine was silent for too long."""

    def happened() -> bool:
        if operator.state is not None and operator.state.latched:
            with suppress(HubError):  # it was held up again before its answer was read
                operator.arm(timeout_s=PATIENCE_S)
        return until()

    decide(ours, operator.train_id, action, happened)


def test_silence_slows_and_stops_a_train_of_theirs_as_one_of_ours(
    bridged: Bridged, theirs: Theirs, ours: Ours, settings: Settings, train_id: str
) -> None:
    theirs.listen(COMMAND_TOPIC)
    with bridged(Older.CONTROLLER), Operator(train_id=train_id, settings=settings) as operator:
        drive(ours, operator, Action.CRUISE, says(theirs, b"-1"))
        stops = says(theirs, b"1")
        state = operator.wait_for(lambda s: s.latched, PATIENCE_S)
        assert "no fresh decision" in state.reason
        wait_until(stops, "it is told to stop")


def test_when_the_bridge_is_killed_the_broker_says_stop_in_its_name(
    theirs: Theirs, settings: Settings, train_id: str
) -> None:
    theirs.listen(COMMAND_TOPIC)
    argv = ["--theirs", "controller", "--train-id", train_id, "--json"]
    environment = settings.environment()
    with Child.module("kit", "bridge", *argv, name="bridge", env=environment) as child:
        assert child.ready() == {"ready": ["controller"]}
        wait_until(says(theirs, b"1"), "it says stop")
        child.signal(signal.SIGSTOP)  # so that the next word is not its own
        theirs.listen("marker")
        theirs.say("marker", b"all before it has come")
        wait_until(lambda: theirs.payloads("marker"), "what it had said has come")
        last = says(theirs, b"1")
        child.signal(signal.SIGKILL)
        wait_until(last, "the broker says it")


def test_their_page_shows_our_pictures_and_its_stop_is_an_emergency_stop(
    bridged: Bridged, ours: Ours, settings: Settings, train_id: str
) -> None:
    assert settings.kafka_bootstrap is not None
    config = client_config(settings.kafka_bootstrap, settings)
    with bridged(Older.MONITORING) as bridge:
        (role,) = bridge.roles
        assert role.listening.wait(PATIENCE_S)
        page = Consumer(config | {"group.id": "page", "auto.offset.reset": "earliest"})
        page.assign([TopicPartition(MONITORING_TOPIC, 0, 0)])
        of = stamp()
        ours.client.publish(frame(train_id, of))
        ours.client.publish(prediction(train_id, of, Label.DANGER_AHEAD))
        shown: list[bytes] = []

        def look() -> bool:
            message = page.poll(0.1)
            if message is not None and message.error() is None:
                shown.append(message.value() or b"")
            return any(train_id.encode() in value for value in shown)

        wait_until(look, "their page has a picture")
        page.close()
        buttons = Producer(config)
        for order in ("start", "startMovement", "stop"):
            buttons.produce(CAPTURE_TOPIC, json.dumps({"command": order}).encode())
        buttons.flush(PATIENCE_S)
        wait_until(lambda: ours.heard(Command), "the stop came")
        assert role.counters["starts refused"] == 2
    document = json.loads(shown[-1])
    assert document["data"]["image"].startswith("data:image/webp;base64,")
    result = decode_monitoring(shown[-1])
    assert [found.class_name for found in result.detections] == ["DangerAhead"]
    drawn = decode_webp(result.image)
    assert np.abs(drawn.astype(int) - 90).max() > 60, "the box is in the picture"
    (made,) = ours.heard(Command)
    assert isinstance(made, Command)
    assert made.action is Action.EMERGENCY_STOP
    assert not ours.heard(TrainState)


def test_their_decision_never_commands_their_controller_past_our_latch(
    settings: Settings, train_id: str
) -> None:
    both = (Older.DECISION, Older.CONTROLLER)
    with pytest.raises(ConfigError, match="--controller-topic"):
        Bridge(both, train_id=train_id, settings=settings)


def test_with_a_topic_of_its_own_their_controller_hears_their_decision_through_ours(
    bridged: Bridged, theirs: Theirs, ours: Ours, settings: Settings, train_id: str
) -> None:
    topic = f"train-command-{ULID()!s}"
    theirs.listen(topic)
    theirs.listen(RESULT_TOPIC)
    with (
        bridged(Older.DECISION, Older.CONTROLLER, controller_topic=topic) as bridge,
        Operator(train_id=train_id, settings=settings) as operator,
    ):
        wait_until(lambda: not bridge.side.attribution.resting, "nothing is left from before")
        theirs.say(COMMAND_TOPIC, b"0")
        operator.wait_for_standing(timeout_s=PATIENCE_S)
        wait_until(lambda: theirs.payloads(topic), "their controller hears something")
        assert set(theirs.payloads(topic)) == {b"1"}, "a latched train is told nothing else"


@pytest.mark.parametrize("names", ["", "kitchen"])
def test_services_that_theirs_has_not_are_refused(
    names: str,
    capsys: pytest.CaptureFixture[str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kit.cli import main

    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        main(["bridge", "--theirs", names, "--json"])
    assert end.value.code == 1
    assert "capture" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]

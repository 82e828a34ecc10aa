"""How single pictures are thinned, and that the streaming service does so on a narrow link."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from kit.chaos.bad_link import FarEnd, NearEnd, kafka_behind_link
from kit.chaos.proxy import CLEAR, Conditions
from kit.child import Child
from kit.config import Settings
from kit.events import Frame, FrameStamp
from kit.messaging.kafka.live_lane import LiveAnswer
from kit.messaging.kafka.quality_steps import STEPS, QualityStep
from kit.messaging.mqtt import MqttClient
from kit.services.thinning import Thinned, Thinner, shrink
from kit.vision.frames import decode_jpeg, encode_jpeg
from tests.console.make import stamp
from tests.event_strategies import a_command, a_frame
from tests.waiting import PATIENCE_S, wait_until

NOISE = np.random.default_rng(1).integers(0, 255, (400, 600, 3), np.uint8)
JPEG = encode_jpeg(NOISE)
MS = 1_000_000


def a_picture(train_id: str = "t", *, of: FrameStamp | None = None, image: bytes = JPEG) -> Frame:
    return Frame(train_id=train_id, frame=of or stamp(0), encoded_ns=7, image=image)


def every(milliseconds: int, count: int) -> list[Frame]:
    """Pictures that were taken so many milliseconds one after the other."""
    return [
        a_picture(of=stamp(number, captured_ns=10**12 + number * milliseconds * MS))
        for number in range(count)
    ]


def at_step(index: int) -> Thinner:
    thinner = Thinner()
    thinner._policy.index = index
    return thinner


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.width}-{step.jpeg_quality}")
def test_a_picture_gets_the_size_of_its_step_and_no_heavier(step: QualityStep) -> None:
    smaller = shrink(a_picture(), step)
    if step.jpeg_quality is None:
        assert smaller is None
    else:
        assert smaller is not None
        assert decode_jpeg(smaller).shape == (step.height, step.width, 3)
        assert len(smaller) < len(JPEG)


def test_a_damaged_picture_is_passed_on_as_it_is() -> None:
    assert shrink(a_frame("t"), STEPS[-1]) is None


def test_at_the_first_step_every_picture_is_sent_as_it_was_taken() -> None:
    thinner = Thinner()
    assert {thinner.thin(frame) for frame in every(100, 20)} == {Thinned()}


def test_at_the_second_every_other_one_is_kept_for_later() -> None:
    thinner = at_step(1)
    assert [thinner.thin(frame).later for frame in every(100, 6)] == [True, False] * 3
    assert thinner.counts["skipped"] == 3


def test_at_the_last_there_are_two_a_second_however_many_are_taken() -> None:
    for milliseconds in (100, 33):
        thinner = at_step(len(STEPS) - 1)
        sent = [frame for frame in every(milliseconds, 150) if not thinner.thin(frame).later]
        times = [frame.frame.captured_ns for frame in sent]
        gaps = [after - before for before, after in pairwise(times)]
        assert min(gaps) >= 500 * MS
        assert max(gaps) < 500 * MS + 3 * milliseconds * MS


def test_a_camera_whose_clock_begins_anew_is_shown_again() -> None:
    thinner = at_step(len(STEPS) - 1)
    for frame in every(100, 10):
        thinner.thin(frame)
    again = [a_picture(of=stamp(n, captured_ns=n * 100 * MS)) for n in range(10)]
    assert not all(thinner.thin(frame).later for frame in again)


def test_when_an_answer_comes_after_an_absence_the_next_picture_is_sent_at_once() -> None:
    thinner = at_step(len(STEPS) - 1)
    frames = every(10, 5)
    assert [thinner.thin(frame).later for frame in frames[:4]] == [True, False, True, True]
    thinner.answered(LiveAnswer(taken=False, size=1000, delay_s=2.0))
    thinner.answered(LiveAnswer(taken=True, size=1000, delay_s=0.1))
    assert not thinner.thin(frames[4]).later


def test_what_became_of_pictures_is_counted_and_told() -> None:
    thinner = Thinner()
    for taken in (True, True, None, False):
        thinner.answered(LiveAnswer(taken, 1000, 0.02))
    thinner.judge(oldest_s=0.0, events_waiting=0)
    counts = thinner.counts
    assert (counts["taken"], counts["overtaken"], counts["postponed"]) == (2, 1, 1)
    assert counts["bytes"] == 2000
    told = thinner.quality()
    assert told.step == thinner.index == len(STEPS) - 1
    assert (told.width, told.height, told.delay_ms) == (300, 200, 20.0)
    assert "does not answer" in thinner.words()


def test_on_a_narrow_link_the_far_end_sees_smaller_pictures_and_every_event(
    mqtt_url: str, train_id: str, tmp_path: Path
) -> None:
    near, pause, commands = NearEnd(), threading.Event(), []
    with kafka_behind_link() as link:
        settings = Settings(
            mqtt_url=SecretStr(mqtt_url), kafka_bootstrap=link.bootstrap, spool_dir=tmp_path
        )
        argv = ["streaming", "--parameters", json.dumps({"train_id": train_id})]
        far = FarEnd(link.bootstrap, settings=settings, train_id=train_id)
        with (
            far,
            MqttClient(mqtt_url, service="camera", train_id=train_id) as camera,
            Child.module(
                "kit.services", *argv, name="streaming", env=settings.environment()
            ) as streaming,
        ):
            camera.subscribe(f"train/{train_id}/alive/streaming", near.receive)
            streaming.ready(timeout_s=PATIENCE_S)

            def until(true: Callable[[], object], what: str) -> None:
                def came() -> bool:
                    camera.publish(a_picture(train_id, of=stamp(len(commands))))
                    command = a_command(train_id, reason=str(len(commands)))
                    camera.publish(command)
                    commands.append(command.event_id)
                    pause.wait(0.05)
                    return bool(true())

                wait_until(came, what)

            def step() -> int:
                told = near.gauges[-1].pictures if near.gauges else None
                return told.step if told else -1

            until(lambda: far.sights and step() >= 0, "pictures came, and how is told")
            link.proxy.conditions = Conditions(kbit_per_s=600)
            until(lambda: step() > 0, "pictures gave way")
            until(lambda: far.sights[-1].size < len(JPEG) / 2, "smaller ones came")
            link.proxy.conditions = CLEAR
            assert camera.flush(PATIENCE_S)
            wait_until(lambda: far.told.get("command") == commands, "all events came, in order")

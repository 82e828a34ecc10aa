"""Capture is asked to pause, and to go on."""

from __future__ import annotations

import threading
import time

import numpy as np
from pydantic import SecretStr

from kit.bench.stand import TRAIN_ID, stand
from kit.config import Settings
from kit.events import Command, Event, Motion
from kit.services.capture import CaptureParameters, CaptureService
from kit.services.operator import switch_capture
from kit.sim.camera import CameraServer, Shot
from tests.services.setting_off import set_off
from tests.waiting import PATIENCE_S, wait_until

RNG = np.random.default_rng(0)


def scene() -> Shot:
    image = RNG.normal(90, 3, (400, 600, 3))
    image[:, :300] += 60
    return Shot(np.clip(image, 0, 255).astype(np.uint8), [])


def test_a_paused_capture_is_healthy_says_so_and_publishes_nothing_until_it_goes_on(
    mqtt_url: str, train_id: str
) -> None:
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    looked = threading.Semaphore(0)

    def shoot() -> Shot:
        looked.release()
        return scene()

    with CameraServer(shoot, fps=30) as camera:
        service = CaptureService(
            CaptureParameters(train_id=train_id, source=camera.url, fps=30), settings=settings
        )
        thread = threading.Thread(target=service.run, daemon=True)
        thread.start()
        wait_until(lambda: service.counters.get("frames", 0) > 2)

        def switch(*, on: bool) -> bool:
            return switch_capture(
                settings, train_id=train_id, on=on, reason="a test", timeout_s=PATIENCE_S
            )

        assert switch(on=False)
        assert service.numbers()["paused"] == "a test"
        frames = service.counters["frames"]
        while looked.acquire(blocking=False):
            pass
        for _ in range(5):  # the camera goes on
            assert looked.acquire(timeout=PATIENCE_S)
        assert service.counters["frames"] <= frames + 1  # one may have been on its way
        assert service.troubles() == []

        assert switch(on=True)
        wait_until(lambda: service.counters["frames"] > frames + 2)
        assert "paused" not in service.numbers()
        service.stop()
        thread.join(PATIENCE_S)


def test_nobody_answers_for_a_capture_that_is_not_there(mqtt_url: str, train_id: str) -> None:
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    assert not switch_capture(settings, train_id=train_id, on=False, reason="a test", timeout_s=0.2)


def test_a_train_whose_pictures_pause_brakes_and_stays_when_they_come_again() -> None:
    decided: list[int] = []  # when the frame of each decision was captured

    def listen(event: Event, _received_ns: int) -> None:
        if isinstance(event, Command) and event.frame is not None:
            decided.append(event.frame.captured_ns)

    with stand(("capture", "inference", "decision"), on_event=listen) as it:
        set_off(it.operator)
        switch = {"train_id": TRAIN_ID, "reason": "a test", "timeout_s": PATIENCE_S}
        assert switch_capture(it.settings, on=False, **switch)
        held = it.operator.wait_for(lambda s: s.latched and s.motion is Motion.STOPPED, PATIENCE_S)
        again_ns = time.monotonic_ns()
        assert switch_capture(it.settings, on=True, **switch)
        wait_until(lambda: sum(captured_ns > again_ns for captured_ns in decided) >= 10)
        state = it.operator.wait_for(lambda s: s.event_id > held.event_id, PATIENCE_S)
        assert (state.latched, state.motion) == (True, Motion.STOPPED)
        assert state.challenge == held.challenge

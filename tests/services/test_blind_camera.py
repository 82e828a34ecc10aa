"""The capture service looks through a camera that shows nothing of the present."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from pydantic import SecretStr

from kit.config import Settings
from kit.services.capture import CaptureParameters, CaptureService
from kit.sim.camera import CameraServer, Shot
from tests.waiting import PATIENCE_S, wait_until

RNG = np.random.default_rng(0)


def scene() -> Shot:
    image = RNG.normal(90, 3, (400, 600, 3))
    image[:, :300] += 60
    return Shot(np.clip(image, 0, 255).astype(np.uint8), [])


class Lens:
    """What the camera gives, to be changed while it films."""

    def __init__(self) -> None:
        self.give: Callable[[], Shot] = scene

    def shoot(self) -> Shot:
        return self.give()


def test_a_live_camera_is_published_only_while_it_sees(mqtt_url: str, train_id: str) -> None:
    lens = Lens()
    with CameraServer(lens.shoot, fps=30) as camera:
        service = CaptureService(
            CaptureParameters(train_id=train_id, source=camera.url, fps=30),
            settings=Settings(mqtt_url=SecretStr(mqtt_url)),
        )
        thread = threading.Thread(target=service.run, daemon=True)
        thread.start()

        def count(name: str) -> int:
            return service.counters.get(name, 0)

        def wait_for_more(name: str) -> None:
            before = count(name)
            wait_until(lambda: count(name) >= before + 2, lambda: service.counters)

        wait_for_more("frames")
        frozen = scene()
        lens.give = lambda: frozen
        wait_for_more("blind")
        frames = count("frames")
        wait_for_more("blind")
        assert count("frames") == frames
        assert "repeats" in str(service.numbers()["blind"])
        assert "the camera repeats its picture" in service.troubles()
        lens.give = scene
        wait_for_more("frames")
        assert "blind" not in service.numbers()
        assert service.troubles() == []
        service.stop()
        thread.join(PATIENCE_S)

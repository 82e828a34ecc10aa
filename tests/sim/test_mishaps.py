"""What goes wrong on the virtual set when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from kit.child import Child
from kit.errors import CameraError, MissionError
from kit.runtime.truth import Truth
from kit.sim.camera import Shot
from kit.sim.mishap_desk import MishapDesk
from kit.sim.mishaps import CameraMishap, HubMishap, MishapLens
from kit.train.hub import Hub
from kit.train.hub_facts import HubEventKind
from kit.vision.cameras import open_camera
from tests.waiting import PATIENCE_S, until, wait_until


class Set:
    """A virtual set in its own process, with its desk for mishaps."""

    def __init__(self, facts: dict[str, str], desk: MishapDesk, truth: Truth) -> None:
        self.camera, self.hub = facts["camera"], facts["hub"]
        self.desk, self.truth = desk, truth


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    truth = tmp_path_factory.mktemp("set") / "truth.jsonl"
    arguments = ("--scenario", "endless", "--fps", "20", "--truth", str(truth), "--mishaps")
    with Child.module("kit.sim", *arguments, name="virtual set") as child:
        facts = child.ready(timeout_s=PATIENCE_S)
        with MishapDesk(facts["mishaps"]) as desk, Truth(truth, on_change=lambda: None) as told:
            yield Set(facts, desk, told)


@pytest.fixture
def desk(stage: Set) -> Iterator[MishapDesk]:
    yield stage.desk
    stage.desk.camera(CameraMishap.NONE)
    stage.desk.hub(HubMishap.BACK)


def test_a_frozen_camera_gives_new_frames_of_an_old_picture(stage: Set, desk: MishapDesk) -> None:
    with open_camera(stage.camera, fps=20) as camera:
        first = camera.read()
        desk.camera(CameraMishap.FROZEN)

        def repeats() -> bool:
            one, two = camera.read(), camera.read()
            assert one is not None
            assert two is not None
            assert two.captured_ns > one.captured_ns
            return np.array_equal(one.image, two.image)

        assert first is not None
        wait_until(repeats)


def test_a_covered_lens_gives_noise_and_no_truth(stage: Set, desk: MishapDesk) -> None:
    with open_camera(stage.camera, fps=20) as camera:
        desk.camera(CameraMishap.BLACK)

        def black() -> bool:
            picture = camera.read()
            assert picture is not None
            return picture.image.mean() < 10 and picture.image.std() > 0 and not picture.truth

        wait_until(black)


def test_an_unplugged_camera_sends_everyone_away_until_it_is_back(
    stage: Set, desk: MishapDesk
) -> None:
    with open_camera(stage.camera, fps=20) as camera:
        assert camera.read() is not None
        desk.camera(CameraMishap.UNPLUGGED)

        def unreadable() -> bool:
            try:
                with open_camera(stage.camera, fps=20, give_up_s=0.2) as other:
                    other.read()
            except CameraError:
                return True
            return False

        wait_until(unreadable)
        desk.camera(CameraMishap.NONE)
        reopened = camera.reopened
        wait_until(lambda: camera.read() is not None and camera.reopened > reopened)


def test_a_silent_camera_delivers_nothing_and_the_first_picture_cannot_freeze() -> None:
    lens = MishapLens()
    shot = Shot(np.zeros((4, 6, 3), np.uint8), [])
    assert not lens.delivers(CameraMishap.SILENT)
    assert lens.delivers(CameraMishap.FROZEN)
    assert lens.spoil(shot, CameraMishap.FROZEN) is shot


async def _drive_and_lose(stage: Set, desk: MishapDesk, mishap: HubMishap) -> list[HubEventKind]:
    kinds: list[HubEventKind] = []
    async with Hub(stage.hub) as hub:
        hub.on_event(lambda event: kinds.append(event.kind))
        await hub.set_power(60)
        await until(lambda: stage.truth.physics is not None and stage.truth.physics.speed_mps > 0.2)
        desk.hub(mishap)
        await until(lambda: HubEventKind.DISCONNECTED in kinds)
        if mishap is HubMishap.OFF:
            await until(lambda: stage.truth.stands)
        else:
            assert not stage.truth.stands
        assert not hub.connected
        desk.hub(HubMishap.BACK)
        await until(lambda: hub.connected)
        await until(lambda: stage.truth.stands)
    return kinds


@pytest.mark.parametrize("mishap", [HubMishap.OUT_OF_REACH, HubMishap.OFF])
def test_a_hub_that_was_lost_is_braked_when_it_is_back(
    stage: Set, desk: MishapDesk, mishap: HubMishap
) -> None:
    import asyncio

    kinds = asyncio.run(_drive_and_lose(stage, desk, mishap))
    assert kinds.index(HubEventKind.CONNECTED) > kinds.index(HubEventKind.DISCONNECTED)


def test_what_it_does_not_know_is_refused_with_the_reason(stage: Set) -> None:
    with pytest.raises(MissionError, match="did not bring the mishap about"):
        stage.desk._ask(camera="on fire")
    stage.desk.camera(CameraMishap.NONE)


def test_without_mishaps_nobody_listens() -> None:
    with pytest.raises(MissionError, match="takes no requests"):
        MishapDesk("127.0.0.1:1")

import asyncio
import json
import socket
import time
from urllib.parse import urlsplit

import psutil
import pytest

from kit.child import Child
from kit.errors import MissionError
from kit.train.hub import Hub
from kit.vision.cameras import open_camera


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    return tmp_path_factory.mktemp("set") / "truth.jsonl"


def start(path):
    return Child.module(
        "kit.sim", "--scenario", "standard", "--seed", "4", "--truth", str(path), name="virtual set"
    )


@pytest.fixture(scope="module")
def facts(truth):
    with start(truth) as child:
        yield child.ready(timeout_s=60)


def lines(path, kind):
    found = (json.loads(line) for line in path.read_text().splitlines())
    return [line for line in found if line["kind"] == kind]


def test_it_says_where_its_camera_and_its_hub_are(facts):
    assert facts["camera"].startswith("virtual://127.0.0.1:")
    assert facts["hub"].startswith("hci:tcp-client:127.0.0.1:")
    assert facts["hub_address"].startswith("F0:")


def test_its_camera_opens_like_any_other_and_its_pictures_are_in_the_notes(facts, truth):
    with open_camera(facts["camera"], fps=30) as camera:
        pictures = [camera.read() for _ in range(3)]
    assert pictures[-1].image.shape == (400, 600, 3)
    noted = {line["sequence"]: line for line in lines(truth, "frame")}
    assert [p.sequence for p in pictures] == sorted(p.sequence for p in pictures)
    for picture in pictures:
        assert noted[picture.sequence]["captured_ns"] == picture.captured_ns
        assert noted[picture.sequence]["truth"] == [dict(sign) for sign in picture.truth]


def test_a_bluetooth_client_drives_and_brakes_the_train(facts, truth):

    def position():
        return lines(truth, "physics")[-1]["position_m"]

    async def until(happened):
        async with asyncio.timeout(30):
            while not happened():  # noqa: ASYNC110 - another process writes the notes
                await asyncio.sleep(0.05)

    async def drive():
        async with Hub(facts["hub"]) as hub:
            await hub.set_power(60)
            await until(lambda: position() > 0.1)
            await hub.brake()
            await until(lambda: lines(truth, "brake"))
            await until(lambda: lines(truth, "physics")[-1]["speed_mps"] == 0)

    asyncio.run(drive())
    messages = [line["message"] for line in lines(truth, "hub")]
    assert any(message.endswith("51003c") for message in messages)
    assert any(message.endswith("51007f") for message in messages)
    assert lines(truth, "brake")[0]["how"] == "brake"
    assert 0.1 < position() < 1


def test_it_ends_when_its_parent_lets_go_and_takes_its_camera_along(tmp_path):
    child = start(tmp_path / "truth.jsonl")
    port = urlsplit(child.ready(timeout_s=60)["camera"]).port
    assert child.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_without_its_camera_it_ends_with_an_error(tmp_path):
    log = tmp_path / "log.txt"
    with Child.module("kit.sim", name="virtual set", log=log) as child:
        child.ready(timeout_s=60)
        (camera,) = psutil.Process(child.pid).children()
        camera.kill()
        deadline = time.monotonic() + 30
        while child.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        assert child.exit_code == 1
    assert "virtual camera ended" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "atlantis"], "There is no scenario 'atlantis'"),
        (["--fps", "0"], "must be 1 to 120"),
        (["--fps", "many"], "invalid"),
        (["--truth", "/nowhere/truth.jsonl"], "truth file"),
    ],
)
def test_what_cannot_be_is_refused_in_words(arguments, message, tmp_path):
    log = tmp_path / "log.txt"
    child = Child.module("kit.sim", *arguments, name="virtual set", log=log)
    with child, pytest.raises(MissionError):
        child.ready()
    assert child.exit_code != 0
    assert message in log.read_text()
    assert "Traceback" not in log.read_text()

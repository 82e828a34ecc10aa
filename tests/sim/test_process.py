import asyncio
import json
import math
import socket
from urllib.parse import urlsplit

import psutil
import pytest

from kit.child import Child
from kit.errors import MissionError
from kit.train.hub import Hub
from kit.vision.cameras import open_camera
from tests.waiting import PATIENCE_S, until, wait_until


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
        yield child.ready(timeout_s=PATIENCE_S)


def lines(path, kind):
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]  # its last line may still be written
    found = (json.loads(line) for line in whole.splitlines())
    return [line for line in found if line["kind"] == kind]


def test_it_says_where_its_camera_and_its_hub_are(facts):
    assert facts["camera"].startswith("virtual://127.0.0.1:")
    assert facts["hub"].startswith("hci:tcp-client:127.0.0.1:")
    assert facts["hub_address"].startswith("F0:")


def test_its_camera_opens_like_any_other_and_its_pictures_are_in_the_notes(facts, truth):
    with open_camera(facts["camera"], fps=30) as camera:
        pictures = [camera.read() for _ in range(3)]
    assert pictures[-1].image.shape == (400, 600, 3)
    wanted = {picture.sequence for picture in pictures}
    wait_until(lambda: wanted <= {line["sequence"] for line in lines(truth, "frame")})
    noted = {line["sequence"]: line for line in lines(truth, "frame")}
    assert [p.sequence for p in pictures] == sorted(p.sequence for p in pictures)
    for picture in pictures:
        assert noted[picture.sequence]["captured_ns"] == picture.captured_ns
        assert noted[picture.sequence]["truth"] == [dict(sign) for sign in picture.truth]


def test_a_bluetooth_client_drives_and_brakes_the_train(facts, truth):

    def physics(until_ns=math.inf):
        return [line for line in lines(truth, "physics") if line["t_ns"] <= until_ns][-1]

    async def drive():
        async with Hub(facts["hub"]) as hub:
            await hub.set_power(60)
            await until(lambda: physics()["position_m"] > 0.1)
            before = len(lines(truth, "brake"))
            await hub.brake()
            await until(lambda: len(lines(truth, "brake")) > before)
            await until(lambda: physics()["speed_mps"] == 0)
            return lines(truth, "brake")[before]

    brake = asyncio.run(drive())
    messages = [line["message"] for line in lines(truth, "hub")]
    assert any(message.endswith("51003c") for message in messages)
    assert any(message.endswith("51007f") for message in messages)
    assert brake["how"] == "brake"
    assert 0 < physics()["position_m"] - physics(brake["t_ns"])["position_m"] < 0.5


def test_it_ends_when_its_parent_lets_go_and_takes_its_camera_along(tmp_path):
    child = start(tmp_path / "truth.jsonl")
    port = urlsplit(child.ready(timeout_s=PATIENCE_S)["camera"]).port
    assert child.stop(timeout_s=PATIENCE_S) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def test_without_its_camera_it_ends_with_an_error(tmp_path):
    log = tmp_path / "log.txt"
    with Child.module("kit.sim", name="virtual set", log=log) as child:
        child.ready(timeout_s=PATIENCE_S)
        (camera,) = psutil.Process(child.pid).children()
        camera.kill()
        wait_until(lambda: not child.alive)
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
        child.ready(timeout_s=PATIENCE_S)
    assert child.exit_code != 0
    assert message in log.read_text()
    assert "Traceback" not in log.read_text()

"""The console as a browser's program sees it: HTTP and WebSocket, on a real Kafka broker."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kit.child import Child
from kit.console.doors import STATIC
from kit.events import Action, Alive, Box, Detection, Label, Motion
from tests.console import make
from tests.console.conftest import Browser, Link
from tests.waiting import PATIENCE_S

NEWEST = 1000
"""Number of a picture; the console misses those before it, and so tells that it has come."""

SIGN = Detection(label=Label.DANGER_AHEAD, confidence=0.875, box=Box(100, 150, 60, 50))


def get(url: str, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(
        url.removeprefix("http://").strip("/"), timeout=PATIENCE_S
    )
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def has_picture(sequence: int) -> object:
    return lambda b: any(header["sequence"] == sequence for header, _ in b.pictures)


def test_a_browser_gets_the_very_picture_and_its_boxes(link: Link, viewer: Browser) -> None:
    of, image = make.stamp(7), make.jpeg((20, 120, 220))
    link.send(make.frame(link.train_id, of, image=image), make.prediction(link.train_id, of, SIGN))
    viewer.until(lambda b: any(h["sequence"] == 7 and h["looked_at"] for h, _ in b.pictures))
    header, got = viewer.pictures[-1]
    assert got == image
    assert (header["frame_id"], header["width"], header["height"]) == (of.frame_id, 600, 400)
    assert header["detections"] == [
        {"label": "DangerAhead", "confidence": 0.875, "box": [100, 150, 60, 50]}
    ]


def test_a_browser_is_told_the_decision_and_the_state_and_the_log(
    link: Link, viewer: Browser
) -> None:
    link.send(
        make.command(link.train_id, Action.STOP, reason="a danger sign ahead"),
        make.state(link.train_id, Motion.STOPPED, latched=True, reason="stop", battery_percent=71),
        Alive(train_id=link.train_id, service="inference", status="offline", detail="died"),
    )
    viewer.until(lambda b: any(entry["who"] == "inference" for entry in b.log))
    train = viewer.status["train"]
    assert (train["decision"]["action"], train["decision"]["reason"]) == (
        "stop", "a danger sign ahead"
    )  # fmt: skip
    assert (train["state"]["motion"], train["state"]["latched"]) == ("stopped", True)
    assert train["state"]["battery_percent"] == 71
    lights = {service["name"]: service["light"] for service in train["services"]}
    assert (lights["capture"], lights["inference"]) == ("online", "offline")
    assert [(entry["what"], entry["reason"]) for entry in viewer.log][-3:] == [
        ("action.stop", "a danger sign ahead"),
        ("motion.stopped.latched", "stop"),
        ("alive.offline", "died"),
    ]


def test_a_browser_that_does_not_keep_up_gets_the_newest_picture_and_no_queue(link: Link) -> None:
    with link.connect() as socket:
        slow = Browser(socket, prompt=False)
        slow.say(train=link.train_id)
        slow.until(lambda b: b.status and b.status["train"]["id"] == link.train_id)
        for sequence in range(10, 40):
            of = make.stamp(sequence)
            link.send(make.frame(link.train_id, of), make.prediction(link.train_id, of))

        def newest_has_come(browser: Browser) -> bool:
            """Send it again, since in a burst the way to Kafka may drop frames."""
            of = make.stamp(NEWEST)
            link.send(
                make.frame(link.train_id, of),
                make.prediction(link.train_id, of),
                make.command(link.train_id, Action.SLOW, reason="after its prediction"),
            )
            train = browser.status["train"]
            looked_at = (train["decision"] or {}).get("reason") == "after its prediction"
            return looked_at and train["frames"] > 3 and train["lost"] > NEWEST / 2

        slow.until(newest_has_come)
        assert len(slow.pictures) <= 2
        slow.say(got_picture=True)
        slow.say(got_picture=True)
        slow.until(has_picture(NEWEST))
        assert len(slow.pictures) <= 4


def test_each_browser_sees_the_train_it_chose(link: Link, viewer: Browser) -> None:
    other = f"{link.train_id}-b"
    link.send(make.command(other, Action.CRUISE, reason="the other train"))
    viewer.until(lambda b: other in b.status["trains"])
    assert viewer.status["train"]["id"] == link.train_id
    viewer.say(train=other)
    viewer.until(lambda b: b.status["train"]["id"] == other)
    assert viewer.status["train"]["decision"]["reason"] == "the other train"


@pytest.mark.parametrize("said", ["not json", '{"train": 5}', '{"order": "stop"}', b"\x00\x01"])
def test_a_browser_that_talks_nonsense_is_shown_out(link: Link, said: str | bytes) -> None:
    with link.connect() as socket, pytest.raises(ConnectionClosed) as end:  # noqa: PT012
        socket.send(said)
        while True:
            socket.recv(timeout=PATIENCE_S)
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == 1008


@pytest.mark.parametrize("origin", ["http://example.org", "http://127.0.0.1:1", "null"])
def test_another_sites_page_gets_nothing(link: Link, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, link.connect(origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_console_answers_to_its_own_names_only(console: str) -> None:
    assert get(console, "/", Host="localhost").status == 200
    assert get(console, "/", Host="rebound.example.org").status == 400


def test_the_page_loads_nothing_foreign_and_is_never_framed(console: str) -> None:
    for path in ("/", "/static/console.js", "/static/console.css", "/nothing"):
        headers = get(console, path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_file_of_the_page_names_another_server() -> None:
    for path in STATIC.iterdir():
        addresses = set(re.findall(r"https?://[^\s\"'`$]+", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_files_outside_the_page_are_out_of_reach(console: str) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"):
        assert get(console, path).status == 404


def test_the_console_listens_on_this_machine_only(console: str) -> None:
    port = int(console.rstrip("/").rpartition(":")[2])
    assert console == f"http://127.0.0.1:{port}/"
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.2", port))


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: PLW1510  # the exit code is what is tested
        [sys.executable, "-m", "kit", "console", *args],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def test_without_a_cluster_the_console_says_what_to_set() -> None:
    ended = run("--json")
    assert ended.returncode == 1
    assert "KIT_KAFKA_BOOTSTRAP" in json.loads(ended.stdout.splitlines()[-1])["error"]


def test_a_taken_port_is_told_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"KIT_KAFKA_BOOTSTRAP": "127.0.0.1:1", "KIT_KEYS_DIR": str(tmp_path)}
        ended = run("--port", str(port), "--json", **environment)
    assert ended.returncode == 1
    error = json.loads(ended.stdout.splitlines()[-1])["error"]
    assert f"port {port}" in error
    assert "--port 0" in error


def test_without_kafka_the_page_is_there_and_says_what_is_wrong(tmp_path: Path) -> None:
    environment = {"KIT_KAFKA_BOOTSTRAP": "127.0.0.1:1", "KIT_KEYS_DIR": str(tmp_path)}
    log = tmp_path / "console.log"
    with Child.module("kit.console", name="console", env=environment, log=log) as child:
        url = child.ready()["url"]
        link = Link(url, None, "t")  # type: ignore[arg-type]
        with link.connect() as connection:
            Browser(connection).until(lambda b: "No connection" in b.status.get("trouble", ""))
        assert get(url, "/").status == 200
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1


def test_the_console_ends_with_its_parent(kafka_bootstrap: str, tmp_path: Path) -> None:
    environment = {"KIT_KAFKA_BOOTSTRAP": kafka_bootstrap, "KIT_KEYS_DIR": str(tmp_path)}
    child = Child.module("kit.console", name="console", env=environment)
    child.ready()
    assert child.stop(timeout_s=PATIENCE_S) in {0, -15}

"""The kiosk as it runs: its page in a browser, its mission, its emergency stop, and its borders."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from kit.config import Settings
from kit.presenting.commanding import Command
from kit.presenting.reset import KIOSK_FILE, reset
from tests.right_of_way import give_way_to
from tests.waiting import PATIENCE_S, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

MISSION_S = 180.0
"""So long it may take until the services of a mission are there, or are gone."""


@dataclass(frozen=True)
class Running:
    """A kiosk in a process of its own."""

    url: str
    runs: Path
    pid: int

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    def service(self, name: str) -> psutil.Process:
        """Return the process of a service of the mission under way."""
        for process in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # another one may end while we look
                if {"kit.services", name} <= set(process.cmdline()):
                    return process
        raise AssertionError(f"the service '{name}' does not run")


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, said = tmp_path_factory.mktemp("kiosk"), []
    with Command(
        ["kiosk", "--port", "0"],
        log=folder / "log",
        env={"KIT_RUNS_DIR": str(folder)},
        hear=said.append,
    ) as command:
        wait_until(lambda: said, "the kiosk is there")
        give_way_to(command.pid)
        yield Running(json.loads(said[0])["url"], folder, command.pid)


def test_the_page_may_load_nothing_foreign(kiosk: Running) -> None:
    headers = httpx.get(kiosk.url).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert httpx.get(kiosk.url, headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", None])
def test_no_other_page_can_start_a_train(kiosk: Running, origin: Any) -> None:
    with (
        pytest.raises((InvalidStatus, ConnectionClosed)),
        connect(f"ws://{kiosk.authority}/view", origin=origin) as socket,
    ):
        socket.recv(timeout=PATIENCE_S)


def test_who_says_what_he_should_not_is_shown_out(kiosk: Running) -> None:
    with connect(f"ws://{kiosk.authority}/view", origin=f"http://{kiosk.authority}") as socket:
        socket.send('{"do": "arm"}')
        with pytest.raises(ConnectionClosed):
            listen_to_the_end(socket)


def listen_to_the_end(socket: ClientConnection) -> None:
    while True:
        socket.recv(timeout=PATIENCE_S)


def test_only_who_may_read_the_file_resets_the_kiosk(kiosk: Running) -> None:
    assert httpx.post(f"{kiosk.url}reset").status_code == 403
    assert stat.S_IMODE((kiosk.runs / KIOSK_FILE).stat().st_mode) == 0o600


def test_visits_with_an_emergency_stop_a_fault_and_a_reset(
    kiosk: Running, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.presenting.reset.KIOSK_S", PATIENCE_S)
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(kiosk.url)

    def reach(*wanted: str) -> None:
        page.wait_for_function(
            "wanted => wanted.includes(document.body.dataset.phase)",
            arg=wanted,
            timeout=1000 * MISSION_S,
        )

    page.wait_for_function("() => Number(document.getElementById('picture').dataset.sequence)")
    expect(page.locator("#badge")).to_have_text("recorded run")
    page.click("#start")
    expect(page.locator("#refused")).to_have_text("Please type a name: 1 to 40 letters.")
    page.click("#language")
    page.wait_for_selector("text=Départ")
    page.click("#language")
    page.fill("#name", "<b>Ada</b>")
    page.click("#start")
    reach("countdown", "under_way")
    expect(page.locator("#flight-title")).to_contain_text("<b>Ada</b>")  # a name is no markup
    page.click("#stop")
    reach("score")
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator("#score-more")).to_contain_text("emergency stop")
    page.click("#again")
    reach("countdown", "under_way")
    expect(page.locator("#flight-title")).to_contain_text("<b>Ada</b>")
    kiosk.service("inference").kill()
    reach("score")
    expect(page.locator("#score-more")).to_contain_text("One of the five programs ended")
    page.click("#language")
    page.wait_for_selector("text=Le service « inférence »")
    expect(page.locator("#stop")).to_be_visible()
    page.click("#next")
    reach("attract")
    page.fill("#name", "Bob")
    page.click("#start")
    reach("preparing", "countdown", "under_way")  # a reset may come at any time
    done = reset(Settings(runs_dir=kiosk.runs))
    assert done.ok, done.problems
    assert done.kiosk == "its name and score are cleared"
    assert done.moved >= 1
    reach("attract")
    expect(page.locator("#name")).to_have_value("")
    assert problems == []
    page.close()

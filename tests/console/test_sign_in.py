"""Signing in at a running console: over HTTP, and on the page."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kit.child import Child
from kit.console.gate import FAILURES
from kit.console.viewer import BAD_MESSAGE, SIGN_IN_FIRST
from tests.console.conftest import Browser as Viewer
from tests.waiting import PATIENCE_S

VIEWER, OPERATOR = "token of the viewers", "token of the operators"


@dataclass(frozen=True)
class Place:
    """A console, and what a browser's program can do there."""

    url: str
    operator_url: str

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.authority, timeout=PATIENCE_S)
        content = None if body is None else json.dumps(body)
        connection.request(method, path, body=content, headers=headers)
        response = connection.getresponse()
        response.content = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response

    def post(self, path: str, body: object, **headers: str) -> http.client.HTTPResponse:
        ours = {"Origin": f"http://{self.authority}", "X-Kit-Console": "1"}
        return self.ask("POST", path, body, **(ours | headers))

    def sign_in(self, token: str) -> str:
        """Sign in; return the cookie."""
        answer = self.post("/sign-in", {"token": token})
        assert answer.status == 200
        return cookie_of(answer)

    def view(self, cookie: str = "") -> ClientConnection:
        return connect(
            f"ws://{self.authority}/view",
            origin=f"http://{self.authority}",  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie} if cookie else None,
        )


def cookie_of(answer: http.client.HTTPResponse) -> str:
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


def closed_with(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as end:  # noqa: PT012
        while True:
            socket.recv(timeout=PATIENCE_S)
    return end.value.rcvd.code if end.value.rcvd else None


def role_told_to(socket: ClientConnection) -> Any:
    viewer = Viewer(socket)
    viewer.until(lambda b: b.status)
    return viewer.status["role"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Nobody answers at this cluster: nobody need, to sign in."""
    keys = tmp_path_factory.mktemp("keys")
    return {"KIT_KAFKA_BOOTSTRAP": "127.0.0.1:1", "KIT_KEYS_DIR": str(keys)}


def run(environment: dict[str, str], **more: str) -> Iterator[Place]:
    env = environment | more
    with Child.module("kit.console", name="console", env=env) as child:
        facts = child.ready()
        yield Place(facts["url"], facts["operator_url"])


@pytest.fixture(scope="module")
def place(environment: dict[str, str]) -> Iterator[Place]:
    """A console of this machine, where viewers need not sign in."""
    yield from run(environment, KIT_CONSOLE_OPERATOR_TOKEN=OPERATOR)


@pytest.fixture(scope="module")
def locked(environment: dict[str, str]) -> Iterator[Place]:
    """A console whose viewers sign in."""
    yield from run(
        environment, KIT_CONSOLE_VIEWER_TOKEN=VIEWER, KIT_CONSOLE_OPERATOR_TOKEN=OPERATOR
    )


def test_on_this_machine_anyone_views_and_nobody_is_an_operator_unasked(place: Place) -> None:
    with place.view() as socket:
        assert role_told_to(socket) == "viewer"


def test_where_a_viewers_token_was_chosen_nobody_sees_anything_without_one(locked: Place) -> None:
    with locked.view() as socket:
        assert closed_with(socket) == SIGN_IN_FIRST
    with locked.view("kit-console=made-up") as socket:
        assert closed_with(socket) == SIGN_IN_FIRST


def test_beyond_this_machine_viewers_must_sign_in(environment: dict[str, str]) -> None:
    with Child.module(
        "kit.console", "--host", "0.0.0.0", name="console", env=environment
    ) as child:  # fmt: skip
        port = urlsplit(child.ready()["url"]).port
        place = Place(f"http://127.0.0.1:{port}/", "")
        with place.view() as socket:
            assert closed_with(socket) == SIGN_IN_FIRST


@pytest.mark.parametrize(("token", "role"), [(VIEWER, "viewer"), (OPERATOR, "operator")])
def test_each_token_opens_what_it_is_for(locked: Place, token: str, role: str) -> None:
    with locked.view(locked.sign_in(token)) as socket:
        assert role_told_to(socket) == role


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(locked: Place) -> None:
    answer = locked.post("/sign-in", {"token": OPERATOR})
    said = (answer.getheader("Set-Cookie") or "").lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert OPERATOR not in said


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://example.org"}, {"Origin": "null"}, {"Origin": ""}],
    ids=["another site", "a sandbox", "no origin"],
)
def test_another_sites_page_cannot_sign_anyone_in(locked: Place, headers: dict[str, str]) -> None:
    answer = locked.post("/sign-in", {"token": OPERATOR}, **headers)
    assert (answer.status, cookie_of(answer)) == (403, "")


def test_a_form_of_another_site_has_not_the_header_that_is_asked_for(locked: Place) -> None:
    origin = {"Origin": f"http://{locked.authority}"}
    assert locked.ask("POST", "/sign-in", {"token": OPERATOR}, **origin).status == 403


@pytest.mark.parametrize(
    "body", [{}, {"token": 5}, {"token": "x", "more": 1}, {"token": "x" * 9999}]
)
def test_what_is_no_sign_in_gets_nobody_in(locked: Place, body: object) -> None:
    assert locked.post("/sign-in", body).status == 401


def test_signing_out_takes_the_cookie_away_and_needs_one(locked: Place) -> None:
    assert locked.post("/sign-out", {}).status == 403
    answer = locked.post("/sign-out", {}, Cookie=locked.sign_in(OPERATOR))
    assert answer.status == 200
    assert cookie_of(answer).endswith('=""')


def test_the_link_that_kit_prints_makes_one_operator_and_then_no_other(place: Place) -> None:
    path = place.operator_url.removeprefix(place.url.rstrip("/"))
    first, second = (place.ask("GET", f"{path}&lang=fr") for _ in range(2))
    assert (first.status, first.getheader("Location")) == (303, "/?lang=fr")
    with place.view(cookie_of(first)) as socket:
        assert role_told_to(socket) == "operator"
    assert cookie_of(second) == ""
    assert parse_qs(urlsplit(second.getheader("Location") or "").query)["link"] == ["used"]


@pytest.mark.parametrize(
    "said",
    [{"arm": {"train": "t", "seen": "x"}}, {"capture": {"train": "t", "on": False}}],
    ids=["arm", "capture"],
)
def test_a_viewer_who_gives_an_operators_order_is_shown_out(
    place: Place, said: dict[str, object]
) -> None:
    with place.view() as socket:
        Viewer(socket).say(**said)
        assert closed_with(socket) == BAD_MESSAGE


def test_who_talks_without_end_is_shown_out(place: Place) -> None:
    with place.view() as socket, pytest.raises(ConnectionClosed) as end:  # noqa: PT012
        while True:
            socket.send('{"got_picture": true}')
    assert end.value.rcvd is not None
    assert end.value.rcvd.code == BAD_MESSAGE


def test_who_guesses_must_wait_and_is_told_for_how_long(environment: dict[str, str]) -> None:
    for place in run(environment, KIT_CONSOLE_OPERATOR_TOKEN=OPERATOR):
        for guess in range(FAILURES):
            assert place.post("/sign-in", {"token": f"guess {guess}"}).status == 401
        answer = place.post("/sign-in", {"token": OPERATOR})
        assert (answer.status, cookie_of(answer)) == (429, "")
        assert 0 < int(answer.getheader("Retry-After") or 0) <= 60


def test_tokens_are_told_to_who_asks_for_them_on_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kit.cli import main

    monkeypatch.setenv("KIT_KEYS_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        main(["console", "--show-tokens", "--json"])
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(told) == {"viewer", "operator"}


@pytest.mark.browser
def test_a_person_signs_in_and_out_on_the_page(browser: Browser, locked: Place) -> None:
    page = browser.new_page()
    page.goto(locked.url)
    expect(page.locator("#notice")).to_have_text("Sign in to see the trains")
    page.locator("#token").fill("no such token, sorry")
    page.keyboard.press("Enter")
    expect(page.locator("#signing-told")).to_have_text("This is not the token of this console.")
    page.locator("#token").fill(OPERATOR)
    page.keyboard.press("Enter")
    expect(page.locator("#role")).to_have_text("operator")
    expect(page.locator("#signing")).to_be_hidden()
    page.reload()
    expect(page.locator("#role")).to_have_text("operator")
    page.locator("#sign").click()
    expect(page.locator("#notice")).to_have_text("Sign in to see the trains")
    assert page.context.cookies() == []
    page.close()


@pytest.mark.browser
def test_a_link_that_was_used_already_says_so(browser: Browser, place: Place) -> None:
    page = browser.new_page()
    page.goto(f"{place.url}?ticket=of-yesterday")
    expect(page.locator("#signing-told")).to_contain_text("has been used already")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#role")).to_have_text("viewer")
    assert "ticket" not in page.url
    assert "link" not in page.url
    page.close()

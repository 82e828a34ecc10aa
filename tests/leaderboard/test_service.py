"""The service as a process: what it takes, what it refuses, and what it tells."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from kit.child import Child
from kit.cli import main
from kit.errors import MissionError
from kit.leaderboard.application import LARGEST_REQUEST
from kit.leaderboard.claims import (
    LARGEST_BYTES,
    Claim,
    ClaimError,
    Refusal,
    participant_key,
    sign,
    write_token,
)
from kit.leaderboard.client import Participant
from kit.leaderboard.offline import set_start
from kit.web.guards import HEADERS
from tests.leaderboard.served import Served, served
from tests.leaderboard.test_evidence import MISSION
from tests.ports import NOBODY
from tests.waiting import PATIENCE_S

HERO = Claim(exercise="hero")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service whose event has begun a minute ago."""
    with served(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def name() -> str:
    return f"user-{uuid4().hex[:10]}"


@pytest.fixture
def token(service: Served, name: str) -> str:
    return service.add(name)


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def test_a_claim_is_acknowledged_and_its_finish_is_on_the_board(
    service: Served, name: str, token: str
) -> None:
    answer = service.claim(token)
    assert (answer.status_code, answer.json()["status"]) == (201, "accepted")
    finished = service.until(lambda: service.places().get(name, {}).get("done"))
    assert finished["hero"]["at_s"] == answer.json()["at_s"] >= 60


def test_a_claim_that_is_sent_again_counts_once(service: Served, name: str, token: str) -> None:
    signed = sign(token, HERO, now_s=time.time())
    first, second = service.send(signed), service.send(signed)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["status"] == "duplicate"
    assert first.json()["id"] == second.json()["id"]
    third = service.claim(token, "villain")
    kept = service.until(lambda: _events(service, name, until=third.json()["id"]))
    assert [event["fields"]["exercise"] for event in kept] == ["villain", "hero"]


def _events(service: Served, user: str, *, until: str) -> list[dict[str, Any]]:
    """A user's events, the newest first, once a certain one is among them."""
    found = [r for r in service.look("/records", user=user) if r["kind"] == "event"]
    return found if any(event["id"] == until for event in found) else []


def test_nobody_can_claim_for_another(service: Served, name: str, token: str) -> None:
    victim = service.add(f"{name}-victim")
    stolen_name = victim.split(".")[0] + "." + token.split(".")[1]
    assert reason(service.claim(stolen_name)) == (401, "forged")
    assert service.places()[f"{name}-victim"]["done"] == {}


def test_a_forged_an_expired_and_an_early_claim_are_refused(service: Served, name: str) -> None:
    token = service.add(name)
    forged = write_token(name, participant_key(b"not the secret" * 3, name))
    assert reason(service.claim(forged)) == (401, "forged")
    old = sign(token, HERO, now_s=time.time() - 3600)
    assert reason(service.send(old)) == (401, "expired")
    new = sign(token, HERO, now_s=time.time() + 3600)
    assert reason(service.send(new)) == (401, "early")
    assert reason(service.send("x" * 100)) == (422, "malformed")


def test_a_refusal_tells_the_services_time_so_that_clocks_can_be_set(service: Served) -> None:
    said = service.send("x.y.z").json()
    assert abs(said["now"] - time.time()) < 3600


def test_somebody_without_a_token_is_unknown(service: Served, name: str) -> None:
    assert reason(service.claim(write_token(name, b"k" * 32))) == (401, "unknown")


def test_an_oversized_claim_is_refused_before_it_is_read(service: Served) -> None:
    assert service.send("x" * (LARGEST_BYTES + 1)).status_code == 422
    body = b'{"claim": "' + b"x" * (LARGEST_REQUEST + 1) + b'"}'
    headers = {"Content-Type": "application/json"}
    assert service.http.post("api/claims", content=body, headers=headers).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield from [body[i : i + 1000] for i in range(0, len(body), 1000)]

    answer = service.http.post("api/claims", content=chunks(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{}", '{"claim": 5}', '{"claim": "x", "more": 1}', '{"claim": null}']
)
def test_what_is_no_request_is_refused(service: Served, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.http.post("api/claims", content=body, headers=headers)
    assert reason(answer) == (422, "request")


@pytest.mark.parametrize(
    "claim",
    [
        Claim(exercise="nothing"),
        Claim(exercise="hero", condition="nothing"),
        Claim(exercise="' OR 1=1 --"),
        Claim(exercise="<img src=x>"),
    ],
)
def test_what_the_rules_do_not_know_is_refused(service: Served, token: str, claim: Claim) -> None:
    assert reason(service.send(sign(token, claim, now_s=time.time()))) == (422, "malformed")


@pytest.mark.parametrize(
    "odd", ["<script>alert(1)</script>", "x'; DROP TABLE leaderboard_records; --", "=1+1", "李雷"]
)
def test_a_name_is_text_whatever_it_says(service: Served, odd: str) -> None:
    token = service.add(odd)
    assert service.claim(token).status_code == 201
    service.until(lambda: service.places()[odd]["done"])
    assert service.http.get("api/health").json()["ok"]
    assert service.look("/people", find=odd)["rows"][0]["user"] == odd


def test_a_name_is_taken_whatever_its_capitals(service: Served, name: str) -> None:
    service.add(name)
    answer = service.desk("people", name=name.upper())
    assert answer.status_code == 422
    assert "taken" in answer.json()["error"]


def test_a_new_token_makes_the_old_one_worthless(service: Served, name: str, token: str) -> None:
    answer = service.desk("tokens", user=name, why="it was lost")
    assert answer.status_code == 201
    assert reason(service.claim(token)) == (401, "forged")
    assert service.claim(answer.json()["token"]).status_code == 201


@pytest.mark.parametrize("hours", [-2, 2])
def test_who_has_a_wrong_clock_can_claim_and_the_services_clock_counts(
    service: Served, token: str, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    wrong = SimpleNamespace(
        time=lambda: time.time() + 3600 * hours, monotonic=time.monotonic, sleep=time.sleep
    )
    monkeypatch.setattr("kit.leaderboard.client.time", wrong)
    with Participant(service.url, token) as me:
        answer = me.claim("hero")
    assert answer.status == "accepted"
    assert 60 <= answer.at_s < 3600


def test_a_client_says_why_it_was_refused_and_that_the_service_is_away(
    service: Served, token: str
) -> None:
    with Participant(service.url, token) as me, pytest.raises(ClaimError, match="hero") as refused:
        me.claim("nothing")
    assert refused.value.reason is Refusal.MALFORMED
    with (
        Participant(f"http://{NOBODY}/", token, patience_s=0) as me,
        pytest.raises(MissionError, match="did not take the claim"),
    ):
        me.claim("hero")


def test_every_answer_forbids_foreign_content_and_frames(service: Served) -> None:
    for path in ("", "desk", "static/board.js", "static/board.css", "api/board", "nothing"):
        answer = service.http.get(path)
        assert {key: answer.headers[key] for key in HEADERS} == HEADERS
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def test_no_file_of_the_pages_names_another_server() -> None:
    from kit.leaderboard.public_routes import PAGES

    for path in PAGES.rglob("*.*"):
        addresses = set(re.findall(r"https?://[^\s\"'`$]+", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_files_beside_the_pages_are_out_of_reach(service: Served) -> None:
    for path in ("static/../claims.py", "static/%2e%2e/claims.py", "static//etc/passwd"):
        with socket.create_connection(
            (httpx.URL(service.url).host, httpx.URL(service.url).port)
        ) as s:
            s.sendall(
                f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
            )
            assert s.makefile("rb").readline().split()[1] == b"404"


def test_the_service_answers_to_its_own_names_only(service: Served) -> None:
    assert service.http.get("", headers={"Host": "localhost"}).status_code == 200
    assert service.http.get("", headers={"Host": "rebound.example.org"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["", "/people", "/records", "/audit", "/standings.csv", "/log.csv"]
)
def test_the_desk_is_shut_without_its_token(service: Served, name: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        answer = service.http.get(f"api/desk{path}", headers=headers)
        assert reason(answer) == (401, "token")


@pytest.mark.parametrize(
    "path", ["deeds", "people", "corrections", "import?who=intruder", "tokens"]
)
def test_nothing_can_be_done_without_the_organisers_token(service: Served, path: str) -> None:
    said = {"who": "intruder", "name": "intruder", "deed": "end"}
    answer = service.http.post(f"api/desk/{path}", json=said)
    assert answer.status_code == 401
    assert service.look()["phase"] == "running"
    assert "intruder" not in json.dumps([service.look("/records"), service.look("/audit")])


def test_a_participants_token_does_not_open_the_desk(service: Served, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert service.http.get("api/desk", headers=headers).status_code == 401


def test_openapi_describes_every_answer_of_the_interface(service: Served) -> None:
    told = service.http.get("api/openapi.json").json()
    assert set(told["paths"]) == {
        "/api/claims",
        "/api/board",
        "/api/board/stream",
        "/api/standings",
        "/api/rules",
        "/api/health",
        "/api/desk",
        "/api/desk/deeds",
        "/api/desk/people",
        "/api/desk/tokens",
        "/api/desk/corrections",
        "/api/desk/records",
        "/api/desk/audit",
        "/api/desk/standings.csv",
        "/api/desk/log.csv",
        "/api/desk/import",
    }
    claim = told["paths"]["/api/claims"]["post"]
    assert claim["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].endswith(
        "ClaimAnswer"
    )
    for path, operations in told["paths"].items():
        if path.startswith("/api/desk"):
            assert all(operation["security"] for operation in operations.values()), path


def test_prometheus_reads_what_the_public_sees(service: Served, name: str, token: str) -> None:
    service.claim(token)
    service.until(lambda: service.places()[name]["done"])
    text = service.http.get("metrics").text
    assert re.search(rf'score_points{{user="{name}"}} \d', text)
    assert service.http.get("metrics", headers={"Authorization": "Bearer x"}).status_code == 401


def test_the_stream_sends_a_document_at_once_and_another_one_when_something_happens(
    service: Served, name: str, token: str
) -> None:
    with service.http.stream("GET", "api/board/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        first = _document(lines)
        service.claim(token)
        while not any(row["user"] == name and row["done"] for row in _document(lines)["rows"]):
            pass
    assert first["phase"] == "running"


def _document(lines: Iterator[str]) -> dict[str, object]:
    line = next(line for line in lines if line.startswith("data: "))
    return json.loads(line.removeprefix("data: "))


def test_a_table_is_brought_in_once(service: Served, name: str) -> None:
    table = f"time,user,exercise\n5,{name},hero\n6,{name},villain\n"
    headers = service.organiser | {"Content-Type": "text/csv"}
    answers = [
        service.http.post("api/desk/import?who=Robin", content=table, headers=headers).json()
        for _ in range(2)
    ]
    assert answers == [{"accepted": 2, "duplicates": 0}, {"accepted": 0, "duplicates": 2}]
    done = service.until(lambda: service.places().get(name, {}).get("done"))
    assert {key: value["at_s"] for key, value in done.items()} == {"hero": 5, "villain": 6}
    bad = service.http.post("api/desk/import?who=Robin", content="nothing", headers=headers)
    assert reason(bad) == (422, "request")


def test_a_correction_takes_effect_and_leaves_who_and_why(
    service: Served, name: str, token: str
) -> None:
    event = service.claim(token).json()["id"]
    service.until(lambda: service.places()[name]["done"])
    undo = {"kind": "undo", "user": name, "target": event, "why": "it was not so"}
    assert service.desk("corrections", **undo).json() == {"accepted": 1, "duplicates": 0}
    assert service.places()[name]["done"] == {}
    assert service.look("/records", user=name)[0]["kind"] == "undo"
    assert [r["undone"] for r in service.look("/records", user=name) if r["id"] == event] == [True]
    service.desk("corrections", **undo | {"kind": "restore"})
    assert service.places()[name]["done"]
    service.desk("corrections", kind="adjust", user=name, points=-1000, why="a test")
    assert service.places()[name]["score"] < -900
    service.desk("corrections", kind="hide", user=name, why="a test account")
    assert name not in service.places()
    service.until(lambda: name not in service.http.get("api/board").text)
    service.desk("corrections", kind="show", user=name, why="no test account")
    service.desk("corrections", kind="disqualify", user=name, why="two hands too many")
    assert name not in service.places()
    lines = [line for line in service.look("/audit") if line["about"] == name]
    assert [line["what"] for line in lines if line["why"]] == [
        "disqualify",
        "show",
        "hide",
        "adjust",
        "restore",
        "undo",
    ]
    assert {line["who"] for line in lines} == {"Robin"}


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "undo", "user": "nobody", "target": "nothing", "why": "x"},
        {"kind": "hide", "user": "nobody-at-all", "why": "x"},
        {"kind": "explode", "user": "x", "why": "x"},
        {"kind": "hide", "user": "x", "why": ""},
    ],
)
def test_a_correction_of_nothing_or_without_a_reason_is_refused(
    service: Served, said: dict[str, object]
) -> None:
    assert reason(service.desk("corrections", **said)) == (422, "request")


def test_an_event_is_begun_frozen_ended_and_revealed(tmp_path: Path) -> None:
    with served(tmp_path, started_s=None) as service:
        token, other = service.add("ada"), service.add("bob")
        assert reason(service.claim(token)) == (409, "closed")
        assert service.desk("deeds", deed="freeze").status_code == 409
        service.desk("deeds", deed="begin", starts_at=_ago(30))
        assert service.claim(token).status_code == 201
        service.until(lambda: service.places()["ada"]["done"])
        service.desk("deeds", deed="freeze")
        assert service.claim(other).status_code == 201
        service.until(lambda: service.look("/people", find="bob")["rows"][0]["done"])
        assert service.places()["bob"]["done"] == {}
        service.desk("corrections", kind="hide", user="ada", why="a name that offends")
        assert "ada" not in service.places()
        service.desk("corrections", kind="show", user="ada", why="it was a test")
        service.desk("deeds", deed="end")
        assert reason(service.claim(token, "villain")) == (409, "closed")
        assert service.places()["bob"]["done"] == {}
        service.desk("deeds", deed="reveal", places=1)
        shown = service.http.get("api/standings").json()
        assert (shown["phase"], [row["user"] for row in shown["rows"]]) == ("revealing", ["bob"])
        assert "ada" not in service.http.get("metrics").text
        service.until(lambda: '"shown":1' in service.http.get("api/board").text)
        assert "ada" not in service.http.get("api/board").text
        service.desk("deeds", deed="reveal", places=30)
        assert list(service.places()) == ["ada", "bob"]


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A booth's service that lets nobody ask often, and whose windows end after all tests."""
    folder = tmp_path_factory.mktemp("booth")
    rates = {"per_person": "5/hour", "per_address": "20/hour"}
    with served(folder, rules="booth", started_s=600, **rates) as service:
        yield service


def test_a_mission_is_ranked_by_its_report_and_by_the_best_of_several(
    strict: Served, name: str
) -> None:
    token = strict.add(name)
    for margin in (0.1, 0.4, 0.2):
        report = MISSION | {"stop_margin_m": margin}
        assert strict.claim(token, "margin", report=report).status_code == 201
    strict.until(lambda: strict.places()[name]["done"].get("margin", {}).get("value") == 0.4)
    assert set(strict.places()[name]["done"]) == {"margin"}
    lie = MISSION | {"stop_margin_m": 5000.0}
    assert reason(strict.claim(token, "margin", report=lie)) == (422, "impossible")


def test_one_person_claims_only_so_often_and_others_still_can(strict: Served, name: str) -> None:
    token, other = strict.add(name), strict.add(f"{name}-other")
    answers = [strict.claim(token, "margin", report=MISSION) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert reason(answers[-1]) == (429, "limited")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert strict.claim(other, "margin", report=MISSION).status_code == 201


def test_a_flood_is_stopped_and_who_signs_well_at_its_address_is_heard(
    strict: Served, name: str
) -> None:
    token = strict.add(name)
    answers = [strict.send("no claim at all").status_code for _ in range(40)]
    assert answers == [422] * 20 + [429] * 20
    assert strict.claim(token, "margin", report=MISSION).status_code == 201
    assert strict.look()["phase"] == "running"


def test_it_ends_with_its_parent_and_lets_the_pages_go(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    log = tmp_path / "log"
    child = Child.module("kit.leaderboard", "--keys", str(keys), name="leaderboard", log=log)
    url = child.ready(timeout_s=PATIENCE_S)["url"]
    with httpx.stream("GET", f"{url}api/board/stream", timeout=PATIENCE_S) as stream:
        next(stream.iter_lines())
        assert child.stop(timeout_s=PATIENCE_S) in {0, -15}
    assert log.read_text() == ""


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run ``kit leaderboard ...`` in this process; return what it told as JSON."""
    for variable in [each for each in os.environ if each.startswith("KIT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("KIT_RUNS_DIR", str(tmp_path))

    def call(*args: str, code: int = 0, **environment: str) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            for variable, value in environment.items():
                patch.setenv(variable, value)
            with pytest.raises(SystemExit) as end:
                main(["leaderboard", *args, "--json"])
        assert int(end.value.code or 0) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return call


def test_the_command_line_adds_brings_in_and_exports(run: Run, tmp_path: Path) -> None:
    issued = run("token", "Ada", "Bob", "--hidden")["tokens"]
    assert [each["user"] for each in issued] == ["Ada", "Bob"]
    assert run("token", "Ada")["tokens"] == issued[:1]
    assert run("token", "Ada", "--replace")["tokens"] != issued[:1]
    assert (tmp_path / "leaderboard-keys.json").stat().st_mode & 0o777 == 0o600
    table = tmp_path / "events.csv"
    table.write_text("time,user,exercise\n5,Cleo,hero\n")
    assert run("import", str(table))["accepted"] == 1
    assert run("import", str(table))["duplicates"] == 1
    out = tmp_path / "out.csv"
    assert run("export", "--out", str(out))["rows"] == 3
    assert out.read_text().splitlines()[1].startswith("1,Cleo,")
    assert run("export", "--log", "--out", str(out))["rows"] == 5


def test_the_command_line_claims_with_a_token_that_was_added_a_moment_ago(
    service: Served, run: Run, name: str
) -> None:
    folder = service.keys.parent
    where = {"KIT_LEADERBOARD_DATABASE": f"sqlite:///{folder / 'event.sqlite'}"}
    (issued,) = run("token", name, "--keys", str(service.keys), **where)["tokens"]
    me = {"KIT_LEADERBOARD_URL": service.url, "KIT_LEADERBOARD_TOKEN": issued["token"]}
    assert run("claim", "hero", **me)["status"] == "accepted"
    assert "hero" in run("claim", "nothing", code=1, **me)["error"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["claim", "hero"], "KIT_LEADERBOARD_TOKEN"),
        (["serve", "--rules", "nothing"], "nothing"),
        (["serve", "--database", "mysql://x/y", "--starts-at", "2026-01-01"], "cannot be used"),
        (["serve", "--starts-at", "soon"], "ISO 8601"),
        (["serve", "--per-person", "often"], "This rate"),
        (["import", "nothing.csv"], "cannot be read"),
        (["token", "\u200b"], "cannot be used"),
    ],
)
def test_what_is_wrong_is_told_with_the_way_out(run: Run, args: list[str], said: str) -> None:
    assert said in run(*args, code=1)["error"]


def test_an_event_that_has_begun_does_not_begin_at_another_time(run: Run) -> None:
    earlier, later = "2026-01-01T09:00:00+00:00", "2026-01-02T09:00:00+00:00"
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that no service stays
        port = ("--port", str(taken.getsockname()[1]))
        assert "listen" in run("serve", *port, "--starts-at", earlier, code=1)["error"]
    set_start(
        f"sqlite:///{os.environ['KIT_RUNS_DIR']}/leaderboard.sqlite", _moment(earlier), by="x"
    )
    assert "another time" in run("serve", "--port", "0", "--starts-at", later, code=1)["error"]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_keys_that_others_can_read_are_refused(run: Run, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    run("token", "Ada", "--keys", str(keys))
    keys.chmod(0o644)
    assert "chmod 600" in run("token", "Ada", "--keys", str(keys), code=1)["error"]
    keys.chmod(0o600)
    keys.write_text("{}")
    assert "no key file" in run("token", "Ada", "--keys", str(keys), code=1)["error"]

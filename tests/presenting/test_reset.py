"""The reset between visitors."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from pydantic import SecretStr

from kit.cli import main
from kit.config import Settings
from kit.events import Action, Command, Motion, TrainState
from kit.events import Event as AnyEvent
from kit.messaging.mqtt import MqttClient
from kit.presenting import reset as reset_module
from kit.presenting.reset import ASIDE, KIOSK_FILE, drop_old, put_aside, reset
from tests.waiting import PATIENCE_S


def run_folder(runs: Path, name: str, *, over: bool, age_s: float = 0.0) -> Path:
    folder = runs / name
    (folder / "logs").mkdir(parents=True)
    (folder / "run.mcap").write_bytes(b"recorded")
    if over:
        (folder / "mission.json").write_text("{}")
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - age_s,) * 2)
    return folder


def test_runs_that_are_over_are_put_aside_whole(tmp_path: Path) -> None:
    run_folder(tmp_path, "20260501-093000", over=True)
    assert put_aside(tmp_path) == 1
    (moved,) = (tmp_path / ASIDE).glob("*/20260501-093000/run.mcap")
    assert moved.read_bytes() == b"recorded"
    assert put_aside(tmp_path) == 0


def test_a_run_that_is_under_way_stays_where_it_is(tmp_path: Path) -> None:
    running = run_folder(tmp_path, "20260501-093000", over=False)
    crashed = run_folder(tmp_path, "20260501-083000", over=False, age_s=3600)
    assert put_aside(tmp_path) == 1
    assert running.exists()
    assert not crashed.exists()


def test_what_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "20260501-notes").mkdir()
    (tmp_path / "registry" / "models").mkdir(parents=True)
    assert put_aside(tmp_path) == 0
    assert (tmp_path / "registry").is_dir()


def test_two_runs_of_one_name_are_both_kept(tmp_path: Path) -> None:
    for _ in range(2):
        run_folder(tmp_path, "20260501-093000", over=True)
        assert put_aside(tmp_path) == 1
    assert len(list((tmp_path / ASIDE).glob("*/2026*"))) == 2


def test_only_days_older_than_asked_for_are_deleted(tmp_path: Path) -> None:
    for day in ("2026-05-01", "2026-05-09", "2026-05-10", "mine"):
        (tmp_path / ASIDE / day).mkdir(parents=True)
    now = datetime(2026, 5, 10, 12, tzinfo=UTC)
    assert drop_old(tmp_path, days=7, now=now) == 1
    assert sorted(p.name for p in (tmp_path / ASIDE).iterdir()) == [
        "2026-05-09",
        "2026-05-10",
        "mine",
    ]
    assert drop_old(tmp_path, days=0, now=now) == 1


@pytest.fixture
def train(mqtt_url: str, train_id: str) -> Iterator[Settings]:
    """A train that says again and again that it stands, once it was told to stop."""
    told, gone = Event(), Event()

    def say() -> None:
        told.wait()
        while not gone.wait(0.1):
            client.publish(
                TrainState(
                    train_id=train_id,
                    motion=Motion.STOPPED,
                    reason="an emergency stop",
                    latched=True,
                    challenge="c",
                )
            )

    def receive(event: AnyEvent, _received_ns: int) -> None:
        if isinstance(event, Command) and event.action is Action.EMERGENCY_STOP:
            told.set()

    with MqttClient(mqtt_url, service="control", train_id=train_id) as client:
        client.subscribe(f"train/{train_id}/command", receive)
        saying = Thread(target=say)
        saying.start()
        yield Settings(train_id=train_id, mqtt_url=SecretStr(mqtt_url))
        gone.set()
        told.set()
        saying.join()


def test_the_train_is_latched_before_the_next_visitor(
    train: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset_module, "STAND_S", PATIENCE_S)
    done = reset(train.model_copy(update={"runs_dir": tmp_path}))
    assert done.ok
    assert "latched" in done.train


def test_a_train_that_is_not_reached_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset_module, "STAND_S", 0.1)
    settings = Settings(mqtt_url=SecretStr("mqtt://127.0.0.1:9"), runs_dir=tmp_path)
    done = reset(settings)
    assert not done.ok
    assert "not reached" in done.problems[0]


def test_a_kiosk_that_was_killed_does_not_stop_a_reset(tmp_path: Path) -> None:
    (tmp_path / KIOSK_FILE).write_text(json.dumps({"url": "http://127.0.0.1:9/", "token": "t"}))
    done = reset(Settings(runs_dir=tmp_path))
    assert done.ok
    assert not (tmp_path / KIOSK_FILE).exists()


def test_the_command_tells_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIT_RUNS_DIR", str(tmp_path))
    run_folder(tmp_path, "20260501-093000", over=True)
    with pytest.raises(SystemExit) as end:
        main(["reset", "--json"])
    assert not end.value.code
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["moved"] == 1

"""What a notebook stands on."""

from __future__ import annotations

import os

import pytest

from kit.errors import ConfigError, MissionError
from kit.runtime.stage import open_stage
from tests.waiting import PATIENCE_S


def test_a_stage_starts_what_is_missing_and_gives_frames(
    train_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = open_stage("auto", train_id=train_id, services=["capture"])
    try:
        assert os.environ["KIT_MQTT_URL"].startswith("mqtt://")
        first = stage.next_frame(timeout_s=PATIENCE_S)
        assert stage.next_frame(timeout_s=PATIENCE_S).frame.sequence > first.frame.sequence
        assert first.train_id == train_id
        assert "capture" in stage._repr_html_()
        said = capsys.readouterr().out
        assert said == "Starting brokers and the virtual set, capture: done.\n"
    finally:
        stage.close()
    assert "KIT_MQTT_URL" not in os.environ


def test_a_stage_attaches_to_what_runs_and_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, mqtt_url: str, train_id: str
) -> None:
    monkeypatch.setenv("KIT_MQTT_URL", mqtt_url)
    stage = open_stage("attach", train_id=train_id, source="/dev/video0", hub="ble")
    assert (stage.source, stage.hub, stage.started) == ("/dev/video0", "ble", ())
    with pytest.raises(MissionError, match="capture service"):
        stage.next_frame(timeout_s=0.05)


def test_there_must_be_something_to_attach_to(train_id: str) -> None:
    with pytest.raises(ConfigError, match="KIT_MQTT_URL"):
        open_stage("attach", train_id=train_id)


def test_an_unknown_stage_is_refused(train_id: str) -> None:
    with pytest.raises(ConfigError, match="'auto' or 'attach'"):
        open_stage("puppets", train_id=train_id)


def test_a_real_hub_never_follows_the_pictures_of_a_virtual_track(train_id: str) -> None:
    with pytest.raises(ConfigError, match="real train"):
        open_stage("auto", train_id=train_id, hub="ble", services=["capture"])

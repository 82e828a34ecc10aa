"""Settings from the environment, and files that come with the kit."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from kit.config import Settings, share_path
from kit.errors import ConfigError


def test_the_environment_sets_what_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_MQTT_URL", "mqtts://me:secret@broker:8883")
    monkeypatch.setenv("KIT_KAFKA_SECURITY", "SASL_SSL")
    settings = Settings.load()
    assert settings.mqtt_url == SecretStr("mqtts://me:secret@broker:8883")
    assert settings.kafka_security == "SASL_SSL"


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_KAFKA_SECURITY", "TRUST_ME")
    with pytest.raises(ConfigError, match="KIT_KAFKA_SECURITY"):
        Settings.load()


def test_no_secret_is_shown() -> None:
    settings = Settings(mqtt_url=SecretStr("mqtt://me:secret@broker"), arm_key=SecretStr("secret"))
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)


def test_a_child_gets_the_same_settings_wherever_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(arm_key=SecretStr("key"), kafka_bootstrap="k:1", runs_dir=Path("my runs"))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    child = Settings.load()
    assert child.runs_dir == tmp_path / "my runs"
    assert child == settings.model_copy(update={"runs_dir": tmp_path / "my runs"})


def test_a_registry_on_disk_is_the_same_place_for_a_child_and_a_url_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings(registry="models").registry == str(tmp_path / "models")
    assert Settings(registry="s3://bucket/models").registry == "s3://bucket/models"


def test_what_is_not_set_is_not_handed_on() -> None:
    assert "KIT_MQTT_URL" not in Settings().environment()


def test_a_shared_file_is_found_and_a_missing_one_named() -> None:
    assert share_path("datasets/scenarios/standard.yaml").is_file()
    with pytest.raises(ConfigError, match="datasets/no-such-thing"):
        share_path("datasets/no-such-thing")

"""``kit promote`` and ``kit registry``, as other programs call them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from kit.cli import main
from kit.events import Event, ModelChange, ModelStatus
from kit.messaging.mqtt import MqttClient
from tests.mlops.registry.variants import shifted
from tests.vision.onnx_models import red_rectangle

PATIENCE_S = 30
Kit = Callable[..., dict[str, Any]]


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kit:
    """Run a command with keys and a registry of its own; give its JSON and its exit code."""
    monkeypatch.setenv("KIT_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("KIT_REGISTRY", str(tmp_path / "registry"))

    def run(*args: object) -> dict[str, Any]:
        with pytest.raises(SystemExit) as end:
            main([*map(str, args), "--json"])
        answer = json.loads(capsys.readouterr().out.splitlines()[-1])
        return {"code": end.value.code or 0, **answer}

    return run


@contextmanager
def train(url: str, train_id: str, answer: ModelStatus | None) -> Iterator[list[ModelChange]]:
    """Be a train that hears promotions, and answers them."""
    heard: list[ModelChange] = []
    arrived = threading.Event()

    def receive(event: Event, _ns: int) -> None:
        if isinstance(event, ModelChange) and event.status is ModelStatus.PROMOTED:
            heard.append(event)
            arrived.set()
            if answer:
                client.publish(
                    ModelChange(
                        train_id=train_id, status=answer, model=event.model, sha256=event.sha256
                    )
                )

    with MqttClient(url, service="train", train_id=train_id) as client:
        client.subscribe(f"train/{train_id}/model", receive)
        yield heard
        arrived.wait(PATIENCE_S)


def promote(kit: Kit, model: object, *more: object) -> dict[str, Any]:
    return kit("promote", model, "--pictures", 3, "--sign-free", 1, *more)


def test_keys_publish_list_verify(kit: Kit, model: Path) -> None:
    made = kit("registry", "keys")
    assert made["code"] == 0
    assert Path(made["private"]).is_file()
    published = kit("registry", "publish", model)
    assert published["version"] == "1.0.0"
    (listed,) = kit("registry", "list")["versions"]
    assert (listed["version"], listed["trouble"], listed["promoted"]) == ("1.0.0", "", False)
    assert kit("registry", "verify", "1.0.0")["sha256"] == published["sha256"]


def test_a_refusal_exits_with_1_and_gives_the_verdict(kit: Kit, tmp_path: Path) -> None:
    kit("registry", "keys")
    answer = promote(kit, shifted(tmp_path / "bad.onnx", version="2.0.0"))
    assert (answer["code"], answer["promoted"]) == (1, False)
    assert answer["verdict"]["accepted"] is False
    names = [c["name"] for c in answer["verdict"]["checks"] if c["passed"] is False]
    assert "mAP50" in names
    assert kit("registry", "list")["promoted"] is None


def test_what_is_neither_file_nor_version_is_told(kit: Kit) -> None:
    answer = promote(kit, "nowhere.onnx")
    assert answer["code"] == 1
    assert "neither a file nor a version" in answer["error"]


def test_half_a_labelled_set_is_told(kit: Kit, model: Path, tmp_path: Path) -> None:
    answer = kit("promote", model, "--images", tmp_path)
    assert "--annotations" in answer["error"]


def test_a_promotion_is_announced_and_the_trains_answer_is_waited_for(
    kit: Kit, model: Path, photos: Path, mqtt_url: str, train_id: str
) -> None:
    """The model knows red rectangles, which the kit's own model does not."""
    kit("registry", "keys")
    labelled = ("--images", photos, "--annotations", photos / "coco.json", "--sign-free", 0)
    told = ("--train-id", train_id, "--mqtt", mqtt_url, "--wait", PATIENCE_S)
    with train(mqtt_url, train_id, ModelStatus.RUNNING) as heard:
        answer = kit("promote", model, *labelled, *told, "--by", "ada")
    assert (answer["code"], answer["promoted"]) == (0, True), answer["verdict"]
    assert answer["announced"] == [train_id]
    assert answer["answers"][train_id]["status"] == "running"
    assert [event.model for event in heard] == ["1.0.0"]
    assert kit("registry", "list")["promoted"] == "1.0.0"
    (entry,) = kit("registry", "history")["history"]
    assert (entry["by"], entry["version"]) == ("ada", "1.0.0")


def test_rolling_back_is_announced_and_kept_in_the_history(
    kit: Kit, mqtt_url: str, train_id: str, tmp_path: Path
) -> None:
    from kit.mlops.registry.store import open_registry

    kit("registry", "keys")
    for version in ("1", "2"):
        kit("registry", "publish", red_rectangle(tmp_path / f"{version}.onnx", version=version))
        open_registry().promote(version, by="ada")
    with train(mqtt_url, train_id, None) as heard:
        answer = kit("registry", "roll-back", "--train-id", train_id, "--mqtt", mqtt_url)
    assert (answer["code"], answer["version"], answer["announced"]) == (0, "1", [train_id])
    assert [(event.model, event.status) for event in heard] == [("1", ModelStatus.PROMOTED)]
    history = kit("registry", "history")["history"]
    assert [(p["act"], p["version"]) for p in history][-1] == ("roll back", "1")


def test_a_broker_that_is_away_is_told_before_anything_is_promoted(
    kit: Kit, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = partialmethod(MqttClient.start, timeout_s=0.5)
    monkeypatch.setattr(MqttClient, "start", impatient)
    kit("registry", "keys")
    answer = promote(kit, model, "--train-id", "t", "--mqtt", "mqtt://127.0.0.1:9")
    assert answer["code"] == 1
    assert "127.0.0.1:9" in answer["error"]
    assert kit("registry", "list")["versions"] == []


def test_a_train_that_is_named_needs_a_broker(kit: Kit, model: Path) -> None:
    assert "KIT_MQTT_URL" in promote(kit, model, "--train-id", "t")["error"]

"""A registry keeps versions as they were signed, and knows which one is promoted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from kit.config import Settings
from kit.errors import ConfigError, ModelError
from kit.mlops.registry.manifest import describe
from kit.mlops.registry.promotion import publish_file
from kit.mlops.registry.store import Registry, open_registry
from kit.mlops.registry.trust import Distrust, SigningKey, UntrustedModelError, make_keys
from tests.vision.onnx_models import red_rectangle

Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a model of some version."""
    return lambda version: red_rectangle(tmp_path / f"{version}.onnx", version=version)


def settings(keys_dir: Path, **more: object) -> Settings:
    return Settings.model_validate({"keys_dir": keys_dir, **more})


def put(registry: Registry, name: str, content: bytes | None, *, version: str = "1.0.0") -> None:
    """Write a file of a version behind the registry's back; None takes it away."""
    fs, root = fsspec.core.url_to_fs(registry.url)
    path = f"{root}/models/signs/{version}/{name}"
    if content is None:
        fs.rm(path)
    else:
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        fs.pipe_file(path, content)


def why(registry: Registry, version: str = "1.0.0") -> Distrust:
    with pytest.raises(UntrustedModelError) as refusal:
        registry.fetch(version)
    return refusal.value.why


def test_what_was_published_is_fetched_unchanged(
    registry: Registry, model: Path, key: SigningKey
) -> None:
    manifest = publish_file(model, registry, key=key)
    content, fetched = registry.fetch("1.0.0")
    assert content == model.read_bytes()
    assert fetched == manifest
    assert registry.versions() == ["1.0.0"]
    assert fetched.classes == ("SpeedLimit", "DangerAhead", "Stop")
    assert fetched.size_bytes == model.stat().st_size
    assert fetched.input["shape"] == [1, 3, 400, 608]


def test_to_publish_again_changes_nothing(registry: Registry, model: Path, key: SigningKey) -> None:
    first = publish_file(model, registry, key=key)
    again = publish_file(model, registry, key=key)
    assert again == first
    assert again.created == first.created


def test_another_model_of_the_same_version_is_refused(
    registry: Registry, model: Path, key: SigningKey, tmp_path: Path
) -> None:
    publish_file(model, registry, key=key)
    other = red_rectangle(tmp_path / "other.onnx", version="1.0.0", threshold=0.6)
    with pytest.raises(ModelError, match="never change"):
        publish_file(other, registry, key=key)
    assert registry.fetch("1.0.0")[0] == model.read_bytes()


def test_a_publication_that_was_cut_off_is_not_believed_and_can_be_finished(
    registry: Registry, model: Path, key: SigningKey
) -> None:
    put(registry, "signs.onnx", b"half")
    put(registry, "manifest.json", describe(model).to_bytes())
    assert why(registry) is Distrust.UNSIGNED
    publish_file(model, registry, key=key)
    assert registry.fetch("1.0.0")[0] == model.read_bytes()


def test_a_tampered_model_is_refused(registry: Registry, model: Path, key: SigningKey) -> None:
    publish_file(model, registry, key=key)
    put(registry, "signs.onnx", model.read_bytes()[:-1] + b"!")
    assert why(registry) is Distrust.TAMPERED_MODEL


def test_a_missing_model_is_refused(registry: Registry, model: Path, key: SigningKey) -> None:
    publish_file(model, registry, key=key)
    put(registry, "signs.onnx", None)
    assert why(registry) is Distrust.TAMPERED_MODEL


def test_a_tampered_manifest_is_refused(registry: Registry, model: Path, key: SigningKey) -> None:
    manifest = publish_file(model, registry, key=key)
    put(registry, "manifest.json", manifest.to_bytes().replace(b'"signs"', b'"signz"'))
    assert why(registry) is Distrust.TAMPERED_MANIFEST


def test_an_unsigned_version_is_refused(registry: Registry, model: Path, key: SigningKey) -> None:
    publish_file(model, registry, key=key)
    put(registry, "manifest.sig", None)
    assert why(registry) is Distrust.UNSIGNED


def test_a_version_signed_by_a_stranger_is_refused(
    registry: Registry, model: Path, tmp_path: Path
) -> None:
    publish_file(model, registry, key=make_keys(tmp_path / "stranger"))
    assert why(registry) is Distrust.UNKNOWN_KEY


def test_a_signed_version_under_the_name_of_another_is_refused(
    registry: Registry, model: Path, key: SigningKey
) -> None:
    manifest = publish_file(model, registry, key=key)
    for name, content in {
        "signs.onnx": model.read_bytes(),
        "manifest.json": manifest.to_bytes(),
        "manifest.sig": key.sign(manifest.to_bytes()),
    }.items():
        put(registry, name, content, version="2.0.0")
    assert why(registry, "2.0.0") is Distrust.TAMPERED_MANIFEST


def test_a_manifest_of_another_model_is_not_published(
    registry: Registry, model: Path, key: SigningKey
) -> None:
    with pytest.raises(ModelError, match="not of this model"):
        registry.publish(b"another", describe(model), key)


def test_a_version_that_is_not_there_is_told_with_those_that_are(
    registry: Registry, model: Path, key: SigningKey
) -> None:
    publish_file(model, registry, key=key)
    with pytest.raises(ConfigError, match=r"one of 1\.0\.0"):
        registry.fetch("3")


@pytest.mark.parametrize("version", ["../1.0.0", "..", "a/b", "", ".hidden", "x" * 81, "é"])
def test_a_version_cannot_name_a_place_elsewhere(registry: Registry, version: str) -> None:
    with pytest.raises(ConfigError, match="no version"):
        registry.fetch(version)


def test_a_model_whose_version_cannot_name_a_folder_is_not_published(
    registry: Registry, key: SigningKey, tmp_path: Path
) -> None:
    odd = red_rectangle(tmp_path / "odd.onnx", version="a/b")
    with pytest.raises(ConfigError, match="--version"):
        publish_file(odd, registry, key=key)


def test_nothing_is_promoted_at_first(registry: Registry) -> None:
    assert registry.promoted() is None
    assert registry.history() == []
    assert registry.versions() == []


def test_the_pointer_tells_version_digest_time_who_and_what_was_before(
    registry: Registry, make: Make, key: SigningKey
) -> None:
    for version in ("1", "2"):
        publish_file(make(version), registry, key=key)
    first = registry.promote("1", by="ada")
    second = registry.promote("2", by="grace", reason="better")
    assert registry.promoted() == second
    assert (first.previous, second.previous) == (None, "1")
    assert (second.version, second.by, second.reason) == ("2", "grace", "better")
    assert second.sha256 == registry.manifest("2").sha256
    assert second.at > first.at
    assert registry.history() == [first, second]


def test_what_is_not_to_be_believed_is_not_promoted(
    registry: Registry, make: Make, key: SigningKey
) -> None:
    for version in ("1", "2"):
        publish_file(make(version), registry, key=key)
    before = registry.promote("1", by="ada")
    put(registry, "signs.onnx", b"bad", version="2")
    with pytest.raises(UntrustedModelError):
        registry.promote("2", by="mallory")
    assert registry.promoted() == before
    assert registry.history() == [before]


def test_rolling_back_goes_further_back_each_time(
    registry: Registry, make: Make, key: SigningKey
) -> None:
    for version in ("1", "2", "3"):
        publish_file(make(version), registry, key=key)
        registry.promote(version, by="ada")
    assert registry.roll_back(by="ada").version == "2"
    back = registry.roll_back(by="ada", reason="worse in the dark")
    assert (back.version, back.previous, back.act) == ("1", None, "roll back")
    assert registry.promoted() == back
    with pytest.raises(ConfigError, match="nothing to roll back to"):
        registry.roll_back(by="ada")
    assert [p.version for p in registry.history()] == ["1", "2", "3", "2", "1"]


def test_rolling_back_leads_only_to_what_was_promoted_once(
    registry: Registry, make: Make, key: SigningKey
) -> None:
    for version in ("1", "2", "3"):
        publish_file(make(version), registry, key=key)
    registry.promote("1", by="ada")
    registry.promote("2", by="ada")
    with pytest.raises(ConfigError, match="nothing to roll back to"):
        registry.roll_back(by="ada", to="3")
    assert registry.roll_back(by="ada", to="1").version == "1"


def test_a_broken_pointer_is_told(registry: Registry) -> None:
    fs, root = fsspec.core.url_to_fs(registry.url)
    fs.makedirs(f"{root}/models/signs", exist_ok=True)
    fs.pipe_file(f"{root}/models/signs/promoted.json", b"{")
    with pytest.raises(ModelError, match="pointer"):
        registry.promoted()


def test_files_on_disk_are_never_half_there(
    tmp_path: Path, key: SigningKey, keys_dir: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = open_registry(str(tmp_path / "disk"), settings=settings(keys_dir))
    for version in ("1", "2"):
        publish_file(make(version), registry, key=key)
    before = registry.promote("1", by="ada")

    def torn(_number: int) -> None:
        raise OSError("the power went")

    monkeypatch.setattr("kit.mlops.registry.storage.os.fsync", torn)
    with pytest.raises(ModelError, match="the power went"):
        registry.promote("2", by="ada")
    assert registry.promoted() == before
    folder = tmp_path / "disk" / "models" / "signs"
    assert sorted(p.name for p in folder.iterdir()) == ["1", "2", "history.jsonl", "promoted.json"]


def test_a_registry_that_cannot_be_written_is_told(
    tmp_path: Path, key: SigningKey, keys_dir: Path, model: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    registry = open_registry(str(tmp_path / "file"), settings=settings(keys_dir))
    with pytest.raises(ModelError, match="cannot write"):
        publish_file(model, registry, key=key)


def test_the_settings_name_the_registry_and_the_runs_folder_is_the_default(
    tmp_path: Path, key: SigningKey, keys_dir: Path
) -> None:
    named = settings(keys_dir, registry=str(tmp_path / "named"))
    assert open_registry(settings=named).url.endswith("/named")
    default = settings(keys_dir, runs_dir=tmp_path / "runs")
    assert open_registry(settings=default).url.endswith("/runs/registry")


def test_a_url_of_an_unknown_kind_is_told(keys_dir: Path) -> None:
    with pytest.raises(ConfigError, match="no place for a registry"):
        open_registry("nonsense://x", settings=settings(keys_dir))


def test_the_package_that_a_url_needs_is_named(
    keys_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ConfigError, match="s3fs"):
        open_registry("s3://bucket/x", settings=settings(keys_dir))


def test_the_history_is_lines_of_json(registry: Registry, model: Path, key: SigningKey) -> None:
    publish_file(model, registry, key=key)
    registry.promote("1.0.0", by="ada")
    fs, root = fsspec.core.url_to_fs(registry.url)
    lines = fs.cat_file(f"{root}/models/signs/history.jsonl").splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["1.0.0"]

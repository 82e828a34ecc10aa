"""Keys are made once and kept close, and only what a trusted one signed is believed."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kit.config import Settings
from kit.errors import ConfigError
from kit.mlops.registry.trust import (
    PRIVATE_KEY,
    TRUSTED,
    Distrust,
    SigningKey,
    UntrustedModelError,
    keys_folder,
    load_signing_key,
    load_trusted,
    make_keys,
)


def why(keys_dir: Path, message: bytes, signature: bytes | None) -> Distrust:
    with pytest.raises(UntrustedModelError) as refusal:
        load_trusted(keys_dir).check(message, signature)
    return refusal.value.why


def test_a_new_key_signs_and_is_trusted_here(key: SigningKey, keys_dir: Path) -> None:
    trusted = load_trusted(keys_dir)
    assert trusted.key_ids == (key.key_id,)
    assert trusted.check(b"text", load_signing_key(keys_dir).sign(b"text")) == key.key_id


def test_only_its_owner_may_read_the_private_key(key: SigningKey, keys_dir: Path) -> None:
    assert stat.S_IMODE((keys_dir / PRIVATE_KEY).stat().st_mode) == 0o600


def test_a_private_key_that_others_may_read_is_refused(key: SigningKey, keys_dir: Path) -> None:
    (keys_dir / PRIVATE_KEY).chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_signing_key(keys_dir)


def test_a_key_is_never_written_over(key: SigningKey, keys_dir: Path) -> None:
    before = (keys_dir / PRIVATE_KEY).read_bytes()
    with pytest.raises(ConfigError, match="already"):
        make_keys(keys_dir)
    assert (keys_dir / PRIVATE_KEY).read_bytes() == before
    assert load_trusted(keys_dir).key_ids == (key.key_id,)


def test_without_a_key_it_is_said_how_to_make_one(keys_dir: Path) -> None:
    with pytest.raises(ConfigError, match="kit registry keys"):
        load_signing_key(keys_dir)


def test_something_else_than_a_key_is_named(key: SigningKey, keys_dir: Path) -> None:
    (keys_dir / TRUSTED / "odd.pub").write_text("ssh-rsa nonsense")
    with pytest.raises(ConfigError, match=r"odd\.pub"):
        load_trusted(keys_dir)
    (keys_dir / PRIVATE_KEY).write_text("nonsense")
    with pytest.raises(ConfigError, match="no ed25519 key"):
        load_signing_key(keys_dir)


def test_what_is_unsigned_is_not_believed(key: SigningKey, keys_dir: Path) -> None:
    assert why(keys_dir, b"text", None) is Distrust.UNSIGNED


@pytest.mark.parametrize(
    "signature", [b"", b"{}", b"[1]", b'{"key": 1, "signature": "%"}', b"\xff"]
)
def test_a_signature_that_cannot_be_read_is_none(
    key: SigningKey, keys_dir: Path, signature: bytes
) -> None:
    assert why(keys_dir, b"text", signature) is Distrust.UNSIGNED


def test_another_text_is_not_the_one_that_was_signed(key: SigningKey, keys_dir: Path) -> None:
    assert why(keys_dir, b"other", key.sign(b"text")) is Distrust.TAMPERED_MANIFEST


def test_a_signature_of_an_unknown_key_is_not_believed(
    key: SigningKey, keys_dir: Path, tmp_path: Path
) -> None:
    stranger = make_keys(tmp_path / "stranger")
    assert why(keys_dir, b"text", stranger.sign(b"text")) is Distrust.UNKNOWN_KEY


def test_a_stranger_cannot_borrow_the_name_of_a_trusted_key(
    key: SigningKey, keys_dir: Path, tmp_path: Path
) -> None:
    forged = json.loads(make_keys(tmp_path / "stranger").sign(b"text"))
    forged["key"] = key.key_id
    assert why(keys_dir, b"text", json.dumps(forged).encode()) is Distrust.TAMPERED_MANIFEST


def test_a_copied_public_key_makes_another_machine_believe(
    key: SigningKey, keys_dir: Path, tmp_path: Path
) -> None:
    (name,) = (keys_dir / TRUSTED).iterdir()
    (tmp_path / "train" / TRUSTED).mkdir(parents=True)
    (tmp_path / "train" / TRUSTED / name.name).write_bytes(name.read_bytes())
    assert load_trusted(tmp_path / "train").check(b"text", key.sign(b"text")) == key.key_id


def test_keys_are_where_the_settings_say_else_in_the_users_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert keys_folder(Settings(keys_dir=tmp_path / "mine")) == tmp_path / "mine"
    assert keys_folder(Settings()) == tmp_path / "runaway-train-kit" / "keys"

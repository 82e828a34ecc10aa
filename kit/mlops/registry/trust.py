"""Keys: who may vouch for a model, and whom this machine believes.

The private key ``signing.key`` stays in the user's own folder. Beside it, ``trusted/`` holds the
public keys whose signatures count, a file each in OpenSSH's format, so that another machine is
told to trust a key by copying one short line of text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.config import Settings
from kit.errors import ConfigError, ModelError, missing_extra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PRIVATE_KEY = "signing.key"
"""Name of the private key's file."""

TRUSTED = "trusted"
"""Name of the folder of public keys that are believed."""

_PURPOSE = b"runaway-train-kit model manifest 1\n"
"""Stands before what is signed, so that no signature made for something else will do."""


class Distrust(StrEnum):
    """Why a model is not believed."""

    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown key"
    TAMPERED_MANIFEST = "tampered manifest"
    TAMPERED_MODEL = "tampered model"


class UntrustedModelError(ModelError):
    """A model that nobody whom this machine trusts vouches for; it is not loaded.

    Args:
        why: Which kind of distrust.
        problem: What is wrong, in one sentence.
        **more: As `kit.errors.KitError` takes them.
    """

    def __init__(self, why: Distrust, problem: str, **more: Any) -> None:
        self.why = why
        super().__init__(problem, **more)


@dataclass(frozen=True)
class SigningKey:
    """A private key.

    Attributes:
        key_id: Its name: the first 16 hexadecimal digits of its public half's SHA-256.
    """

    _key: Ed25519PrivateKey
    key_id: str

    def sign(self, message: bytes) -> bytes:
        """Vouch for some bytes.

        Returns:
            A small JSON text with the key's name and the ed25519 signature in base64.
        """
        signature = base64.b64encode(self._key.sign(_PURPOSE + message)).decode()
        return json.dumps({"key": self.key_id, "signature": signature}).encode() + b"\n"


@dataclass(frozen=True)
class TrustedKeys:
    """The public keys that are believed.

    Attributes:
        folder: Where they are.
    """

    folder: Path
    _keys: dict[str, Ed25519PublicKey]

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Their names, sorted."""
        return tuple(sorted(self._keys))

    def check(self, message: bytes, signature: bytes | None) -> str:
        """Check that one of these keys vouches for some bytes.

        Args:
            message: What was signed.
            signature: What `SigningKey.sign` returned; None if there is none.

        Returns:
            The name of the key.

        Raises:
            UntrustedModelError: If there is no signature, or not one of these keys', or it
                does not fit the bytes.
        """
        from cryptography.exceptions import InvalidSignature

        if signature is None:
            raise UntrustedModelError(
                Distrust.UNSIGNED,
                "This model is unsigned",
                fix="publish it with the kit, which signs it: kit registry publish",
            )
        name, raw = _parts(signature)
        if name not in self._keys:
            raise UntrustedModelError(
                Distrust.UNKNOWN_KEY,
                "This model is signed with a key that is not trusted here",
                expected=f"one of {', '.join(self.key_ids) or 'none'}",
                got=name,
                fix=f"if you know whose it is, copy the public key into {self.folder}",
            )
        try:
            self._keys[name].verify(raw, _PURPOSE + message)
        except InvalidSignature as error:
            raise UntrustedModelError(
                Distrust.TAMPERED_MANIFEST,
                "The manifest is not the one that was signed",
                fix="do not use this model; find out who changed it",
            ) from error
        return name


def keys_folder(settings: Settings) -> Path:
    """Return where this machine's keys are: ``KIT_KEYS_DIR``, else the user's own folder."""
    if settings.keys_dir is not None:
        return settings.keys_dir
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "runaway-train-kit" / "keys"


def make_keys(folder: Path) -> SigningKey:
    """Make a private key, readable by its owner alone, and trust its public half.

    Args:
        folder: Where it goes; made with mode 0700 if it is not there.

    Raises:
        ConfigError: If there is a private key already, or the folder cannot be written.
    """
    _need_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    made = SigningKey(key, _key_id(key.public_key()))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / TRUSTED).mkdir(exist_ok=True)
        # O_EXCL: a key that is there is never written over, and never was readable by others.
        number = os.open(folder / PRIVATE_KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(secret)
        (folder / TRUSTED / f"{made.key_id}.pub").write_bytes(public + b"\n")
    except FileExistsError as error:
        raise ConfigError(
            "There is a private key already",
            got=str(folder / PRIVATE_KEY),
            fix="use it, or move it away first; models that it signed stay valid",
        ) from error
    except OSError as error:
        raise ConfigError("The keys cannot be written", got=str(error)) from error
    return made


def load_signing_key(folder: Path) -> SigningKey:
    """Read the private key.

    Args:
        folder: Where it is.

    Raises:
        ConfigError: If there is none, others may read it, or it is no ed25519 key.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = folder / PRIVATE_KEY
    try:
        exposed = os.name == "posix" and path.stat().st_mode & 0o077
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "There is no key to sign models with",
            expected=str(path),
            got=error.strerror,
            fix="make one: kit registry keys",
        ) from error
    if exposed:
        raise ConfigError(
            "Others may read the private key", got=str(path), fix=f"run: chmod 600 {path}"
        )
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return SigningKey(key, _key_id(key.public_key()))


def load_trusted(folder: Path) -> TrustedKeys:
    """Read the public keys that are believed: ``trusted/*.pub``.

    Args:
        folder: Where ``trusted`` is.

    Raises:
        ConfigError: If a file there is no ed25519 public key.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    found: dict[str, Ed25519PublicKey] = {}
    for path in sorted((folder / TRUSTED).glob("*.pub")):
        try:
            key = load_ssh_public_key(path.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise _no_key(path) from error
        if not isinstance(key, Ed25519PublicKey):
            raise _no_key(path)
        found[_key_id(key)] = key
    return TrustedKeys(folder / TRUSTED, found)


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _parts(signature: bytes) -> tuple[str, bytes]:
    try:
        fields = json.loads(signature)
        return str(fields["key"]), base64.b64decode(fields["signature"], validate=True)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise UntrustedModelError(
            Distrust.UNSIGNED,
            "The signature of this model cannot be read",
            expected="what 'kit registry publish' writes",
            got=repr(signature[:60]),
        ) from error


def _no_key(path: Path) -> ConfigError:
    return ConfigError(f"'{path}' is no ed25519 key", fix="move it away: it is of no use here")


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise missing_extra("cryptography", "mlops") from error

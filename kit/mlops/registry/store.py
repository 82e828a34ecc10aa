"""Versions of a model in a folder: published once, never changed, one of them promoted."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kit.config import Settings
from kit.errors import ConfigError, ModelError
from kit.mlops.registry.manifest import Digest, Manifest, Version
from kit.mlops.registry.storage import Folder
from kit.mlops.registry.trust import (
    Distrust,
    SigningKey,
    TrustedKeys,
    UntrustedModelError,
    keys_folder,
    load_trusted,
)

MODEL, MANIFEST, SIGNATURE = "signs.onnx", "manifest.json", "manifest.sig"
"""Files of a version. The signature is written last: with it, the version is complete."""

POINTER, HISTORY = "promoted.json", "history.jsonl"
"""Which version is promoted, and which ones were."""

MODEL_NAME = "signs"
"""Name of the kit's own model."""

_Who = Annotated[str, Field(min_length=1, max_length=80)]
_Text = Annotated[str, Field(max_length=500)]
_VERSION: TypeAdapter[str] = TypeAdapter(Version)


class Promotion(BaseModel):
    """Which version the trains shall run, since when, and who said so.

    Attributes:
        version: The version.
        sha256: Of its model.
        at: When it was promoted.
        by: Who did it.
        previous: The version before, if there was one.
        act: ``promote``, through the gate, or ``roll back``, by hand.
        reason: Why, in words for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    sha256: Digest
    at: AwareDatetime
    by: _Who
    previous: Version | None = None
    act: Literal["promote", "roll back"] = "promote"
    reason: _Text = ""


class Registry:
    """The versions of one model below a URL.

    Nothing of a version is given out before its signature and hashes were checked.

    Args:
        url: A path, or a URL that fsspec knows; versions are in ``models/<name>/<version>``.
        trusted: Whose signatures count.
        name: Which model.

    Raises:
        ConfigError: If the URL is none, or a package for it is missing.
    """

    def __init__(self, url: str, *, trusted: TrustedKeys, name: str = MODEL_NAME) -> None:
        self.name = name
        self.trusted = trusted
        self._folder = Folder(url)

    @property
    def url(self) -> str:
        """Where it is, with no secret in it."""
        return self._folder.url

    def publish(self, model: bytes, manifest: Manifest, key: SigningKey) -> Manifest:
        """Add a version. To publish the same model again changes nothing.

        Args:
            model: The ONNX file's content.
            manifest: What is vouched for.
            key: Who vouches.

        Returns:
            The manifest that is in the registry now.

        Raises:
            ModelError: If the manifest is of another model, or the version is there already
                with another one.
        """
        digest = hashlib.sha256(model).hexdigest()
        if (manifest.name, manifest.sha256) != (self.name, digest):
            raise ModelError(
                "This manifest is not of this model",
                expected=f"{self.name} {digest}",
                got=f"{manifest.name} {manifest.sha256}",
            )
        place = self._place(manifest.version)
        if self._folder.read(f"{place}/{SIGNATURE}") is not None:
            return self._as_published(manifest)
        content = manifest.to_bytes()
        self._folder.write(f"{place}/{MODEL}", model)
        self._folder.write(f"{place}/{MANIFEST}", content)
        self._folder.write(f"{place}/{SIGNATURE}", key.sign(content))
        return manifest

    def versions(self) -> list[str]:
        """Return the names of all versions, whoever signed them, sorted."""
        return self._folder.folders(f"models/{self.name}")

    def manifest(self, version: str) -> Manifest:
        """Return a version's manifest, checked.

        Raises:
            ConfigError: If there is no such version.
            UntrustedModelError: If nobody who is trusted vouches for it.
            ModelError: If the registry cannot be read.
        """
        place = self._place(version)
        content = self._folder.read(f"{place}/{MANIFEST}")
        if content is None:
            raise ConfigError(
                f"The registry has no version '{version}' of {self.name}",
                expected=f"one of {', '.join(self.versions()) or 'none yet'}",
                got=self.url,
            )
        self.trusted.check(content, self._folder.read(f"{place}/{SIGNATURE}"))
        found = Manifest.from_bytes(content)
        if (found.name, found.version) != (self.name, version):
            # Else someone could put an old, signed version in the place of a new one.
            raise UntrustedModelError(
                Distrust.TAMPERED_MANIFEST,
                "A version's manifest is that of another one",
                expected=f"{self.name} {version}",
                got=f"{found.name} {found.version}",
                fix="do not use this model; find out who changed it",
            )
        return found

    def fetch(self, version: str) -> tuple[bytes, Manifest]:
        """Return a version's model and manifest, both checked.

        Raises:
            ConfigError: If there is no such version.
            UntrustedModelError: If nobody who is trusted vouches for it, or the model is not
                the one that was signed.
            ModelError: If the registry cannot be read.
        """
        manifest = self.manifest(version)
        model = self._folder.read(f"{self._place(version)}/{MODEL}")
        digest = None if model is None else hashlib.sha256(model).hexdigest()
        if model is None or digest != manifest.sha256:
            raise UntrustedModelError(
                Distrust.TAMPERED_MODEL,
                f"The model of version {version} is not the one that was signed",
                expected=f"SHA-256 {manifest.sha256}",
                got=digest or "no file",
                fix="do not use this model; find out who changed it",
            )
        return model, manifest

    def promoted(self) -> Promotion | None:
        """Return which version is promoted, or None if none is yet.

        Raises:
            ModelError: If the pointer cannot be read or understood.
        """
        content = self._folder.read(f"models/{self.name}/{POINTER}")
        return None if content is None else _promotion(content)

    def promote(self, version: str, *, by: str, reason: str = "") -> Promotion:
        """Point at a version. This asks no gate; `kit.mlops.registry.promotion` does.

        Args:
            version: Which one; it is checked first.
            by: Who does it.
            reason: Why, in words for people.

        Raises:
            ConfigError: If there is no such version.
            UntrustedModelError: If it is not to be believed.
            ModelError: If the registry cannot be read or written.
        """
        now = self.promoted()
        return self._point(
            version, previous=now.version if now else None, act="promote", by=by, reason=reason
        )

    def roll_back(self, *, by: str, to: str | None = None, reason: str = "") -> Promotion:
        """Point at an earlier version again, without the gate.

        Args:
            by: Who does it.
            to: Which version; the one before the promoted one if None. Called again, it goes
                back further.
            reason: Why, in words for people.

        Raises:
            ConfigError: If there was none before, or it was never promoted.
            UntrustedModelError: If it is not to be believed.
            ModelError: If the registry cannot be read or written.
        """
        now = self.promoted()
        target = to or (now.previous if now else None)
        before = {promotion.version: promotion.previous for promotion in self.history()}
        if target is None or target not in before:
            raise ConfigError(
                "There is nothing to roll back to",
                expected=f"one of {', '.join(before) or 'no version, for none was promoted yet'}",
                got=target,
            )
        return self._point(target, previous=before[target], act="roll back", by=by, reason=reason)

    def history(self) -> list[Promotion]:
        """Return all promotions, oldest first.

        Raises:
            ModelError: If the history cannot be read or understood.
        """
        content = self._folder.read(f"models/{self.name}/{HISTORY}") or b""
        return [_promotion(line) for line in content.splitlines() if line.strip()]

    def _point(
        self,
        version: str,
        *,
        previous: str | None,
        act: Literal["promote", "roll back"],
        by: str,
        reason: str,
    ) -> Promotion:
        _, manifest = self.fetch(version)
        made = Promotion(
            version=version,
            sha256=manifest.sha256,
            at=datetime.now(UTC),
            by=by[:80],
            previous=previous,
            act=act,
            reason=reason[:500],
        )
        place = f"models/{self.name}"
        # The history first: a promotion that is not in it would be worse than one too many.
        self._folder.append(f"{place}/{HISTORY}", made.model_dump_json())
        self._folder.write(f"{place}/{POINTER}", (made.model_dump_json(indent=2) + "\n").encode())
        return made

    def _as_published(self, manifest: Manifest) -> Manifest:
        there = self.manifest(manifest.version)
        if there.sha256 != manifest.sha256:
            raise ModelError(
                f"Version {manifest.version} is there already, with another model",
                expected=f"SHA-256 {there.sha256}",
                got=manifest.sha256,
                fix="versions never change: train or retrain it with another --version",
            )
        return there

    def _place(self, version: str) -> str:
        return f"models/{self.name}/{_checked(version)}"


def open_registry(url: str | None = None, *, settings: Settings | None = None) -> Registry:
    """Open the registry that is named, or the settings' own.

    Args:
        url: A path or URL; ``KIT_REGISTRY`` if None, else ``registry`` below ``KIT_RUNS_DIR``.
        settings: From the environment if not given.

    Raises:
        ConfigError: If the URL is none, or a key or a package cannot be used.
    """
    settings = settings or Settings.load()
    where = url or settings.registry or str(Path(settings.runs_dir) / "registry")
    return Registry(where, trusted=load_trusted(keys_folder(settings)))


def _promotion(content: bytes) -> Promotion:
    try:
        return Promotion.model_validate_json(content)
    except ValidationError as error:
        raise ModelError(
            "The registry's pointer or history cannot be understood",
            expected="what 'kit promote' writes",
            got=repr(content[:80]),
        ) from error


def _checked(version: str) -> str:
    """Keep a version from naming a place outside its folder."""
    try:
        return _VERSION.validate_python(version)
    except ValidationError as error:
        raise ConfigError(
            "This is no version",
            expected="letters, digits, dots, plus and minus signs, 80 at most",
            got=version[:100],
        ) from error

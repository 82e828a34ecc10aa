"""Promotion: bring a model before the gate and, if it may pass, point the trains at it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.config import share_path
from kit.errors import ConfigError, ModelError
from kit.mlops.registry.duel import Ground, contend
from kit.mlops.registry.gate import Contender, GateRules, Verdict, gate
from kit.mlops.registry.manifest import Manifest, describe
from kit.mlops.registry.store import MODEL, Promotion, Registry
from kit.mlops.registry.trust import SigningKey, UntrustedModelError

SHIPPED = "datasets/model/signs.onnx"
"""The model that trains run while none is promoted."""


@dataclass(frozen=True)
class Outcome:
    """What came of a promotion.

    Attributes:
        version: The model that was to be promoted.
        current: The one that it was compared with.
        verdict: The gate's answer.
        contenders: The new model and the current one, as the gate saw them.
        promotion: The new pointer; None if the model was refused.
    """

    version: str
    current: str
    verdict: Verdict
    contenders: tuple[Contender, Contender]
    promotion: Promotion | None = None

    @property
    def promoted(self) -> bool:
        """Whether the trains are to run it now."""
        return self.promotion is not None

    @property
    def as_json(self) -> dict[str, Any]:
        """The outcome as JSON can hold it."""
        new, old = (c.figures.model_dump() if c.figures else None for c in self.contenders)
        return {
            "promoted": self.promoted,
            "version": self.version,
            "current": self.current,
            "verdict": self.verdict.as_json,
            "figures": {"candidate": new, "current": old},
            "promotion": self.promotion.model_dump(mode="json") if self.promotion else None,
        }


def publish_file(
    path: Path, registry: Registry, *, key: SigningKey, contender: Contender | None = None
) -> Manifest:
    """Sign a model file and add it to a registry, promoted or not.

    Args:
        path: The ONNX file.
        registry: Where it goes.
        key: Who vouches for it.
        contender: What was measured of it.

    Returns:
        The manifest that is in the registry now.

    Raises:
        ModelError: If it is no model, or its version is there already with another model.
        ConfigError: If its version cannot name a folder.
    """
    figures = contender.figures if contender else None
    manifest = describe(path, name=registry.name, figures=figures)
    return registry.publish(path.read_bytes(), manifest, key)


def promote_file(
    path: Path,
    registry: Registry,
    *,
    key: SigningKey | None,
    ground: Ground,
    rules: GateRules | None = None,
    by: str,
) -> Outcome:
    """Bring a model file before the gate; publish and promote it if it may pass.

    Args:
        path: The ONNX file.
        registry: Where it goes.
        key: Who vouches for it; without one the gate refuses it.
        ground: What it and the current model are measured on.
        rules: What it may cost; the defaults if None.
        by: Who promotes it.

    Raises:
        ModelError: If the version is there already with another model, or the registry cannot
            be read or written.
    """
    distrust = _distrust(key, registry)
    if key is not None and not distrust:
        _refuse_another(path, registry, key)
    with current_model(registry) as current:
        contenders = contend(path, current, ground, distrust=distrust)
    outcome = _judged(contenders, rules)
    if not outcome.verdict.accepted or key is None:
        return outcome
    publish_file(path, registry, key=key, contender=contenders[0])
    return _promoted(outcome, registry, by)


def promote_version(
    version: str,
    registry: Registry,
    *,
    ground: Ground,
    rules: GateRules | None = None,
    by: str,
) -> Outcome:
    """Bring a published version before the gate, and promote it if it may pass.

    A version that is not to be believed is not even loaded.

    Args:
        version: Which one.
        registry: Where it is.
        ground: What it and the current model are measured on.
        rules: What it may cost; the defaults if None.
        by: Who promotes it.

    Raises:
        ConfigError: If there is no such version.
        ModelError: If the registry cannot be read or written.
    """
    with current_model(registry) as current, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        try:
            model, _ = registry.fetch(version)
            path.write_bytes(model)
            contenders = contend(path, current, ground)
        except UntrustedModelError as error:
            new = Contender(version, (), 0, distrust=str(error), trouble="it was not loaded")
            contenders = (new, _unmeasured(current))
    outcome = _judged(contenders, rules)
    return _promoted(outcome, registry, by) if outcome.verdict.accepted else outcome


@contextmanager
def current_model(registry: Registry) -> Iterator[Path]:
    """Hold the model that trains run now: the promoted one, else the one that comes with the kit.

    Raises:
        ModelError: If the registry cannot be read.
    """
    promotion = registry.promoted()
    if promotion is None:
        yield share_path(SHIPPED)
        return
    try:
        model, _ = registry.fetch(promotion.version)
    except (UntrustedModelError, ConfigError):
        # No train runs what is not to be believed; a good model must be able to replace it.
        yield share_path(SHIPPED)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        path.write_bytes(model)
        yield path


def _distrust(key: SigningKey | None, registry: Registry) -> str:
    if key is None:
        return "unsigned: there is no key here to sign it with (kit registry keys makes one)"
    if key.key_id not in registry.trusted.key_ids:
        return f"unknown key: {key.key_id} is not in {registry.trusted.folder}"
    return ""


def _refuse_another(path: Path, registry: Registry, key: SigningKey) -> None:
    """Tell that a version is taken before minutes are spent on measuring it."""
    try:
        manifest = describe(path, name=registry.name)
    except ModelError:
        return  # no model at all: the gate says so
    if manifest.version in registry.versions():
        registry.publish(path.read_bytes(), manifest, key)


def _unmeasured(current: Path) -> Contender:
    manifest = describe(current)
    return Contender(manifest.version, manifest.classes, manifest.size_bytes)


def _judged(contenders: tuple[Contender, Contender], rules: GateRules | None) -> Outcome:
    new, old = contenders
    verdict = gate(new, old, rules or GateRules())
    return Outcome(new.version, old.version, verdict, contenders)


def _promoted(outcome: Outcome, registry: Registry, by: str) -> Outcome:
    reason = f"passed the gate against {outcome.current}"
    return replace(outcome, promotion=registry.promote(outcome.version, by=by, reason=reason))

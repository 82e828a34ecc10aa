"""The gate: may this model take the place of that one? A pure function of what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kit.events import LABELS
from kit.mlops.registry.manifest import Figures


class GateRules(BaseModel):
    """What a model may cost.

    Attributes:
        class_loss: A class's average precision may be this much below the current model's.
        map_loss: The mean over the classes may be this much below the current model's.
        least_map50: The mean must be this high, whatever the current model's is.
        latency_ratio: It may take this many times as long as the current model.
        more_false_alarms: It may raise this many false alarms more than the current model, in
            1,000 pictures without a sign.
        max_bytes: It may be this large.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    class_loss: Annotated[float, Field(ge=0, le=1)] = 0.02
    map_loss: Annotated[float, Field(ge=0, le=1)] = 0.01
    least_map50: Annotated[float, Field(ge=0, le=1)] = 0.5
    latency_ratio: Annotated[float, Field(ge=1, le=100)] = 1.25
    more_false_alarms: Annotated[float, Field(ge=0, le=1000)] = 1.0
    max_bytes: Annotated[int, Field(ge=1)] = 3_000_000


@dataclass(frozen=True)
class Contender:
    """What the gate knows of a model.

    Attributes:
        version: Its version.
        classes: What it tells apart, by class id; empty if that is not known.
        size_bytes: Of its file; 0 if that is not known.
        distrust: Why its signature is not believed; empty if it is.
        figures: What was measured; None if it could not be.
        trouble: Why not.
    """

    version: str
    classes: tuple[str, ...]
    size_bytes: int
    distrust: str = ""
    figures: Figures | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Check:
    """One question that the gate asks.

    Attributes:
        name: What it is about.
        passed: The answer; None if the pictures do not tell.
        expected: What would be right.
        got: What is.
    """

    name: str
    passed: bool | None
    expected: str
    got: str

    def __str__(self) -> str:
        mark = {True: "ok", False: "NO", None: "?"}[self.passed]
        return f"{mark:<3}{self.name:<28}{self.got}  (wanted: {self.expected})"


@dataclass(frozen=True)
class Verdict:
    """The gate's answer.

    Attributes:
        accepted: Whether no check failed.
        checks: All of them, the passed ones too.
    """

    accepted: bool
    checks: tuple[Check, ...] = field(default=())

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was not accepted, a sentence each; none if it was."""
        return tuple(
            f"{c.name}: {c.got}, wanted {c.expected}" for c in self.checks if c.passed is False
        )

    @property
    def as_json(self) -> dict[str, Any]:
        """The verdict as JSON can hold it."""
        return {
            "accepted": self.accepted,
            "reasons": list(self.reasons),
            "checks": [asdict(check) for check in self.checks],
        }

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))


def gate(candidate: Contender, current: Contender, rules: GateRules) -> Verdict:
    """Decide whether a model may take the place of another one.

    Args:
        candidate: The new one.
        current: The one that is in use, measured on the same pictures, at the same time.
        rules: What the new one may cost.
    """
    checks = tuple(_ask(candidate, current, rules))
    return Verdict(all(check.passed is not False for check in checks), checks)


def _ask(candidate: Contender, current: Contender, rules: GateRules) -> Iterator[Check]:
    yield Check(
        "signature",
        not candidate.distrust,
        "signed with a trusted key",
        candidate.distrust or "so it is",
    )
    yield Check(
        "classes",
        candidate.classes == LABELS if candidate.classes else None,
        ", ".join(LABELS),
        ", ".join(candidate.classes) or "not known",
    )
    yield Check(
        "size",
        candidate.size_bytes <= rules.max_bytes if candidate.size_bytes else None,
        f"at most {rules.max_bytes:,} bytes",
        f"{candidate.size_bytes:,} bytes" if candidate.size_bytes else "not known",
    )
    new, old = candidate.figures, current.figures
    if new is None or old is None:
        trouble = candidate.trouble if new is None else f"current model: {current.trouble}"
        yield Check("measured", False, "figures of both models", trouble or "no figures")
        return
    yield Check(
        "measured",
        new.set_hash == old.set_hash,
        "both on the same pictures",
        f"{new.images} labelled, {new.sign_free} without a sign",
    )
    yield from _accuracy(new, old, rules)
    yield _alarms(new, old, rules)
    yield _speed(new, old, rules)


def _accuracy(new: Figures, old: Figures, rules: GateRules) -> Iterator[Check]:
    floor = max(rules.least_map50, old.map50 - rules.map_loss)
    yield Check("mAP50", new.map50 >= floor, f"{floor:.3f} or more", f"{new.map50:.3f}")
    for label in LABELS:
        if label not in new.per_class or label not in old.per_class:
            got = "no such sign among the pictures"
            yield Check(f"AP50 of {label}", None, "not worse than the current", got)
            continue
        least = max(0.0, old.per_class[label] - rules.class_loss)
        found = new.per_class[label]
        yield Check(
            f"AP50 of {label}",
            found >= least,
            f"{least:.3f} or more (current: {old.per_class[label]:.3f})",
            f"{found:.3f}",
        )


def _alarms(new: Figures, old: Figures, rules: GateRules) -> Check:
    if not new.sign_free or not old.sign_free:
        return Check("false alarms", None, "not more than the current", "no picture without a sign")
    most = 1000 * old.false_alarms / old.sign_free + rules.more_false_alarms
    rate = 1000 * new.false_alarms / new.sign_free
    return Check(
        "false alarms",
        rate <= most,
        f"{most:.1f} or fewer in 1,000",
        f"{rate:.1f} ({new.false_alarms} in {new.sign_free} pictures)",
    )


def _speed(new: Figures, old: Figures, rules: GateRules) -> Check:
    most_ms = old.latency_ms * rules.latency_ratio
    return Check(
        "speed",
        new.latency_ms <= most_ms,
        f"{most_ms:.1f} ms or less (current: {old.latency_ms:.1f} ms)",
        f"{new.latency_ms:.1f} ms a frame",
    )

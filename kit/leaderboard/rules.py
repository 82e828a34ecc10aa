"""Rules of an event: what can be done, what it is worth when, and how ties are broken.

A rule file is YAML, ``datasets/leaderboard/NAME.yaml`` or any file of your own. Durations and
moments are seconds from the start of the event, kept as whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kit.config import share_path
from kit.errors import ConfigError
from kit.leaderboard.kubernetes.objects import KubernetesObject, Namespaces

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
"""Name of an exercise, condition or environment: letters, digits, ``_``, ``.`` and ``-``."""

Seconds = Annotated[float, Field(ge=0, le=366 * 86_400)]
"""Seconds, 0 to a year."""

Points = Annotated[float, Field(ge=-1e6, le=1e6)]
"""Points; at most six decimals count."""


class TieBreak(StrEnum):
    """What decides between two users of the same score; the lower one is first."""

    LAST_FINISH = "last_finish"
    """Time of the last finish; who has finished nothing comes last."""
    FIRST_FINISH = "first_finish"
    """Time of the first finish; who has finished nothing comes last."""
    NAME = "name"
    """The user's name, by code point."""


class Needs(StrEnum):
    """In how many of its environments an exercise has to be done."""

    ANY = "any"
    """In one of them: the first one done is its finish."""
    EVERY = "every"
    """In all of them: the last one done is its finish."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Condition(_Model):
    """Something that has to hold for an exercise to be done.

    Attributes:
        id: Name in events.
        title: For people; the name if empty.
        kubernetes: Where to see it in a cluster, for those who look there.
    """

    id: Identifier
    title: str = Field(default="", max_length=120)
    kubernetes: KubernetesObject | None = None


class Measure(_Model):
    """Points for a number instead of a finish, such as a stop margin or an mAP: the best counts.

    Attributes:
        worst: Value that is worth nothing; beyond it neither.
        best: Value that is worth all the points; beyond it no more. Below ``worst`` where less is
            better.
        points: For the best value; in between in proportion, to a millionth of a point.
        unit: Shown behind the value, such as ``m``.
        report: Figure of a mission's or an evaluation's report that the value is, such as
            ``stop_margin_m``: a claim must carry the report then (see ``evidence``).
    """

    worst: float
    best: float
    points: Points
    unit: str = Field(default="", max_length=12)
    report: str = Field(default="", max_length=40)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.worst == self.best:
            msg = f"worst and best are both {self.best:g}"
            raise ValueError(msg)
        return self


class Exercise(_Model):
    """Something that a user can finish once.

    Its score at time t, t_done the time of the finish, is the sum of a bonus, ``bonus + decay ×
    (nominal_end_s - t_done) / step_s``, and of an accelerator, ``slope × (t - t_done) / step_s``.

    Attributes:
        id: Name in events.
        title: For people; the name if empty.
        bonus: Points for a finish at the nominal end.
        nominal_end_s: When the exercise ought to be finished.
        step_s: Length of a step; that of the rules where a file does not say.
        slope: Points that the finish brings in each step from then on.
        decay: Points of the bonus that each step costs.
        conditions: What has to hold together; without any, an event of the exercise is its finish.
        environments: Where; without any, each environment that an event names counts.
        needs: Whether one environment is enough.
        hint_penalty: Points that each hint costs; that of the rules if None.
        measure: For an exercise that is measured instead of finished; bonus, slope and conditions
            have no meaning then.
    """

    id: Identifier
    title: str = Field(default="", max_length=120)
    bonus: Points = 0.0
    nominal_end_s: Seconds = 0.0
    step_s: Annotated[float, Field(ge=0.001, le=86_400)] = 300.0
    slope: Points = 1.0
    decay: Points = 1.0
    conditions: tuple[Condition, ...] = Field(default=(), max_length=50)
    environments: tuple[Identifier, ...] = Field(default=(), max_length=50)
    needs: Needs = Needs.EVERY
    hint_penalty: Points | None = None
    measure: Measure | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _check_unique("condition", [condition.id for condition in self.conditions])
        _check_unique("environment", self.environments)
        if self.measure is not None and self.conditions:
            msg = f"exercise '{self.id}' is measured, so it can have no conditions"
            raise ValueError(msg)
        return self

    @property
    def nominal_end_ms(self) -> int:
        """Nominal end in milliseconds from the start."""
        return to_ms(self.nominal_end_s)

    @property
    def step_ms(self) -> int:
        """Length of a step in milliseconds."""
        return to_ms(self.step_s)


class Rules(_Model):
    """An event's rules.

    Attributes:
        name: Short name.
        title: For people; the name if empty.
        starts_at: Start of the event, if the file knows it; usually given when it starts.
        duration_s: Length; nothing is earned after it.
        step_s: Length of a step for exercises that do not say.
        exercises: What can be done, in the order to show.
        hint_penalty: Points that each hint costs.
        tie_breaks: What decides between equal scores, in this order; the name decides at last.
        brackets: Names of groups that are ranked apart, too; a user joins one.
        team_counts: How many of its best members make a team's score; all if None.
        freeze_s: How long before the end the public board stands still, until the reveal; 0 never.
        rewarded: How many of the first are rewarded, to be revealed at the end.
        namespaces: How a participant's namespaces are named in Kubernetes.
    """

    name: Identifier
    title: str = Field(default="", max_length=120)
    starts_at: datetime | None = None
    duration_s: Annotated[float, Field(ge=0.001, le=366 * 86_400)]
    step_s: Annotated[float, Field(ge=0.001, le=86_400)] = 300.0
    exercises: tuple[Exercise, ...] = Field(min_length=1, max_length=200)
    hint_penalty: Points = 0.0
    tie_breaks: tuple[TieBreak, ...] = (TieBreak.LAST_FINISH, TieBreak.FIRST_FINISH, TieBreak.NAME)
    brackets: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = ()
    team_counts: Annotated[int, Field(ge=1)] | None = None
    freeze_s: Seconds = 0.0
    rewarded: Annotated[int, Field(ge=0, le=1000)] = 0
    namespaces: Namespaces = Namespaces()

    @model_validator(mode="before")
    @classmethod
    def _hand_down_the_step(cls, fields: Any) -> Any:
        if not isinstance(fields, Mapping) or "step_s" not in fields:
            return fields
        exercises = fields.get("exercises")
        if not isinstance(exercises, list | tuple):
            return fields
        step = {"step_s": fields["step_s"]}
        handed = [step | dict(e) if isinstance(e, Mapping) else e for e in exercises]
        return {**fields, "exercises": handed}

    @field_validator("starts_at")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _check_unique("exercise", [exercise.id for exercise in self.exercises])
        _check_unique("tie-break", self.tie_breaks)
        _check_unique("bracket", self.brackets)
        return self

    @property
    def duration_ms(self) -> int:
        """Length of the event in milliseconds."""
        return to_ms(self.duration_s)

    @property
    def freezes_at_ms(self) -> int | None:
        """When the public board stops moving, in milliseconds from the start; None if never."""
        return max(self.duration_ms - to_ms(self.freeze_s), 0) if self.freeze_s else None

    def exercise(self, name: str) -> Exercise | None:
        """Return the exercise of this id, or None."""
        return next((each for each in self.exercises if each.id == name), None)


def to_ms(seconds: float) -> int:
    """Turn seconds into whole milliseconds, the nearest."""
    return round(seconds * 1000)


def rule_names() -> list[str]:
    """Return the names of the rule files that come with the kit, sorted."""
    return sorted(path.stem for path in share_path("datasets/leaderboard").glob("*.yaml"))


def load_rules(name_or_path: str | Path) -> Rules:
    """Read a rule file.

    Args:
        name_or_path: A name of :func:`rule_names`, such as ``original``, or a YAML file's path.

    Returns:
        The rules, validated.

    Raises:
        ConfigError: If there are none of this name, or the file is wrong; the message names the
            file and the field.
    """
    path = _find(name_or_path)
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The rule file {path} cannot be read", got=str(error)) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"The rule file {path} is no YAML", got=" ".join(str(error).split())
        ) from error
    try:
        return Rules.model_validate(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the whole file"
        raise ConfigError(
            f"The rule file {path} is wrong at '{where}': {fault['msg']}", got=fault.get("input")
        ) from error


def save_rules(rules: Rules, path: Path) -> None:
    """Write rules to a file that :func:`load_rules` reads.

    Raises:
        ConfigError: If it cannot be written.
    """
    fields = rules.model_dump(mode="json", exclude_defaults=True)
    try:
        path.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True), "utf-8")
    except OSError as error:
        raise ConfigError(f"The rule file {path} cannot be written", got=str(error)) from error


def _find(name_or_path: str | Path) -> Path:
    known = rule_names()
    if str(name_or_path) in known:
        return share_path(f"datasets/leaderboard/{name_or_path}.yaml")
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise ConfigError(
        f"There are no rules '{name_or_path}'",
        expected=f"one of {', '.join(known)}, or a YAML file",
        fix="run 'kit leaderboard rules' to see what an own file looks like",
    )


def _check_unique(kind: str, names: list[str] | tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            msg = f"there are several of the {kind} '{name}'"
            raise ValueError(msg)

"""What a claim reports, checked again: the value is taken from the report and never from the claim.

A report comes from the participant's own machine, so what can be checked is whether it hangs
together: a mission that stopped, with a latency that it can have had and no longer than the event
has run; an evaluation whose mean is that of its classes. A careful liar gets through this. What
decides about a prize is flown again in front of the organiser, who can undo a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kit.errors import ConfigError
from kit.leaderboard.claims import Claim, ClaimError, Refusal
from kit.leaderboard.rules import Exercise, Rules

LONGEST_TRACK_M = 100.0
"""No margin is longer than this, metres."""

_SAME = 0.005  # how far a figure may be from what the others make it: reports are rounded

_Share = Annotated[float, Field(ge=0, le=1)]
_Ms = Annotated[float, Field(gt=0, le=60_000)]


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, strict=True)


class _Latency(_Report):
    p50: _Ms
    p95: _Ms
    p99: _Ms

    @model_validator(mode="after")
    def _in_order(self) -> _Latency:
        if not self.p50 <= self.p95 <= self.p99:
            msg = "percentiles must not fall"
            raise ValueError(msg)
        return self


class MissionReport(_Report):
    """What ``kit demo --json`` prints, as far as it is ranked or checked."""

    stopped: bool
    derailed: bool = False
    stop_margin_m: Annotated[float, Field(ge=0, le=LONGEST_TRACK_M)] | None = None
    brake_latency_ms: _Ms | None = None
    frames: Annotated[int, Field(ge=1)]
    dropped: Annotated[int, Field(ge=0)]
    duration_s: Annotated[float, Field(gt=0)]
    fps: Annotated[float, Field(gt=0, le=240)]
    latency_ms: _Latency

    @model_validator(mode="after")
    def _can_be(self) -> MissionReport:
        if not self.stopped or self.derailed:
            msg = "the train did not stop before the danger"
            raise ValueError(msg)
        if self.frames > 2 * self.fps * (self.duration_s + 30):
            msg = "more frames than the camera can have taken"
            raise ValueError(msg)
        return self


class _ClassFigures(_Report):
    ap50: _Share
    ap50_95: _Share


class EvaluationReport(_Report):
    """What ``kit evaluate --json`` prints, as far as it is ranked or checked."""

    map50: _Share
    map50_95: _Share
    per_class: Annotated[dict[str, _ClassFigures], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _can_be(self) -> EvaluationReport:
        figures = self.per_class.values()
        apart = max(
            abs(self.map50 - fmean(each.ap50 for each in figures)),
            abs(self.map50_95 - fmean(each.ap50_95 for each in figures)),
        )
        if apart > _SAME or self.map50_95 > self.map50 + _SAME:
            msg = "the means are not those of the classes"
            raise ValueError(msg)
        return self


_FIGURES: dict[str, tuple[type[_Report], Callable[[Any], float | None]]] = {
    "stopped": (MissionReport, lambda report: float(report.stopped)),
    "stop_margin_m": (MissionReport, lambda report: report.stop_margin_m),
    "brake_latency_ms": (MissionReport, lambda report: report.brake_latency_ms),
    "map50": (EvaluationReport, lambda report: report.map50),
    "map50_95": (EvaluationReport, lambda report: report.map50_95),
}


def check_reports(rules: Rules) -> None:
    """Refuse rules that ask for a figure which no report has.

    Raises:
        ConfigError: With the figures that there are.
    """
    for exercise in rules.exercises:
        wanted = exercise.measure.report if exercise.measure else ""
        if wanted and wanted not in _FIGURES:
            raise ConfigError(
                f"The exercise '{exercise.id}' is measured by a figure that no report has",
                expected=f"one of {', '.join(_FIGURES)}",
                got=wanted,
            )


def checked_value(claim: Claim, exercise: Exercise, *, elapsed_s: float) -> float:
    """Return the value that a claim is worth.

    Args:
        claim: Its signature is checked already.
        exercise: Of the rules.
        elapsed_s: For how long the event has run, seconds.

    Returns:
        1 or 0 for a condition or a finish; what was measured for an exercise that is measured.

    Raises:
        ClaimError: If the report is missing or cannot be.
    """
    measure = exercise.measure
    if measure is None:
        return float(claim.value != 0)
    if not measure.report:
        return claim.value
    model, figure = _FIGURES[measure.report]
    report = _read(model, claim.report, exercise)
    if isinstance(report, MissionReport) and report.duration_s > elapsed_s:
        raise _impossible(exercise, "the mission took longer than the event has run")
    value = figure(report)
    if value is None:
        raise _impossible(exercise, f"it has no {measure.report}")
    return value


def _read(model: type[_Report], report: Mapping[str, Any] | None, exercise: Exercise) -> _Report:
    if report is None:
        raise _impossible(exercise, "there is none")
    try:
        return model.model_validate(report)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "report"
        raise _impossible(exercise, f"'{where}': {fault['msg']}") from error


def _impossible(exercise: Exercise, problem: str) -> ClaimError:
    return ClaimError(
        Refusal.IMPOSSIBLE,
        f"The report for '{exercise.id}' cannot be: {problem}",
        fix="send what 'kit demo --json' or 'kit evaluate --json' printed, unchanged",
    )

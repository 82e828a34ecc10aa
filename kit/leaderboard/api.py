"""What the service's requests and answers look like; OpenAPI describes them from these models."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.leaderboard.claims import LARGEST_BYTES, Refusal
from kit.leaderboard.desk import Deed, Phase
from kit.leaderboard.names import LONGEST_RAW

Text = Annotated[str, Field(max_length=LONGEST_RAW)]
Who = Annotated[str, Field(min_length=1, max_length=LONGEST_RAW)]
Why = Annotated[str, Field(min_length=1, max_length=400)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SignedClaim(_Model):
    """A claim, as JSON Web Token."""

    claim: Annotated[str, Field(min_length=1, max_length=LARGEST_BYTES)]


class ClaimStatus(StrEnum):
    """What became of a claim."""

    ACCEPTED = "accepted"
    """It is kept, and will not be lost."""
    DUPLICATE = "duplicate"
    """It was kept before, and counts once."""


class ClaimAnswer(_Model):
    """Answer to a claim."""

    status: ClaimStatus
    id: str
    at_s: Annotated[float, Field(description="When it came, seconds from the start.")]


class Problem(_Model):
    """Why a request was refused."""

    error: str
    reason: Refusal | Literal["limited", "token", "request", "database", "moment"]
    fix: str | None = None
    now: Annotated[float, Field(description="The service's time, seconds since 1970.")]


class Health(_Model):
    """Whether the service does its work."""

    ok: bool
    phase: Phase
    records: int
    participants: int
    pages: int
    trouble: str = ""


class Row(_Model):
    """One place."""

    rank: int
    user: str
    name: str
    score: float
    rate: Annotated[float, Field(description="Points that each second brings at the moment.")]
    gap: float | None
    move: int
    bracket: str
    team: str
    done: dict[str, Any]
    part: dict[str, float]


class Places(_Model):
    """A page of the public's standings."""

    phase: Phase
    at_s: float
    people: int
    rows: list[Row]


class DeedRequest(_Model):
    """Something that the organiser does with the event."""

    deed: Deed
    who: Who
    why: Text = ""
    places: Annotated[int, Field(ge=0, le=1000)] = 1
    starts_at: datetime | None = None


class NewPerson(_Model):
    """A participant to be."""

    name: Who
    bracket: Text = ""
    team: Text = ""
    hidden: bool = False
    who: Who


class TokenRequest(_Model):
    """A new token for a participant: who gives it, and why."""

    user: Who
    who: Who
    why: Why


class Token(_Model):
    """A participant's token; it is told this once."""

    user: str
    token: str


class CorrectionKind(StrEnum):
    """What an organiser can correct."""

    HIDE = "hide"
    SHOW = "show"
    DISQUALIFY = "disqualify"
    REINSTATE = "reinstate"
    ADJUST = "adjust"
    HINT = "hint"
    UNDO = "undo"
    RESTORE = "restore"


class CorrectionRequest(_Model):
    """A correction."""

    kind: CorrectionKind
    user: Who
    who: Who
    why: Why
    points: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    target: Annotated[str, Field(max_length=100)] = ""
    exercise: Annotated[str, Field(max_length=100)] = ""


class Kept(_Model):
    """What became of records."""

    accepted: int
    duplicates: int


class Person(_Model):
    """A participant, as the organiser sees one."""

    rank: int
    user: str
    name: str
    score: float
    bracket: str
    team: str
    hints: int
    adjustment: float
    hidden: bool
    disqualified: bool
    has_token: bool
    done: dict[str, float]


class People(_Model):
    """Participants."""

    total: int
    rows: list[Person]


class LogRow(_Model):
    """A record of the log."""

    sequence: int
    at_s: float
    recorded_at: datetime
    recorded_by: str
    kind: str
    user: str
    id: str
    undone: bool
    fields: dict[str, Any]


class AuditRow(_Model):
    """A line of the audit trail."""

    at: datetime
    who: str
    what: str
    about: str
    detail: str
    why: str


class DeskState(_Model):
    """Where the event is, for the organiser."""

    phase: Phase
    starts_at: datetime | None
    now_s: float | None
    ends_s: float
    frozen_s: float | None
    revealed: int | None
    rewarded: int
    deeds: list[Deed]
    brackets: list[str]
    exercises: list[str]
    participants: int
    records: int
    pages: int
    trouble: str

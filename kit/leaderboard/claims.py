"""Claims: how a participant says "I have done this" so that nobody else can say it for them.

The organiser gives each participant a token: the name, and a secret that belongs to this name. A
claim is a JSON Web Token (RFC 7519) signed with that secret (HMAC-SHA-256). The secret itself is
never sent again. Each claim carries a nonce and dies within minutes; the nonce becomes the identity
of the event, so a claim that is sent again, by an impatient client or by a thief, counts once.

The participants' secrets are derived from one secret of the event: the service keeps no list of
them, and every replica that has the event's secret can check every claim.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ulid import ULID

from kit.errors import EventError
from kit.leaderboard.names import clean_name

LARGEST_BYTES = 8192
"""How large a signed claim may be, bytes of the JSON Web Token."""

LIFE_S = 120
"""How long a claim may be sent after it was signed, seconds."""

LEEWAY_S = 30
"""How much the clocks of a participant and of the service may differ, seconds."""

ALGORITHM = "HS256"
"""The only signature that is accepted, whatever a claim's header says."""

NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""What a nonce may look like."""

_SECRET_BYTES = 32
_LATEST_S = 1e11  # in the year 5138


class Refusal(StrEnum):
    """Why a claim is not accepted."""

    MALFORMED = "malformed"
    """It is no signed claim, or says what a claim cannot say."""
    FORGED = "forged"
    """It is not signed with the secret of the person that it names."""
    UNKNOWN = "unknown"
    """It names somebody who has no token, or an exercise, environment or condition that is none."""
    EXPIRED = "expired"
    """It was signed too long ago."""
    EARLY = "early"
    """It was signed in the future: the clocks differ."""
    CLOSED = "closed"
    """The event has not begun, or is over."""
    IMPOSSIBLE = "impossible"
    """What it reports cannot have happened."""


class ClaimError(EventError):
    """A claim is refused; `reason` says why, for programs."""

    def __init__(self, reason: Refusal, problem: str, *, fix: str | None = None) -> None:
        self.reason = reason
        super().__init__(problem, fix=fix)


class Claim(BaseModel):
    """What a participant says.

    Attributes:
        exercise: Id of the exercise.
        env: Environment of it; empty where the rules have none.
        condition: Id of the condition that holds; empty for the exercise as a whole.
        value: 1 for a condition that holds, 0 for one that no longer does; what was measured, in
            the exercise's own unit, where the exercise is ranked by a value.
        report: What shows it, such as the JSON of ``kit demo``; checked where it can be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exercise: Annotated[str, Field(min_length=1, max_length=64)]
    env: Annotated[str, Field(max_length=64)] = ""
    condition: Annotated[str, Field(max_length=64)] = ""
    value: Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)] = 1.0
    report: dict[str, Any] | None = None


@dataclass(frozen=True)
class Verified:
    """A claim whose signature is that of `user`.

    Attributes:
        user: Who claims.
        nonce: Makes this claim different from all others of this user.
        signed_s: When it was signed by the user's clock, seconds since 1970.
        claim: What is claimed.
    """

    user: str
    nonce: str
    signed_s: float
    claim: Claim

    @property
    def event_id(self) -> str:
        """Identity of the event: the same claim always makes the same event."""
        said = self.claim.model_dump_json(exclude={"report"})
        digest = hashlib.sha256(f"{self.user}\0{self.nonce}\0{said}".encode()).hexdigest()
        return f"claim-{digest[:40]}"


def participant_key(secret: bytes, user: str, generation: int = 1) -> bytes:
    """Derive a participant's secret, 32 bytes.

    Args:
        secret: The event's secret.
        user: The participant's name.
        generation: Counts the tokens that this participant was given; only the last one counts.
    """
    what = f"runaway-train-kit participant\0{generation}\0{user}".encode()
    return hmac.digest(secret, what, "sha256")


def organiser_token(secret: bytes) -> str:
    """Derive the token that opens the organiser's page; the same on every replica."""
    return _encode(hmac.digest(secret, b"runaway-train-kit organiser", "sha256"))


def write_token(user: str, key: bytes) -> str:
    """Return the token to hand to a participant: the name and the secret, without spaces."""
    return f"{_encode(user.encode())}.{_encode(key)}"


def read_token(token: str) -> tuple[str, bytes]:
    """Take a participant's token apart.

    Returns:
        The name and the secret.

    Raises:
        EventError: If it is none.
    """
    try:
        user, key = (_decode(part) for part in token.strip().split("."))
        name = clean_name(user.decode())
    except (ValueError, EventError) as error:
        raise _no_token() from error
    if len(key) != _SECRET_BYTES:
        raise _no_token()
    return name, key


def sign(
    token: str,
    claim: Claim,
    *,
    now_s: float,
    nonce: str | None = None,
    life_s: int = LIFE_S,
) -> str:
    """Sign a claim.

    Args:
        token: The participant's own.
        claim: What is claimed.
        now_s: The time, seconds since 1970, as the service's clock has it.
        nonce: The same one for the same claim when it must be signed again; a new one if None.
        life_s: How long it may be sent, seconds; at most `LIFE_S`.

    Raises:
        EventError: If the token is none.
    """
    user, key = read_token(token)
    said = claim.model_dump(mode="json", exclude_defaults=True)
    stamp = {"jti": nonce or str(ULID()), "iat": int(now_s), "exp": int(now_s) + life_s}
    return jwt.encode(
        {"sub": user, **stamp, "claim": said}, key, algorithm=ALGORITHM, headers={"kid": user}
    )


def verify(signed: str, *, key_of: Callable[[str], bytes | None], now_s: float) -> Verified:
    """Check who claims and whether it is still time.

    Args:
        signed: What came.
        key_of: Tells a participant's secret; None for somebody who has none.
        now_s: The service's time, seconds since 1970.

    Raises:
        ClaimError: If it cannot be accepted.
    """
    if len(signed) > LARGEST_BYTES:
        raise ClaimError(Refusal.MALFORMED, f"The claim is larger than {LARGEST_BYTES} bytes")
    try:
        user = jwt.get_unverified_header(signed).get("kid")
        key = key_of(user) if isinstance(user, str) and user else None
        if key is None:
            raise ClaimError(
                Refusal.UNKNOWN,
                "Nobody of this name takes part",
                fix="ask the organiser for a token",
            )
        # The times are checked below, against the time that we were given.
        said = jwt.decode(
            signed,
            key,
            algorithms=[ALGORITHM],
            options={
                "require": ["sub", "jti", "iat", "exp"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidSignatureError as error:
        raise _forged() from error
    except (jwt.PyJWTError, RecursionError) as error:
        raise ClaimError(Refusal.MALFORMED, f"This is no signed claim: {error}") from error
    if said["sub"] != user:
        raise _forged()
    signed_s = _check_times(said, now_s)
    if not isinstance(said["jti"], str) or not NONCE.fullmatch(said["jti"]):
        raise ClaimError(
            Refusal.MALFORMED, f"The claim's nonce is none: it must match {NONCE.pattern}"
        )
    return Verified(user, said["jti"], signed_s, _read(said.get("claim")))


def _check_times(said: dict[str, Any], now_s: float) -> float:
    signed, ends = said["iat"], said["exp"]
    # Written so that NaN, which JSON's readers let through, is refused too.
    if not all(isinstance(at, int | float) and 0 < at < _LATEST_S for at in (signed, ends)) or (
        ends - signed > LIFE_S
    ):
        raise ClaimError(
            Refusal.MALFORMED, f"A claim says when it was signed and lives at most {LIFE_S} s"
        )
    if signed > now_s + LEEWAY_S:
        raise ClaimError(
            Refusal.EARLY,
            f"The claim was signed {signed - now_s:.0f} s in the future",
            fix="set the clock of your machine, or sign with the service's time",
        )
    if ends + LEEWAY_S < now_s:
        raise ClaimError(
            Refusal.EXPIRED,
            f"The claim was signed {now_s - signed:.0f} s ago",
            fix="sign it again, with the same nonce if it may have arrived",
        )
    return float(signed)


def _read(said: object) -> Claim:
    try:
        return Claim.model_validate(said)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, fault["loc"])) or "claim"
        raise ClaimError(
            Refusal.MALFORMED, f"The claim's '{where}' is wrong: {fault['msg']}"
        ) from error


def _forged() -> ClaimError:
    return ClaimError(
        Refusal.FORGED,
        "The claim is not signed with the token of the person that it names",
        fix="use your own token; if it was replaced, the organiser has the new one",
    )


def _no_token() -> EventError:
    return EventError(
        "This is no participant's token",
        expected="two words joined by a dot, as the organiser handed them out",
        fix="copy the whole token, without quotes",
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error

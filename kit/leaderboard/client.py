"""Claims for a participant: signs, sends, and sends again until the service has answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from ulid import ULID

from kit.config import Settings
from kit.errors import ConfigError, MissionError
from kit.leaderboard.api import ClaimAnswer
from kit.leaderboard.claims import Claim, ClaimError, Refusal, read_token, sign

TIMEOUT_S = 10.0
"""How long one answer may take at most, seconds."""

PATIENCE_S = 120.0
"""For how long a claim is sent again while the service is away, seconds."""

LONGEST_WAIT_S = 5.0
"""Most time between two attempts, seconds."""

_AGAIN = {429, 500, 502, 503, 504}


@dataclass(frozen=True)
class _Refused:
    status: int
    reason: str
    error: str
    fix: str | None
    now_s: float | None
    wait_s: float | None


class Participant:
    """Claims in the name of one participant; use it as a context manager.

    Args:
        url: Address of the service.
        token: The participant's token.
        patience_s: For how long to try while the service is away, seconds.

    Raises:
        EventError: If the token is none.
    """

    def __init__(self, url: str, token: str, *, patience_s: float = PATIENCE_S) -> None:
        self.user, _ = read_token(token)
        self._token = token
        self._patience_s = patience_s
        self._ahead_s = 0.0  # how much the service's clock is ahead of ours
        # A service that cannot be reached shall not hold anybody up for longer than wished.
        timeout_s = max(1.0, min(TIMEOUT_S, patience_s))
        self._http = httpx.Client(base_url=url, timeout=timeout_s)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Make the participant that the settings name.

        Raises:
            ConfigError: If ``KIT_LEADERBOARD_URL`` or ``KIT_LEADERBOARD_TOKEN`` is missing.
            EventError: If the token is none.
        """
        url, token = settings.leaderboard_url, settings.leaderboard_token
        if url is None or token is None:
            raise ConfigError(
                "No leaderboard is named",
                expected="KIT_LEADERBOARD_URL, its address, and KIT_LEADERBOARD_TOKEN, your token",
                fix="the organiser has both",
            )
        return cls(url, token.get_secret_value())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def claim(
        self,
        exercise: str,
        *,
        env: str = "",
        condition: str = "",
        value: float = 1.0,
        report: Mapping[str, Any] | None = None,
    ) -> ClaimAnswer:
        """Claim a finish, a condition or a value.

        However often the claim has to be sent, it counts once.

        Args:
            exercise: Id of the exercise.
            env: Its environment, if it has some.
            condition: Id of the condition that holds, if it has some.
            value: 0 for a condition that no longer holds; what was measured.
            report: What shows it, such as the JSON of ``kit demo``.

        Returns:
            What became of it: kept now, or kept before.

        Raises:
            ClaimError: If it is refused.
            MissionError: If the service stayed away.
        """
        said = Claim(
            exercise=exercise,
            env=env,
            condition=condition,
            value=value,
            report=None if report is None else dict(report),
        )
        nonce = str(ULID())
        deadline = time.monotonic() + self._patience_s
        wait_s, clock_set = 0.2, False
        while True:
            answer = self._send(said, nonce)
            if isinstance(answer, ClaimAnswer):
                return answer
            if answer.now_s is not None and answer.reason in {Refusal.EARLY, Refusal.EXPIRED}:
                if clock_set:
                    raise _final(answer)
                self._ahead_s, clock_set = answer.now_s - time.time(), True
                continue
            if answer.status not in _AGAIN:
                raise _final(answer)
            pause_s = max(wait_s, answer.wait_s or 0.0)
            if time.monotonic() + pause_s > deadline:
                raise MissionError(
                    "The leaderboard did not take the claim",
                    got=answer.error,
                    fix="see whether the service runs; claim again: it counts once",
                )
            time.sleep(pause_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _send(self, said: Claim, nonce: str) -> ClaimAnswer | _Refused:
        now_s = time.time() + self._ahead_s
        signed = sign(self._token, said, now_s=now_s, nonce=nonce)
        try:
            answer = self._http.post("api/claims", json={"claim": signed})
        except httpx.TransportError as error:
            return _Refused(503, "away", f"no connection: {error}", None, None, None)
        if answer.is_success:
            return ClaimAnswer.model_validate_json(answer.content)
        return _read(answer)


def _read(answer: httpx.Response) -> _Refused:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    try:
        wait_s = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        wait_s = None
    return _Refused(
        status=answer.status_code,
        reason=str(problem.get("reason", "")),
        error=str(problem.get("error") or f"HTTP {answer.status_code}"),
        fix=problem.get("fix"),
        now_s=problem.get("now"),
        wait_s=wait_s,
    )


def _final(refused: _Refused) -> ClaimError:
    known = refused.reason in set(Refusal)
    reason = Refusal(refused.reason) if known else Refusal.MALFORMED
    return ClaimError(reason, refused.error, fix=refused.fix)

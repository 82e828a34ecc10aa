"""How the service refuses: one shape for every problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kit.errors import ConfigError, EventError
from kit.leaderboard.api import Problem
from kit.leaderboard.claims import ClaimError, Refusal

_STATUS = {
    Refusal.MALFORMED: 422,
    Refusal.FORGED: 401,
    Refusal.UNKNOWN: 401,
    Refusal.EXPIRED: 401,
    Refusal.EARLY: 401,
    Refusal.CLOSED: 409,
    Refusal.IMPOSSIBLE: 422,
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (401, 409, 413, 422, 429, 503)
}
"""For OpenAPI: what a request can be refused with."""


class RefusedError(Exception):
    """A request is refused; becomes a `Problem`."""

    def __init__(
        self,
        status: int,
        reason: str,
        error: str,
        *,
        fix: str | None = None,
        wait_s: int | None = None,
    ) -> None:
        self.status, self.reason, self.error, self.fix, self.wait_s = (
            status,
            reason,
            error,
            fix,
            wait_s,
        )
        super().__init__(error)


def handle_problems(app: FastAPI, *, now_ms: Callable[[], int]) -> None:
    """Have every refusal answered with a `Problem`.

    Args:
        app: The application.
        now_ms: Tells the service's time, milliseconds since 1970.
    """

    def answer(
        status: int,
        reason: str,
        error: str,
        fix: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        now = now_ms() / 1000
        said = {"error": error, "reason": reason, "fix": fix, "now": now}
        return JSONResponse(said, status_code=status, headers=headers)

    def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        headers = None if error.wait_s is None else {"Retry-After": str(error.wait_s)}
        return answer(error.status, error.reason, error.error, error.fix, headers)

    def no_claim(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ClaimError)
        return answer(_STATUS[error.reason], error.reason, error.problem, error.fix)

    def cannot(_request: Request, error: Exception) -> Response:
        assert isinstance(error, EventError)
        return answer(422, "request", str(error))

    def database(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ConfigError)
        return answer(503, "database", error.problem, error.fix)

    def wrong(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        return answer(422, "request", f"'{where}': {fault['msg']}")

    def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers) if error.headers else None
        return answer(error.status_code, "request", str(error.detail), None, headers)

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(ClaimError, no_claim)
    app.add_exception_handler(EventError, cannot)
    app.add_exception_handler(ConfigError, database)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, http)


def address_of(request: Request) -> str:
    """Return the address that a request came from."""
    return request.client.host if request.client else ""

"""How the service refuses: one shape for every problem; and the headers that every answer has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.errors import ConfigError, EventError
from kit.leaderboard.api import Problem
from kit.leaderboard.claims import ClaimError, Refusal

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Sent with every answer: nothing foreign is loaded and no other site may embed a page."""

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


class SafeHeaders:
    """Adds `HEADERS` to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


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

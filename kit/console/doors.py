"""How browsers come in and go: the page, signing in with a token, signing out."""

from __future__ import annotations

import math
from pathlib import Path
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kit.console.access import Role
from kit.console.gate import SIGNED_IN_S, Gate
from kit.web.guards import same_origin

STATIC = Path(__file__).resolve().parent / "static"
"""The page and its files."""

OWN_HEADER = "x-kit-console"
"""Header of each request that changes something: no other site's page can send it unasked."""

_LONGEST_BODY = 2000


class _SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=500)


class Doors:
    """The console's routes for people who come in.

    Args:
        gate: Knows who may.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.routes = [
            Route("/", self._page),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
        ]

    def role(self, connection: HTTPConnection) -> Role | None:
        """Return what the one behind a connection may do; None for nothing before signing in."""
        return self._gate.role(connection.cookies.get(_cookie_name(connection)))

    async def _page(self, request: Request) -> Response:
        ticket = request.query_params.get("ticket")
        if ticket is None:
            return FileResponse(STATIC / "console.html")
        good = self._gate.spend(ticket)
        rest = {k: v for k, v in request.query_params.items() if k == "lang"}
        query = urlencode(rest if good else rest | {"link": "used"})
        answer = RedirectResponse(f"/?{query}" if query else "/", status_code=303)
        if good:
            self._let_in(request, answer, Role.OPERATOR)
        return answer

    async def _sign_in(self, request: Request) -> Response:
        if not _ours(request):
            return _refusal("foreign", status=403)
        address = request.client.host if request.client else ""
        wait_s = self._gate.failures.wait_s(address)
        if wait_s > 0:
            answer = _refusal("too_many", status=429, wait_s=math.ceil(wait_s))
            answer.headers["Retry-After"] = str(math.ceil(wait_s))
            return answer
        token = await _token(request)
        role = self._gate.role_of_token(token, address=address) if token is not None else None
        if role is None:
            return _refusal("wrong_token", status=401)
        answer = JSONResponse({"role": role})
        self._let_in(request, answer, role)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        if not _ours(request) or _cookie_name(request) not in request.cookies:
            return _refusal("foreign", status=403)
        answer = JSONResponse({"role": None})
        answer.delete_cookie(_cookie_name(request), httponly=True, samesite="strict")
        return answer

    def _let_in(self, request: Request, answer: Response, role: Role) -> None:
        answer.set_cookie(
            _cookie_name(request),
            self._gate.cookie(role),
            max_age=SIGNED_IN_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def _ours(request: Request) -> bool:
    return same_origin(request) and OWN_HEADER in request.headers


def _cookie_name(connection: HTTPConnection) -> str:
    # Browsers keep cookies by host, not by port: two consoles of one machine must not meet.
    return f"kit-console-{connection.url.port or 0}"


async def _token(request: Request) -> str | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            return None
    try:
        return _SignIn.model_validate_json(body).token
    except ValidationError:
        return None


def _refusal(error: str, *, status: int, **more: object) -> JSONResponse:
    return JSONResponse({"error": error, **more}, status_code=status)

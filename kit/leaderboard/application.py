"""The leaderboard's web application: the pages, the public's answers, claims and the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from kit import __version__
from kit.leaderboard.desk_routes import desk_router
from kit.leaderboard.problems import handle_problems
from kit.leaderboard.public_routes import PAGES, public_router
from kit.leaderboard.service import Service
from kit.web.guards import guards

LARGEST_REQUEST = 16_384
"""How large a request may be, bytes."""


def application(service: Service, *, hosts: tuple[str, ...] = ("*",)) -> FastAPI:
    """Build the ASGI application.

    Args:
        service: What answers.
        hosts: Names under which it may be called; ``("*",)`` for any.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(service.hub)
            await stack.enter_async_context(service.writer)
            yield

    app = FastAPI(
        title="Leaderboard",
        version=__version__,
        summary="Exact order of finish, live; claims are signed.",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        middleware=guards(hosts),
        max_body_size=LARGEST_REQUEST,
        # It would send spans to wherever an environment variable says.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    handle_problems(app, now_ms=service.live.epoch_ms)
    app.include_router(public_router(service))
    app.include_router(desk_router(service))
    app.mount("/static", StaticFiles(directory=PAGES))
    return app

"""What anyone may ask the service: the pages, the board, the standings; and claims."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from kit.leaderboard.api import ClaimAnswer, ClaimStatus, Health, Places, Problem, SignedClaim
from kit.leaderboard.board import covered, row_fields, visible
from kit.leaderboard.limiter import Kind
from kit.leaderboard.problems import REFUSALS, RefusedError, address_of
from kit.leaderboard.prometheus.exporter import LeaderboardCollector, exposition

if TYPE_CHECKING:
    from kit.leaderboard.service import Service

PAGES = Path(__file__).resolve().parent / "pages"
"""The pages and their files."""


def public_router(service: Service) -> APIRouter:
    """Build the routes that need no token.

    Args:
        service: Answers them.
    """
    router = APIRouter()
    _add_pages(router)
    _add_claims(router, service)
    _add_board(router, service)
    _add_monitoring(router, service)
    return router


def _add_pages(router: APIRouter) -> None:
    @router.get("/", include_in_schema=False)
    async def board_page() -> FileResponse:
        return FileResponse(PAGES / "board.html")

    @router.get("/desk", include_in_schema=False)
    async def desk_page() -> FileResponse:
        return FileResponse(PAGES / "desk.html")


def _add_claims(router: APIRouter, service: Service) -> None:
    @router.post(
        "/api/claims", status_code=201, responses={**REFUSALS, 200: {"model": ClaimAnswer}}
    )
    async def claim(said: SignedClaim, request: Request, response: Response) -> ClaimAnswer:
        """Claim a finish, a condition or a value; 201 if it is new, 200 if it was kept before."""
        answer = await service.claim(said.claim, address_of(request))
        response.status_code = 201 if answer.status is ClaimStatus.ACCEPTED else 200
        return answer


def _add_board(router: APIRouter, service: Service) -> None:
    @router.get("/api/board", responses={429: {"model": Problem}})
    async def board(request: Request) -> Response:
        """Tell all that the projector's page shows."""
        service.count(Kind.READ, address_of(request))
        return Response(service.hub.document, media_type="application/json")

    @router.get("/api/board/stream", responses={429: {"model": Problem}})
    async def stream(request: Request) -> StreamingResponse:
        """Send the same as server-sent events named ``board``, whenever it changes."""
        address = address_of(request)
        service.count(Kind.READ, address)
        if not service.hub.has_room(address):
            raise RefusedError(429, "limited", "This address has too many pages open", wait_s=10)
        return StreamingResponse(service.hub.stream(address), media_type="text/event-stream")

    @router.get("/api/standings", responses={429: {"model": Problem}})
    async def places(
        request: Request,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Places:
        """Tell a part of the standings, as far as the public may see them."""
        service.count(Kind.READ, address_of(request))
        here = service.live.here()
        shown = service.live.standings(here)
        hidden = covered(shown.rows, service.live.rules, here)
        leader = shown.rows[0].score if shown.rows and not hidden else None
        rows = visible(shown.rows, service.live.rules, here, offset=offset, limit=limit)
        return Places.model_validate(
            {
                "phase": here.phase,
                "at_s": here.shown_ms / 1000,
                "people": len(shown.rows),
                "rows": [row_fields(row, service.live.rules, here, leader=leader) for row in rows],
            }
        )

    @router.get("/api/rules", responses={429: {"model": Problem}})
    async def rules(request: Request) -> dict[str, Any]:
        """Tell the event's rules."""
        service.count(Kind.READ, address_of(request))
        return service.live.rules.model_dump(mode="json")


def _add_monitoring(router: APIRouter, service: Service) -> None:
    @router.get("/api/health", responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        """Tell whether the service does its work: 503 if the database does not answer."""
        response.status_code = 503 if service.hub.trouble else 200
        return Health(
            ok=not service.hub.trouble,
            phase=service.live.here().phase,
            records=len(service.live.log),
            participants=len(service.live.people),
            pages=service.hub.pages,
            trouble=service.hub.trouble,
        )

    @router.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Tell Prometheus what the public may see; everything if it has the organiser's token."""
        everything = "authorization" in request.headers
        if everything:
            service.check_organiser(request)
        service.count(Kind.READ, address_of(request))
        collector = LeaderboardCollector(
            service.live.rules, lambda: service.live.reading(everything=everything)
        )
        body, content_type = exposition(collector, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

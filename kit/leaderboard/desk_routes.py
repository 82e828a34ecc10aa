"""What only the organiser may ask the service; each request carries the organiser's token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from kit.errors import ConfigError
from kit.leaderboard.api import (
    AuditRow,
    CorrectionRequest,
    DeedRequest,
    DeskState,
    Kept,
    LogRow,
    NewPerson,
    People,
    Token,
    TokenRequest,
)
from kit.leaderboard.names import clean_name
from kit.leaderboard.organiser import Organiser
from kit.leaderboard.problems import REFUSALS, RefusedError
from kit.leaderboard.table import LARGEST_CSV, log_csv, read_csv, standings_csv

if TYPE_CHECKING:
    from kit.leaderboard.service import Service

Limit = Annotated[int, Query(ge=1, le=1000)]
Find = Annotated[str, Query(max_length=100)]
Page = Annotated[int, Query(ge=0)]
By = Annotated[str, Query(min_length=1, max_length=100)]


def desk_router(service: Service) -> APIRouter:
    """Build the organiser's routes.

    Args:
        service: Answers them.
    """

    async def organiser_only(request: Request) -> None:
        service.check_organiser(request)

    bearer = HTTPBearer(auto_error=False, description="The organiser's token.")
    router = APIRouter(
        prefix="/api/desk",
        tags=["organiser"],
        dependencies=[Depends(bearer), Depends(organiser_only)],
        responses=REFUSALS,
    )
    organiser = Organiser(service)
    _add_event(router, organiser)
    _add_people(router, organiser)
    _add_log(router, organiser, service)
    return router


def _add_event(router: APIRouter, organiser: Organiser) -> None:
    @router.get("")
    async def state() -> DeskState:
        """Tell where the event is, and what can be done."""
        return organiser.state()

    @router.post("/deeds")
    async def deed(said: DeedRequest) -> DeskState:
        """Begin, end, freeze or reveal."""
        try:
            await organiser.do(said)
        except ConfigError as error:
            raise RefusedError(409, "moment", error.problem, fix=error.fix) from error
        return organiser.state()


def _add_people(router: APIRouter, organiser: Organiser) -> None:
    @router.get("/people")
    async def people(find: Find = "", offset: Page = 0, limit: Limit = 200) -> People:
        """Tell who takes part, as it is now, whatever is frozen; hidden ones too."""
        return organiser.people(find, offset=offset, limit=limit)

    @router.post("/people", status_code=201)
    async def add(said: NewPerson) -> Token:
        """Add a participant and tell the token, this once."""
        return await organiser.add(said)

    @router.post("/tokens", status_code=201)
    async def new_token(said: TokenRequest) -> Token:
        """Replace a participant's token: the old one is worth nothing from now on."""
        return await organiser.replace_token(said)

    @router.post("/corrections", status_code=201)
    async def correct(said: CorrectionRequest) -> Kept:
        """Hide, disqualify, adjust, undo: with who and why, for the audit trail."""
        return await organiser.correct(said)


def _add_log(router: APIRouter, organiser: Organiser, service: Service) -> None:
    @router.get("/records")
    async def records(user: Find = "", limit: Limit = 100) -> list[LogRow]:
        """Tell the newest records of the log, the newest first."""
        return organiser.records(user, limit=limit)

    @router.get("/audit")
    async def audit() -> list[AuditRow]:
        """Tell who did what, when and why, the newest first."""
        return organiser.audit()

    @router.get("/standings.csv", response_class=Response)
    async def standings_file() -> Response:
        """Export the standings of now."""
        board = service.live.standings(everything=True)
        text = await asyncio.to_thread(standings_csv, board, service.live.rules)
        return _csv(text, "standings")

    @router.get("/log.csv", response_class=Response)
    async def log_file() -> Response:
        """Export the log."""
        return _csv(await asyncio.to_thread(log_csv, list(service.live.log)), "log")

    @router.post("/import", max_body_size=LARGEST_CSV)
    async def bring_in(who: By, table: Annotated[bytes, Body(media_type="text/csv")]) -> Kept:
        """Bring in events from a CSV: time, user, exercise, env, condition, value."""
        name = clean_name(who)
        try:
            text = table.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RefusedError(422, "request", "The table is not in UTF-8") from error
        starts_at = organiser.state().starts_at
        events = await asyncio.to_thread(read_csv, text, service.live.rules, starts_at=starts_at)
        new = await service.writer.keep(events, by=f"import: {name}")
        return Kept(accepted=sum(new), duplicates=len(new) - sum(new))


def _csv(text: str, name: str) -> Response:
    disposition = f'attachment; filename="{name}.csv"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

"""The leaderboard's service: the event, its log, and who claims what."""

from __future__ import annotations

import hmac
from dataclasses import replace

from fastapi import Request

from kit.errors import EventError
from kit.leaderboard.api import ClaimAnswer, ClaimStatus
from kit.leaderboard.claims import ClaimError, Refusal, Verified, verify
from kit.leaderboard.events import Event, check
from kit.leaderboard.evidence import check_reports, checked_value
from kit.leaderboard.hub import Hub
from kit.leaderboard.keys import Keys
from kit.leaderboard.limiter import Kind, Limiter
from kit.leaderboard.live import Live
from kit.leaderboard.problems import RefusedError, address_of
from kit.leaderboard.writer import Writer


class Service:
    """Joins the event, its log, the pages and those who claim.

    Args:
        live: The event.
        writer: Writes to its log.
        hub: Tells the pages.
        keys: What opens it.
        limiter: How often one client may ask.

    Raises:
        ConfigError: If the rules ask for what no report has.
    """

    def __init__(
        self, live: Live, writer: Writer, hub: Hub, *, keys: Keys, limiter: Limiter
    ) -> None:
        check_reports(live.rules)
        self.live = live
        self.writer = writer
        self.hub = hub
        self.keys = keys
        self.limiter = limiter

    async def claim(self, signed: str, address: str) -> ClaimAnswer:
        """Take a claim: check who claims, what, and whether it can be; keep it.

        Args:
            signed: The claim as it came.
            address: Where it came from.

        Raises:
            RefusedError: If it comes too often.
            ClaimError: If it cannot be accepted.
            ConfigError: If the database does not take it.
        """
        try:
            said = await self._verified(signed, address)
        except ClaimError:
            self.count(Kind.FAULT, address)
            raise
        self.count(Kind.CLAIM, said.user)
        event = self._event(said)
        (new,) = await self.writer.keep([event], by="claim")
        status = ClaimStatus.ACCEPTED if new else ClaimStatus.DUPLICATE
        return ClaimAnswer(status=status, id=event.id, at_s=event.at_ms / 1000)

    def count(self, kind: Kind, who: str) -> None:
        """Count a request.

        Raises:
            RefusedError: If there were too many.
        """
        wait_s = self.limiter.refuses(kind, who)
        if wait_s is not None:
            raise RefusedError(
                429, "limited", f"Too many requests: come again in {wait_s} s", wait_s=wait_s
            )

    def check_organiser(self, request: Request) -> None:
        """Let only the organiser pass.

        Raises:
            RefusedError: If the request does not carry the organiser's token.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self.keys.organiser.encode())
        if scheme.lower() != "bearer" or not right:
            self.count(Kind.FAULT, address_of(request))
            raise RefusedError(401, "token", "This is not the organiser's token")

    async def _verified(self, signed: str, address: str) -> Verified:
        now_s = self.live.epoch_ms() / 1000
        try:
            return verify(signed, key_of=self._key_of, now_s=now_s)
        except ClaimError as error:
            # Perhaps somebody was added a moment ago, by another replica or the command line.
            known = error.reason is not Refusal.UNKNOWN
            if known or self.limiter.spent(Kind.FAULT, address) is not None:
                raise
        await self.live.refresh()
        return verify(signed, key_of=self._key_of, now_s=now_s)

    def _key_of(self, user: str) -> bytes | None:
        if user not in self.live.people:
            return None
        return self.keys.participant(user, replaced=self.live.desk.generations.get(user, 0))

    def _event(self, said: Verified) -> Event:
        here, claim = self.live.here(), said.claim
        exercise = self.live.rules.exercise(claim.exercise)
        if not here.open or here.elapsed_ms is None:
            raise ClaimError(Refusal.CLOSED, f"The event takes no claims: it is {here.phase}")
        event = Event(
            id=said.event_id,
            at_ms=here.elapsed_ms,
            user=said.user,
            exercise=claim.exercise,
            env=claim.env,
            condition=claim.condition,
        )
        try:
            check(event, self.live.rules)
        except EventError as error:
            raise ClaimError(Refusal.MALFORMED, str(error)) from error
        assert exercise is not None  # check has seen to it
        elapsed_s = here.elapsed_ms / 1000
        return replace(event, value=checked_value(claim, exercise, elapsed_s=elapsed_s))

"""What the organiser can see and do; everything done leaves a trace of who, when and why."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from kit.errors import ConfigError, EventError
from kit.leaderboard.api import (
    AuditRow,
    CorrectionKind,
    CorrectionRequest,
    DeedRequest,
    DeskState,
    Kept,
    LogRow,
    NewPerson,
    People,
    Person,
    Token,
    TokenRequest,
)
from kit.leaderboard.audit import trail
from kit.leaderboard.desk import Deed, Entry, check_deed, from_epoch_ms, to_epoch_ms
from kit.leaderboard.events import (
    Adjust,
    AnyRecord,
    Disqualify,
    Hide,
    Hint,
    Join,
    Undo,
    check,
    identified,
    to_fields,
)
from kit.leaderboard.names import clean_name, same_name
from kit.leaderboard.standings import Standing

if TYPE_CHECKING:
    from kit.leaderboard.service import Service


class Organiser:
    """Acts for the organiser.

    Args:
        service: The service.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._live = service.live

    def state(self) -> DeskState:
        """Tell where the event is, and what can be done now."""
        live, here = self._live, self._live.here()
        starts_ms = live.desk.starts_ms
        return DeskState(
            phase=here.phase,
            starts_at=None if starts_ms is None else from_epoch_ms(starts_ms),
            now_s=None if here.now_ms is None else here.now_ms / 1000,
            ends_s=here.ends_ms / 1000,
            frozen_s=None if here.frozen_ms is None else here.frozen_ms / 1000,
            revealed=here.revealed,
            rewarded=live.rules.rewarded,
            deeds=[deed for deed in Deed if deed is not Deed.TOKEN and self._possible(deed)],
            brackets=list(live.rules.brackets),
            exercises=[exercise.id for exercise in live.rules.exercises],
            participants=len(live.people),
            records=len(live.log),
            pages=self._service.hub.pages,
            trouble=self._service.hub.trouble,
        )

    async def do(self, said: DeedRequest) -> None:
        """Do something with the event.

        Raises:
            ConfigError: If it makes no sense now.
        """
        check_deed(said.deed, self._live.here())
        if said.deed is Deed.TOKEN:
            raise ConfigError("A token is replaced at the participant")
        now_ms = self._live.epoch_ms()
        value = 0
        if said.deed is Deed.BEGIN:
            value = now_ms if said.starts_at is None else to_epoch_ms(said.starts_at)
        elif said.deed is Deed.REVEAL:
            value = said.places
        await self._enter(said.deed, said.who, value=value, why=said.why)

    def people(self, find: str, *, offset: int, limit: int) -> People:
        """Tell who takes part: the ranked, then the others, then who has nothing in the log yet.

        Args:
            find: Part of a name; all if empty.
            offset: How many to pass over.
            limit: How many at most.
        """
        board = self._live.standings(everything=True)
        if not find:  # rows that nobody looks at are not even built
            ranked = board.rows[offset : offset + limit]
            begin = max(0, offset - len(board.rows))
            others = board.unranked[begin : begin + limit - len(ranked)]
            total = len(board.rows) + len(board.unranked)
            return People(total=total, rows=[self._person(row) for row in (*ranked, *others)])
        wanted = same_name(find)
        rows = [
            row
            for row in (*board.rows, *board.unranked)
            if wanted in same_name(row.user) or wanted in same_name(row.name)
        ]
        return People(
            total=len(rows), rows=[self._person(row) for row in rows[offset : offset + limit]]
        )

    async def add(self, said: NewPerson) -> Token:
        """Add a participant.

        Raises:
            EventError: If the name is taken or cannot be, or the rules know no such bracket.
        """
        user = clean_name(said.name)
        await self._live.refresh()
        if same_name(user) in {same_name(name) for name in self._live.people}:
            raise EventError(
                f"The name '{user}' is taken", fix="choose another one, or give a new token"
            )
        join = Join(
            at_ms=self._live.now_ms(),
            user=user,
            bracket=said.bracket.strip(),
            team=clean_name(said.team) if said.team.strip() else "",
        )
        check(join, self._live.rules)
        records: list[AnyRecord] = [join]
        if said.hidden:
            records.append(
                Hide(at_ms=join.at_ms, user=user, who=clean_name(said.who), why="a test account")
            )
        await self._keep(records, said.who)
        return Token(user=user, token=self._token(user))

    async def replace_token(self, said: TokenRequest) -> Token:
        """Give a participant a new token.

        Raises:
            EventError: If there is no such participant.
        """
        user = said.user
        if user not in self._live.people:
            raise EventError(f"Nobody of the name '{user}' takes part", fix="add the participant")
        await self._enter(Deed.TOKEN, said.who, about=user, why=said.why)
        return Token(user=user, token=self._token(user))

    async def correct(self, said: CorrectionRequest) -> Kept:
        """Keep a correction.

        Raises:
            EventError: If it is about nobody or nothing.
        """
        record = self._correction(said)
        check(record, self._live.rules)
        new = await self._keep([record], said.who)
        return Kept(accepted=new, duplicates=1 - new)

    def records(self, user: str, *, limit: int) -> list[LogRow]:
        """Tell the newest records, the newest first.

        Args:
            user: Whose; everybody's if empty.
            limit: How many at most.
        """
        rows: list[LogRow] = []
        for stored in reversed(self._live.log):
            record = stored.record
            if user and record.user != user:
                continue
            rows.append(
                LogRow(
                    sequence=stored.sequence,
                    at_s=record.at_ms / 1000,
                    recorded_at=stored.recorded_at,
                    recorded_by=stored.recorded_by,
                    kind=record.kind,
                    user=record.user,
                    id=record.id,
                    undone=self._live.is_undone(record.id),
                    fields=to_fields(record),
                )
            )
            if len(rows) == limit:
                break
        return rows

    def audit(self) -> list[AuditRow]:
        """Tell who did what, when and why, the newest first."""
        return trail(self._live.entries, self._live.log)

    def _possible(self, deed: Deed) -> bool:
        try:
            check_deed(deed, self._live.here())
        except ConfigError:
            return False
        return True

    def _correction(self, said: CorrectionRequest) -> AnyRecord:
        at_ms, who = self._live.now_ms(), clean_name(said.who)
        user = self._known(said)
        common: dict[str, Any] = {"at_ms": at_ms, "user": user, "who": who, "why": said.why.strip()}
        # A correction is done each time it is asked for, so each has an identity of its own.
        own = f"desk-{secrets.token_hex(12)}"
        match said.kind:
            case CorrectionKind.HIDE | CorrectionKind.SHOW:
                return Hide(**common, id=own, hidden=said.kind is CorrectionKind.HIDE)
            case CorrectionKind.DISQUALIFY | CorrectionKind.REINSTATE:
                return Disqualify(**common, id=own, lifted=said.kind is CorrectionKind.REINSTATE)
            case CorrectionKind.ADJUST:
                return Adjust(**common, id=own, points=said.points)
            case CorrectionKind.HINT:
                return Hint(at_ms=at_ms, user=user, id=own, exercise=said.exercise, hint=own)
            case CorrectionKind.UNDO | CorrectionKind.RESTORE:
                restore = said.kind is CorrectionKind.RESTORE
                return Undo(**common, id=own, target=said.target, restore=restore)

    def _known(self, said: CorrectionRequest) -> str:
        if said.kind in {CorrectionKind.UNDO, CorrectionKind.RESTORE}:
            for stored in self._live.log:
                if stored.record.id == said.target and stored.record.user == said.user:
                    return said.user
            raise EventError(f"The log has no record '{said.target}' of '{said.user}'")
        if self._live.standings(everything=True).of(said.user) is None:
            raise EventError(f"Nobody of the name '{said.user}' takes part")
        return said.user

    async def _keep(self, records: list[AnyRecord], who: str) -> int:
        given = [identified(record) for record in records]
        kept = await self._service.writer.keep(given, by=f"desk: {clean_name(who)}")
        await self._live.refresh()
        self._service.hub.wake()
        return sum(kept)

    async def _enter(
        self, deed: Deed, who: str, *, about: str = "", value: int = 0, why: str = ""
    ) -> None:
        entry = Entry(
            at_ms=self._live.epoch_ms(),
            who=clean_name(who),
            deed=deed,
            about=about,
            value=value,
            why=why.strip(),
        )
        await self._live.enter(entry)
        self._service.hub.wake()

    def _token(self, user: str) -> str:
        replaced = self._live.desk.generations.get(user, 0)
        return self._service.keys.token(user, replaced=replaced)

    def _person(self, row: Standing) -> Person:
        return Person(
            rank=row.rank,
            user=row.user,
            name=row.shown,
            score=row.score,
            bracket=row.bracket,
            team=row.team,
            hints=row.hints,
            adjustment=row.adjustment,
            hidden=row.hidden,
            disqualified=row.disqualified,
            has_token=row.user in self._live.people,
            done=row.finished,
        )

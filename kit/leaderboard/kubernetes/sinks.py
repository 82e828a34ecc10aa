"""Where collected records go: lines of JSON, a log's database, or the leaderboard's service."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from kit.errors import BrokerError, ConfigError
from kit.leaderboard.events import AnyRecord, Event, to_fields
from kit.leaderboard.store import Store

Sink = Callable[[Sequence[AnyRecord]], None]
"""Takes records; raises BrokerError if they should be brought again."""

COLLECTOR = "collector"
"""Who the audit trail names."""

POSTED_AT_ONCE = 10_000
"""Events in one request: well below what the service takes."""


def to_lines(file: TextIO) -> Sink:
    """Write each record as a line of JSON."""

    def write(records: Sequence[AnyRecord]) -> None:
        lines = (json.dumps(to_fields(record), ensure_ascii=False) for record in records)
        file.writelines(f"{line}\n" for line in lines)
        file.flush()

    return write


def to_file(path: Path) -> AbstractContextManager[TextIO]:
    """Open a file that lines are added to.

    Raises:
        ConfigError: If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be written", got=str(error)) from error


def to_store(store: Store) -> Sink:
    """Append to a log's database, where each record is kept once."""

    def append(records: Sequence[AnyRecord]) -> None:
        store.append(records, by=COLLECTOR)

    return append


class ServicePost:
    """Brings events to ``kit leaderboard serve``; a context manager.

    Args:
        url: Of the service.
        token: The organiser's.
        starts_at_s: Start of the event that the records count from, seconds since 1970.
    """

    def __init__(self, url: str, *, token: str, starts_at_s: float) -> None:
        import httpx

        self._url = f"{url.rstrip('/')}/api/desk/import"
        self._errors = httpx.HTTPError
        self._start = datetime.fromtimestamp(starts_at_s, UTC)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv; charset=utf-8"}
        self._client = httpx.Client(headers=headers, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def __call__(self, records: Sequence[AnyRecord]) -> None:
        """Bring events; the service's log takes each one once.

        Raises:
            BrokerError: If it cannot be reached, or refuses.
        """
        events = [record for record in records if isinstance(record, Event)]
        for begin in range(0, len(events), POSTED_AT_ONCE):
            self._post(self._table(events[begin : begin + POSTED_AT_ONCE]))

    def _post(self, table: str) -> None:
        try:
            answer = self._client.post(
                self._url, params={"who": COLLECTOR}, content=table.encode("utf-8")
            )
        except self._errors as error:
            raise BrokerError(
                "The leaderboard cannot be reached",
                got=f"{type(error).__name__}: {error}",
                fix="start it with 'kit leaderboard serve', or look at --post",
            ) from error
        if answer.status_code >= 300:
            raise BrokerError(
                "The leaderboard does not take the events",
                got=f"status {answer.status_code}, {answer.text[:300]}",
                fix="look at KIT_LEADERBOARD_ORGANISER_TOKEN and at the rules",
            )

    def _table(self, events: Sequence[Event]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = ("user", "exercise", "env", "condition", "value", "source")
        writer.writerow(["time", *columns])
        for event in events:
            moment = self._start + timedelta(milliseconds=event.at_ms)
            writer.writerow([moment.isoformat(), *(getattr(event, name) for name in columns)])
        return text.getvalue()

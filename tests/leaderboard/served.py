"""A running service, as its participants and its organiser see it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from kit.child import Child
from kit.leaderboard.claims import Claim, sign
from tests.waiting import PATIENCE_S, Seen, wait_until


@dataclass
class Served:
    """A service in a process of its own."""

    child: Child
    url: str
    keys: Path

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_S)
        token = json.loads(self.keys.read_text())["organiser"]
        self.organiser = {"Authorization": f"Bearer {token}"}

    def add(self, name: str, **more: Any) -> str:
        """Add a participant; return the token."""
        answer = self.desk("people", name=name, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    def desk(self, path: str, **said: Any) -> httpx.Response:
        """Do something as the organiser."""
        body = {"who": "Robin", **said}
        return self.http.post(f"api/desk/{path}", json=body, headers=self.organiser)

    def look(self, path: str = "", **params: Any) -> Any:
        """See something as the organiser."""
        answer = self.http.get(f"api/desk{path}", params=params, headers=self.organiser)
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def claim(self, token: str, exercise: str = "hero", **more: Any) -> httpx.Response:
        """Sign a claim and send it."""
        return self.send(sign(token, Claim(exercise=exercise, **more), now_s=time.time()))

    def send(self, signed: str) -> httpx.Response:
        """Send what may be a claim."""
        return self.http.post("api/claims", json={"claim": signed})

    def places(self) -> dict[str, dict[str, Any]]:
        """Return the public's standings by user."""
        rows = self.http.get("api/standings").json()["rows"]
        return {row["user"]: row for row in rows}

    def until(self, seen: Callable[[], Seen]) -> Seen:
        """Ask again and again until something is true; return it.

        Whoever asks more than 200 times a second is refused.
        """
        return wait_until(seen, lambda: f"the board: {self.places()}", pause_s=0.02)


@contextmanager
def served(
    folder: Path,
    *,
    rules: str = "original",
    database: str | None = None,
    started_s: float | None = 60,
    port: int = 0,
    per_person: str = "",
    per_address: str = "100000/hour",
) -> Iterator[Served]:
    """Run a service.

    Args:
        folder: For its database and its keys.
        rules: Of the event.
        database: Where to keep it, if not in the folder.
        started_s: How long ago the event began, seconds; nobody has begun it if None.
        port: To listen on; any free one if 0.
        per_person: Most claims of one person; the service's own rate if empty.
        per_address: Most ill-signed requests of one address.
    """
    keys = folder / "keys.json"
    database = database or f"sqlite:///{folder / 'event.sqlite'}"
    arguments = ["--keys", str(keys), "--database", database, "--rules", rules]
    arguments += ["--port", str(port), "--per-person", per_person, "--per-address", per_address]
    if started_s is not None:
        arguments += ["--starts-at", (datetime.now(UTC) - timedelta(seconds=started_s)).isoformat()]
    with Child.module("kit.leaderboard", *arguments, name="leaderboard") as child:
        service = Served(child, child.ready(timeout_s=PATIENCE_S)["url"], keys)
        with service.http:
            yield service

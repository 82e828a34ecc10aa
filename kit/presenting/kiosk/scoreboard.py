"""The best of the day: those of the leaderboard that is named, else those of this kiosk."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import Any

from kit.config import Settings
from kit.errors import EventError, KitError, MissionError, missing_extra
from kit.leaderboard.claims import ClaimError
from kit.leaderboard.names import same_name

try:
    import httpx
except ImportError as error:
    raise missing_extra("httpx", "leaderboard") from error

ROWS = 8
"""How many are shown."""

TIMEOUT_S = 4.0
"""How long the leaderboard may take to answer, seconds."""

PATIENCE_S = 20.0
"""How long a score is sent again while the leaderboard is away, seconds."""

CLAIMED = ("stopped", "stop_margin_m", "brake_latency_ms")
"""Figures of a mission's report that an event may rank."""

_MOST = 1000  # people of whose names this is a part


class Scoreboard:
    """Asks the leaderboard, and tells it; its calls wait for the network, so make them in a thread.

    Nothing that goes wrong here keeps a visitor from the next mission: it is told in `trouble`. A
    score that the leaderboard did not take is kept, and reported again whenever it is asked.

    Args:
        settings: ``leaderboard_url``, and the organiser's token with which visitors are added.

    Attributes:
        trouble: What is wrong with the leaderboard, in words; empty if nothing is.
    """

    def __init__(self, settings: Settings) -> None:
        self.trouble = ""
        self._owed: list[tuple[str, Mapping[str, Any]]] = []
        self._settling = threading.Lock()
        self._url = settings.leaderboard_url
        token = settings.leaderboard_organiser_token
        self._organiser = token.get_secret_value() if token else None
        self._tokens: dict[str, str] = {}
        self._here: list[dict[str, Any]] = []

    @property
    def named(self) -> bool:
        """Whether a leaderboard is named."""
        return self._url is not None

    def best(self) -> list[dict[str, Any]]:
        """Return the best, each with ``rank``, ``name`` and a ``score`` above 0."""
        if self._url is None:
            return self._here[:ROWS]
        try:
            answer = httpx.get(
                f"{self._url.rstrip('/')}/api/standings", params={"limit": ROWS}, timeout=TIMEOUT_S
            )
            answer.raise_for_status()
            rows = answer.json()["rows"]
            best = [
                {key: row[key] for key in ("rank", "name", "score")} for row in rows if row["score"]
            ]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            self.trouble = f"the leaderboard does not answer: {error}"
            return self._here[:ROWS]
        if self._settle():
            self.trouble = ""
        return best

    def told(self) -> dict[str, Any]:
        """Return what the page shows of the leaderboard besides the best, ready for JSON."""
        return {"named": self.named, "trouble": self.trouble, "owed": len(self._owed)}

    def report(self, name: str, total: float, result: Mapping[str, Any]) -> None:
        """Keep a visitor's score, and claim the mission's figures at the leaderboard.

        Args:
            name: The visitor's.
            total: The score, 0 to 100.
            result: The mission's, which is what the claim rests on.
        """
        self._keep(name, total)
        if self._url is not None:
            self._owed.append((name, result))
            self._settle()

    def _settle(self) -> bool:
        """Report the scores that the leaderboard has not taken yet; return whether none is left."""
        with self._settling:
            for owed in tuple(self._owed):
                try:
                    self._claim(*owed)
                except ClaimError as error:  # the others may be taken
                    self.trouble = f"a score was refused: {error}"
                except (KitError, httpx.HTTPError) as error:
                    self.trouble = f"a score was not reported yet: {error}"
                    break
                else:
                    self._owed.remove(owed)
            return not self._owed

    def _keep(self, name: str, total: float) -> None:
        before = next((row["score"] for row in self._here if row["name"] == name), None)
        if before is None or total > before:
            self._here = [row for row in self._here if row["name"] != name]
            self._here.append({"rank": 0, "name": name, "score": total})
        self._here.sort(key=lambda row: -row["score"])
        for number, row in enumerate(self._here, start=1):
            row["rank"] = number

    def _claim(self, name: str, result: Mapping[str, Any]) -> None:
        from kit.leaderboard.client import Participant

        assert self._url is not None
        measured = self._measured()
        token = self._token(name)
        with Participant(self._url, token, patience_s=PATIENCE_S) as participant:
            for exercise, figure in measured.items():
                value = result.get(figure)
                if value is not None:
                    participant.claim(exercise, value=float(value), report=result)

    def _measured(self) -> dict[str, str]:
        """Return the exercises that a mission's report can claim, with the figure of each.

        Raises:
            EventError: If the event ranks none.
        """
        answer = httpx.get(f"{self._address}/api/rules", timeout=TIMEOUT_S)
        answer.raise_for_status()
        measures = {each["id"]: each.get("measure") for each in answer.json()["exercises"]}
        found = {
            name: str(measure["report"])
            for name, measure in measures.items()
            if measure and measure.get("report") in CLAIMED
        }
        if not found:
            raise EventError(
                "The leaderboard's event ranks nothing that a mission brings",
                expected=f"an exercise that is measured by {' or '.join(CLAIMED)}",
                fix="serve it with rules such as datasets/leaderboard/booth.yaml",
            )
        return found

    def _token(self, name: str) -> str:
        """Return the visitor's token; a name that somebody else had gets a number.

        Raises:
            MissionError: If the leaderboard does not take the visitor.
        """
        if name in self._tokens:
            return self._tokens[name]
        with httpx.Client(
            base_url=self._address,
            headers={"Authorization": f"Bearer {self._organiser or ''}"},
            timeout=TIMEOUT_S,
        ) as organiser:
            answer = organiser.get("/api/desk/people", params={"find": name, "limit": _MOST})
            if answer.is_success:
                shown = _free(name, {row["name"] for row in answer.json()["rows"]})
                answer = organiser.post("/api/desk/people", json={"name": shown, "who": "kiosk"})
        if not answer.is_success:
            raise MissionError(
                "The leaderboard did not take the visitor",
                got=f"HTTP {answer.status_code}: {answer.text[:120]}",
                fix="give the kiosk the organiser's token: KIT_LEADERBOARD_ORGANISER_TOKEN",
            )
        self._tokens[name] = str(answer.json()["token"])
        return self._tokens[name]

    @property
    def _address(self) -> str:
        return (self._url or "").rstrip("/")


def _free(name: str, taken: set[str]) -> str:
    """Return a name that nobody has: with the least number from 2 on, if it is taken."""
    known = {same_name(other) for other in taken}
    numbered = (f"{name} {number}" for number in itertools.count(2))
    return (
        name
        if same_name(name) not in known
        else next(each for each in numbered if same_name(each) not in known)
    )

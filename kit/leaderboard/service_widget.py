"""A running leaderboard in a notebook, as the public sees it, kept up to date."""

from __future__ import annotations

import html
import threading
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from kit.errors import BrokerError
from kit.labels import say
from kit.leaderboard.board_widget import board_html
from kit.leaderboard.finishes import Done, measured_points
from kit.leaderboard.rules import Rules, to_ms
from kit.leaderboard.scorer import Scorer
from kit.leaderboard.standings import Standing, Standings

EVERY_S = 1.0
"""How often the service is asked, seconds."""

TIMEOUT_S = 10.0
"""How long it may take to answer, seconds."""


class ServiceBoard:
    """The first rows of a service's board. A context manager; a thread follows until it is closed.

    Args:
        url: Address of the service.
        top: How many rows.

    Raises:
        BrokerError: If the service does not answer, or not as a leaderboard would.
    """

    def __init__(self, url: str, *, top: int = 12) -> None:
        import httpx
        import ipywidgets as widgets

        self._top = top
        self._closed = threading.Event()
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S)
        self._errors = (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, ValidationError)
        self.widget = widgets.HTML()
        try:
            self.rules = Rules.model_validate(self._ask("api/rules"))
            self._scorer = Scorer(self.rules)
            self.refresh()
        except self._errors as error:
            self._http.close()
            raise BrokerError(
                f"The leaderboard at {url} cannot be followed",
                got=f"{type(error).__name__}: {error}",
                fix="start it with 'kit leaderboard serve', and look at its address",
            ) from error
        self._thread = threading.Thread(target=self._follow, name="service-board", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Follow no longer; the last board stays."""
        self._closed.set()
        self._thread.join()
        self._http.close()

    def refresh(self) -> Standings:
        """Ask the service now; show and return what the public may see of the first rows."""
        said = self._ask("api/standings", limit=self._top)
        at_ms = to_ms(said["at_s"])
        rows = tuple(_row(fields, self._scorer, at_ms) for fields in said["rows"])
        board = Standings(at_ms=at_ms, rows=rows)
        before = {fields["user"]: fields["rank"] + fields["move"] for fields in said["rows"]}
        self.widget.value = board_html(
            board, self.rules, top=self._top, before=before, people=said["people"]
        )
        return board

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)

    def _ask(self, path: str, **parameters: int) -> Any:
        answer = self._http.get(path, params=parameters)
        answer.raise_for_status()
        return answer.json()

    def _follow(self) -> None:
        while not self._closed.wait(EVERY_S):
            try:
                self.refresh()
            except self._errors as error:  # it may come back; until then say how old this is
                words = say("No answer: {error}", error=html.escape(str(error)))
                self.widget.value = f"<p>{words}</p>"


def _row(fields: Mapping[str, Any], scorer: Scorer, at_ms: int) -> Standing:
    """Read a row of the service's; what a finish has brought follows from the rules."""
    finishes = []
    for name, said in fields["done"].items():
        exercise = scorer.rules.exercise(name)
        if exercise is None:
            continue
        done = Done(to_ms(said["at_s"]), value=said["value"])
        if exercise.measure is not None and said["value"] is not None:
            done = replace(done, points=measured_points(exercise.measure, said["value"]))
        finishes.append(scorer.finish(exercise, done, at_ms=at_ms))
    return Standing(
        rank=fields["rank"],
        user=fields["user"],
        score=fields["score"],
        finishes=tuple(finishes),
        name=fields["name"],
        bracket=fields["bracket"],
        team=fields["team"],
    )

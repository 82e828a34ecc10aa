"""A board in a notebook: a whole event, played at any speed, back and forth."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from kit.labels import say
from kit.leaderboard.incremental import Incremental
from kit.leaderboard.replay import clock
from kit.leaderboard.rules import Rules
from kit.leaderboard.simulate import Arrival
from kit.leaderboard.standings import Standing, Standings

TICK_MS = 250
"""How often the board moves while it is played, milliseconds."""

LOOK_BACK_S = 300.0
"""With which moment a place is compared to tell who rises and falls: so many seconds ago."""

_STYLE = """
<style>
.kit-board {border-collapse:collapse;width:720px;background:#fff}
.kit-board {font:14px system-ui,sans-serif;color:#1b2430}
.kit-board td {padding:3px 8px;text-align:left;border-bottom:1px solid #e3e7ec}
.kit-board .n {text-align:right;font-variant-numeric:tabular-nums}
.kit-board .bar {height:14px;display:flex;width:260px;background:#eef1f5}
.kit-board .bonus {background:#2563a6} .kit-board .more {background:#8fb4dc}
.kit-board .up {color:#2f8f5b} .kit-board .down {color:#b3261e} .kit-board .dim {color:#8793a5}
</style>
"""


class LiveBoard:
    """The first of a board, and a slider for the moment.

    Shown in a front end it can be played; without one, :meth:`show` sets the moment.

    Args:
        rules: Of the event.
        arrivals: Its records, in the order of their arrival: at each moment the board knows only
            what had arrived by then.
        top: How many rows.
        step_s: How far one tick goes, seconds of the event.
    """

    def __init__(
        self, rules: Rules, arrivals: Sequence[Arrival], *, top: int = 12, step_s: int = 30
    ) -> None:
        import ipywidgets as widgets

        self._rules = rules
        self._arrivals = arrivals
        self._top = top
        self._shown_s = 0.0
        self._begin()
        last = int(rules.duration_s)
        self.play = widgets.Play(min=0, max=last, step=step_s, interval=TICK_MS)
        self.moment = widgets.IntSlider(
            0, 0, last, step_s, description=say("second"), layout=widgets.Layout(width="560px")
        )
        self.rows = widgets.HTML()
        widgets.jslink((self.play, "value"), (self.moment, "value"))
        self.moment.observe(self._moved, "value")
        self.widget = widgets.VBox([widgets.HBox([self.play, self.moment]), self.rows])
        self.show(0)

    def show(self, at_s: float) -> Standings:
        """Show the board of a moment, as it was known then.

        Args:
            at_s: Seconds from the start.

        Returns:
            The board.
        """
        if at_s < self._shown_s:
            self._begin()
        self._shown_s = at_s
        if self.moment.value != int(at_s):  # asked for by a program: the slider goes there, too
            self.moment.unobserve(self._moved, "value")
            self.moment.value = int(at_s)
            self.moment.observe(self._moved, "value")
        board = self._at(at_s)
        past = self._engine.standings(max(at_s - LOOK_BACK_S, 0))
        before = {row.user: row.rank for row in past.rows}
        self.rows.value = board_html(board, self._rules, top=self._top, before=before)
        return board

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)

    def _moved(self, change: dict[str, Any]) -> None:
        self.show(change["new"])

    def _begin(self) -> None:
        self._engine = Incremental(self._rules)
        self._next = 0

    def _at(self, at_s: float) -> Standings:
        first = self._next
        while self._next < len(self._arrivals):
            if self._arrivals[self._next].arrives_ms > at_s * 1000:
                break
            self._next += 1
        self._engine.apply(*(arrival.record for arrival in self._arrivals[first : self._next]))
        return self._engine.standings(at_s)


def board_html(
    board: Standings,
    rules: Rules,
    *,
    top: int = 12,
    before: dict[str, int] | None = None,
    people: int | None = None,
) -> str:
    """Draw the first rows of a board.

    Args:
        board: To draw.
        rules: Of the event.
        top: How many rows.
        before: Places of some moments ago, to tell who rises and who falls.
        people: How many there are, if the board holds not all of them.
    """
    rows = board.rows[:top]
    best = max((row.score for row in rows), default=0.0) or 1.0
    lines = [_row_html(row, rules, best=best, before=before or {}) for row in rows]
    left_s = max(rules.duration_s - board.at_s, 0)
    count = len(board.rows) if people is None else people
    there = say("{count} person" if count == 1 else "{count} people", count=count)
    head = f"{clock(board.at_s)[:-4]} · {there} · {say('{time} left', time=clock(left_s)[:-4])}"
    return f'{_STYLE}<table class="kit-board"><caption>{head}</caption>{"".join(lines)}</table>'


def _row_html(row: Standing, rules: Rules, *, best: float, before: dict[str, int]) -> str:
    bonus = sum(finish.bonus for finish in row.finishes)
    more = sum(finish.accelerator for finish in row.finishes)
    parts = "".join(
        f'<div class="{name}" style="width:{max(100 * points / best, 0):.1f}%"></div>'
        for name, points in (("bonus", bonus), ("more", more))
    )
    done = "".join("●" if each.id in row.finished else "○" for each in rules.exercises)
    cells: list[tuple[str, Any]] = [
        ("n", row.rank),
        *_move(before.get(row.user, row.rank) - row.rank),
        ("", html.escape(row.shown)),
        ("", f'<div class="bar">{parts}</div>'),
        ("n", f"{row.score:.2f}"),
        ("dim", done),
    ]
    row_html = "".join(f'<td class="{name}">{shown}</td>' for name, shown in cells)
    return f"<tr>{row_html}</tr>"


def _move(places: int) -> list[tuple[str, str]]:
    if places == 0:
        return [("dim", "·")]
    return [("up", f"▲ {places}")] if places > 0 else [("down", f"▼ {-places}")]

"""Sliders for the question whether a late starter could win."""

from __future__ import annotations

from collections.abc import Sequence

from kit.labels import say
from kit.leaderboard.charts import plot_scores, to_svg
from kit.leaderboard.events import AnyRecord
from kit.leaderboard.replay import clock
from kit.leaderboard.rules import Rules
from kit.leaderboard.scoring import standings
from kit.leaderboard.what_if import YOU, Outcome, compare, runner, with_accelerator

RIVALS = 3
"""How many of the others are drawn beside you."""


class LateStarter:
    """Start, pace and accelerator to try, and what comes of them.

    The sliders have values with and without a front end: ``panel.start.value = 30``.

    Args:
        rules: Of the event, with exercises that are finished without conditions.
        others: Records of the others.
        start_min: When you start, minutes after the others.
        pace: Your time for an exercise, in percent of what was planned.

    Attributes:
        outcome: What came of the values that are set.
        start: Slider, minutes.
        pace: Slider, percent.
        slope: Slider, points a step that each accelerator brings.
    """

    def __init__(
        self, rules: Rules, others: Sequence[AnyRecord], *, start_min: int = 20, pace: int = 60
    ) -> None:
        import ipywidgets as widgets

        self._rules = rules
        self._others = others
        wide = widgets.Layout(width="520px")
        last = int(rules.duration_s // 60)
        lazy = {"continuous_update": False, "layout": wide, "style": {"description_width": "190px"}}
        self.start = widgets.IntSlider(
            start_min, 0, last, description=say("you start at minute"), **lazy
        )
        self.pace = widgets.IntSlider(
            pace, 20, 200, 5, description=say("your time, % of the plan"), **lazy
        )
        self.slope = widgets.FloatSlider(
            1.0, min=0, max=4, step=0.25, description=say("accelerator, points a step"), **lazy
        )
        self.words = widgets.HTML()
        self.picture = widgets.HTML()
        for slider in (self.start, self.pace, self.slope):
            slider.observe(lambda _: self.show(), "value")
        sliders = [self.start, self.pace, self.slope]
        self.widget = widgets.VBox([*sliders, self.words, self.picture])
        self.outcome = self.show()

    def show(self) -> Outcome:
        """Work out and show what comes of the values that are set."""
        rules = with_accelerator(self._rules, self.slope.value)
        start_s, pace = self.start.value * 60.0, self.pace.value / 100
        self.outcome = compare(rules, self._others, start_s=start_s, pace=pace)
        self.words.value = _words(self.outcome)
        field = standings(rules, self._others, rules.duration_s)
        names = {YOU: say("you")} | {row.user: row.shown for row in field.rows[:RIVALS]}
        mine = runner(rules, start_s=start_s, pace=pace)
        self.picture.value = to_svg(plot_scores(rules, [*self._others, *mine], names))
        return self.outcome

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)


def _words(outcome: Outcome) -> str:
    finished = ", ".join(
        say("{exercise} at {at}", exercise=name, at=clock(at)[:-4])
        for name, at in outcome.finished.items()
    )
    place = say("You come in as number <b>{rank}</b> of {people}", **vars(outcome))
    if outcome.rank == 1:
        place = say("<b>You win</b> against {others} others", others=outcome.people - 1)
    figures = say(
        "with {score:.2f} points; the best of the others has {best_score:.2f}.", **vars(outcome)
    )
    done = say("You finish {finished}.", finished=finished) if finished else say("Nothing is done.")
    return f"{place}, {figures} {done}"

"""Recording rules that compute an event's scores in PromQL.

As in the original, three groups build on each other, because functions over time take only series
that are stored: what is done now, the bonus of the finish, the points since then. Unlike there, an
exercise that flaps is awarded once and a missed scrape loses nothing: what counts is the *first*
moment at which an exercise was seen done.

- From the exporter that moment is exact, and it is taken back when an organiser takes it back.
- From Kubernetes it is when a rule saw it, at most one scrape and one evaluation late. It is the
  smallest of all the moments in which it was seen, over a window of the event's length and
  `MARGIN_S`; a label ``event`` keeps the moments of a rehearsal out of the real thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from kit.errors import ConfigError
from kit.leaderboard.prometheus import names
from kit.leaderboard.prometheus.conditions import condition_group, state_of, user_of
from kit.leaderboard.prometheus.groups import Group, Recording, duration, number
from kit.leaderboard.prometheus.names import ALL, END, EXPORTED, START, USER
from kit.leaderboard.rules import Exercise, Needs, Rules

INTERVAL_S = 15.0
"""Seconds between two evaluations."""

OUTAGE_S = 300
"""How long the exporter may be silent before what it told is forgotten, in seconds."""

MARGIN_S = 1800
"""How much longer than the event a completion is remembered, in seconds."""


class Source(StrEnum):
    """Where the rules get it from that an exercise is done."""

    EXPORTER = "exporter"
    """The leaderboard's own ``/metrics``."""
    KUBERNETES = "kubernetes"
    """kube-state-metrics, without the leaderboard."""


def recording_groups(
    rules: Rules, source: Source, *, event: str = "", interval_s: float = INTERVAL_S
) -> tuple[Group, ...]:
    """Return the rules' groups: three, and one before them for what Kubernetes tells.

    Args:
        rules: Of the event. Exercises that are measured have no formula in PromQL; the exporter
            tells their points.
        source: Where to get it from.
        event: Names this run of the event, if the source is Kubernetes; that of the rules if empty.
        interval_s: Seconds between two evaluations.

    Raises:
        ConfigError: If a condition does not say what it looks at in Kubernetes, or if two names of
            the rules are one in a metric's name.
    """
    build = _Exported(rules) if source is Source.EXPORTER else _Seen(rules, event or rules.name)
    first = (condition_group(rules, interval_s),) if source is Source.KUBERNETES else ()
    groups = (
        *first,
        Group("leaderboard_state", tuple(build.state()), interval_s),
        Group("leaderboard_onetime_bonus", tuple(build.onetime()), interval_s),
        Group("leaderboard_lifetime_bonus", tuple(build.lifetime()), interval_s),
    )
    records = (
        rule.record for group in groups for rule in group.rules if isinstance(rule, Recording)
    )
    names.check_distinct(records)
    return groups


def start_group(start_s: float) -> Group:
    """Return the group that says when the event starts: one place to move it.

    Args:
        start_s: Seconds since 1970.
    """
    return Group("leaderboard_start", (Recording(START, f"vector({number(start_s)})"),))


class _Builder:
    """What both sources share: from the first completion on."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.boards = [
            (board, exercise)
            for board in names.boards(rules)
            for exercise in names.scored(rules, board)
        ]

    def state(self) -> Iterator[Recording]:
        raise NotImplementedError

    def completion(self, exercise: Exercise, board: str) -> str:
        raise NotImplementedError

    def beside(self, board: str) -> str:
        """What comes to a board's score besides the exercises' formulas."""
        del board
        return ""

    def onetime(self) -> Iterator[Recording]:
        for board, each in self.boards:
            first = names.completion(each.id, board)
            yield Recording(first, self.completion(each, board), _labels(each, board))
            points = (
                f"{number(each.bonus)} + {number(each.decay)} * (\n"
                f"  ({START} + {number(each.nominal_end_s)})\n"
                f"  - on () group_right () {first}\n"
                f") / {number(each.step_s)}"
            )
            yield Recording(names.onetime(each.id, board), points, _labels(each, board))

    def lifetime(self) -> Iterator[Recording]:
        for board, each in self.boards:
            points = (
                f"{number(each.slope)} * (\n"
                f"  (({END} < time()) or ({END} * 0 + time()))\n"
                f"  - on () group_right () {names.completion(each.id, board)}\n"
                f") / {number(each.step_s)}"
            )
            yield Recording(names.lifetime(each.id, board), points, _labels(each, board))
        for board in names.boards(self.rules):
            if exercises := names.scored(self.rules, board):
                score = self._score(exercises, board)
                yield Recording(names.score(board), score, {"env": board})

    def _score(self, exercises: tuple[Exercise, ...], board: str) -> str:
        bonuses = "\n  or ".join(names.onetime(each.id, board) for each in exercises)
        since = "\n  or ".join(names.lifetime(each.id, board) for each in exercises)
        total = f"sum by (user) (\n  {bonuses}\n)\n+ sum by (user) (\n  {since}\n)\nor {USER} * 0"
        beside = self.beside(board)
        return f"({total})\n+ on (user) {beside}" if beside else total


class _Exported(_Builder):
    """From the exporter: it knows the moment."""

    def state(self) -> Iterator[Recording]:
        yield Recording(START, f"max({_recent(f'{EXPORTED}_start_timestamp_seconds')})")
        yield Recording(END, f"max({_recent(f'{EXPORTED}_end_timestamp_seconds')})")
        yield Recording(USER, f"group by (user) ({_recent(f'{EXPORTED}_score_points')})")
        for board, each in self.boards:
            yield Recording(
                names.state(each.id, board), self._done(each, board), _labels(each, board)
            )

    def completion(self, exercise: Exercise, board: str) -> str:
        when = _recent(_exported("timestamp_seconds", exercise, board))
        return f"max by (user) ({when}) and ({self._done(exercise, board)} == 1)"

    def beside(self, board: str) -> str:
        return f"max by (user) ({_recent(f'{EXPORTED}_other_points')})" if board == ALL else ""

    def _done(self, exercise: Exercise, board: str) -> str:
        return f"max by (user) ({_recent(_exported('done', exercise, board))})"


class _Seen(_Builder):
    """From Kubernetes: what a rule saw first."""

    def __init__(self, rules: Rules, event: str) -> None:
        super().__init__(rules)
        self.event = {"event": _plain(event)}
        self.window = duration(rules.duration_s + MARGIN_S)
        if not names.environments(rules):
            raise ConfigError(
                f"The rules '{rules.name}' name no environments to look for in Kubernetes",
                fix="use rules such as 'kubernetes', or those of the exporter",
            )

    def state(self) -> Iterator[Recording]:
        yield Recording(END, f"{START} + {number(self.rules.duration_s)}")
        yield Recording(USER, user_of())
        for board, each in self.boards:
            now = names.state(each.id, board)
            yield Recording(now, self._now(each, board), _labels(each, board))
            if board != ALL:
                when = (
                    f"timestamp({now} == 1)\n"
                    f">= on () group_left () {START}\n"
                    f"<= on () group_left () {END}"
                )
                labels = _labels(each, board) | self.event
                yield Recording(names.seen(each.id, board), when, labels)

    def completion(self, exercise: Exercise, board: str) -> str:
        if board != ALL:
            series = f"{names.seen(exercise.id, board)}{{event='{self.event['event']}'}}"
            return f"min by (user) (min_over_time({series}[{self.window}]))"
        firsts = [names.completion(exercise.id, env) for env in exercise.environments]
        every = " or ".join(firsts)
        if exercise.needs is Needs.ANY:
            return f"min by (user) ({every})"
        return f"max by (user) ({every})\nand count by (user) ({every}) == {len(firsts)}"

    def _now(self, exercise: Exercise, board: str) -> str:
        if board != ALL:
            return state_of(exercise, board)
        every = [names.state(exercise.id, env) for env in exercise.environments]
        if exercise.needs is Needs.EVERY:
            return " * on (user) ".join(every)
        return f"clamp_max({' + on (user) '.join(every)}, 1)"


def _plain(event: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.:+-]{1,100}", event) is None:
        raise ConfigError(
            "This name of an event cannot be a label in an expression",
            expected="letters, digits, '_', '.', ':', '+' and '-'",
            got=event,
        )
    return event


def _labels(exercise: Exercise, board: str) -> dict[str, str]:
    return {"exercise": exercise.id, "env": board}


def _exported(what: str, exercise: Exercise, board: str) -> str:
    if board == ALL:
        name, labels = "finish", f"exercise='{exercise.id}'"
    else:
        name, labels = "completion", f"exercise='{exercise.id}',env='{board}'"
    return f"{EXPORTED}_{name}_{what}{{{labels}}}"


def _recent(series: str) -> str:
    return f"last_over_time({series}[{duration(OUTAGE_S)}])"

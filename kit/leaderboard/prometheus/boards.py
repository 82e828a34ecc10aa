"""A board of its own for each environment, as the original's dashboard shows them."""

from __future__ import annotations

from collections.abc import Iterable

from kit.leaderboard.events import AnyRecord, Event
from kit.leaderboard.prometheus.names import ALL
from kit.leaderboard.rules import Rules


def board_rules(rules: Rules, board: str) -> Rules:
    """Return the rules as one environment knows them.

    Args:
        rules: Of the event.
        board: An environment of the rules, or ``all`` for the rules as they are.

    Returns:
        Rules with the exercises that are done there, and there only.
    """
    if board == ALL:
        return rules
    there = [
        each.model_copy(update={"environments": (board,)})
        for each in rules.exercises
        if board in each.environments
    ]
    return rules.model_copy(update={"exercises": tuple(there)})


def board_records(records: Iterable[AnyRecord], board: str) -> list[AnyRecord]:
    """Return the records that count on a board: no events of other environments."""
    return [
        record
        for record in records
        if board == ALL or not isinstance(record, Event) or record.env in {"", board}
    ]

"""Faults of messages: repeated, late, forged, malformed."""

from __future__ import annotations

from collections.abc import Iterator

from kit.chaos import messages as m
from kit.chaos.catalogue.outcomes import GOES_ON, STANDS
from kit.chaos.fault import Effect, Fault


def messages() -> Iterator[Fault]:
    """Yield what befalls messages."""
    yield Fault(
        name="commands-replayed",
        what="the decision hangs, and its earlier commands are sent again, 30 a second",
        effect=Effect.STOPS,
        expected="Stops: a repeated command renews nothing.",
        inject=m.replayed_commands,
        demo=STANDS,
    )
    yield Fault(
        name="arming-replayed",
        what="the train stands, and an earlier arming is sent again, 50 a second",
        effect=Effect.STAYS,
        expected="Stays latched: each latch asks a new question, which an old answer does not fit.",
        inject=m.replayed_arming,
        demo=GOES_ON,
    )
    yield Fault(
        name="hostile-messages",
        what="the train stands; forged armings, decisions, states and signs of life come from "
        "someone who holds the broker's password and not the arm key",
        effect=Effect.STAYS,
        expected="Stays latched: only a proof made with the arm key starts it.",
        inject=m.hostile,
        demo=GOES_ON,
    )
    for name, what, why, inject in (
        (
            "messages-duplicated",
            "every message comes twice",
            "the second of two is not newer.",
            m.duplicated,
        ),
        (
            "messages-reordered",
            "every message comes once more, 150 to 250 ms late and shuffled",
            "older than the newest is not acted on.",
            m.reordered,
        ),
        (
            "messages-stale",
            "forged decisions and predictions about frames of an hour ago, 10 s ago and tomorrow",
            "too old and not yet are refused alike.",
            m.stale,
        ),
        (
            "messages-malformed",
            "cut, random, deeply nested, empty and mislabelled messages, 200 a second",
            "what is no event is counted and dropped.",
            m.malformed,
        ),
        (
            "messages-huge",
            "messages of 10 MB on every topic",
            "the broker refuses them and throws their sender out.",
            m.huge,
        ),
    ):
        yield Fault(
            name=name,
            what=what,
            effect=Effect.DRIVES_ON,
            expected=f"Drives on: {why}",
            inject=inject,
            demo=GOES_ON,
        )

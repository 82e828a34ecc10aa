"""What holds a latched train, by a name that browsers may know."""

from __future__ import annotations

import hashlib

from kit.events import TrainState


def latch_of(state: TrainState) -> str | None:
    """Return a name for what holds a latched train: the answer to another latch is not for it.

    It follows from the train's challenge, but does not tell it. None if nothing holds the train.
    """
    if not state.latched or state.challenge is None:
        return None
    return hashlib.sha256(state.challenge.encode()).hexdigest()[:16]

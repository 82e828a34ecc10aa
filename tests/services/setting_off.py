"""Setting a train off whose machine may be busy."""

from __future__ import annotations

from contextlib import suppress

from kit.errors import HubError
from kit.events import TrainState
from kit.services.operator import Operator
from kit.train.motion import MOVING
from tests.waiting import PATIENCE_S


def set_off(operator: Operator) -> TrainState:
    """Arm a train until it moves: a frame may come too late, and then the train latches again.

    Returns:
        The state in which it moves.
    """
    while True:
        with suppress(HubError):  # it was latched again before it could say that it is armed
            operator.arm(timeout_s=PATIENCE_S)
        state = operator.wait_for(lambda s: s.latched or s.motion in MOVING, PATIENCE_S)
        if state.motion in MOVING:
            return state

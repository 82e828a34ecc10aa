"""What the controller tells about the train: its state, and which frame it acted on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kit.events import MAX_TEXT, FrameStamp, Motion, Stage, TrainState
from kit.reasons import Reason
from kit.train.hub_facts import HubFacts
from kit.train.latch import Latch

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cause:
    """The frame whose command is acted on, and its stages so far.

    Attributes:
        frame: The frame; None for what no frame led to.
        marks: Monotonic nanoseconds by stage.
    """

    frame: FrameStamp | None = None
    marks: Mapping[Stage, int] = field(default_factory=dict)


class Teller:
    """Holds the train's state and its reason, and tells them.

    Args:
        train_id: Which train.
        latch: Its latch.
        facts: What is known of the hub now.
        power_percent: Returns the power of the motor now.
        on_state: Called with each state that is told; what it raises is only logged.
    """

    def __init__(
        self,
        *,
        train_id: str,
        latch: Latch,
        facts: Callable[[], HubFacts],
        power_percent: Callable[[], int],
        on_state: Callable[[TrainState], None],
    ) -> None:
        self.motion = Motion.STOPPED
        self.reason: str = Reason.NOT_BRAKED
        self.cause = Cause()
        self._train_id = train_id
        self._latch = latch
        self._facts = facts
        self._power_percent = power_percent
        self._on_state = on_state

    @property
    def state(self) -> TrainState:
        """The train's state as an event."""
        facts = self._facts()
        return TrainState(
            train_id=self._train_id,
            motion=self.motion,
            reason=self.reason[:MAX_TEXT],
            power_percent=self._power_percent(),
            latched=self._latch.closed,
            challenge=self._latch.challenge,
            battery_percent=facts.battery_percent,
            voltage_v=facts.voltage_v,
            rssi_dbm=facts.rssi_dbm,
            frame=self.cause.frame,
            marks=dict(self.cause.marks),
        )

    def acted(self, cause: Cause, at_ns: int) -> None:
        """Tell that a command was acted on.

        Args:
            cause: The command's frame and stages.
            at_ns: When, monotonic nanoseconds.
        """
        self.cause = Cause(cause.frame, {**cause.marks, Stage.ACTED: at_ns})
        self.tell()

    def tell(self) -> None:
        """Tell the state as it is now."""
        try:
            self._on_state(self.state)
        except Exception:  # noqa: BLE001  # whoever listens must not keep the train from braking
            _log.exception("The train's state could not be told")

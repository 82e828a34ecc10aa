"""What the controller tells about the train: its state, and which frame it acted on.

It is told twice: to programs by events, and to whoever stands at the track by the train's lights.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kit.events import MAX_TEXT, FrameStamp, Motion, Stage, TrainState
from kit.reasons import Reason
from kit.train.actuator import HubLike
from kit.train.drive import Drive
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
        hub: The hub, for what is known of battery and signal.
        train_id: Which train.
        latch: Its latch.
        drive: Its motor and its lights.
        on_state: Called with each state that is told; what it raises is only logged.
        now_ns: The clock, monotonic nanoseconds.

    Attributes:
        motion: The state that the train is in.
        reason: Why it is in that state, in words for people.
        cause: The frame whose command was acted on last.
        shows: Whether the lights show the state; false before the controller begins and once
            it ends, when the lights are left alone.
    """

    def __init__(
        self,
        hub: HubLike,
        *,
        train_id: str,
        latch: Latch,
        drive: Drive,
        on_state: Callable[[TrainState], None],
        now_ns: Callable[[], int],
    ) -> None:
        self.motion = Motion.STOPPED
        self.reason: str = Reason.NOT_BRAKED
        self.cause = Cause()
        self.shows = False
        self._train_id = train_id
        self._latch = latch
        self._hub = hub
        self._drive = drive
        self._on_state = on_state
        self._now_ns = now_ns
        self._battery_told: int | None = None

    @property
    def state(self) -> TrainState:
        """The train's state as an event."""
        facts = self._hub.facts
        return TrainState(
            train_id=self._train_id,
            motion=self.motion,
            reason=self.reason[:MAX_TEXT],
            power_percent=self._drive.motor.power_percent,
            latched=self._latch.closed,
            challenge=self._latch.challenge,
            battery_percent=facts.battery_percent,
            voltage_v=facts.voltage_v,
            rssi_dbm=facts.rssi_dbm,
            frame=self.cause.frame,
            marks=dict(self.cause.marks),
        )

    def acted(self, cause: Cause, at_ns: int | None = None) -> None:
        """Tell that a command was acted on.

        Args:
            cause: The command's frame and stages.
            at_ns: When, monotonic nanoseconds; None is now.
        """
        acted_ns = self._now_ns() if at_ns is None else at_ns
        self.cause = Cause(cause.frame, {**cause.marks, Stage.ACTED: acted_ns})
        self.tell()

    def tell(self) -> None:
        """Tell the state as it is now."""
        try:
            self._on_state(self.state)
        except Exception:  # noqa: BLE001  # whoever listens must not keep the train from braking
            _log.exception("The train's state could not be told")

    def tell_battery(self) -> None:
        """Tell the state as it is now, if the battery's charge has changed since this told it."""
        battery_percent = self._hub.facts.battery_percent
        if battery_percent != self._battery_told:
            self._battery_told = battery_percent
            self.tell()

    def show(self, *, blink: bool = False) -> None:
        """Show the state as it is now by the lights.

        Args:
            blink: Whether the light on port B blinks first.
        """
        if self.shows:
            self._drive.show(self.motion, latched=self._latch.closed, blink=blink)

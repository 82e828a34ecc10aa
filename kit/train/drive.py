"""The train's motor and lights together: at which power it runs, and what it shows."""

from __future__ import annotations

from collections.abc import Callable

from kit.events import Motion
from kit.train.actuator import Actuator, HubLike
from kit.train.lamps import Lamps
from kit.train.lwp3.enums import Colour
from kit.train.motion import ARMED_COLOUR, COLOURS, MOVING, ControlParameters
from kit.train.power import SteadyVoltage, compensated


class Drive:
    """Holds the speed while the battery drains, and blinks when the train slows or stops.

    Args:
        hub: The hub.
        parameters: Powers, ramps and lights.
        on_failure: Called with a reason when driving failed in a way that only a stop answers.
        now_ns: The clock.

    Attributes:
        motor: The only writer to the motor.
        percent: What the motor is to have at the nominal voltage.
        headlight_percent: Brightness of the light on port B while the train moves.
    """

    def __init__(
        self,
        hub: HubLike,
        parameters: ControlParameters,
        *,
        on_failure: Callable[[str], None],
        now_ns: Callable[[], int],
    ) -> None:
        self.motor = Actuator(hub, parameters, on_failure=on_failure, now_ns=now_ns)
        self.percent = 0
        self.headlight_percent = parameters.headlight_percent
        self._hub = hub
        self._nominal_v = parameters.nominal_v
        self._now_ns = now_ns
        self._lamps = Lamps(hub, blink_ms=parameters.blink_ms)
        self._voltage = SteadyVoltage()

    def go(self, percent: int, *, written: Callable[[int], None]) -> None:
        """Bring the train to a speed: up in a ramp, down at once.

        Args:
            percent: Power at the nominal voltage, 1 to 100.
            written: Called with the monotonic time in nanoseconds of the first write.
        """
        self.percent = percent
        self.motor.drive(self._compensated(), written=written)

    def keep(self) -> None:
        """Keep the speed of a moving train: give it what its battery makes necessary now."""
        self.motor.adjust(self._compensated())

    def read(self) -> None:
        """Take in what the hub tells of its battery."""
        self._voltage.read(self._hub.facts.voltage_v, now_ns=self._now_ns())

    def show(self, motion: Motion, *, latched: bool, blink: bool = False) -> None:
        """Show a state by the lights; without a link there is nothing to show it with.

        Args:
            motion: The state.
            latched: Whether the train stands until it is armed.
            blink: Whether the light on port B blinks first.
        """
        if motion in COLOURS:
            light = self.headlight_percent if motion in MOVING else 0
            self._lamps.show(_colour(motion, latched=latched), light, blink=blink)

    def shine(self, percent: int, motion: Motion, *, latched: bool) -> None:
        """Set the light on port B, moving or not; it goes out again with the next stop.

        Args:
            percent: 0 to 100.
            motion: The state.
            latched: Whether the train stands until it is armed.
        """
        self.headlight_percent = max(0, min(100, percent))
        if motion in COLOURS:
            self._lamps.show(_colour(motion, latched=latched), self.headlight_percent)

    def forget_lights(self) -> None:
        """Leave the lights alone; what is shown next is written whatever it was before."""
        self._lamps.end()

    def _compensated(self) -> int:
        self.read()
        voltage_v = self._voltage.at(self._now_ns())
        return compensated(self.percent, voltage_v, nominal_v=self._nominal_v)


def _colour(motion: Motion, *, latched: bool) -> Colour:
    waits = motion is Motion.STOPPED and not latched
    return ARMED_COLOUR if waits else COLOURS[motion]

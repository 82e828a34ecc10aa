"""The world in real time: the clock moves it, the hub drives it, the camera looks at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kit.sim.journal import Journal
from kit.sim.world import STEP_S, World, WorldState

_STEP_NS = round(STEP_S * 1e9)
_NOTE_EVERY_STEPS = 10  # 20 a second


class LiveWorld:
    """A world that is always as old as the clock says; any thread may use it.

    Whoever looks at it or drives it first lets it catch up in steps of fixed length, so that
    a stalled process slows no train. It is a :class:`kit.sim.hub.HubPort`.

    Args:
        world: The world; nobody else moves it from now on.
        journal: Gets a ``physics`` line 20 times a second and whenever the hub does
            something, and ``brake``, ``derailed`` and ``finished`` when they happen.
        now_ns: The clock.
    """

    def __init__(
        self,
        world: World,
        journal: Journal,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._world = world
        self._journal = journal
        self._now_ns = now_ns
        self._lock = threading.RLock()
        self._start_ns = now_ns()
        self._steps = 0
        self._known = world.state

    @property
    def state(self) -> WorldState:
        """The present moment, at most one step old."""
        with self._lock:
            self.advance()
            return self._world.state

    @property
    def battery_percent(self) -> float:
        """Charge left, 0 to 100."""
        return self._world.battery_percent

    @property
    def voltage_v(self) -> float:
        """Battery voltage under load, volts."""
        return self._world.voltage_v

    def advance(self) -> None:
        """Let the world catch up with the clock."""
        with self._lock:
            due = (self._now_ns() - self._start_ns) // _STEP_NS
            while self._steps < due:
                self._world.step(STEP_S)
                self._steps += 1
                if self._steps % _NOTE_EVERY_STEPS == 0:
                    self._note_physics(self._start_ns + self._steps * _STEP_NS)
                self._note_news()

    def set_motor(self, power: int, /) -> None:
        """Power the motor, -100 to 100; 0 lets the train roll."""
        self._drive(lambda: self._world.set_motor(power))

    def brake(self) -> None:
        """Short the motor, so that the train stops."""
        self._drive(self._world.brake, how="brake")

    def float_(self) -> None:
        """Let the train roll."""
        self._drive(self._world.float_, how="float")

    def set_light(self, power: int, /) -> None:
        """Set the headlight, 0 to 100."""
        self._drive(lambda: self._world.set_light(power))

    def _drive(self, act: Callable[[], None], *, how: str | None = None) -> None:
        t_ns = self._now_ns()
        with self._lock:
            self.advance()
            act()
            if how is not None:
                position = round(self._world.state.position_m, 4)
                self._journal.note("brake", t_ns=t_ns, how=how, position_m=position)
            self._note_physics(t_ns)

    def _note_physics(self, t_ns: int) -> None:
        state = self._world.state
        danger = state.distance_to_danger_m
        self._journal.note(
            "physics",
            t_ns=t_ns,
            position_m=round(state.position_m, 4),
            speed_mps=round(state.speed_mps, 4),
            power_percent=state.power_percent,
            braking=state.braking,
            battery_percent=round(state.battery_percent, 2),
            voltage_v=round(state.voltage_v, 3),
            distance_to_danger_m=None if danger is None else round(danger, 4),
        )

    def _note_news(self) -> None:
        before, now = self._known, self._world.state
        t_ns = self._start_ns + self._steps * _STEP_NS
        if now.derailed and not before.derailed:
            self._journal.note("derailed", t_ns=t_ns, reason=now.derail_reason)
        if now.finished and not before.finished:
            self._journal.note("finished", t_ns=t_ns, position_m=round(now.position_m, 4))
        self._known = now

"""A panel to drive the train by hand, in a notebook.

It writes nothing to the hub: it asks a control service in this process, whose controller stays
the only one that does. A browser that is alive ticks ten times a second; each tick renews the
controller's lease. A closed tab, a lost network and a busy kernel end the ticks, and so the train
brakes. A kernel that dies ends the controller's process, and the guardian brakes.
"""

from __future__ import annotations

import atexit
import html
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit.errors import KitError, MissionError
from kit.events import Motion, TrainState
from kit.labels import say, told, translated
from kit.learning.wire import wire_html
from kit.reasons import Reason
from kit.runtime.stage import Stage
from kit.services.control import ControlService, ControlServiceParameters

START_TIMEOUT_S = 60.0
"""How long to wait until the hub is found, seconds."""

TICK_MS = 100
"""How often the browser says that it is alive, milliseconds."""

SHOW_EVERY_S = 0.25
"""How often what the panel tells is refreshed, seconds."""

KNOCK_EVERY_S = 1.0
"""How often a browser that does not tick is asked to, seconds; a reloaded page begins anew."""

TRACE_LINES = 12
"""How many of the newest messages the panel shows."""

_ALIVE_TICKS = 3
_ALIVE_WITHIN_S = 1.0
_COLOURS = {
    Motion.CRUISING: "#3d8b40",
    Motion.SLOWED: "#c77700",
    Motion.FAULT: "#7b1fa2",
    Motion.DISCONNECTED: "#555",
}
_RED = "#b3261e"
_TAIL_BYTES = 4096


class Pulse:
    """Whether somebody's browser is alive, from its ticks.

    One tick proves nothing: a message can wait in a busy kernel while its browser is long gone.
    """

    def __init__(self) -> None:
        self._ticks: deque[float] = deque(maxlen=_ALIVE_TICKS)

    def tick(self, now_s: float) -> bool:
        """Take in a tick.

        Args:
            now_s: Monotonic time, seconds.

        Returns:
            Whether the browser is alive: it has ticked three times within the last second, with
            time between.
        """
        self._ticks.append(now_s)
        span_s = self._ticks[-1] - self._ticks[0]
        full = len(self._ticks) == _ALIVE_TICKS
        return full and TICK_MS / 1000 / 2 <= span_s <= _ALIVE_WITHIN_S


class DrivePanel:
    """Throttle, stop, emergency stop, arming and light; state, speed, battery and radio, live.

    Args:
        service: The control service to ask; it runs already, and drives by hand.
        truth: The virtual set's file, which knows the speed; None with a real train.
        now_s: The clock.
    """

    def __init__(
        self,
        service: ControlService,
        *,
        truth: Path | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        import ipywidgets as widgets

        self._service = service
        self._truth = truth
        self._now_s = now_s
        self._pulse = Pulse()
        self._shown_s = 0.0
        self._ticked_s = 0.0
        self._asked = False
        self._traced = -1
        wide = widgets.Layout(width="440px")
        self.throttle = widgets.IntSlider(
            0, 0, 100, 5, description=say("throttle"), disabled=True, layout=wide
        )
        self.light = widgets.IntSlider(0, 0, 100, 10, description=say("light"), layout=wide)
        self.arm = widgets.Button(description=say("arm"), button_style="success", icon="unlock")
        self.stop = widgets.Button(description=say("stop"), button_style="warning", icon="stop")
        self.emergency = widgets.Button(
            description=say("EMERGENCY STOP"),
            button_style="danger",
            icon="hand-paper-o",
            layout=widgets.Layout(width="200px", height="56px"),
        )
        self.status = widgets.HTML()
        self.trace = widgets.HTML()
        # It counts in the browser, which is all that is wanted of it.
        self.ticks = widgets.Play(
            interval=TICK_MS, min=0, max=1_000_000_000, layout={"display": "none"}
        )
        self.arm.on_click(lambda _: self._arm())
        self.stop.on_click(lambda _: self._halt())
        self.emergency.on_click(lambda _: self._emergency_stop())
        self.throttle.observe(lambda change: self._throttled(change["new"]), "value")
        self.light.observe(lambda change: self._service.shine(change["new"]), "value")
        self.ticks.observe(lambda _: self._tick(), "value")
        buttons = widgets.HBox([self.arm, self.stop])
        left = widgets.VBox([self.emergency, buttons, self.throttle, self.light])
        self.widget = widgets.VBox(
            [widgets.HBox([left, self.status]), self.trace, self.ticks],
        )
        self.show()

    def show(self) -> None:
        """Refresh what the panel tells."""
        state = self._service.state
        latched = state is None or state.latched
        stands = state is not None and state.motion in {Motion.STOPPED, Motion.FAULT}
        self.arm.disabled = not (stands and latched)
        if latched and not self.throttle.disabled:
            self.throttle.value = 0
        self.throttle.disabled = latched
        self.status.value = status_html(state, speed=self._speed(state))
        trace = self._service.trace
        if trace.count != self._traced:
            self._traced = trace.count
            summary = say("on the air: {count} messages so far", count=trace.count)
            self.trace.value = (
                f"<details open><summary>{summary}</summary>"
                f"{wire_html(trace.passed[-TRACE_LINES:])}</details>"
            )

    def knock(self) -> None:
        """Ask the browser for ticks if there are none, and refresh what the panel tells."""
        if self._now_s() - self._ticked_s >= KNOCK_EVERY_S:
            self.ticks.playing = False  # only a change from this starts the counting
            self.ticks.playing = True
            self.show()

    def _tick(self) -> None:
        now_s = self._ticked_s = self._now_s()
        if self._pulse.tick(now_s) and self.throttle.value > 0 and not self.throttle.disabled:
            self._service.drive(self.throttle.value)
            self._asked = True
        if now_s - self._shown_s >= SHOW_EVERY_S:
            self._shown_s = now_s
            self.show()

    def _arm(self) -> None:
        self.throttle.value = 0
        self._service.arm(Reason.ARMED_AT_PANEL)

    def _halt(self) -> None:
        self.throttle.value = 0
        self._service.drive(0)

    def _throttled(self, percent: int) -> None:
        if percent == 0 and self._asked:
            self._asked = False
            self._service.drive(0)

    def _emergency_stop(self) -> None:
        self._service.emergency_stop(Reason.AT_PANEL)
        self.throttle.value = 0

    def _speed(self, state: TrainState | None) -> str:
        if self._truth is not None:
            known = last_speed_mps(self._truth)
            return say("unknown yet") if known is None else f"{known:.2f} m/s"
        if state is None or state.voltage_v is None:
            return say("unknown: the hub measures none")
        from kit.sim.physics import steady_speed_mps
        from kit.sim.scenario import Train

        about = steady_speed_mps(Train(), max(0, state.power_percent), state.voltage_v)
        return say("about {speed:.1f} m/s, reckoned from power and voltage", speed=about)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)


def open_drive_panel(stage: Stage) -> DrivePanel:
    """Start a control service that is driven by hand, and open a panel for it.

    Both end when the stage closes, and with the notebook's kernel. No other control service may
    run for the train meanwhile.

    Args:
        stage: Where the hub and the brokers are.

    Raises:
        KitError: If the hub was not found.
    """
    parameters = ControlServiceParameters(train_id=stage.train_id, hub=stage.hub, by_hand=True)
    service = ControlService(parameters, settings=stage.settings)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            service.run()
        except KitError as error:
            failure.append(error)
            service.ready.set()

    thread = threading.Thread(target=run, name="hand-driven control", daemon=True)
    ended = threading.Event()

    def end() -> None:
        atexit.unregister(end)
        ended.set()
        service.stop()
        thread.join()

    thread.start()
    stage.before_closing(end)
    atexit.register(end)
    found = service.ready.wait(START_TIMEOUT_S)
    if failure:
        raise failure[0]
    if not found:
        end()
        raise MissionError(
            f"The hub was not found within {START_TIMEOUT_S:g} s", got=parameters.hub
        )
    panel = DrivePanel(service, truth=stage.truth)

    def keep_knocking() -> None:
        while not ended.wait(KNOCK_EVERY_S):
            panel.knock()

    threading.Thread(target=keep_knocking, name="drive panel", daemon=True).start()
    return panel


def status_html(state: TrainState | None, *, speed: str) -> str:
    """Return what the panel tells of the train as HTML.

    Args:
        state: The train's state; None before it has told.
        speed: Its speed, in words.
    """
    if state is None:
        return f"<b>{say('looking for the hub')}</b>"
    held = f" · {say('latched')}" if state.latched else ""
    battery = say("unknown") if state.battery_percent is None else f"{state.battery_percent} %"
    voltage = "" if state.voltage_v is None else f", {state.voltage_v:.2f} V"
    radio = say("unknown") if state.rssi_dbm is None else f"{state.rssi_dbm} dBm"
    rows = {
        say("why"): told(state.reason),
        say("power"): f"{state.power_percent} %",
        say("speed"): speed,
        say("battery"): battery + voltage,
        say("signal at the hub"): radio,
    }
    cells = "".join(
        f'<tr><td style="opacity:.65;padding-right:12px">{name}</td>'
        f"<td>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    colour = _COLOURS.get(state.motion, _RED)
    title = f'<b style="font-size:150%;color:{colour}">{translated(state.motion)}{held}</b>'
    return f'<div style="line-height:1.5;margin-left:24px">{title}<table>{cells}</table></div>'


def last_speed_mps(truth: Path) -> float | None:
    """Return the newest speed in the virtual set's file, metres a second; None before the first.

    Args:
        truth: The file, which is being written.
    """
    try:
        with truth.open("rb") as file:
            file.seek(max(0, truth.stat().st_size - _TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return None
    for line in reversed(lines):
        fact = _parsed(line)
        if fact.get("kind") == "physics":
            return float(fact["speed_mps"])
    return None


def _parsed(line: bytes) -> dict[str, Any]:
    """Read one line; the first one of a tail may be torn."""
    try:
        fact = json.loads(line)
    except ValueError:
        return {}
    return fact if isinstance(fact, dict) else {}

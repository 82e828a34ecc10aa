"""The train under way: services start, the train is armed, watched, and ended in order."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from kit.errors import BrokerError, KitError, MissionError
from kit.events import Action, Command, Event, Frame, Origin, Prediction
from kit.messaging.mqtt import MqttClient
from kit.reasons import Reason
from kit.runtime.crew import Crew, build_members
from kit.runtime.interrupts import Interrupts
from kit.runtime.members import Member
from kit.runtime.memory import MemoryWatch
from kit.runtime.monitor import Monitor
from kit.runtime.plan import Plan
from kit.runtime.recorder import Recorder
from kit.runtime.stack import Stack
from kit.runtime.truth import Truth
from kit.runtime.view import Display, View
from kit.services.operator import Operator
from kit.sim.scenario import Scenario

READY_TIMEOUT_S = 120.0
"""How long all services together may take until frames flow from end to end, seconds."""

SETTLE_S = 2.0
"""How long a mission goes on after the train has stopped or derailed, seconds."""

STAND_TIMEOUT_S = 5.0
"""How long the train may take to stand once the services have ended, seconds."""

TICK_S = 0.25
"""How often what is shown is refreshed, seconds."""

COUNTDOWN = "Countdown"
"""Phase in which everything is ready and the train is not armed yet."""

HALTED = "halted"
"""Why a mission is over whose train stopped by itself; it then counts as a failure."""

_GOODBYE_S = 1.0
_MAX_REASON = 200


class Flight:
    """Flies one mission on a stack that stands.

    Args:
        plan: The mission.
        stack: What it stands on.
        scenario: The virtual set's scenario; None off the virtual track.
        run_dir: Folder of the run.
        recorder: Gets every event.
        interrupts: Tells of impatience at the end.
        display: Shows the mission to people.

    Attributes:
        ended_by: ``stopped``, ``derailed``, ``finished``, ``seconds``, ``interrupt`` or
            ``failure``.
        error: What went wrong first; None if nothing has.
    """

    def __init__(
        self,
        plan: Plan,
        stack: Stack,
        *,
        scenario: Scenario | None,
        run_dir: Path,
        recorder: Recorder,
        interrupts: Interrupts,
        display: Display,
    ) -> None:
        self.ended_by = "failure"
        self.error: KitError | None = None
        self._plan = plan
        self._stack = stack
        self._scenario = scenario
        self._recorder = recorder
        self._interrupts = interrupts
        self._display = display
        self._phase = ""
        self._armed_s = 0.0
        self._memory_mb = 0.0
        self._ending = False
        self._monitor = Monitor(since=datetime.now(UTC))
        self._truth = Truth(stack.truth, on_change=self._monitor.wake) if stack.truth else None
        self._crew = Crew(
            lambda on_end: build_members(plan, stack, run_dir=run_dir, on_end=on_end),
            on_loss=self._lost,
        )
        url = stack.settings.mqtt_url
        assert url is not None  # the stack names all brokers
        self._train_id = stack.settings.train_id
        self._client = MqttClient(
            url.get_secret_value(),
            service="runtime",
            train_id=self._train_id,
            ca_file=stack.settings.mqtt_ca_file,
        )
        self._operator = Operator(
            train_id=self._train_id, settings=stack.settings, service="operator"
        )

    def fly(self) -> None:
        """Fly the mission; whatever happens, the services have ended when this returns."""
        with ExitStack() as stack:
            stack.enter_context(self._client)
            stack.enter_context(self._operator)
            stack.enter_context(MemoryWatch(self._note_memory))
            if self._truth:
                stack.enter_context(self._truth)
            self._client.subscribe(f"train/{self._train_id}/#", self._receive)
            self._client.on_connection(self._connection_changed)
            try:
                self._start()
                self._arm()
                self._watch()
            except KeyboardInterrupt:
                self.ended_by = "interrupt"
                self.fail(MissionError(Reason.INTERRUPTED))
            except KitError as error:
                self.fail(error)
            finally:
                self._interrupts.shield()
                self._end()

    def fail(self, error: KitError) -> None:
        """Stop the train at once and end the mission; safe from any thread."""
        if self.error is not None:
            return
        self.error = error
        reason = Reason.MISSION_FAILED.say(problem=error.problem)[:_MAX_REASON]
        self._client.publish(
            Command(
                train_id=self._train_id,
                action=Action.EMERGENCY_STOP,
                reason=reason,
                origin=Origin.SUPERVISOR,
            )
        )
        self._recorder.note("failed", error=str(error))
        self._monitor.wake()

    def _lost(self, member: Member) -> None:
        self.fail(member.error or MissionError(f"The service '{member.name}' ended by itself"))

    def _connection_changed(self, connected: bool) -> None:  # noqa: FBT001  # the client's way
        if not connected and not self._ending:
            self.fail(
                BrokerError(
                    Reason.BROKER_LOST.say(address=self._client.address),
                    fix=Reason.FIX_BROKER,
                )
            )

    def _receive(self, event: Event, received_ns: int) -> None:
        self._recorder.receive(event, received_ns)
        self._monitor.receive(event, received_ns)

    def _start(self) -> None:
        self._enter("Starting the services")
        self._crew.start()
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._ready():
            self._wait_and_show(deadline)
            if time.monotonic() >= deadline:
                raise MissionError(
                    Reason.NOT_AT_WORK.say(seconds=f"{READY_TIMEOUT_S:g}"),
                    got=self._missing(),
                    fix="read the executed notebooks and the logs in the run's folder",
                )

    def _arm(self) -> None:
        self._enter("Arming the train")
        state = self._operator.wait_for_standing()
        self._count_down()
        if self.error is not None:  # its emergency stop has made a challenge newer than this one
            raise self.error
        self._operator.arm(answering=state)
        self._armed_s = time.monotonic()
        self._recorder.note("armed")
        self._monitor.armed = True

    def _count_down(self) -> None:
        """Let people get ready; a stop meanwhile makes a newer challenge than the one answered."""
        if self._plan.countdown_s:
            self._enter(COUNTDOWN)
            deadline = time.monotonic() + self._plan.countdown_s
            while time.monotonic() < deadline:
                self._wait_and_show(deadline)

    def _watch(self) -> None:
        self._enter("Under way")
        deadline = self._armed_s + self._plan.seconds
        while time.monotonic() < deadline:
            why = self._why_over()
            if why and not self._over_since(why):
                deadline = min(deadline, time.monotonic() + SETTLE_S)
            self._wait_and_show(deadline)
        if self.ended_by == HALTED:
            state = self._monitor.state
            raise MissionError(
                Reason.HALTED,
                got=state.reason if state else None,
                fix=Reason.FIX_LATENESS,
            )
        if self.ended_by == "failure":
            self.ended_by = "seconds"

    def _over_since(self, why: str) -> bool:
        """Note why the mission is over; return whether that had been noted before."""
        if self.ended_by == why or (self._plan.stay and why != "derailed"):
            return True
        self.ended_by = why
        return False

    def _why_over(self) -> str | None:
        if self._truth and self._plan.on_track:
            if self._truth.derailed:
                return "derailed"
            if self._has_finished():
                return "finished"
        if self._monitor.stopped_by_decision and (self._truth is None or self._truth.stands):
            return "stopped"
        return HALTED if self._monitor.halted else None

    def _has_finished(self) -> bool:
        ends_after_m = self._scenario.ends_after_m if self._scenario else None
        physics = self._truth.physics if self._truth else None
        return (
            ends_after_m is not None
            and physics is not None
            and (physics.position_m >= ends_after_m)
        )

    def _end(self) -> None:
        self._ending = True
        self._enter("Ending the services")
        stuck = self._crew.end(status=self._monitor.status, impatient=self._interrupts.impatient)
        if stuck:
            self.fail(MissionError(f"{', '.join(stuck)} did not end when asked and was killed"))
        truth = self._truth
        if truth and not self._monitor.wait_for(
            lambda: truth.physics is None or truth.stands, timeout_s=STAND_TIMEOUT_S
        ):
            self.fail(MissionError("The train still moves although all services have ended"))
        if self.error is not None and self.ended_by != "interrupt":
            self.ended_by = "failure"
        self._client.flush(_GOODBYE_S)

    def _ready(self) -> bool:
        return not self._missing()

    def _missing(self) -> str:
        """Return what is not at work yet, in words; empty if all is."""
        absent = [name for name in self._crew.members if self._monitor.status(name) != "online"]
        if absent:
            return f"no sign of life from {', '.join(absent)}"
        if not self._monitor.count(Frame):
            return "no frame"
        if not self._monitor.count(Prediction):
            return "no prediction"
        if self._monitor.command is None:
            return "no command"
        if self._monitor.state is None:
            return "no word from the train"
        return ""

    def _wait_and_show(self, deadline_s: float) -> None:
        """Wait for a tick at most, then show what is; raise what has gone wrong meanwhile."""
        wait_s = min(TICK_S, max(0.0, deadline_s - time.monotonic()))
        self._monitor.wait_for(lambda: self.error is not None, timeout_s=wait_s)
        self._show()
        if self.error is not None:
            raise self.error

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self._recorder.note("phase", phase=phase)
        self._show()

    def _note_memory(self, total_mb: float, processes: int) -> None:
        self._memory_mb = total_mb
        self._recorder.note("memory", total_mb=round(total_mb, 1), processes=processes)

    def _show(self) -> None:
        monitor, physics = self._monitor, self._truth.physics if self._truth else None
        on_track = physics if self._plan.on_track else None
        self._display.show(
            View(
                phase=self._phase,
                services={n: monitor.status(n) or "starting" for n in self._crew.members},
                elapsed_s=time.monotonic() - self._armed_s if self._armed_s else 0.0,
                seconds=self._plan.seconds,
                frames=monitor.count(Frame),
                fps=monitor.fps,
                latency_ms=monitor.latency_ms,
                action=monitor.command.action if monitor.command else None,
                reason=monitor.command.reason if monitor.command else "",
                motion=monitor.state.motion if monitor.state else None,
                speed_mps=on_track.speed_mps if on_track else None,
                distance_m=on_track.distance_to_danger_m if on_track else None,
                memory_mb=self._memory_mb,
                console_url=self._stack.console_url,
            )
        )

"""A train of the virtual set that goes round and round while a notebook works.

Services run as plain processes over a real broker, as in a mission. An operator arms the train
again whenever it was held up, until the notebook waits for a stop: then it is left standing. This
is for the virtual set alone; a real train is armed by a person who sees the track.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from kit.child import Child
from kit.config import Settings
from kit.errors import HubError, KitError, MissionError
from kit.events import (
    Action,
    Command,
    Event,
    Frame,
    ModelChange,
    ModelStatus,
    Motion,
    Origin,
    Prediction,
    TrainState,
)
from kit.learning.laps import Halt, read_loop, read_notes
from kit.messaging.mqtt import MqttClient
from kit.runtime.plan import Plan
from kit.runtime.stack import running_stack
from kit.runtime.truth import Truth
from kit.services.operator import Operator
from kit.vision.frames import decode_jpeg

TRUTH = "truth.jsonl"
"""Name of the virtual set's file in the train's folder."""

READY_TIMEOUT_S = 60.0
"""How long a service may take to start, seconds."""

REMEMBERED = 100
"""How many of the latest frames are remembered."""

_TICK_S = 0.2


class CirclingTrain:
    """A train that goes round; begin with :meth:`start`, end with :meth:`close`.

    Args:
        folder: Gets logs and the virtual set's notes.
        scenario: Of the virtual set: a loop with one sign that asks for a stop.
        seed: Varies it.
        fps: Frames a second.
        inference: Parameters of the inference service.
        settings: What is configured; brokers that it does not name are started.

    Attributes:
        loop: The track.
        truth: The virtual set's notes.
        settings: With all brokers named.
        halts: Where it came to stand so far, whatever the cause.
        changes: What became of models, with the time at which it was told.
    """

    def __init__(
        self,
        folder: Path,
        *,
        scenario: Path,
        seed: int,
        fps: float = 10.0,
        inference: Mapping[str, Any],
        settings: Settings,
    ) -> None:
        self.truth = folder / TRUTH
        self.settings = settings
        self.halts: list[Halt] = []
        self.changes: list[tuple[int, ModelChange]] = []
        self.loop = read_loop(scenario, seed=seed)
        self._folder = folder
        self._plan = Plan.parse(scenario=str(scenario), seed=seed, fps=fps, console=False)
        self._inference = inference
        self._changed = threading.Condition()
        self._frames: OrderedDict[str, Frame] = OrderedDict()
        self._seen: OrderedDict[str, Prediction] = OrderedDict()
        self._order: Command | None = None
        self._under_way = False
        self._is_stopping = False
        self._stays = False
        self._ended = threading.Event()
        self._failure: KitError | None = None
        self._trouble = ""
        self._physics = Truth(self.truth, on_change=self._wake)
        self._resources = ExitStack()

    @property
    def position_m(self) -> float:
        """Where the train is along the track; in a loop it goes on counting."""
        physics = self._physics.physics
        return physics.position_m if physics else 0.0

    @property
    def passes(self) -> int:
        """How often it has gone past the sign."""
        return self.loop.passes(self.position_m)

    def start(self) -> Self:
        """Start brokers, virtual set and services, and let the train go.

        Raises:
            KitError: If something does not start.
        """
        with ExitStack() as resources:
            stack = resources.enter_context(
                running_stack(
                    self._plan, settings=self.settings, logs=self._folder, truth=self.truth
                )
            )
            self.settings = stack.settings
            train_id = self.settings.train_id
            services: dict[str, dict[str, Any]] = {
                "control": {"hub": stack.hub},
                "decision": {},
                "inference": dict(self._inference),
                "capture": {"source": stack.source, "fps": self._plan.fps},
            }
            children = [
                resources.enter_context(self._service(name, {"train_id": train_id, **values}))
                for name, values in services.items()
            ]
            for child in children:
                child.ready(timeout_s=READY_TIMEOUT_S)
            resources.enter_context(self._physics)
            self._operator = resources.enter_context(
                Operator(train_id=train_id, settings=self.settings, service="operator")
            )
            assert self.settings.mqtt_url is not None
            client = MqttClient(
                self.settings.mqtt_url.get_secret_value(),
                service="notebook",
                train_id=train_id,
                ca_file=self.settings.mqtt_ca_file,
            )
            resources.enter_context(client)
            client.subscribe(f"train/{train_id}/#", self._receive)
            driver = threading.Thread(target=self._drive, name="driver", daemon=True)
            driver.start()
            resources.callback(driver.join)
            resources.callback(self._ended.set)
            self._resources = resources.pop_all()
        return self

    def go_past(self, times: int, *, timeout_s: float = 240.0) -> list[Halt]:
        """Let it go past the sign, and arm it again if it stops.

        Args:
            times: How often.
            timeout_s: How long that may take, seconds.

        Returns:
            Where it came to stand meanwhile.

        Raises:
            MissionError: If it took longer.
        """
        so_far, wanted = len(self.halts), self.passes + times
        self._wait_for(lambda: self.passes >= wanted, timeout_s, f"pass the sign {times} times")
        return self.halts[so_far:]

    def wait_for_stop(self, *, timeout_s: float = 240.0) -> Halt:
        """Wait until it stops for a sign, and leave it standing.

        Args:
            timeout_s: How long that may take, seconds.

        Raises:
            MissionError: If it took longer.
        """
        so_far = len(self.halts)
        self._stays = True

        def obeyed() -> list[Halt]:
            return [halt for halt in self.halts[so_far:] if halt.label is not None]

        self._wait_for(lambda: bool(obeyed()), timeout_s, "stop for a sign")
        return obeyed()[0]

    def shows(self, halt: Halt) -> tuple[str, ...]:
        """Return the labels of the signs that truly stood in the picture that settled a stop."""
        if halt.captured_ns is None:
            return ()
        for note in read_notes(self.truth, "frame"):
            if note["captured_ns"] == halt.captured_ns:
                return tuple(sign["label"] for sign in note["truth"] if sign["label"])
        return ()

    def close(self) -> None:
        """Stop the train and end what was started."""
        self._resources.close()

    def _service(self, name: str, values: Mapping[str, Any]) -> Child:
        return Child.module(
            "kit.services",
            name,
            "--parameters",
            json.dumps(values),
            name=name,
            env=self.settings.environment(),
            log=self._folder / f"{name}.log",
        )

    def _wait_for(self, happened: Callable[[], bool], timeout_s: float, what: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or happened(), timeout_s)
        if self._failure is not None:
            raise self._failure
        if not happened():
            raise MissionError(
                f"The train did not {what} within {timeout_s:g} s",
                got=self._trouble or self._rolled_back() or self._last_halt(),
                fix=f"give this computer less to do, or read the logs in {self._folder}",
            )

    def _rolled_back(self) -> str:
        """Tell which model had to give way again and why, if that came last; else nothing."""
        change = self.changes[-1][1] if self.changes else None
        if change is None or change.status is not ModelStatus.ROLLED_BACK:
            return ""
        return f"model {change.model} was rolled back: {change.reason}"

    def _last_halt(self) -> str:
        return self.halts[-1].reason if self.halts else "it was not held up"

    def _drive(self) -> None:
        """Arm it whenever it stands and is not to be left standing."""
        while not self._ended.is_set():
            state = self._operator.state
            stands = state is not None and state.latched and state.motion is Motion.STOPPED
            if stands and not self._is_left_standing():
                try:
                    self._operator.arm()
                except HubError as error:  # held up again before it was off: try once more
                    self._trouble = error.problem
                except KitError as error:
                    self._fail(error)
                    return
            with self._changed:
                self._changed.wait(_TICK_S)

    def _is_left_standing(self) -> bool:
        # A decision to stop holds for some seconds; armed before that, it would stop again.
        obeyed = bool(self.halts) and self.halts[-1].label is not None
        return self._under_way or self._is_stopping or (self._stays and obeyed)

    def _fail(self, error: KitError) -> None:
        if not self._ended.is_set():
            self._failure = error
            self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _receive(self, event: Event, received_ns: int) -> None:
        with self._changed:
            if isinstance(event, Frame):
                _remember(self._frames, event.frame.frame_id, event)
            elif isinstance(event, Prediction):
                _remember(self._seen, event.frame.frame_id, event)
            elif isinstance(event, ModelChange):
                self.changes.append((received_ns, event))
            elif isinstance(event, Command):
                self._take_command(event)
            elif isinstance(event, TrainState):
                self._take_state(event, received_ns)
            self._changed.notify_all()

    def _take_command(self, command: Command) -> None:
        stops = command.action is Action.STOP and command.origin is Origin.DECISION
        if command.origin is Origin.DECISION:
            self._is_stopping = stops
        if stops and self._under_way and self._order is None:
            self._order = command

    def _take_state(self, state: TrainState, received_ns: int) -> None:
        if not state.latched:
            if not self._under_way:
                self._order = None
            self._under_way = True
        elif self._under_way and state.motion is Motion.STOPPED:
            self._under_way = False
            self.halts.append(self._halt(state, received_ns))

    def _halt(self, state: TrainState, received_ns: int) -> Halt:
        order = self._order
        if order is None or order.frame is None:
            return Halt(received_ns, self.position_m, None, state.reason)
        frame = self._frames.get(order.frame.frame_id)
        seen = self._seen.get(order.frame.frame_id)
        return Halt(
            received_ns,
            self.position_m,
            order.label,
            order.reason,
            order.frame.captured_ns,
            decode_jpeg(frame.image) if frame else None,
            seen.detections if seen else (),
            seen.model if seen else "",
        )


def _remember(kept: OrderedDict[str, Any], name: str, event: Event) -> None:
    kept[name] = event
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)

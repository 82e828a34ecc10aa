"""How long the controller takes from a stop command to the write of the brake, in a ramp."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kit.bench.figures import Figures
from kit.bench.stand import TRAIN_ID, Stand, stand
from kit.events import Action, Command, FrameStamp, Motion, Stage, TrainState
from kit.messaging.mqtt import MqttClient

LIMIT_MS = 5.0
"""Promised: 99 of 100 stops are written within this time after the command came."""

PATIENCE_S = 20.0
"""How long to wait for one step of a trial, seconds."""

SLOW_RAMP = {"rules": {"ramp_percent_per_s": 60}}
"""Parameters of the control service with which a ramp lasts longer than the wait before a stop."""

_WAIT_S = (0.05, 0.4)
_RENEW_EVERY_S = 0.1
_ASK_EVERY_S = 0.02


@dataclass(frozen=True)
class StopTrials:
    """What the trials gave.

    Attributes:
        written_ms: From the command's arrival in the control service until the brake had been
            given to the Bluetooth system, one a trial.
        at_hub_ms: Until the hub had got the brake.
        mid_ramp: Trials in which the motor had power and the ramp was not over.
        power_after: Trials in which any power followed the brake before the next arming.
        void: Trials that do not count, since the train had stopped before the command came, as
            it does when a busy machine is late.
    """

    written_ms: list[float]
    at_hub_ms: list[float]
    mid_ramp: int
    power_after: int
    void: int = 0

    @property
    def ok(self) -> bool:
        """Whether the promise holds."""
        return Figures.of(self.written_ms).p99 <= LIMIT_MS and self.power_after == 0

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {
            "limit_ms": LIMIT_MS,
            "ok": self.ok,
            "written": Figures.of(self.written_ms).as_dict(),
            "at_hub": Figures.of(self.at_hub_ms).as_dict(),
            "mid_ramp": self.mid_ramp,
            "power_after_brake": self.power_after,
            "void": self.void,
        }


def measure_stops(trials: int, *, told: Callable[[int], None] = lambda _: None) -> StopTrials:
    """Stop a train that is speeding up, again and again, each time at another moment.

    Args:
        trials: How often.
        told: Called after each trial with how many there were.

    Raises:
        KitError: If something does not start, or the train does not answer.
    """
    with stand((), control=SLOW_RAMP) as it:
        url = it.settings.mqtt_url
        assert url is not None
        found = StopTrials([], [], 0, 0)
        with MqttClient(url.get_secret_value(), service="decision", train_id=TRAIN_ID) as client:
            while len(found.written_ms) < trials:
                before, found = found, _trial(it, client, found)
                if found.void == before.void:
                    told(len(found.written_ms))
    return found


def _trial(it: Stand, client: MqttClient, found: StopTrials) -> StopTrials:
    it.operator.arm(timeout_s=PATIENCE_S)
    it.log.forget()
    _set_off(it, client)
    end = time.monotonic() + random.uniform(*_WAIT_S)
    while (left_s := end - time.monotonic()) > 0:
        time.sleep(min(left_s, _RENEW_EVERY_S))
        client.publish(_command(Action.CRUISE))
    stop = _command(Action.STOP)
    client.publish(stop)
    state = it.operator.wait_for(lambda s: s.frame == stop.frame or _stands(s), PATIENCE_S)
    received_ns = state.marks.get(Stage.COMMAND_RECEIVED, 0)
    braked_before = any(write.brakes and write.at_ns < received_ns for write in it.log.writes())
    if state.frame != stop.frame or braked_before:
        it.operator.wait_for(_stands, PATIENCE_S)
        return replace(found, void=found.void + 1)
    brake = it.log.first_brake(since_ns=received_ns, timeout_s=PATIENCE_S)
    it.operator.wait_for(_stands, PATIENCE_S)
    writes = it.log.writes()
    before = [write.power for write in writes if write.at_ns < brake.at_ns]
    after = [write for write in writes if write.at_ns > brake.at_ns and not write.brakes]
    return StopTrials(
        [*found.written_ms, (state.marks[Stage.ACTED] - received_ns) / 1e6],
        [*found.at_hub_ms, (brake.at_ns - received_ns) / 1e6],
        found.mid_ramp + is_mid_ramp(before),
        found.power_after + bool(after),
        found.void,
    )


def _set_off(it: Stand, client: MqttClient) -> None:
    """Ask a train to cruise until it does; a busy machine makes a command too old to follow."""
    patience_ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < patience_ends:
        state = it.operator.state
        if state is not None and (state.latched or state.motion is Motion.CRUISING):
            return
        client.publish(_command(Action.CRUISE))
        time.sleep(_ASK_EVERY_S)
    it.operator.wait_for(lambda s: s.motion is Motion.CRUISING, 0)  # raises, and says its state


def is_mid_ramp(powers: list[int]) -> bool:
    """Return whether a motor was still speeding up: it had power, and the last write added some.

    Args:
        powers: What it was given, in order.
    """
    return len(powers) > 1 and powers[-1] > powers[-2] and powers[-1] < _FULL_PERCENT


_FULL_PERCENT = 50  # less than what any battery makes of the power to cruise


def _stands(state: TrainState) -> bool:
    return state.latched and state.motion is Motion.STOPPED


def _command(action: Action) -> Command:
    frame = FrameStamp.new(
        sequence=0, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
    )
    return Command(train_id=TRAIN_ID, action=action, reason=f"bench: {action}", frame=frame)

"""One mission in simulated time: the same decision and controller, faster than life.

Real are the decision, the controller, the hub's client and the bytes of LWP3, the detector on
pictures that the virtual set paints, and the physics. Simulated are the clock, the delays of
the programs and of Bluetooth, and frames that get lost: they are drawn from distributions that
:class:`Delays` states. There is no MQTT, no Kafka, no process and no radio in it.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from kit.events import (
    Action,
    Command,
    Detection,
    FrameStamp,
    Label,
    Motion,
    Origin,
    Prediction,
    Stage,
    TrainState,
    arm_proof,
)
from kit.runtime.simulated_time import SimulatedClock, run_simulated
from kit.sim.direct_link import DirectLink
from kit.sim.hub import VirtualHub
from kit.sim.journal import Journal
from kit.sim.live import LiveWorld
from kit.sim.renderer import Renderer, Truth
from kit.sim.scenario import Scenario
from kit.sim.world import World
from kit.train.controller import Controller
from kit.train.decision import DecisionParameters, Memory, decide
from kit.train.hub import Hub
from kit.vision.frames import Image, decode_jpeg, encode_jpeg

LIMIT_S = 90.0
"""Longest simulated mission, seconds."""

STANDS_FOR_S = 1.0
"""How long a train must have stood, latched, until its mission is over, seconds."""

_TRAIN, _KEY = "simulated", "a key of this simulation"
_FRAMES_BEFORE_ARMING = 5
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_P99 = 2.326  # standard deviations from the median of a normal distribution to its 99th percentile


@dataclass(frozen=True)
class Delays:
    """What takes how long.

    Attributes:
        exposure_ms: From the moment that a picture shows until it leaves the camera.
        decide_p50_ms: From there until its command reaches the controller: median.
        decide_p99_ms: The same, 99th percentile; the distribution is log-normal.
        decide_most_ms: Longer ones are cut to this.
        link_least_ms: Bluetooth, one message, one way: least.
        link_most_ms: The same: most; evenly distributed.
        lost_share: Share of the frames that get lost on their way, 0 to 1.
    """

    exposure_ms: float = 20.0
    decide_p50_ms: float = 29.0
    decide_p99_ms: float = 76.0
    decide_most_ms: float = 250.0
    link_least_ms: float = 1.0
    link_most_ms: float = 30.0
    lost_share: float = 0.01

    def decide_s(self, rng: np.random.Generator) -> float:
        """Draw how long one frame takes to become a command, seconds."""
        spread = math.log(self.decide_p99_ms / self.decide_p50_ms) / _P99
        drawn = self.decide_p50_ms * math.exp(spread * rng.standard_normal())
        return min(drawn, self.decide_most_ms) / 1000

    def link_s(self, rng: np.random.Generator) -> float:
        """Draw how long one message takes over Bluetooth, seconds."""
        return float(rng.uniform(self.link_least_ms, self.link_most_ms)) / 1000


@dataclass(frozen=True)
class SimulatedMission:
    """What came of one mission.

    Attributes:
        seed: Its seed.
        stopped: Whether it stands because of a decision to stop, and did not derail.
        derailed: Whether it derailed.
        margin_m: Way left to the danger where it ended, metres; None without a danger.
        label: The sign that it stopped for; None if it did not stop for one.
        sign_there: Whether a sign of that label really showed in the frame that settled it.
        brake_latency_ms: From the capture of that frame until the hub braked.
        frames: Frames captured.
        duration_s: Simulated time from the arming to the end.
        reason: The controller's last reason, or why it derailed.
        room: Where the set stood.
        lighting: Its light.
    """

    seed: int
    stopped: bool
    derailed: bool
    margin_m: float | None
    label: Label | None
    sign_there: bool
    brake_latency_ms: float | None
    frames: int
    duration_s: float
    reason: str
    room: str
    lighting: str


Detect = Callable[[Image], tuple[Detection, ...]]
"""Finds the signs in a ``(400, 600, 3)`` uint8 BGR picture."""


class _Brakes(Journal):
    """Keeps when the hub braked."""

    def __init__(self) -> None:
        super().__init__(None)
        self.at_ns: list[int] = []

    def note(self, kind: str, **facts: Any) -> None:
        if kind == "brake" and facts["how"] == "brake":
            self.at_ns.append(facts["t_ns"])


@dataclass
class _Progress:
    memory: Memory = field(default_factory=Memory)
    frames: int = 0
    armed_ns: int | None = None
    stop: Command | None = None
    sign_there: bool = False
    stood_since_ns: int | None = None


class _Mission:
    """One mission; see :func:`fly_simulated`."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int,
        detect: Detect,
        fps: float,
        rules: DecisionParameters,
        delays: Delays,
    ) -> None:
        self.clock = SimulatedClock()
        self._seed, self._detect, self._rules, self._delays = seed, detect, rules, delays
        self._period_ns = round(1e9 / fps)
        self._rng = np.random.default_rng([abs(seed), zlib.crc32(b"simulated delays")])
        self._renderer = Renderer(scenario, seed=seed)
        self._brakes = _Brakes()
        self._world = LiveWorld(World(scenario, seed=seed), self._brakes, now_ns=self.clock.now_ns)
        self._state: TrainState | None = None
        self._at = _Progress()

    async def fly(self) -> SimulatedMission:
        link = partial(
            DirectLink, hub=VirtualHub(self._world), delay_s=lambda: self._delays.link_s(self._rng)
        )
        async with (
            Hub("hci:simulated", link=link) as hub,
            Controller(
                hub,
                train_id=_TRAIN,
                arm_key=_KEY,
                on_state=self._keep,
                now_ns=self.clock.now_ns,
            ) as controller,
        ):
            start_ns = self.clock.now_ns()
            while not self._over(controller):
                ticks = (self.clock.now_ns() - start_ns) // self._period_ns + 1
                await self._until(start_ns + ticks * self._period_ns)
                await self._frame(controller, sequence=ticks)
                if self._at.frames >= _FRAMES_BEFORE_ARMING and self._at.armed_ns is None:
                    self._arm(controller)
            return self._outcome()

    async def _frame(self, controller: Controller, *, sequence: int) -> None:
        """Take one picture all the way to the controller; frames meanwhile are left out."""
        image, truth = self._renderer.render(self._world.state)
        await asyncio.sleep(self._delays.exposure_ms / 1000)
        captured_ns = self.clock.now_ns()
        self._at.frames += 1
        if self._rng.random() < self._delays.lost_share:
            return
        stamp = FrameStamp.new(
            sequence=sequence,
            captured_ns=captured_ns,
            captured_at=_EPOCH + timedelta(microseconds=captured_ns / 1000),
        )
        detections = self._detect(decode_jpeg(encode_jpeg(image)))
        await asyncio.sleep(self._delays.decide_s(self._rng))
        self._decide(controller, stamp, detections, truth)

    def _decide(
        self,
        controller: Controller,
        stamp: FrameStamp,
        detections: tuple[Detection, ...],
        truth: tuple[Truth, ...],
    ) -> None:
        prediction = Prediction(
            train_id=_TRAIN, frame=stamp, detections=detections, model="", provider=""
        )
        self._at.memory, decision = decide(
            self._at.memory,
            prediction,
            self._rules,
            now_ns=self.clock.now_ns(),
            latched=controller.latched,
        )
        command = Command(
            train_id=_TRAIN,
            action=decision.action,
            reason=decision.reason,
            label=decision.label,
            frame=stamp,
            marks={Stage.DECIDED: self.clock.now_ns()},
        )
        if decision.action is Action.STOP and not controller.latched and self._at.stop is None:
            self._at.stop = command
            self._at.sign_there = any(sign.label == decision.label for sign in truth)
        controller.handle(command, self.clock.now_ns())

    def _arm(self, controller: Controller) -> None:
        challenge = self._state.challenge if self._state else None
        if challenge is None or controller.motion is not Motion.STOPPED:
            return
        proof = arm_proof(_KEY, train_id=_TRAIN, challenge=challenge)
        arm = Command(
            train_id=_TRAIN, action=Action.ARM, reason="go", origin=Origin.OPERATOR, proof=proof
        )
        controller.handle(arm, self.clock.now_ns())
        self._at.armed_ns = self.clock.now_ns()

    def _over(self, controller: Controller) -> bool:
        state, now_ns = self._world.state, self.clock.now_ns()
        if now_ns > LIMIT_S * 1e9 or state.derailed or state.finished:
            return True
        stands = self._at.armed_ns is not None and controller.latched and state.speed_mps == 0
        since_ns = self._at.stood_since_ns
        self._at.stood_since_ns = (now_ns if since_ns is None else since_ns) if stands else None
        since_ns = self._at.stood_since_ns
        return since_ns is not None and now_ns - since_ns >= STANDS_FOR_S * 1e9

    def _outcome(self) -> SimulatedMission:
        world, stop, scenario = self._world.state, self._at.stop, self._renderer.scenario
        stopped = stop is not None and not world.derailed and world.speed_mps == 0
        decided_ns = stop.frame.captured_ns if stop and stop.frame else None
        brake_ns = next((t for t in self._brakes.at_ns if decided_ns and t >= decided_ns), None)
        told = self._state.reason if self._state else ""
        return SimulatedMission(
            seed=self._seed,
            stopped=stopped,
            derailed=world.derailed,
            margin_m=world.distance_to_danger_m,
            label=stop.label if stop else None,
            sign_there=self._at.sign_there,
            brake_latency_ms=(brake_ns - decided_ns) / 1e6 if brake_ns and decided_ns else None,
            frames=self._at.frames,
            duration_s=(self.clock.now_ns() - (self._at.armed_ns or 0)) / 1e9,
            reason=world.derail_reason or told,
            room=scenario.room,
            lighting=scenario.lighting,
        )

    async def _until(self, due_ns: int) -> None:
        await asyncio.sleep(max(0, due_ns - self.clock.now_ns()) / 1e9)

    def _keep(self, state: TrainState) -> None:
        self._state = state


def fly_simulated(
    scenario: Scenario,
    *,
    seed: int,
    detect: Detect,
    fps: float = 10.0,
    rules: DecisionParameters | None = None,
    delays: Delays | None = None,
) -> SimulatedMission:
    """Fly one mission in simulated time; the same arguments give the same mission.

    Args:
        scenario: What stands where.
        seed: Varies it, and draws the delays.
        detect: Finds the signs in a picture.
        fps: Frames a second.
        rules: Parameters of the decision.
        delays: What takes how long.

    Returns:
        What came of it.
    """
    mission = _Mission(
        scenario,
        seed=seed,
        detect=detect,
        fps=fps,
        rules=rules or DecisionParameters(),
        delays=delays or Delays(),
    )
    return run_simulated(mission.fly(), mission.clock)

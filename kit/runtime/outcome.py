"""What came of a run: a pure judgement of what its folder tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kit.events import Action, Label, Motion, Origin, Stage
from kit.labels import say, told, translated
from kit.runtime.run import Order, Run
from kit.runtime.truth import Physics

STAGE_NAMES: dict[Stage, str] = {
    Stage.ENCODED: "encode JPEG",
    Stage.FRAME_RECEIVED: "frame over MQTT",
    Stage.DECODED: "decode",
    Stage.INFERRED: "detect",
    Stage.PREDICTION_RECEIVED: "prediction over MQTT",
    Stage.DECIDED: "decide",
    Stage.COMMAND_RECEIVED: "command over MQTT",
    Stage.ACTED: "act",
}
"""What a frame goes through before it reaches each mark, in order."""

FAILED = "The mission failed; the train stands."
"""Verdict of a mission that something broke."""

STOP_LABELS = frozenset({Label.STOP, Label.DANGER_AHEAD})
"""Signs that ask for a stop."""


@dataclass(frozen=True)
class Percentiles:
    """Spread of some durations, milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values_ms: Sequence[float]) -> Percentiles | None:
        """Return the percentiles of some durations, or None if there are none.

        Each is one of them, never between two, as in :class:`kit.bench.figures.Figures`.
        """
        if not values_ms:
            return None
        p50, p95, p99 = np.percentile(values_ms, [50, 95, 99], method="inverted_cdf")
        return cls(round(float(p50), 2), round(float(p95), 2), round(float(p99), 2))


@dataclass(frozen=True)
class Outcome:
    """The result of a mission.

    Attributes:
        ok: Whether it went as its scenario expects, with no failure and no derailment.
        verdict: The result in one sentence.
        stopped: Whether the train stands because a sign asked for it, and did not derail.
        derailed: Whether it derailed.
        stop_label: The sign that the stop was decided on; None if it was not decided.
        stop_sign_there: Whether a sign that asks for a stop really stood in the deciding
            picture; None if nobody can tell.
        stop_margin_m: Way left to the danger where it stands; None if it did not stop, or if
            there is no danger.
        frames: Frames captured.
        dropped: Frames and messages that services passed over because newer ones had come.
        latency_ms: Frame captured until the controller has acted on it; None without frames.
        brake_latency_ms: Capture of the deciding frame until the hub got the brake; None if
            it got none, or if the hub does not tell.
        stages_ms: The latency's parts by stage.
        memory_mb: Most memory that all processes held together, millions of bytes.
        duration_s: From arming to the end.
        ended_by: What ended the mission.
        error: What went wrong, or None.
        scenario: Scenario of the virtual set; None for other pictures.
        seed: Its seed.
        fps: Frames a second asked for.
        runtime: ``notebooks`` or ``processes``.
    """

    ok: bool
    verdict: str
    stopped: bool
    derailed: bool
    stop_label: str | None
    stop_sign_there: bool | None
    stop_margin_m: float | None
    frames: int
    dropped: int
    latency_ms: Percentiles | None
    brake_latency_ms: float | None
    stages_ms: dict[str, Percentiles]
    memory_mb: float | None
    duration_s: float
    ended_by: str
    error: str | None
    scenario: str | None
    seed: int
    fps: float
    runtime: str

    def as_json(self) -> dict[str, Any]:
        """Return a dictionary that JSON can hold."""
        return asdict(self)


def judge(run: Run) -> Outcome:
    """Judge a run.

    Args:
        run: What its folder tells.

    Returns:
        The outcome, from the recorded facts alone.
    """
    plan, end = run.facts("planned"), run.facts("ended")
    on_track = bool(plan.get("on_track"))
    order = stop_order(run)
    there = _sign_was_there(run, order)
    stand = _standing_after(run, order)
    derailed = on_track and run.derailed is not None
    stopped = stand is not None and not derailed
    margin = stand.distance_to_danger_m if isinstance(stand, Physics) and stopped else None
    error = end.get("error")
    met = _expected(run, plan.get("expect"), stopped=stopped)
    return Outcome(
        ok=error is None and not derailed and met and there is not False,
        verdict=_verdict(run, stopped=stopped, derailed=derailed, margin_m=margin, met=met),
        stopped=stopped,
        derailed=derailed,
        stop_label=order.label if order else None,
        stop_sign_there=there,
        stop_margin_m=round(margin, 3) if on_track and margin is not None else None,
        frames=_counter(run, "capture", "frames") or len(run.frames),
        dropped=sum(_counter(run, name, "dropped") for name in run.services),
        latency_ms=Percentiles.of([acted.latency_ms for acted in run.acted]),
        brake_latency_ms=_brake_latency_ms(run, order),
        stages_ms=_stages(run),
        memory_mb=round(max(mb for _, mb in run.memory), 1) if run.memory else None,
        duration_s=_duration_s(run),
        ended_by=end.get("ended_by", "unknown"),
        error=error,
        scenario=plan.get("scenario"),
        seed=plan.get("seed", 0),
        fps=plan.get("fps", 0.0),
        runtime=plan.get("runtime", "notebooks"),
    )


def stop_order(run: Run) -> Order | None:
    """Return the first decision to stop after the train was armed, or None."""
    armed_ns = run.when("armed")
    if armed_ns is None:
        return None
    stops = (
        order
        for order in run.orders
        if order.action is Action.STOP
        and order.origin is Origin.DECISION
        and order.received_ns >= armed_ns
    )
    return next(stops, None)


def _standing_after(run: Run, order: Order | None) -> Physics | bool | None:
    """Return where the train stood first after an order; True if only its state is known."""
    if order is None:
        return None
    if run.physics:
        later = (p for p in run.physics if p.t_ns >= order.received_ns and p.stands)
        return next(later, None)
    stands = (
        state.motion is Motion.STOPPED
        for state in run.states
        if state.received_ns >= order.received_ns
    )
    return any(stands) or None


def _sign_was_there(run: Run, order: Order | None) -> bool | None:
    visible = run.visible.get(order.captured_ns) if order and order.captured_ns else None
    return None if visible is None else bool(visible & STOP_LABELS)


def _brake_latency_ms(run: Run, order: Order | None) -> float | None:
    if order is None or order.captured_ns is None:
        return None
    brake = next((t_ns for t_ns in run.brakes if t_ns >= order.captured_ns), None)
    return None if brake is None else round((brake - order.captured_ns) / 1e6, 2)


def _stages(run: Run) -> dict[str, Percentiles]:
    parts: dict[str, list[float]] = {name: [] for name in STAGE_NAMES.values()}
    for acted in run.acted:
        before = acted.captured_ns
        for stage, name in STAGE_NAMES.items():
            if stage in acted.marks:
                parts[name].append((acted.marks[stage] - before) / 1e6)
                before = acted.marks[stage]
    spreads = {name: Percentiles.of(values) for name, values in parts.items()}
    return {name: spread for name, spread in spreads.items() if spread}


def _expected(run: Run, expect: str | None, *, stopped: bool) -> bool:
    slowed = any(state.motion is Motion.SLOWED for state in run.states)
    return {
        "stop": stopped,
        "slow": slowed and not stopped,
        "run": not stopped,
        "derail": True,  # a derailment is judged on its own, and never well
    }.get(expect or "", True)


def _verdict(run: Run, *, stopped: bool, derailed: bool, margin_m: float | None, met: bool) -> str:
    if derailed and run.derailed is not None:
        return say("The train derailed: it {reason}.", reason=told(run.derailed[1]))
    if stopped:
        return _stop_verdict(run, margin_m)
    if run.facts("ended").get("error"):
        return translated(FAILED)
    if met:
        return say("The train went its way as it should.")
    return say("The train did not do what its signs asked for in the time it had.")


def _stop_verdict(run: Run, margin_m: float | None) -> str:
    if _sign_was_there(run, stop_order(run)) is False:
        return say("The train stopped, but no sign had asked for it.")
    if margin_m is None:
        return say("The train saw the sign and stopped.")
    return say("The train stopped {way:.0f} cm before the danger.", way=margin_m * 100)


def _counter(run: Run, service: str, name: str) -> int:
    return int(run.services.get(service, {}).get("counters", {}).get(name, 0))


def _duration_s(run: Run) -> float:
    armed, ended = run.when("armed"), run.when("ended")
    return round((ended - armed) / 1e9, 1) if armed is not None and ended is not None else 0.0

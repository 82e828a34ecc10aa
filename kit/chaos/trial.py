"""One fault, tried: the train is under way, something breaks, and everyone watches."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from kit.chaos.fault import Effect, Facts, Fault, Verdict, judge
from kit.chaos.stage import Stage
from kit.errors import KitError

ATTEMPTS = 3
"""How often a train that should drive on may be tried: on a busy machine it stops by itself now
and then, since its decisions come too late, and that is no fault of the fault's."""

STAND_TIMEOUT_S = 8.0
"""How long to wait for a stand, seconds; longer than any fault allows."""

HOLD_S = 0.8
"""How long a train that stands is watched while the fault lasts, seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """A fault and what came of it.

    Attributes:
        fault: The fault.
        verdict: What came of it; None if it could not be tried.
        trouble: Why it could not be tried, or what went wrong with the trial itself.
        skipped: Whether this machine cannot bring the fault about.
        attempts: How often it was tried.
        told: The controller's reason while the fault lasted.
        seconds: How long all of it took.
    """

    fault: Fault
    verdict: Verdict | None
    trouble: str = ""
    skipped: bool = False
    attempts: int = 1
    told: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it ended as expected; one that cannot be tried here is no failure."""
        return self.skipped or (self.verdict is not None and self.verdict.ok)

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        found = asdict(self.verdict) if self.verdict else {}
        return {
            "name": self.fault.name,
            "ok": self.ok,
            "stopped_in_ms": _rounded(found.pop("stopped_in_ms", None)),
            "expected": self.fault.expected,
            "what": self.fault.what,
            "effect": self.fault.effect.value,
            **{name: _rounded(value) for name, value in found.items() if name != "ok"},
            "skipped": self.skipped,
            "trouble": self.trouble,
            "attempts": self.attempts,
            "told": self.told,
            "seconds": round(self.seconds, 1),
        }


def try_fault(stage: Stage, fault: Fault) -> Trial:
    """Try one fault.

    Args:
        stage: The services at work; they are at work again afterwards, if they can be.
        fault: The fault.

    Returns:
        What came of it.
    """
    began = time.monotonic()
    attempt, told, trouble, verdict = 0, "", "", None
    most = ATTEMPTS if fault.effect is Effect.DRIVES_ON else 1
    while attempt < most and (verdict is None or not verdict.ok):
        attempt += 1
        try:
            facts, told = _try_once(stage, fault)
            verdict = judge(fault, facts)
        except (KitError, OSError, psutil.Error) as error:
            _log.warning("The fault '%s' could not be tried: %s", fault.name, error)
            trouble, verdict = str(error), None
    return Trial(
        fault,
        verdict,
        trouble=trouble if verdict is None else "",
        attempts=attempt,
        told=told,
        seconds=time.monotonic() - began,
    )


def _try_once(stage: Stage, fault: Fault) -> tuple[Facts, str]:
    witness, ear = stage.ground.witness, stage.ground.ear
    stage.heal()
    stage.wait_flowing()
    stage.depart()
    if fault.effect is Effect.STAYS:
        stage.stop_train()
    injected_ns = time.monotonic_ns()
    with fault.inject(stage):
        _watch(stage, fault, since_ns=injected_ns)
        told = ear.state.reason if ear.state else ""
        mended_ns = time.monotonic_ns()
    if fault.from_mending:
        _await_stand(stage, since_ns=mended_ns)
        told = ear.state.reason if ear.state else ""
    oldest_ms = ear.oldest_acted_ms(injected_ns)
    recovered_ms, armed_ns = stage.recover()
    drove_again = recovered_ms is not None and stage.drive_again()
    facts = Facts(
        injected_ns=injected_ns,
        mended_ns=mended_ns,
        armed_ns=armed_ns,
        ride=witness.ride(injected_ns),
        recovered_ms=recovered_ms,
        drove_again=drove_again,
        oldest_ms=oldest_ms,
    )
    return facts, told


def _watch(stage: Stage, fault: Fault, *, since_ns: int) -> None:
    if fault.effect is Effect.STOPS and not fault.from_mending:
        _await_stand(stage, since_ns=since_ns)
    else:
        _let_pass(stage, fault.lasts_s)


def _await_stand(stage: Stage, *, since_ns: int) -> None:
    """Wait for the train to stand, and watch it a little longer."""
    witness = stage.ground.witness
    if witness.wait_for(lambda: witness.ride(since_ns).stands, timeout_s=STAND_TIMEOUT_S):
        _let_pass(stage, HOLD_S)


def _let_pass(stage: Stage, span_s: float) -> None:
    end = time.monotonic() + span_s
    stage.ground.witness.wait_for(lambda: time.monotonic() >= end, timeout_s=span_s)


def _rounded(value: Any) -> Any:
    return round(value, 3 if abs(value) < 10 else 1) if isinstance(value, float) else value

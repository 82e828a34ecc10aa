"""The rehearsal: the doctor, then the whole mission on the hardware present, within two minutes."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from kit import __version__
from kit.config import Settings
from kit.presenting.check import Check, State, Wanted
from kit.presenting.commanding import Ended, run_command
from kit.presenting.doctor import EXAMINATIONS
from kit.runtime.mission import make_run_dir

BUDGET_S = 110.0
"""How long a rehearsal may take, seconds. What still runs then is ended, which takes a moment."""

DOCTOR_S = 45.0
"""How long the doctor may take of it, seconds."""

UNDER_WAY_S = 45.0
"""How long the train may be under way, seconds: the standard track takes half of it."""

SHEET = "rehearsal.html"
"""Name of the printable sheet in the rehearsal's folder."""

RESULT = "rehearsal.json"
"""Name of the same result for programs."""

SLOW_P95_MS = 150.0
"""Latency from capture to action that a show should keep below, milliseconds at p95: a train at
half a metre a second goes 7 cm in this time."""


@dataclass(frozen=True)
class Rehearsal:
    """What came of a rehearsal.

    Attributes:
        began: When it began.
        took_s: How long it took, seconds.
        checks: What the doctor found.
        mission: The mission's result, as ``kit demo --json`` prints it; empty if there was none.
        problems: Why it did not pass, in words; empty if it did.
        cautions: What to look at, though it passed.
        source: The camera that was used; None for the virtual set's.
        hub: The hub that was used; None for the virtual set's.
        folder: Where everything is.
        machine: Name and kind of the machine.
        version: The kit's version.
    """

    began: datetime
    took_s: float
    checks: tuple[Check, ...]
    mission: dict[str, Any]
    problems: tuple[str, ...]
    cautions: tuple[str, ...]
    source: str | None
    hub: str | None
    folder: Path
    machine: str = field(default_factory=lambda: f"{platform.node()} ({platform.machine()})")
    version: str = __version__

    @property
    def passed(self) -> bool:
        """Whether the show can go on."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "passed": self.passed,
            "problems": list(self.problems),
            "cautions": list(self.cautions),
            "took_s": round(self.took_s, 1),
            "began": self.began.isoformat(),
            "source": self.source,
            "hub": self.hub,
            "checks": [check.as_json() for check in self.checks],
            "mission": self.mission,
            "sheet": str(self.folder / SHEET),
            "folder": str(self.folder),
        }


def rehearse(
    wanted: Wanted,
    settings: Settings,
    *,
    scenario: str = "standard",
    seed: int = 1,
    out: Path | None = None,
    budget_s: float = BUDGET_S,
    runtime: Literal["notebooks", "processes"] = "notebooks",
    tell: Callable[[str], None] = lambda _words: None,
) -> Rehearsal:
    """Rehearse the show.

    Args:
        wanted: What must be there; the camera and the hub that are named, or found with
            ``hardware``, are used for the mission, else those of the virtual set.
        settings: What is configured.
        scenario: Scenario of the virtual set, where its pictures are used.
        seed: Of the scenario.
        out: Folder that gets the rehearsal's; ``rehearsals`` in the settings' ``runs_dir`` if None.
        budget_s: How long it may take, seconds; what is not done then has failed.
        runtime: What the mission runs through, as ``kit demo`` takes it.
        tell: Called with what is being done, in words.

    Returns:
        What came of it.

    Raises:
        ConfigError: If its folder cannot be made.
    """
    began, began_s = datetime.now(UTC).astimezone(), time.monotonic()
    folder = make_run_dir((out or settings.runs_dir / "rehearsals").resolve())
    log, env = folder / "logs" / "rehearsal.log", settings.environment()
    source = wanted.source or ("/dev/video0" if wanted.hardware else None)
    hub = wanted.hub or ("ble" if wanted.hardware else None)
    tell("looking at the machine, as kit doctor does")
    doctor = run_command(
        _doctor_words(wanted), log=log, env=env, deadline_s=began_s + min(DOCTOR_S, budget_s / 2)
    )
    checks = tuple(_checks(doctor))
    problems, cautions = _what_checks_say(checks, doctor)
    mission = Ended(1, {}, in_time=True)
    if not problems:  # a machine that is not ready is not worth a minute of waiting
        tell("flying the mission, as kit demo does")
        words = _mission_words(
            wanted, source=source, hub=hub, scenario=scenario, seed=seed, out=folder
        )
        words += ["--runtime", runtime]
        mission = run_command(words, log=log, env=env, deadline_s=began_s + budget_s)
        problems += _what_mission_says(mission, budget_s)
        cautions += _what_figures_say(mission.result)
    return Rehearsal(
        began=began,
        took_s=time.monotonic() - began_s,
        checks=checks,
        mission=mission.result,
        problems=tuple(problems),
        cautions=tuple(cautions),
        source=source,
        hub=hub,
        folder=folder,
    )


def _doctor_words(wanted: Wanted) -> list[str]:
    words = ["doctor", "--provider", wanted.provider]
    words += ["--hardware"] if wanted.hardware else []
    for option in ("source", "hub", "model", "registry"):
        value = getattr(wanted, option)
        words += [f"--{option}", value] if value else []
    return words


def _mission_words(
    wanted: Wanted, *, source: str | None, hub: str | None, scenario: str, seed: int, out: Path
) -> list[str]:
    words = ["demo", "--seconds", f"{UNDER_WAY_S:g}", "--out", str(out), "--seed", str(seed)]
    words += ["--scenario", scenario, "--provider", wanted.provider]
    named = {"source": source, "hub": hub, "model": wanted.model, "registry": wanted.registry}
    return words + [word for name, value in named.items() if value for word in (f"--{name}", value)]


def _checks(doctor: Ended) -> list[Check]:
    found = []
    for check in doctor.result.get("checks", []):
        state = State(check["state"])
        detail = check["detail"]
        if state is State.NOT_HERE:
            detail = detail.removeprefix("not here: ")
        found.append(Check(check["name"], state, detail, check["fix"]))
    return found


def _what_checks_say(checks: tuple[Check, ...], doctor: Ended) -> tuple[list[str], list[str]]:
    """Return problems and cautions."""
    problems = [f"{check.name}: {check.detail}" for check in checks if not check.ok]
    if not doctor.in_time or len(checks) < len(EXAMINATIONS):
        problems.append(
            "the doctor did not come to its end in time; on a new Jetson run 'kit doctor' first, "
            "which builds TensorRT's engine"
        )
    return problems, [f"{c.name}: {c.detail}" for c in checks if c.state is State.WARNING]


def _what_mission_says(mission: Ended, budget_s: float) -> list[str]:
    result = mission.result
    if not mission.in_time:
        return [f"the mission was not over after {budget_s:.0f} s, and was ended"]
    if not result:
        return [f"the mission ended without a result, exit code {mission.code}: read the log"]
    if mission.ok:
        return []
    return [str(result.get("error") or result.get("verdict"))]


def _what_figures_say(result: dict[str, Any]) -> list[str]:
    p95 = (result.get("latency_ms") or {}).get("p95")
    if p95 is not None and p95 > SLOW_P95_MS:
        found = f"slow: {p95:.0f} ms from capture to action at p95"
        return [f"{found}, {SLOW_P95_MS:.0f} would be well; close other programs"]
    return []

"""The five services of a mission: started at once, watched, and ended in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from kit.config import Settings, share_path
from kit.runtime.members import POLL_S, Member, NotebookMember, ProcessMember
from kit.runtime.parameters import (
    CaptureNotebook,
    ControlNotebook,
    DetectNotebook,
    ServiceNotebook,
)
from kit.runtime.plan import Plan
from kit.runtime.stack import Stack

NOTEBOOKS: Mapping[str, str] = {
    "capture": "10_capture_frames",
    "inference": "20_detect_signs",
    "decision": "30_decide_the_action",
    "control": "40_control_the_train",
    "streaming": "50_stream_to_the_console",
}
"""The notebook of each service, in the order of the flow."""

BRIEFING = "00_mission_briefing"
"""The notebook that runs before the services."""

DEBRIEF = "90_debrief"
"""The notebook that runs after them."""

END_TIMEOUT_S = 20.0
"""How long a service and its notebook may take to end when asked, seconds."""

_WAVES: tuple[tuple[str, ...], ...] = (
    ("control",),  # it brakes on its way out, while all others still work
    ("capture", "inference", "decision"),
    ("streaming",),  # the console shall see the others' last words
)


class Crew:
    """The services at work.

    Args:
        build: Makes the members; gets what each is to call when it has ended.
        on_loss: Called in another thread as soon as one has ended that was not asked to.
    """

    def __init__(
        self,
        build: Callable[[Callable[[Member], None]], Sequence[Member]],
        *,
        on_loss: Callable[[Member], None],
    ) -> None:
        self._on_loss = on_loss
        self._ending = threading.Event()
        self._started = False
        self.members: dict[str, Member] = {m.name: m for m in build(self._ended)}

    def start(self) -> None:
        """Start all services at once."""
        self._started = True
        for member in self.members.values():
            member.start()

    def end(self, *, status: Callable[[str], str | None], impatient: threading.Event) -> list[str]:
        """Ask all services for a clean end, wave by wave; kill what does not listen.

        Args:
            status: Tells what a service of this name last said of itself: ``online``,
                ``offline``, or None. One that has said nothing holds nothing and cannot
                listen: it is killed.
            impatient: Set when nobody wants to wait any more: then all that is left is killed.

        Returns:
            Names of services that were online and had to be killed.
        """
        self._ending.set()
        if not self._started:
            return []
        return [
            name
            for wave in _WAVES
            for name in self._end_wave(wave, status=status, impatient=impatient)
        ]

    def _end_wave(
        self,
        names: Sequence[str],
        *,
        status: Callable[[str], str | None],
        impatient: threading.Event,
    ) -> list[str]:
        wave = [self.members[name] for name in names if name in self.members]
        for member in wave:
            said = status(member.name)
            if said == "online":
                member.interrupt()
            elif said is None:
                member.kill()
        stuck = _wait(wave, impatient)
        for member in stuck:
            member.kill()
        _wait(stuck, threading.Event())
        return [member.name for member in stuck]

    def _ended(self, member: Member) -> None:
        if not self._ending.is_set():
            self._on_loss(member)


def _wait(members: Sequence[Member], impatient: threading.Event) -> list[Member]:
    """Wait for members to end; return those that have not."""
    left = list(members)
    deadline = time.monotonic() + END_TIMEOUT_S
    while left and time.monotonic() < deadline and not impatient.is_set():
        left = [member for member in left if not member.wait(POLL_S)]
    return left


def build_members(
    plan: Plan, stack: Stack, *, run_dir: Path, on_end: Callable[[Member], None]
) -> list[Member]:
    """Make the members that the plan asks for.

    Args:
        plan: The mission.
        stack: What it stands on.
        run_dir: Folder of the run, which gets executed notebooks and logs.
        on_end: Called when one has ended.

    Raises:
        ConfigError: If a notebook does not take its parameters.
    """
    return [
        _member(name, parameters, plan=plan, stack=stack, run_dir=run_dir, on_end=on_end)
        for name, parameters in service_parameters(plan, stack).items()
    ]


def service_parameters(plan: Plan, stack: Stack) -> dict[str, ServiceNotebook]:
    """Return the parameters of each service, validated."""
    train_id = stack.settings.train_id
    return {
        "capture": CaptureNotebook(
            train_id=train_id, source=stack.source, fps=plan.fps, loop=plan.source is not None
        ),
        "inference": DetectNotebook(
            train_id=train_id,
            model=plan.model,
            provider=plan.provider,
            registry=plan.registry,
            harvest=plan.harvest,
        ),
        "decision": ServiceNotebook(train_id=train_id),
        "control": ControlNotebook(
            train_id=train_id, hub=stack.hub, resume_after_s=plan.resume_after_s
        ),
        "streaming": ServiceNotebook(train_id=train_id),
    }


def notebook_member(
    name: str,
    stem: str,
    parameters: BaseModel,
    *,
    settings: Settings,
    run_dir: Path,
    on_end: Callable[[Member], None],
) -> NotebookMember:
    """Make a member that runs one of the kit's notebooks.

    Args:
        name: Name of the service, or any name for a notebook without one.
        stem: File name of the notebook without ``.ipynb``.
        parameters: Validated parameters.
        settings: What its kernel finds in its environment.
        run_dir: Folder of the run.
        on_end: Called when it has ended.

    Raises:
        ConfigError: If the notebook is missing or does not take the parameters.
    """
    return NotebookMember(
        name,
        notebook=share_path(f"notebooks/{stem}.ipynb"),
        output=run_dir / f"{stem}.ipynb",
        parameters=parameters,
        env=settings.environment(),
        log=run_dir / "logs" / f"{name}.log",
        on_end=on_end,
    )


def _member(
    name: str,
    parameters: BaseModel,
    *,
    plan: Plan,
    stack: Stack,
    run_dir: Path,
    on_end: Callable[[Member], None],
) -> Member:
    if plan.runtime == "notebooks":
        return notebook_member(
            name,
            NOTEBOOKS[name],
            parameters,
            settings=stack.settings,
            run_dir=run_dir,
            on_end=on_end,
        )
    return ProcessMember(
        name,
        parameters=parameters,
        env=stack.settings.environment(),
        log=run_dir / "logs" / f"{name}.log",
        on_end=on_end,
    )

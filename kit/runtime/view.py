"""What a mission shows of itself while it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kit.events import Action, Motion


@dataclass(frozen=True)
class View:
    """One moment of a mission, for people.

    Attributes:
        phase: What the runtime does.
        services: What each service last said of itself: ``online``, ``offline`` or ``starting``.
        elapsed_s: Since the train was armed; 0 before.
        seconds: How long the train may be under way.
        frames: Frames that came by.
        fps: Frames a second, lately.
        latency_ms: Median, capture to action, lately; None before the first.
        action: The latest decision.
        reason: Its reason.
        motion: What the train does.
        speed_mps: What it really does; None off the virtual track.
        distance_m: Way to the danger; None without one.
        memory_mb: Memory of all processes.
        console_url: Where the console is.
    """

    phase: str
    services: Mapping[str, str] = field(default_factory=dict)
    elapsed_s: float = 0.0
    seconds: float = 0.0
    frames: int = 0
    fps: float = 0.0
    latency_ms: float | None = None
    action: Action | None = None
    reason: str = ""
    motion: Motion | None = None
    speed_mps: float | None = None
    distance_m: float | None = None
    memory_mb: float = 0.0
    console_url: str | None = None


class Display(Protocol):
    """Something that shows a mission to people."""

    def show(self, view: View) -> None:
        """Show one moment; called a few times a second."""


class NoDisplay:
    """Shows nothing."""

    def show(self, view: View) -> None:
        """Do nothing."""

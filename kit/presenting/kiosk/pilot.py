"""Flies the kiosk's missions, one at a time, each in a process of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kit.config import Settings
from kit.presenting.commanding import Command
from kit.runtime.flight import READY_TIMEOUT_S
from kit.runtime.plan import Plan

CHILD = "kit.presenting.kiosk.mission_child"
"""The program of a mission."""

AROUND_S = READY_TIMEOUT_S + 60.0
"""Most time that a mission may take besides its way: to start, to end, to look back, seconds."""


class Pilot:
    """Starts missions, and tells what they do.

    Args:
        settings: Brokers, arm key and train; every mission gets them.
        log: File for what missions write besides.
        on_phase: Called with a mission's number and each phase of its runtime, from a thread.
        on_end: Called with its number and its result, from a thread: when it is known, and once
            more when the mission's process has ended; an empty one if it died.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        log: Path,
        on_phase: Callable[[int, str], None],
        on_end: Callable[[int, dict[str, Any]], None],
    ) -> None:
        self._settings = settings
        self._log = log
        self._on_phase = on_phase
        self._on_end = on_end
        self._lock = threading.Lock()
        self._command: Command | None = None
        self._thread: threading.Thread | None = None

    @property
    def flying(self) -> bool:
        """Whether a mission runs."""
        return self._thread is not None and self._thread.is_alive()

    def fly(self, plan: Plan, number: int) -> bool:
        """Start a mission.

        Args:
            plan: The mission.
            number: What to call it when something is told of it.

        Returns:
            Whether it was started; False while another one runs.
        """
        with self._lock:
            if self.flying:
                return False
            self._command = Command(
                [json.dumps(plan.model_dump(mode="json"))],
                log=self._log,
                env=self._settings.environment(),
                module=CHILD,
                hear=partial(self._hear, number),
            )
            self._thread = threading.Thread(
                target=self._wait,
                args=(number, self._command, plan.seconds + AROUND_S),
                name="pilot",
            )
            self._thread.start()
        return True

    def interrupt(self) -> None:
        """Have the mission stop its train and end, in order; safe from any thread."""
        with self._lock:
            if self._command is not None:
                self._command.interrupt()

    def wait(self) -> None:
        """Wait until no mission runs."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """End the mission and wait for its end."""
        self.interrupt()
        self.wait()

    def _wait(self, number: int, command: Command, timeout_s: float) -> None:
        self._on_end(number, command.wait(timeout_s).result)

    def _hear(self, number: int, line: str) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if isinstance(said, dict) and "phase" in said:
            self._on_phase(number, str(said["phase"]))
        elif isinstance(said, dict) and isinstance(said.get("result"), dict):
            self._on_end(number, said["result"])

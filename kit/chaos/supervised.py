"""The stage whose services are minded by a real ``kit demo``, which can be hurt itself."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from contextlib import suppress

from kit.chaos.ground import FPS, Ground
from kit.chaos.stage import READY_TIMEOUT_S, Stage
from kit.child import Child
from kit.errors import MissionError

SECONDS = 600
"""How long its mission would last, seconds."""

_END_TIMEOUT_S = 45.0
_log = logging.getLogger(__name__)


class SupervisedStage(Stage):
    """Runs ``kit demo`` on the ground's brokers, camera and hub; a context manager.

    Args:
        ground: What it stands on.
    """

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._demo: Child | None = None

    def __enter__(self) -> SupervisedStage:  # noqa: PYI034
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()

    def pid(self, name: str) -> int:
        """Return the process of the ``supervisor``; there are no others here to be hurt."""
        if name != "supervisor" or self._demo is None:
            raise MissionError("The supervised stage has no such process", got=name)
        return self._demo.pid

    def heal(self) -> None:
        """Have a mission under way."""
        if self._demo is not None and self._demo.alive:
            self.signal("supervisor", signal.SIGCONT)
        else:
            self._begin()

    def recover(self) -> tuple[float | None, int]:
        """Wait until the mission works again; if it has ended, start it again as a person would."""
        armed_ns = time.monotonic_ns()
        try:
            if not self._goes_on(armed_ns):
                self._await_services_end()
                armed_ns = time.monotonic_ns()
                self._begin()
            return self.wait_flowing(timeout_s=2 * READY_TIMEOUT_S), armed_ns
        except MissionError as error:
            _log.warning("%s", error)
            return None, armed_ns

    def arm(self) -> None:
        """Leave it to the mission, which arms the train by itself when all is ready."""

    def _goes_on(self, since_ns: int) -> bool:
        """Wait until it is clear whether the mission goes on or has ended."""

        def clear() -> bool:
            return not self._running() or (self.flows(since_ns) and not self._latched())

        return self.ground.ear.wait_for(clear, timeout_s=_END_TIMEOUT_S) and self._running()

    def _await_services_end(self) -> None:
        """Wait until whatever a mission that has ended started is gone too."""
        self._finish()
        ear = self.ground.ear
        if not ear.wait_for(lambda: ear.offline("control"), timeout_s=_END_TIMEOUT_S):
            raise MissionError("The services went on after their mission had ended")

    def _running(self) -> bool:
        return self._demo is not None and self._demo.alive

    def _begin(self) -> None:
        ground = self.ground
        self._finish()
        self._demo = Child(
            [
                *(sys.executable, "-m", "kit", "demo", "--runtime", "processes", "--no-console"),
                *("--source", ground.camera, "--hub", ground.hub, "--fps", f"{FPS:g}"),
                *("--seconds", str(SECONDS), "--stay", "--json", "--out", str(ground.folder)),
            ],
            name="supervisor",
            env=ground.settings.environment(),
            log=ground.folder / "supervisor.log",
        )

    def _finish(self) -> None:
        demo, self._demo = self._demo, None
        if demo is None:
            return
        if demo.alive:
            with suppress(ProcessLookupError):
                os.kill(demo.pid, signal.SIGCONT)
            demo.signal(signal.SIGTERM)
        demo.stop(timeout_s=_END_TIMEOUT_S)

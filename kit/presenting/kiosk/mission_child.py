"""A mission as a child process of the kiosk: it tells its phases, and at its end its result.

``python -m kit.presenting.kiosk.mission_child PLAN``, with the plan as JSON. Each line of its
output is one JSON object: ``{"phase": ...}``, ``{"result": ...}`` as soon as the result is known,
and last the result itself, as ``kit demo --json`` has it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from kit.child import announce_ready, exit_with_parent
from kit.config import Settings, validated
from kit.errors import KitError
from kit.runtime.run import MISSION
from kit.runtime.view import View

REPORTING = "Writing the report"
"""Phase of the runtime in which the result is known and saved; drawing the report takes seconds."""


class PhaseDisplay:
    """Writes a line whenever the mission comes to another phase, and the result once it is known.

    Args:
        out: Folder that gets the folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._phase = ""
        self._before = set(self._results())

    def show(self, view: View) -> None:
        """Tell the phase, if it is a new one."""
        if view.phase == self._phase:
            return
        self._phase = view.phase
        announce_ready(phase=view.phase)
        if view.phase == REPORTING:
            for path in set(self._results()) - self._before:
                announce_ready(result=json.loads(path.read_text(encoding="utf-8")))

    def _results(self) -> Iterable[Path]:
        return self._out.glob(f"[0-9]*/{MISSION}")


def main() -> int:
    """Fly the mission; return 0 only if it went as its scenario expects."""
    exit_with_parent()
    from kit.runtime.mission import result_json, run_mission
    from kit.runtime.plan import Plan

    try:
        plan = validated(Plan, json.loads(sys.argv[1]))
        out = plan.out or Settings.load().runs_dir
        outcome, run_dir = run_mission(plan, display=PhaseDisplay(out))
    except KitError as error:
        announce_ready(error=str(error))
        return 1
    announce_ready(**result_json(outcome, run_dir))
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())

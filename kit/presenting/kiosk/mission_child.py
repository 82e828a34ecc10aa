"""A mission as a child process of the kiosk: it tells its phases, and at its end its result.

``python -m kit.presenting.kiosk.mission_child PLAN``, with the plan as JSON. Each line of its
output is one JSON object: ``{"phase": ...}``, and last the result as ``kit demo --json`` has it.
"""

from __future__ import annotations

import json
import sys

from kit.child import announce_ready, exit_with_parent
from kit.config import validated
from kit.errors import KitError
from kit.runtime.view import View


class PhaseDisplay:
    """Writes a line whenever the mission comes to another phase."""

    def __init__(self) -> None:
        self._phase = ""

    def show(self, view: View) -> None:
        """Tell the phase, if it is a new one."""
        if view.phase != self._phase:
            self._phase = view.phase
            announce_ready(phase=view.phase)


def main() -> int:
    """Fly the mission; return 0 only if it went as its scenario expects."""
    exit_with_parent()
    from kit.runtime.mission import result_json, run_mission
    from kit.runtime.plan import Plan

    try:
        plan = validated(Plan, json.loads(sys.argv[1]))
        outcome, run_dir = run_mission(plan, display=PhaseDisplay())
    except KitError as error:
        announce_ready(error=str(error))
        return 1
    announce_ready(**result_json(outcome, run_dir))
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())

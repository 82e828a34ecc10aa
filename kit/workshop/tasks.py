"""The exercises of the notebooks."""

from __future__ import annotations

from collections.abc import Mapping

from kit.workshop.exercise import Exercise
from kit.workshop.tasks_day import DAY
from kit.workshop.tasks_two_hours import TWO_HOURS

EXERCISES: Mapping[str, Exercise] = {
    one.name: one for one in sorted((*TWO_HOURS, *DAY), key=lambda one: one.notebook)
}
"""Every exercise by its name, in the order of the notebooks."""

"""What the doctor tells: one check of one thing, with the way to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kit.config import Settings


class State(StrEnum):
    """How a check came out."""

    FINE = "fine"
    """It was tried, and it works."""
    WARNING = "warning"
    """It works, and somebody should look at it."""
    FAILED = "failed"
    """It must work here, and does not."""
    NOT_HERE = "not here"
    """There is no such thing at this machine, and nothing asked for it."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What, in a word or two.
        state: How it came out.
        detail: What was found, in words for people.
        fix: What to do; empty if there is nothing to do.
    """

    name: str
    state: State
    detail: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way of a show: all but a failure."""
        return self.state is not State.FAILED

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it; a thing that is not here says so in its detail."""
        absent = self.state is State.NOT_HERE
        detail = f"not here: {self.detail}" if absent else self.detail
        return {
            "name": self.name,
            "ok": self.ok,
            "state": self.state.value,
            "detail": detail,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Wanted:
    """What must be there for the show.

    Attributes:
        hardware: Whether the real camera and the real hub must be there, and on a Jetson its GPU.
        source: The camera that must work; None for whichever is found.
        hub: The hub that must answer, ``ble``, ``ble:<name or address>`` or ``hci:<transport>``;
            None for whichever is found.
        provider: Where the model must run: ``auto``, ``cpu``, ``cuda`` or ``tensorrt``.
        model: An ONNX file; the kit's own model if empty.
        registry: Folder or URL of the registry whose promoted model must be signed and whole;
            that of the settings if None.
    """

    hardware: bool = False
    source: str | None = None
    hub: str | None = None
    provider: str = "auto"
    model: str = ""
    registry: str | None = None


Examination = Callable[[Wanted, Settings], Check]
"""Looks at one thing; a `kit.errors.KitError` that it raises is a failed check."""


def absent(name: str, detail: str, *, needed: bool, fix: str) -> Check:
    """Tell of something that is missing.

    Args:
        name: What.
        detail: What was found instead.
        needed: Whether it must be there.
        fix: How to get it; told only if it must.

    Returns:
        A failure if it must be there, else the honest word that it is not.
    """
    return Check(name, State.FAILED, detail, fix) if needed else Check(name, State.NOT_HERE, detail)

"""All the trains that the console has heard of."""

from __future__ import annotations

from typing import Any

from kit.console.trains import TrainView
from kit.events import Event

TRAINS = 50
"""How many trains are kept; events of further ones are counted and left aside."""


class Board:
    """All trains."""

    def __init__(self) -> None:
        self._trains: dict[str, TrainView] = {}
        self.left_aside = 0

    @property
    def ids(self) -> list[str]:
        """Trains heard of, in order of their names."""
        return sorted(self._trains)

    def find(self, train_id: str | None) -> TrainView | None:
        """Return a train's view; without a name the first train's.

        None for a train that was not heard of: nobody may take another one for it.
        """
        if train_id is None:
            return self._trains[self.ids[0]] if self._trains else None
        return self._trains.get(train_id)

    def observe(self, event: Event, *, received_ns: int, received_s: float) -> bool:
        """Take in an event of any train; times and answer as in `TrainView.observe`."""
        view = self._trains.get(event.train_id)
        if view is None:
            if len(self._trains) >= TRAINS:
                self.left_aside += 1
                return False
            view = self._trains[event.train_id] = TrainView(event.train_id)
        return view.observe(event, received_ns=received_ns, received_s=received_s)

    def status(self, train_id: str | None, *, now_ns: int) -> dict[str, Any]:
        """Return what all are told who look at a train, ready for JSON.

        Args:
            train_id: The train; None for the first.
            now_ns: Monotonic time, nanoseconds.
        """
        view = self.find(train_id)
        return {"trains": self.ids, "train": view.status(now_ns=now_ns) if view else None}

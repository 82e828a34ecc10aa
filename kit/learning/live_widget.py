"""The browser's end of the live view: a widget, and how many pictures may be on their way to it.

Its JavaScript and its style come with the kit and travel with the widget, so it needs neither a
build step nor a network. Who waits for an answer here is only the sender of pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kit.events import Action, Motion
from kit.labels import translated

IN_FLIGHT = 2
"""How many pictures may be on their way to a browser that has not drawn them yet."""

_ROUTE = "_reply_subshell_for"
_STATIC = Path(__file__).parent / "static"


class InFlight:
    """Which pictures are on their way; not safe for several threads by itself.

    Attributes:
        watched: Whether a browser has ever said that it is there.
        drawn: Number of the picture that was drawn last; 0 before the first.
        overtaken: Pictures that reached the browser and were overtaken there.
    """

    def __init__(self) -> None:
        self.watched = False
        self.drawn = 0
        self.overtaken = 0
        self._sent = 0
        self._sent_s = 0.0

    @property
    def room(self) -> bool:
        """Whether one more may leave."""
        return self.watched and self._sent - self.drawn < IN_FLIGHT

    def send(self, now_s: float) -> int:
        """Note that one leaves; return its number, from 1.

        Args:
            now_s: Monotonic time, seconds.
        """
        self._sent += 1
        self._sent_s = now_s
        return self._sent

    def forget(self, before_s: float) -> None:
        """Wait no more for what left before a moment: a server may have dropped it.

        Args:
            before_s: Monotonic time, seconds.
        """
        if self._sent_s < before_s:
            self.drawn = self._sent

    def hear(self, words: dict[str, Any]) -> None:
        """Take in what a browser says; what makes no sense is passed over.

        Args:
            words: ``ready``, from a page that begins, or ``drawn`` with the number of the
                picture and how many were overtaken.
        """
        if words.get("say") == "ready":  # what was on its way to a page before is not awaited
            self.watched, self.drawn = True, self._sent
        elif words.get("say") == "drawn":
            number, overtaken = words.get("number"), words.get("overtaken")
            if isinstance(number, int) and isinstance(overtaken, int):
                self.drawn = min(max(self.drawn, number), self._sent)
                self.overtaken = overtaken


WORDS = (
    *Action,
    *Motion,
    "Speed limit",
    "Danger ahead",
    "Stop",
    "latched",
    "{state}: {reason}",
    "no decision yet",
    "no picture yet",
    "{time} old",
    "{rate} pictures a second · {count} left out",
    "picture {number} cannot be read: {error}",
    "boxes",
)
"""What the page itself says, in English."""


class LiveWidget(anywidget.AnyWidget):
    """Draws what it is sent; says ``ready`` and ``drawn``.

    Attributes:
        words: What stands for the page's words in the notebook's language.
    """

    words = traitlets.Dict().tag(sync=True)

    _esm = (_STATIC / "live_view.js").read_text(encoding="utf-8")
    _css = (_STATIC / "live_view.css").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__(words={word: translated(word) for word in WORDS})

    def on_words(self, hear: Callable[[dict[str, Any]], None]) -> None:
        """Have a function called with what a browser says, in a thread of the kernel's.

        Also while a cell runs, if front end and kernel know subshells (JupyterLab 4.4 and
        ipykernel 7, or newer): the front end then addresses a thread of its own.
        """
        if hasattr(self.comm, _ROUTE):
            # ipykernel 7.4 would hand it to the thread that has sent last; that is the busy one.
            setattr(self.comm, _ROUTE, lambda _data, addressed: addressed)
        self.on_msg(lambda _widget, words, _buffers: hear(words if isinstance(words, dict) else {}))

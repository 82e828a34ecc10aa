"""The kit's colours, the same on the console, in pictures and in recordings.

Blue is for a speed limit, amber for danger, red for stop.
"""

from __future__ import annotations

from kit.events import Action, Label

LABEL_COLOURS: dict[Label, str] = {
    Label.SPEED_LIMIT: "#5cc8ff",
    Label.DANGER_AHEAD: "#ffbf47",
    Label.STOP: "#ff5a48",
}
"""Colour of each class, as hexadecimal RGB."""

ACTION_COLOURS: dict[Action, str] = {
    Action.STOP: "#ff5a48",
    Action.EMERGENCY_STOP: "#ff5a48",
    Action.SLOW: "#ffbf47",
    Action.CRUISE: "#41d69a",
    Action.ARM: "#b9c6d8",
}
"""Colour of each action, as hexadecimal RGB."""

INK = "#07101c"
"""Nearly black: what is written on a colour, and the ground of the band."""

PAPER = "#eef3fa"
"""Nearly white: what is written on the band."""

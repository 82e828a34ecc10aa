"""Names for simulated people: from places where trains go, so that they are nobody's."""

from __future__ import annotations

_FIRST = (
    "Amber",
    "Brisk",
    "Calm",
    "Daring",
    "Early",
    "Fabled",
    "Gentle",
    "Hasty",
    "Iron",
    "Jolly",
    "Keen",
    "Lucky",
    "Merry",
    "Nimble",
    "Orange",
    "Patient",
)
_SECOND = (
    "Axle",
    "Boiler",
    "Coupling",
    "Driver",
    "Engine",
    "Ferry",
    "Gauge",
    "Headlamp",
    "Island",
    "Junction",
    "Kettle",
    "Lantern",
    "Morning Express",
    "Night Train",
    "Overpass",
    "Points",
    "Quay",
    "Rail",
    "Signal",
    "Tender",
    "Viaduct",
    "Whistle",
    "Yard",
)


def name_of(number: int) -> str:
    """Return the name of one person.

    Args:
        number: From 0; names repeat, with a number behind, after 368 people.
    """
    # The lists' lengths have no common factor, so going through both at once meets each pair once.
    turn, place = divmod(number, len(_FIRST) * len(_SECOND))
    name = f"{_FIRST[place % len(_FIRST)]} {_SECOND[place % len(_SECOND)]}"
    return name if turn == 0 else f"{name} {turn + 1}"

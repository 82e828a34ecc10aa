"""What faults have in common: whom they strike, and what becomes of a mission."""

SEEING = ("capture", "inference", "decision")
"""The services from the camera to the decision."""

ENDS = "The mission ends with an emergency stop. Start it again."
"""What becomes of ``kit demo`` when a service is gone."""

STANDS = (
    "The mission ends, since the train stopped for no sign. With `--stay` it waits to be armed."
)
"""What becomes of it when the train was stopped."""

GOES_ON = "Nothing: the mission goes on."
"""What becomes of it when nothing that drives the train was struck."""

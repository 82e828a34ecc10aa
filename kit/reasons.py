"""Every reason that the kit gives for what a train does, as one table of English sentences.

What says a reason takes it from here and fills its places; events carry the sentence. `read`
goes the other way, so that a page can tell the same in another language, of a recorded run and
of a train elsewhere as well. A reason's places may hold other reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple


class Reason(StrEnum):
    """Sentences, with ``{places}`` to fill; the member's name in lower case is its code."""

    # The decision, of each frame.
    NO_SIGN = "no sign in sight"
    TOO_FAR = "{label} is {height} px tall: too far yet"
    ONE_VOTE = "{label} has 1 vote: not enough yet"
    FEW_VOTES = "{label} has {votes} votes: not enough yet"
    OBEYED = "{label} was obeyed already"
    CONFIRMED = "{label} seen in {votes} of {frames} frames, {height} px tall"
    CONFIRMED_STOP = "{confirmed}: stop"
    CONFIRMED_SLOW = "{confirmed}: slow"
    STILL_STOP = "{label} was seen: stop"
    STILL_SLOW = "{label} was seen: slow for {seconds} s more"
    FRAME_TOO_OLD = "the frame is {age} ms old, more than {limit} ms"
    FRAME_TOO_EARLY = "the frame claims to be captured {ahead} ms from now"
    FRAME_OUT_OF_ORDER = "the frame is older than the one before it"
    NOT_ACTED_ON = "{why}: not acted on"
    STILL_STOPPING = "{why}; still stopping"

    # The controller: what moves the train, and what stops it.
    NOT_BRAKED = "not yet braked"
    LATCHED_AT_START = "waiting to be armed"
    ARMED_FOR_DECISION = "armed, waiting for a decision: {reason}"
    ARMED_FOR_HAND = "armed, waiting for a hand: {reason}"
    GOES_ON = "goes on by itself, waiting for a decision"
    GOES_ON_LATER = "{reason}; goes on by itself {seconds} s later"
    GOES_ON_NO_MORE = "{reason}; but something fell silent meanwhile: it waits to be armed"
    ARM_EXPIRED = "armed, but no fresh decision came"
    ARM_EXPIRED_HAND = "armed, but nobody drove"
    NO_DECISION = "no fresh decision"
    NO_HAND = "the hand that drives fell silent"
    SILENCE_SLOWS = "{silence}: slowing down"
    SILENCE_STOPS = "{silence}: stopped"
    REFUSED = "{reason} (refused: {refusal})"
    IS_LATCHED = "the train is latched"
    CAME_TOO_LATE = "it came after the silence had lasted too long"
    WAS_OLD = "the frame was {age} ms old"
    FROM_THE_FUTURE = "the frame claims to come from the future"
    NOT_NEWER = "the frame is not newer than the last one, or than the arming"
    DRIVEN_BY_HAND = "driven by hand"
    STOPPED_BY_HAND = "stopped by hand"
    SERVICE_GONE = "the service '{service}' is gone"
    CONTROLLER_ENDS = "the controller ends"
    CONTROLLER_ENDED = "the controller has ended"
    CONTROLLER_FAILED = "failed: {error}"
    DRIVING_FAILED = "driving failed: {error}"

    # The hub.
    LINK_LOST = "the Bluetooth link was lost"
    HUB_BACK = "the hub is back"
    HUB_BUTTON = "the hub's own button was pressed"
    HUB_GOES = "the hub {what}"
    HUB_REFUSED = "the hub refused a command: {what}"
    HUB_WARNS = "the hub warns of {what}"
    MOTOR_UNPLUGGED = "the motor is unplugged"
    UNCONFIRMED = "the hub does not confirm the brake"
    AND_UNCONFIRMED = "{reason}; the hub does not confirm the brake"
    AND_OUT_OF_REACH = "{reason}; the hub is out of reach"

    # People, and what stops a train for them.
    EMERGENCY_STOP = "emergency stop"
    BY_OPERATOR = "emergency stop by the operator"
    AT_CONSOLE = "emergency stop at the console"
    AT_KIOSK = "emergency stop at the kiosk"
    AT_PANEL = "emergency stop at the drive panel"
    THEIR_CAPTURE_STOP = "their page stopped the capture"
    THEIR_TRAIN_STOP = "their page stopped the train"
    THEIR_DECISION = "the older demo's decision said {word}"
    ARMED_AT_PANEL = "armed at the drive panel"
    ARMED_BY_OPERATOR = "armed by the operator"
    PAUSED_AT_CONSOLE = "paused at the console"
    RESUMED_AT_CONSOLE = "resumed at the console"
    PAUSED = "paused"
    RESET = "reset for the next visitor"
    MISSION_FAILED = "the mission failed: {problem}"

    # What a mission can end with, unasked.
    HALTED = "The train stopped, but for no sign"
    INTERRUPTED = "The mission was interrupted"
    SERVICE_ENDED = "The service '{service}' ended ({how})"
    NOTEBOOK_FAILED = "The notebook {notebook} failed"
    BROKER_LOST = "The connection to the MQTT broker at {address} was lost"
    BROKER_AWAY = "No connection to the MQTT broker at {address}"
    NOT_AT_WORK = "Not all services were at work within {seconds} s"
    TRAIN_SILENT = "The train '{train}' did not answer within {seconds} s"
    STOPPED_WHILE_ARMING = "The train was stopped again before it was armed"
    NOT_RECORDED = "The run cannot be recorded any more"
    NO_RESULT = "the mission ended without a result"

    # The virtual set, of a train that has left the track.
    AT_BROKEN_RAIL = "reached the broken rail at {place} m with {speed} m/s"
    AT_TRACK_END = "ran off the end of the track at {place} m"
    IN_CURVE = "took the curve at {place} m with {speed} m/s, it holds {limit}"

    # Services, of themselves and of their pictures.
    ENDED_BY = "ended by {what}"
    LINK_TAKES_ALL = "the link takes all pictures"
    LINK_LATE = "the link takes {rate} kbit/s, and pictures came {seconds} s late"
    LINK_OVERTAKEN = "the link takes {rate} kbit/s, and newer pictures overtook {pictures}"
    LINK_CALM = "no picture was late for {seconds} s"
    KAFKA_SILENT = "Kafka does not answer: the smallest picture looks for it"
    KAFKA_CONNECTING = "Connecting to Kafka at {address}"
    KAFKA_AWAY = "No connection to Kafka at {address}"

    # An error with all that it says (see `kit.errors`).
    WITH_ALL = "{problem}. Expected: {expected}. Got: {got}. To fix: {fix}."
    WITH_EXPECTED_GOT = "{problem}. Expected: {expected}. Got: {got}."
    WITH_EXPECTED_FIX = "{problem}. Expected: {expected}. To fix: {fix}."
    WITH_GOT_FIX = "{problem}. Got: {got}. To fix: {fix}."
    WITH_EXPECTED = "{problem}. Expected: {expected}."
    WITH_GOT = "{problem}. Got: {got}."
    WITH_FIX = "{problem}. To fix: {fix}."
    ALONE = "{problem}."
    FIX_BROKER = "the train has stopped by itself; look to the broker and fly again"
    FIX_LATENESS = "look for what kept the decisions from coming, in the report's latencies"
    FIX_CONTROL = "look whether the control service runs and has found its hub"

    @property
    def code(self) -> str:
        """Its name in the pages' catalogues."""
        return self.name.lower()

    def say(self, **places: object) -> str:
        """Return the sentence with its places filled.

        Args:
            places: A value for each.
        """
        return self.format(**places)

    @property
    def places(self) -> tuple[str, ...]:
        """Names of its places, in their order."""
        return tuple(_PLACE.findall(self))


class Reading(NamedTuple):
    """A sentence that was understood.

    Attributes:
        reason: Which it is.
        values: What fills its places.
    """

    reason: Reason
    values: dict[str, str]


_PLACE = re.compile(r"\{(\w+)\}")


def _pattern(reason: Reason) -> re.Pattern[str]:
    parts = _PLACE.split(reason)
    literal, names = parts[::2], parts[1::2]
    text = re.escape(literal[0])
    for name, after in zip(names, literal[1:], strict=True):
        text += f"(?P<{name}>.+){re.escape(after)}"
    return re.compile(text, re.DOTALL)


def _turn(reason: Reason) -> tuple[bool, bool, int]:
    """Order of trial: errors, which hold anything; what begins with words; what encloses others."""
    literal = _PLACE.sub("", reason)
    return not reason.startswith("{problem}"), reason.startswith("{"), -len(literal)


_PATTERNS = {reason: _pattern(reason) for reason in sorted(Reason, key=_turn)}


@lru_cache(maxsize=512)
def read(sentence: str) -> Reading | None:
    """Return which reason a sentence is, or None if it is none of the kit's.

    Args:
        sentence: What an event carries.
    """
    for reason, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(sentence):
            return Reading(reason, found.groupdict())
    return None


def readings(sentences: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what a page needs to tell sentences in its own language, ready for JSON.

    Args:
        sentences: Such as reasons of events; those that are none of the kit's are left out.

    Returns:
        By sentence its ``code`` and ``values``; sentences within it have entries of their own.
    """
    found: dict[str, dict[str, Any]] = {}
    todo = list(sentences)
    while todo:
        sentence = todo.pop()
        reading = read(sentence) if sentence not in found else None
        if reading is not None:
            found[sentence] = {"code": reading.reason.code, "values": reading.values}
            todo.extend(reading.values.values())
    return found

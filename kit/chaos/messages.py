"""Faults of messages: repeated, late, broken, huge and hostile ones on the train's topics."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from kit.chaos.faults import halted
from kit.chaos.intruder import Intruder, Overheard, busy
from kit.chaos.stage import Stage
from kit.errors import MissionError
from kit.events import Action, Alive, Command, FrameStamp, Origin, Prediction, TrainState, arm_proof
from kit.messaging.bindings import MqttMessage

HUGE_BYTES = 10_000_000
"""Size of a huge message, bytes."""

LATE_S = 0.15
"""How much later a message is said again to be out of order, seconds."""

_KINDS = ("frame", "prediction", "command", "state")


@contextmanager
def replayed_commands(stage: Stage) -> Iterator[None]:
    """Silence the decision, and say again what it said a moment before."""
    intruder = stage.ground.intruder
    old = itertools.cycle(one.message for one in intruder.of("command"))
    with halted(stage, name="decision"), busy(lambda: intruder.say(next(old)), every_s=0.03):
        yield


@contextmanager
def replayed_arming(stage: Stage) -> Iterator[None]:
    """Say again and again how the train was armed before."""
    intruder = stage.ground.intruder
    arms = [one.message for one in intruder.of("command") if b'"arm"' in one.message.payload]
    if not arms:
        raise MissionError("Nobody has armed the train lately, so that nothing can be replayed")
    old = itertools.cycle(arms)
    with busy(lambda: intruder.say(next(old)), every_s=0.02):
        yield


@contextmanager
def duplicated(stage: Stage) -> Iterator[None]:
    """Say everything once more, at once."""
    intruder = stage.ground.intruder

    def again(one: Overheard) -> None:
        if one.message.topic.rpartition("/")[2] in _KINDS:
            intruder.say(one.message)

    intruder.on_message = again
    try:
        yield
    finally:
        intruder.on_message = None


@contextmanager
def reordered(stage: Stage) -> Iterator[None]:
    """Say everything once more, late and in another order."""
    intruder, began_s = stage.ground.intruder, time.monotonic()
    said: set[str] = set()

    def late() -> None:
        now_s = time.monotonic()
        due = [
            one
            for kind in _KINDS
            for one in intruder.of(kind)
            if began_s < one.at_s < now_s - LATE_S and one.event_id not in said
        ]
        random.shuffle(due)
        for one in due:
            said.add(one.event_id)
            intruder.say(one.message)

    with busy(late, every_s=0.1):
        yield


@contextmanager
def stale(stage: Stage) -> Iterator[None]:
    """Claim well-formed things about frames of long ago, and of the future."""
    train_id = stage.ground.settings.train_id
    offsets_s = itertools.cycle((-3600.0, -10.0, -1.0, 1.0, 86_400.0))
    intruder = stage.ground.intruder

    def claim() -> None:
        frame = _stamp(next(offsets_s))
        intruder.claim(_cruise(train_id, frame))
        intruder.claim(
            Prediction(
                train_id=train_id, frame=frame, detections=(), model="forged", provider="none"
            )
        )

    with busy(claim, every_s=0.02):
        yield


@contextmanager
def malformed(stage: Stage) -> Iterator[None]:
    """Say what is no event at all, on every topic of the train."""
    intruder = stage.ground.intruder
    templates = [one.message for kind in _KINDS for one in intruder.of(kind)[-10:]]
    junk = list(broken_messages(templates, random.Random(1)))
    random.Random(2).shuffle(junk)
    endless = itertools.cycle(junk)
    with busy(lambda: intruder.say(next(endless)), every_s=0.005):
        yield


@contextmanager
def huge(stage: Stage) -> Iterator[None]:
    """Say something of ten million bytes on every topic of the train."""
    train_id = stage.ground.settings.train_id
    topics = itertools.cycle(f"train/{train_id}/{kind}" for kind in _KINDS)
    body = b"\xff\xd8\xff" + bytes(HUGE_BYTES)

    def shout() -> None:
        with Intruder(stage.ground.broker.url, train_id=train_id) as intruder:
            intruder.say(MqttMessage(next(topics), body, 0, False, "image/jpeg", ()))
            intruder.wait_gone()

    with busy(shout, every_s=0.1):
        yield


@contextmanager
def hostile(stage: Stage) -> Iterator[None]:
    """Try whatever might start a latched train, without the key."""
    train_id = stage.ground.settings.train_id
    intruder, rng = stage.ground.intruder, random.Random(2)

    def attack() -> None:
        state = stage.ground.ear.state
        challenge = state.challenge if state and state.challenge else ""
        for proof in (
            "0" * 64,
            challenge,
            "é" * 64,
            arm_proof("", train_id=train_id, challenge=challenge),
            arm_proof(challenge, train_id=train_id, challenge=challenge),
            f"{rng.getrandbits(256):064x}",
        ):
            if proof:
                intruder.claim(_arm(train_id, proof))
        intruder.claim(_cruise(train_id, _stamp(0.0)))
        if state is not None:
            free = {"latched": False, "challenge": None, "power_percent": 60}
            intruder.claim(TrainState.model_validate(state.model_dump() | free))
        intruder.claim(Alive(train_id=train_id, service="control"))

    with busy(attack, every_s=0.02):
        yield


def broken_messages(templates: list[MqttMessage], rng: random.Random) -> Iterator[MqttMessage]:
    """Make messages that are no events, from good ones and from nothing.

    Args:
        templates: Good messages.
        rng: Chooses what is broken and where.
    """
    for good in templates:
        cut = rng.randrange(len(good.payload) + 1)
        yield _with(good, good.payload[:cut])
        yield _with(good, rng.randbytes(rng.randrange(1, 400)))
        yield _with(good, good.payload.replace(b":", b": NaN,", 1))
        yield _with(good, good.payload.replace(b'"captured_ns"', b'"captured_n"'))
        yield _with(good, b"[" * 100_000)
        yield _with(good, b'{"action": "cruise"}')
        yield _with(good, "\ud800".encode("utf-16-le", "surrogatepass"))
        yield _with(good, b"")
        yield MqttMessage(good.topic, good.payload, 0, False, "", ())
        yield MqttMessage(
            good.topic, good.payload, 0, False, "text/plain", (*good.user_properties,) * 2
        )


def _with(good: MqttMessage, payload: bytes) -> MqttMessage:
    return MqttMessage(
        good.topic,
        payload,
        0,
        retain=False,
        content_type=good.content_type,
        user_properties=good.user_properties,
    )


def _stamp(offset_s: float) -> FrameStamp:
    captured_ns = max(0, time.monotonic_ns() + round(offset_s * 1e9))
    return FrameStamp.new(sequence=0, captured_ns=captured_ns, captured_at=datetime.now(UTC))


def _cruise(train_id: str, frame: FrameStamp) -> Command:
    return Command(train_id=train_id, action=Action.CRUISE, reason="forged", frame=frame)


def _arm(train_id: str, proof: str) -> Command:
    return Command(
        train_id=train_id, action=Action.ARM, reason="forged", origin=Origin.OPERATOR, proof=proof
    )

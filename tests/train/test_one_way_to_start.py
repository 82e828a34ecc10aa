"""A latched train starts by an authorised arming and by nothing else, whatever anybody says.

Stories are made at random: commands with arbitrary fields, proofs that were overheard or made
up, whatever can happen to a hub and to services, and time that passes. A hub that checks at each
write tells whether a train moved that must not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.events import Action, Command, FrameStamp, Label, Origin, arm_proof
from kit.train.controller import ControlParameters
from kit.train.hub_facts import HubEventKind
from kit.train.lwp3.enums import AlertType, IoType
from tests.train.fast_time import BRAKE, Play, play
from tests.train.hub_bench import ARM_KEY

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

_command = st.fixed_dictionaries(
    {
        "action": st.sampled_from([*Action, Action.ARM, Action.CRUISE]),
        "train_id": st.sampled_from(["train-1", "train-1", "train-1", "train-2"]),
        "reason": st.text(max_size=40),
        "origin": st.sampled_from(list(Origin)),
        "label": st.none() | st.sampled_from(list(Label)),
        "lease_ms": st.integers(50, 5000),
        "age_ms": st.none() | st.integers(-1000, 2000),
        "proof": st.sampled_from(
            ["replayed", "replayed", "replayed", "other train", "other key", "torn", "none"]
        )
        | st.text(max_size=64),
        "received_ns": st.integers(0, 2**62),
    }
)
_DEEDS = """lose back button alert over unplug plug going refused confirm deaf reading
    capture broker hand hiccup"""
_deed = st.sampled_from(_DEEDS.split())
_wait = st.sampled_from([0, 1, 20, 99, 300, 600, 2000, 40_000])
_step = st.tuples(st.just("say"), _command) | st.tuples(st.just("do"), _deed)
_step |= st.tuples(st.just("wait"), _wait)


class Watched:
    """A play whose hub looks at each power that it is given.

    Attributes:
        proofs: Right answers to challenges of the past.
        armings: Right answers that were given, in this story.
        used: Right answers that were given, and may have been overheard.
        wrong: Powers that a train got that must not move.
    """

    def __init__(self, it: Play) -> None:
        self.it = it
        self.proofs: list[str] = []
        self.armings = 0
        self.used: list[str] = []
        self.wrong: list[str] = []
        self._allowed: str | None = None
        self._challenge: str | None = None
        it.hub.set_power = self._set_power  # type: ignore[method-assign]

    async def _set_power(self, percent: int, /) -> None:
        self.it.hub._need_link()
        if self.it.controller.latched:
            self.wrong.append(f"power {percent} while latched")
        if self._allowed is None:
            self.wrong.append(f"power {percent} though nobody armed it")
        self.it.hub.motor.append(percent)

    def note_challenge(self) -> None:
        """Remember what would be the right answer now; a new latching ends what was allowed."""
        challenge = self.it.controller.state.challenge
        if challenge is not None and challenge != self._challenge:
            self._allowed = None
            self._challenge = challenge
            right = arm_proof(ARM_KEY, train_id="train-1", challenge=challenge)
            self.proofs.append(right)

    def arm(self) -> None:
        """Answer the challenge of now, as only an operator can."""
        if self.it.controller.state.challenge is not None:
            self.note_challenge()
            self._allowed = self._challenge
            self.armings += 1
            proof = self.it.arm().proof
            assert proof is not None
            self.used.append(proof)

    def say(self, told: dict[str, Any]) -> None:
        """Say what somebody says who has no key."""
        fields = dict(told)
        received_ns, age_ms = fields.pop("received_ns"), fields.pop("age_ms")
        if age_ms is not None:
            captured_ns = max(0, self.it.now_ns() - age_ms * 1_000_000)
            fields["frame"] = FrameStamp.new(sequence=0, captured_ns=captured_ns, captured_at=_AT)
        fields["proof"] = self._proof(fields["proof"])
        try:
            command = Command(**fields)
        except ValueError:
            return  # such a message is none
        was_latched = self.it.controller.latched
        self.it.controller.handle(command, received_ns)
        if was_latched and not self.it.controller.latched:
            self.wrong.append(f"released by {told}")

    def _proof(self, kind: str) -> str | None:
        challenge = self._challenge or ""
        match kind:
            case "replayed":
                overheard = self.used or self.proofs[:-1]
                return overheard[-1] if overheard else None
            case "other train":
                return arm_proof(ARM_KEY, train_id="train-2", challenge=challenge)
            case "other key":
                return arm_proof("no key", train_id="train-1", challenge=challenge)
            case "torn":
                return self.proofs[-1][:-1] if self.proofs else None
            case "none":
                return None
            case _:
                return kind


def _do(it: Play, deed: str) -> None:
    hub, controller = it.hub, it.controller
    deeds: dict[str, Callable[[], object]] = {
        "lose": lambda: hub.connected and hub.lose(),
        "back": lambda: hub.connected or hub.come_back(),
        "button": lambda: hub.happens(HubEventKind.BUTTON_PRESSED),
        "alert": lambda: (
            hub.facts.alerts.add(AlertType.OVER_POWER),
            hub.happens(HubEventKind.ALERT),
        ),
        "over": lambda: (hub.facts.alerts.clear(), hub.happens(HubEventKind.ALERT_OVER)),
        "unplug": lambda: (
            hub.facts.devices.pop(0, None),
            hub.happens(HubEventKind.DETACHED),
        ),
        "plug": lambda: (
            hub.facts.devices.update({0: IoType.TRAIN_MOTOR}),
            hub.happens(HubEventKind.ATTACHED),
        ),
        "going": lambda: hub.happens(HubEventKind.GOING, "will switch off"),
        "refused": lambda: hub.happens(HubEventKind.REFUSED, "overcurrent"),
        "confirm": lambda: setattr(hub, "confirms", True),
        "deaf": lambda: setattr(hub, "confirms", False),
        "reading": lambda: hub.happens(HubEventKind.READING, "voltage"),
        "capture": lambda: controller.service_lost("capture"),
        "broker": lambda: controller.service_lost("broker"),
        "hand": lambda: controller.drive_by_hand(100),
        "hiccup": lambda: setattr(hub, "fail_next_power", True),
    }
    deeds[deed]()


async def _tell(watched: Watched, story: list[tuple[str, Any]]) -> None:
    it = watched.it
    await it.wait(10)
    for kind, what in story:
        watched.note_challenge()
        if kind == "say":
            watched.say(what)
        elif kind == "do":
            _do(it, what)
        elif kind == "arm":
            watched.arm()
        else:
            await it.wait(what)
        await asyncio.sleep(0)
    watched.note_challenge()
    it.hub.facts.alerts.clear()
    it.hub.facts.devices[0] = IoType.TRAIN_MOTOR
    it.hub.confirms, it.hub.fail_next_power = True, False
    if not it.hub.connected:
        it.hub.come_back()
    await it.wait(5000)


def _perform(
    story: list[tuple[str, Any]], parameters: ControlParameters, *, by_hand: bool = False
) -> Watched:
    kept: list[Watched] = []

    async def script(it: Play) -> None:
        kept.append(Watched(it))
        await _tell(kept[0], story)

    play(script, parameters, by_hand=by_hand)
    return kept[0]


@pytest.mark.parametrize("resume_after_s", [0, 1])
@pytest.mark.parametrize("by_hand", [False, True])
def test_without_the_key_no_story_at_all_starts_a_latched_train(
    resume_after_s: int, *, by_hand: bool
) -> None:
    parameters = ControlParameters(resume_after_s=resume_after_s)

    @_MANY
    @given(story=st.lists(_step, max_size=40))
    def check(story: list[tuple[str, Any]]) -> None:
        watched = _perform(story, parameters, by_hand=by_hand)
        assert watched.wrong == []
        assert watched.it.controller.latched
        assert set(watched.it.hub.motor) == {BRAKE}

    check()


def test_an_arming_that_came_too_early_cannot_be_said_again_later() -> None:
    overheard = {
        "action": Action.ARM,
        "train_id": "train-1",
        "reason": "",
        "origin": Origin.OPERATOR,
        "label": None,
        "lease_ms": 50,
        "age_ms": None,
        "proof": "replayed",
        "received_ns": 0,
    }
    story: list[tuple[str, Any]] = [
        ("do", "deaf"),
        ("do", "button"),
        ("arm", None),
        ("do", "confirm"),
        ("wait", 2000),
        ("say", overheard),
    ]
    watched = _perform(story, ControlParameters())
    assert watched.used
    assert watched.wrong == []
    assert watched.it.controller.latched


@_MANY
@given(story=st.lists(_step | st.tuples(st.just("arm"), st.none()), max_size=60))
def test_each_start_is_due_to_an_arming_since_the_latest_stop(story: list) -> None:
    watched = _perform(story, ControlParameters())
    assert watched.wrong == []
    assert watched.it.hub.motor[-1] == BRAKE
    assert watched.it.controller.latched


def test_these_stories_do_move_a_train_that_was_armed() -> None:
    move = {
        "action": Action.CRUISE,
        "train_id": "train-1",
        "reason": "",
        "origin": Origin.DECISION,
        "label": None,
        "lease_ms": 500,
        "age_ms": 0,
        "proof": "none",
        "received_ns": 0,
    }
    story = [("arm", None), ("wait", 1), ("say", move), ("wait", 300)]
    watched = _perform(story, ControlParameters())
    assert watched.armings == 1
    assert watched.wrong == []
    assert 20 in watched.it.hub.motor


def test_a_right_answer_works_once() -> None:
    async def script(it: Play) -> None:
        await it.wait(10)
        once = it.arm()
        assert not it.controller.latched
        it.controller.emergency_stop("stop")
        await it.wait(10)
        for _ in range(3):
            it.controller.handle(once, it.now_ns())
            assert it.controller.latched

    play(script)

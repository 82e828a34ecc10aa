"""Reasons: what says one takes it from the table, and every one has a French text."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from kit.errors import MissionError
from kit.events import Label
from kit.reasons import Reading, Reason, read, readings
from kit.services.catalogue import SERVICES
from kit.train.hub_facts import _GOING, STOPPING_ALERTS
from kit.web.files import SHARED

KIT = Path(__file__).parents[1] / "kit"
SAYERS = (
    "train",
    "services",
    "console",
    "presenting/kiosk",
    "presenting/reset.py",
    "messaging",
    "interop",
    "learning",
)
SAID_AT = {
    "_halt": 0,
    "Halt": 0,
    "_fail": 0,
    "_on_failure": 0,
    "_release": 0,
    "stop_train": 0,
    "emergency_stop": 0,
    "arm": 0,
    "_enter": 1,
    "Decision": 1,
    "_change": 2,
}
"""Functions that take a reason, and at which place."""


def filled(reason: Reason) -> str:
    return reason.say(**{place: f"<{place} 1>" for place in reason.places})


def french() -> dict[str, dict[str, str]]:
    return json.loads((SHARED / "reasons.fr.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.code)
def test_a_sentence_is_read_as_what_was_said(reason: Reason) -> None:
    values = {place: f"<{place} 1>" for place in reason.places}
    assert read(filled(reason)) == Reading(reason, values)


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (Reason.NO_DECISION, Reason.SILENCE_STOPS),
        (Reason.SILENCE_STOPS.say(silence=Reason.NO_DECISION), Reason.REFUSED),
        (Reason.AT_KIOSK, Reason.AND_OUT_OF_REACH),
        (Reason.ARMED_BY_OPERATOR, Reason.ARMED_FOR_DECISION),
        (Reason.SERVICE_ENDED.say(service="inference", how="SIGKILL"), Reason.MISSION_FAILED),
        (Reason.FRAME_TOO_OLD.say(age=400, limit=300), Reason.STILL_STOPPING),
    ],
)
def test_a_sentence_within_another_is_read_too(inner: str, outer: Reason) -> None:
    sentence = outer.say(**{place: str(inner) for place in outer.places})
    found = readings([sentence])
    assert found[sentence]["code"] == outer.code
    assert str(inner) in found[sentence]["values"].values()
    assert str(inner) in found


@pytest.mark.parametrize("got", [None, Reason.SILENCE_STOPS.say(silence=Reason.NO_DECISION)])
def test_an_error_is_read_with_its_parts(got: str | None) -> None:
    error = MissionError(Reason.BROKER_AWAY.say(address="a:1"), got=got, fix=Reason.FIX_BROKER)
    found = readings([str(error)])
    values = found[str(error)]["values"]
    assert found[values["problem"]] == {"code": "broker_away", "values": {"address": "a:1"}}
    assert values.get("got") == got
    assert found[values["fix"]]["code"] == "fix_broker"


@pytest.mark.parametrize("sentence", ["", "because I say so", "<script>: {label}"])
def test_what_is_no_reason_of_the_kit_is_left_as_it_is(sentence: str) -> None:
    assert readings([sentence]) == {}


def test_every_reason_has_a_french_text_with_the_same_places() -> None:
    sentences = french()["sentences"]
    assert list(sentences) == [reason.code for reason in Reason]
    for reason in Reason:
        text = sentences[reason.code]
        assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(reason.places), reason
        assert text.strip() == text != ""


def test_every_word_that_fills_a_place_has_a_french_one() -> None:
    members = [*STOPPING_ALERTS, *_GOING]
    told = {member.name.lower().replace("_", " ") for member in members}
    told |= {*Label, *SERVICES, "guardian", "broker"}
    told |= {"seconds", "signal", "stop", "end of source", "failure"}
    assert told == set(french()["words"])


def sayers() -> list[Path]:
    paths = [KIT / name for name in SAYERS]
    return sorted(
        file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))
    )


def own_words(tree: ast.AST) -> list[str]:
    """Return reasons that are written where they are said."""
    found = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        said: list[Any] = [word.value for word in call.keywords if word.arg == "reason"]
        said += call.args[SAID_AT[name] :][:1] if name in SAID_AT else []
        found += [
            ast.unparse(each)
            for each in said
            if isinstance(each, ast.JoinedStr)
            or (isinstance(each, ast.Constant) and isinstance(each.value, str))
        ]
    return found


@pytest.mark.parametrize("path", sayers(), ids=lambda path: str(path.relative_to(KIT)))
def test_who_says_a_reason_takes_it_from_the_table(path: Path) -> None:
    assert own_words(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_a_reason_of_ones_own_words_would_be_found() -> None:
    tree = ast.parse("self._halt('because')\nHalt(reason=f'since {x}')\nself._halt(Reason.RESET)")
    assert own_words(tree) == ["'because'", "f'since {x}'"]

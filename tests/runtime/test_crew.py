"""The crew ends in order: control first, the stream last, and nobody is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kit.config import Settings
from kit.errors import MissionError
from kit.runtime import crew as module
from kit.runtime.crew import Crew, service_parameters
from kit.runtime.members import Member
from kit.runtime.plan import Plan
from kit.runtime.stack import Stack

NAMES = ("capture", "inference", "decision", "control", "streaming")


class Player(Member):
    """A member that writes down what it is asked, and ends as it was made to."""

    def __init__(self, name: str, log: list[str], on_end, *, ends_on: str) -> None:
        super().__init__(name, on_end=on_end)
        self._log = log
        self._ends_on = ends_on

    @property
    def pid(self) -> int:
        return 1

    def start(self) -> None:
        self._hear("start")

    def interrupt(self) -> None:
        self._hear("interrupt")

    def kill(self) -> None:
        self._hear("kill")

    def fail(self) -> None:
        self._tell(MissionError(f"{self.name} fell asleep"))
        self.ended.set()

    def _hear(self, what: str) -> None:
        self._log.append(f"{what} {self.name}")
        if what in {self._ends_on, "kill"}:
            self._tell(None)
            self.ended.set()


class Stage:
    """A crew of players, and what they were asked."""

    def __init__(self, **ends_on: str) -> None:
        self.log: list[str] = []
        self.lost: list[str] = []
        self.impatient = threading.Event()
        self.crew = Crew(
            lambda on_end: [
                Player(name, self.log, on_end, ends_on=ends_on.get(name, "interrupt"))
                for name in NAMES
            ],
            on_loss=lambda member: self.lost.append(member.name),
        )

    def end(self, status: str | None = "online") -> list[str]:
        return self.crew.end(status=lambda _name: status, impatient=self.impatient)


def test_all_start_at_once() -> None:
    stage = Stage()

    stage.crew.start()

    assert stage.log == [f"start {name}" for name in NAMES]


def test_control_ends_first_and_streaming_last() -> None:
    stage = Stage()
    stage.crew.start()
    stage.log.clear()

    assert stage.end() == []
    assert stage.log == [
        "interrupt control",
        "interrupt capture",
        "interrupt inference",
        "interrupt decision",
        "interrupt streaming",
    ]


def test_a_service_that_never_came_online_is_killed() -> None:
    stage = Stage()
    stage.crew.start()

    assert stage.end(None) == []
    assert [word for word in stage.log if word.startswith("kill")] == [
        "kill control",
        "kill capture",
        "kill inference",
        "kill decision",
        "kill streaming",
    ]


def test_a_service_that_does_not_listen_is_killed_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "END_TIMEOUT_S", 0.2)
    stage = Stage(control="kill")
    stage.crew.start()

    assert stage.end() == ["control"]


def test_impatience_kills_at_once() -> None:
    stage = Stage(control="kill")
    stage.crew.start()
    stage.impatient.set()

    stage.end()

    assert "kill control" in stage.log


def test_a_crew_that_never_started_needs_no_end() -> None:
    stage = Stage()

    assert stage.end() == []
    assert stage.log == []


def test_a_member_that_is_lost_is_told() -> None:
    stage = Stage()
    stage.crew.start()

    stage.crew.members["inference"].fail()

    assert stage.lost == ["inference"]


def test_a_member_that_ends_when_asked_is_not_lost() -> None:
    stage = Stage()
    stage.crew.start()

    stage.end()

    assert stage.lost == []


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(
        settings=Settings(train_id="blue"),
        source="virtual://127.0.0.1:1",
        hub="hci:tcp-client:127.0.0.1:2",
        truth=tmp_path / "truth.jsonl",
        console_url=None,
        helpers=(),
    )


def test_services_get_the_train_the_camera_and_the_hub(stack: Stack) -> None:
    values = service_parameters(Plan(fps=20), stack)

    assert {each.train_id for each in values.values()} == {"blue"}
    assert values["capture"].model_dump()["source"] == "virtual://127.0.0.1:1"
    assert values["control"].model_dump()["hub"] == "hci:tcp-client:127.0.0.1:2"


def test_inference_gets_its_registry_and_a_place_for_doubtful_frames(stack: Stack) -> None:
    plan = Plan(registry="s3://models", harvest="doubts")

    values = service_parameters(plan, stack)["inference"].model_dump()

    assert (values["registry"], values["harvest"]) == ("s3://models", "doubts")


def test_a_booths_pause_reaches_the_controller_and_nobody_arms_in_the_notebook(
    stack: Stack,
) -> None:
    values = service_parameters(Plan(stay=True, resume_after_s=8), stack)["control"].model_dump()

    assert (values["resume_after_s"], values["arm"], values["panel"]) == (8.0, False, False)


@pytest.mark.parametrize(("source", "loop"), [(None, False), ("/tmp/photos", True)])
def test_pictures_from_files_begin_again_at_their_end(
    stack: Stack, source: str | None, *, loop: bool
) -> None:
    values = service_parameters(Plan(source=source), stack)

    assert values["capture"].model_dump()["loop"] is loop

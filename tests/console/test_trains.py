from __future__ import annotations

import time

import pytest

from kit.console.board import TRAINS, Board
from kit.console.trains import PAIRING_MS, PIPELINE, SILENT_MS, TrainView
from kit.events import (
    Action,
    Alive,
    Box,
    Detection,
    Event,
    Label,
    Motion,
    PictureQuality,
    Stage,
)
from tests.console import make

MS = 1_000_000
SIGN = Detection(label=Label.STOP, confidence=0.9, box=Box(10, 20, 30, 40))


class Timeline:
    """Feeds a view at chosen moments, milliseconds from now."""

    def __init__(self) -> None:
        self.view = TrainView("t")
        self.begin_ns = time.monotonic_ns()
        self.begin_s = time.time()

    def at(self, ms: float, *events: Event) -> None:
        for event in events:
            self.view.observe(
                event,
                received_ns=self.begin_ns + int(ms * MS),
                received_s=self.begin_s + ms / 1e3,
            )

    def shown(self, ms: float) -> dict[str, object] | None:
        now_ns = self.begin_ns + int(ms * MS)
        picture = self.view.picture(now_ns=now_ns)
        return picture.header(now_ns=now_ns) if picture else None

    def status(self, ms: float) -> dict[str, object]:
        return self.view.status(now_ns=self.begin_ns + int(ms * MS))


@pytest.fixture
def line() -> Timeline:
    return Timeline()


def test_nothing_is_shown_before_the_first_frame(line: Timeline) -> None:
    assert line.shown(0) is None


def test_a_picture_is_shown_with_the_boxes_of_its_own_frame(line: Timeline) -> None:
    first, second = make.stamp(0), make.stamp(1)
    line.at(0, make.frame("t", first), make.prediction("t", first, SIGN))
    line.at(100, make.frame("t", second))
    held = line.shown(110)
    assert held is not None
    assert held["sequence"] == 0
    assert held["detections"] == [
        {"label": "Stop", "confidence": 0.9, "box": [10.0, 20.0, 30.0, 40.0]}
    ]
    line.at(120, make.prediction("t", second))
    now = line.shown(120)
    assert now is not None
    assert (now["sequence"], now["detections"], now["looked_at"]) == (1, [], True)


def test_a_prediction_that_overtakes_its_picture_still_gives_the_boxes(line: Timeline) -> None:
    of = make.stamp(0)
    line.at(0, make.prediction("t", of, SIGN), make.frame("t", of))
    shown = line.shown(0)
    assert shown is not None
    assert shown["looked_at"] is True
    assert len(shown["detections"]) == 1


def test_a_picture_that_the_model_leaves_out_is_left_out(line: Timeline) -> None:
    first, second, third = make.stamp(0), make.stamp(1), make.stamp(2)
    line.at(0, make.frame("t", first), make.prediction("t", first, SIGN))
    line.at(100, make.frame("t", second))
    line.at(200, make.frame("t", third))
    held = line.shown(PAIRING_MS - 1)
    assert held is not None
    assert held["sequence"] == 0
    line.at(PAIRING_MS, make.prediction("t", third))
    now = line.shown(PAIRING_MS)
    assert now is not None
    assert (now["sequence"], now["looked_at"]) == (2, True)


def test_while_the_model_is_silent_pictures_are_shown_without_boxes(line: Timeline) -> None:
    first, second = make.stamp(0), make.stamp(1)
    line.at(0, make.frame("t", first), make.prediction("t", first, SIGN))
    line.at(100, make.frame("t", second))
    late = line.shown(PAIRING_MS)
    assert late is not None
    assert (late["sequence"], late["detections"], late["looked_at"]) == (1, [], False)


def test_a_model_that_wakes_up_gives_its_boxes_to_the_picture_on_show(line: Timeline) -> None:
    first, second = make.stamp(0), make.stamp(1)
    line.at(0, make.frame("t", first))
    bare = line.shown(1)
    line.at(20, make.prediction("t", first, SIGN))
    boxed = line.shown(20)
    line.at(100, make.frame("t", second))
    held = line.shown(101)
    assert bare is not None
    assert boxed is not None
    assert held is not None
    assert [shown["sequence"] for shown in (bare, boxed, held)] == [0, 0, 0]
    assert [shown["looked_at"] for shown in (bare, boxed, held)] == [False, True, True]


def test_a_late_word_on_an_old_picture_does_not_bring_it_back(line: Timeline) -> None:
    first, second = make.stamp(0), make.stamp(1)
    line.at(0, make.frame("t", first))
    line.at(50, make.frame("t", second), make.prediction("t", second))
    line.at(60, make.prediction("t", first, SIGN))
    now = line.shown(60)
    assert now is not None
    assert now["sequence"] == 1


def test_the_age_of_a_picture_grows_from_its_capture(line: Timeline) -> None:
    of = make.stamp(0, captured_ns=line.begin_ns - 40 * MS)
    line.at(0, make.frame("t", of))
    shown = line.shown(1500)
    assert shown is not None
    assert shown["age_ms"] == pytest.approx(1540, abs=1)


def test_latency_is_the_median_of_this_machines_frames(line: Timeline) -> None:
    for sequence, delay_ms in enumerate((30, 50, 900)):
        at_ms = 100.0 * sequence
        captured_ns = line.begin_ns + int((at_ms - delay_ms) * MS)
        line.at(at_ms, make.frame("t", make.stamp(sequence, captured_ns=captured_ns)))
    assert line.status(300)["latency_ms"] == pytest.approx(50, abs=1)


def test_frames_that_never_came_are_counted_as_lost(line: Timeline) -> None:
    for at_ms, sequence in ((0, 5), (100, 6), (200, 9)):
        line.at(at_ms, make.frame("t", make.stamp(sequence)))
    status = line.status(200)
    assert (status["frames"], status["lost"]) == (3, 2)


def test_a_capture_that_starts_again_loses_nothing(line: Timeline) -> None:
    for at_ms, sequence in ((0, 50), (100, 0), (200, 1)):
        line.at(at_ms, make.frame("t", make.stamp(sequence)))
    assert line.status(200)["lost"] == 0


def test_the_rate_falls_to_nothing_when_the_pictures_stop(line: Timeline) -> None:
    for sequence in range(11):
        line.at(100 * sequence, make.frame("t", make.stamp(sequence)))
    assert line.status(1000)["fps"] == pytest.approx(10, abs=0.1)
    assert line.status(5000)["fps"] == 0


def test_the_latest_decision_and_state_are_told_with_their_age(line: Timeline) -> None:
    line.at(0, make.command("t", Action.CRUISE), make.state("t", Motion.CRUISING))
    line.at(
        100,
        make.command("t", Action.STOP, reason="danger"),
        make.state("t", Motion.STOPPED, latched=True, challenge="abc", voltage_v=7.5),
    )
    status = line.status(250)
    decision, state = status["decision"], status["state"]
    assert isinstance(decision, dict)
    assert isinstance(state, dict)
    assert decision == {
        "action": "stop", "reason": "danger", "label": None, "origin": "decision", "age_ms": 150
    }  # fmt: skip
    assert (state["motion"], state["latched"], state["voltage_v"]) == ("stopped", True, 7.5)
    assert "challenge" not in state
    assert state["latch"] not in {None, "abc"}


def test_every_service_of_the_train_has_a_light(line: Timeline) -> None:
    line.at(0, Alive(train_id="t", service="capture"), Alive(train_id="t", service="notebook"))
    line.at(SILENT_MS, Alive(train_id="t", service="inference"))
    line.at(SILENT_MS, Alive(train_id="t", service="decision", status="offline", detail="died"))
    services = line.status(SILENT_MS + 1)["services"]
    assert isinstance(services, list)
    assert [s["name"] for s in services] == list(PIPELINE)
    assert [s["light"] for s in services] == [
        "silent", "online", "offline", "unknown", "unknown"
    ]  # fmt: skip
    assert services[0]["silent_s"] == 3
    assert services[2]["detail"] == "died"


def test_trains_are_kept_apart_and_the_first_is_shown_unasked() -> None:
    board = Board()
    for train_id, action in (("b", Action.STOP), ("a", Action.SLOW)):
        board.observe(make.command(train_id, action), received_ns=1, received_s=1.0)
    status = board.status(None, now_ns=2)
    assert status["trains"] == ["a", "b"]
    assert status["train"]["decision"]["action"] == "slow"
    assert board.status("b", now_ns=2)["train"]["decision"]["action"] == "stop"


def test_no_train_is_shown_in_the_place_of_one_that_was_not_heard_of() -> None:
    board = Board()
    board.observe(make.command("a", Action.STOP), received_ns=1, received_s=1.0)
    assert board.status("x", now_ns=1) == {"trains": ["a"], "train": None}


def test_a_flood_of_made_up_trains_is_left_aside() -> None:
    board = Board()
    for number in range(TRAINS + 3):
        board.observe(make.command(f"t{number}", Action.STOP), received_ns=1, received_s=1.0)
    assert (len(board.ids), board.left_aside) == (TRAINS, 3)


def test_an_event_tells_whether_there_is_another_picture_to_show(line: Timeline) -> None:
    of = make.stamp(0)

    def observe(event: Event) -> bool:
        return line.view.observe(event, received_ns=line.begin_ns, received_s=line.begin_s)

    assert not observe(make.frame("t", of))
    assert observe(make.prediction("t", of))
    assert not observe(make.state("t", Motion.STOPPED))


def quality(step: int) -> PictureQuality:
    return PictureQuality(
        step=step, steps=5, width=300, height=200, fps=4.0, kbit_per_s=400.0, reason="slow"
    )


def test_frames_that_a_narrow_link_leaves_out_are_not_called_lost(line: Timeline) -> None:
    line.at(0, make.frame("t", make.stamp(0)))
    line.at(0, Alive(train_id="t", service="streaming", pictures=quality(3)))
    line.at(100, make.frame("t", make.stamp(4)))
    status = line.status(100)
    assert (status["lost"], status["skipped"]) == (0, 3)
    assert status["pictures"] == quality(3).model_dump(mode="json")
    line.at(200, Alive(train_id="t", service="streaming", pictures=quality(0)))
    line.at(300, make.frame("t", make.stamp(6)))
    assert (line.status(300)["lost"], line.status(300)["skipped"]) == (1, 3)


def test_how_pictures_are_sent_is_told_only_while_streaming_says_so(line: Timeline) -> None:
    line.at(0, Alive(train_id="t", service="streaming", pictures=quality(1)))
    assert line.status(SILENT_MS)["pictures"] is not None
    assert line.status(SILENT_MS + 1)["pictures"] is None


def test_a_pause_of_the_pictures_is_told_with_its_reason(line: Timeline) -> None:
    line.at(0, Alive(train_id="t", service="capture", paused=True, detail="lunch"))
    status = line.status(1)
    services = status["services"]
    assert isinstance(services, list)
    assert (status["paused"], services[0]["light"]) == ("lunch", "paused")
    line.at(2, Alive(train_id="t", service="capture"))
    assert line.status(3)["paused"] is None


def test_the_legs_of_a_frames_way_add_up_to_all_of_it(line: Timeline) -> None:
    of = make.stamp(0, captured_ns=line.begin_ns)
    at_ms = dict(zip(Stage, (2, 3, 5, 25, 26, 27, 28, 30), strict=True))
    marks = {stage: line.begin_ns + ms * MS for stage, ms in at_ms.items()}
    for _ in range(2):  # the same frame again tells nothing new
        line.at(31, make.state("t", Motion.CRUISING, frame=of, marks=marks))
    line.at(42, make.frame("t", of))  # encoded a nanosecond after its capture
    assert line.status(50)["stages_ms"] == {
        "capture": 2, "network": 1, "inference": 22, "decision": 2, "act": 3, "kafka": 42
    }  # fmt: skip

"""A recording is played as if it were now, at any speed, and can move no train."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from kit.errors import ConfigError
from kit.events import Action, Alive, Command, Event, Frame, Prediction, Stage, TrainState
from kit.recording.player import KINDS, Player
from kit.recording.reader import Recording
from kit.recording.restamp import Timeline
from tests.recording.made import (
    BEGAN_AT,
    BEGAN_NS,
    FRAME_NS,
    SECOND_NS,
    STEP_NS,
    all_events,
    arming,
    frame_events,
    write,
)

FRAMES = 8
FAST = 50.0
E = TypeVar("E", bound=Event)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of less than a second."""
    return write(tmp_path_factory.mktemp("recorded") / "run.mcap", all_events(FRAMES))


def play(path: Path, *, speed: float = FAST, train_id: str = "replay") -> list[Event]:
    sent: list[Event] = []
    Player(Recording(path), train_id=train_id, speed=speed).play(sent.append)
    return sent


def of_kind(events: Iterable[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_a_moment_is_played_as_long_after_the_beginning_as_the_speed_says() -> None:
    timeline = Timeline(BEGAN_NS, 7 * SECOND_NS, BEGAN_AT, speed=4.0)
    assert timeline.ns(BEGAN_NS + 8 * SECOND_NS) == 9 * SECOND_NS
    assert (timeline.wall(BEGAN_NS + 8 * SECOND_NS) - BEGAN_AT).total_seconds() == 2.0


def test_every_event_is_of_now_and_of_the_replays_own_train(recorded: Path) -> None:
    before_ns, before = time.monotonic_ns(), datetime.now(UTC)
    sent = play(recorded, train_id="replay-7")
    after_ns, after = time.monotonic_ns(), datetime.now(UTC)
    assert {event.train_id for event in sent} == {"replay-7"}
    frames = of_kind(sent, Frame)
    assert len(frames) == FRAMES
    assert all(before_ns <= frame.frame.captured_ns <= after_ns for frame in frames)
    assert all(before <= frame.frame.captured_at <= after for frame in frames)
    assert all(before <= event.made_at <= after for event in sent)


def test_nothing_is_of_later_than_now_though_the_machine_was_busy_between_its_clocks(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(datetime):
        """A wall clock that is read a while after it was asked for."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            threading.Event().wait(0.1)
            return datetime.now(tz)

    monkeypatch.setattr("kit.recording.player.datetime", Busy)
    sent = play(recorded)
    after = datetime.now(UTC)
    assert all(frame.frame.captured_at <= after for frame in of_kind(sent, Frame))


def test_no_event_comes_before_its_time(recorded: Path) -> None:
    early: list[Event] = []

    def publish(event: Event) -> None:
        if event.stamp and event.stamp.captured_ns > time.monotonic_ns():
            early.append(event)

    Player(Recording(recorded), train_id="replay", speed=1.0).play(publish)
    assert early == []


@pytest.mark.parametrize("speed", [1.0, 4.0, 100.0])
def test_times_between_events_shrink_with_the_speed(recorded: Path, speed: float) -> None:
    sent = play(recorded, speed=speed)
    frames = of_kind(sent, Frame)
    gaps = [b.frame.captured_ns - a.frame.captured_ns for a, b in pairwise(frames)]
    assert gaps == pytest.approx([FRAME_NS / speed] * (FRAMES - 1), abs=2)
    state = of_kind(sent, TrainState)[-1]
    assert state.frame is not None
    latency_ns = state.marks[Stage.ACTED] - state.frame.captured_ns
    assert latency_ns == pytest.approx(len(Stage) * STEP_NS / speed, abs=2)


def test_a_slow_replay_is_slower() -> None:
    timeline = Timeline(BEGAN_NS, 0, BEGAN_AT, speed=0.5)
    assert timeline.ns(BEGAN_NS + SECOND_NS) == 2 * SECOND_NS


def test_all_events_of_a_frame_keep_one_stamp_and_no_id_comes_twice(recorded: Path) -> None:
    sent = play(recorded)
    frames, predictions = of_kind(sent, Frame), of_kind(sent, Prediction)
    assert [p.frame for p in predictions] == [f.frame for f in frames]
    assert [s.frame for s in of_kind(sent, TrainState) if s.frame] == [f.frame for f in frames]
    ids = [event.event_id for event in [*sent, *play(recorded)]]
    assert len(set(ids)) == len(ids)


def test_what_was_seen_decided_and_done_is_played_unchanged(recorded: Path) -> None:
    sent = play(recorded)
    recorded_events = [event for n in range(FRAMES) for event, _ in frame_events(n)]
    assert [f.image for f in of_kind(sent, Frame)] == [
        f.image for f in of_kind(recorded_events, Frame)
    ]
    assert [p.detections for p in of_kind(sent, Prediction)] == [
        p.detections for p in of_kind(recorded_events, Prediction)
    ]
    assert [c.reason for c in of_kind(sent, Command)] == ["free"] * FRAMES


def test_nothing_that_releases_a_train_or_changes_its_model_is_played(recorded: Path) -> None:
    sent = play(recorded)
    assert {event.kind for event in sent} == set(KINDS)
    assert Action.ARM not in {command.action for command in of_kind(sent, Command)}
    assert {command.proof for command in of_kind(sent, Command)} == {None}
    assert {state.challenge for state in of_kind(sent, TrainState)} == {None}


def test_a_sign_of_life_says_where_it_comes_from_and_names_no_process(recorded: Path) -> None:
    (alive, goodbye) = of_kind(play(recorded), Alive)
    assert (alive.pid, alive.metrics_port, alive.detail) == (None, None, "played from run.mcap")
    assert (goodbye.status, goodbye.detail) == ("offline", "the replay has ended")


@pytest.mark.parametrize("train_id", ["train-1", "", "re", "replay " * 9, "Replay", "replay/1"])
def test_it_is_played_as_no_train_that_may_be_driven(recorded: Path, train_id: str) -> None:
    with pytest.raises(ConfigError, match="begins with 'replay', which no controller listens to"):
        Player(Recording(recorded), train_id=train_id)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e6])
def test_a_speed_that_cannot_be_is_refused(recorded: Path, speed: float) -> None:
    with pytest.raises(ConfigError, match="speed"):
        Player(Recording(recorded), train_id="replay", speed=speed)


def test_a_kind_that_is_not_played_is_refused_with_those_that_are(recorded: Path) -> None:
    with pytest.raises(ConfigError, match="frame, prediction, command, state, alive"):
        Player(Recording(recorded), train_id="replay", kinds=["frame", "model"])


def test_one_kind_alone_can_be_played(recorded: Path) -> None:
    sent: list[Event] = []
    player = Player(Recording(recorded), train_id="replay", speed=FAST, kinds=["frame"])
    played = player.play(sent.append)
    assert {event.kind for event in sent} == {"frame"}
    assert played.events == {"frame": FRAMES}


def looping(path: Path, until: Callable[[list[Event]], bool]) -> list[Event]:
    sent: list[Event] = []
    player = Player(Recording(path), train_id="replay", speed=FAST, loop=True)

    def publish(event: Event) -> None:
        sent.append(event)
        if until(sent):
            player.stop()

    player.play(publish)
    return sent


def test_a_loop_begins_again_with_frames_that_go_on_counting(recorded: Path) -> None:
    sent = looping(recorded, lambda sent: len(of_kind(sent, Frame)) == 3 * FRAMES)
    frames = of_kind(sent, Frame)
    assert [frame.frame.sequence for frame in frames] == list(range(3 * FRAMES))
    times = [frame.frame.captured_ns for frame in frames]
    assert times == sorted(set(times))
    assert len({frame.frame.frame_id for frame in frames}) == 3 * FRAMES


def test_whoever_is_online_when_it_is_stopped_is_offline_afterwards(recorded: Path) -> None:
    sent = looping(recorded, lambda sent: len(of_kind(sent, Frame)) == 2)
    assert isinstance(sent[-1], Alive)
    assert (sent[-1].service, sent[-1].status) == ("capture", "offline")


def test_a_damaged_recording_is_played_as_far_as_it_goes_and_says_so(
    recorded: Path, tmp_path: Path
) -> None:
    path = tmp_path / "torn.mcap"
    path.write_bytes(recorded.read_bytes())
    os.truncate(path, path.stat().st_size // 3)
    played = Player(Recording(path), train_id="replay", speed=FAST).play(lambda _event: None)
    assert 0 < played.events["frame"] < FRAMES
    assert "breaks off" in played.damage[0]


def test_a_recording_with_nothing_to_play_is_an_error_and_no_endless_loop(tmp_path: Path) -> None:
    path = write(tmp_path / "empty.mcap", [])
    with pytest.raises(ConfigError, match="There is nothing to play"):
        Player(Recording(path), train_id="replay", loop=True).play(lambda _event: None)


def test_frames_without_pictures_are_counted_and_left_out(tmp_path: Path) -> None:
    from kit.recording.writer import RecordingWriter

    writer = RecordingWriter(tmp_path / "run.mcap")
    for event, at_ns in [*arming(), *frame_events(0)]:
        writer.add_event(event, at_ns, picture=False)
    writer.close()
    player = Player(Recording(tmp_path), train_id="replay", speed=FAST)
    played = player.play(lambda _event: None)
    assert played.unplayable == 1
    assert played.events["prediction"] == 1

"""Live cameras: fresh pictures, steady rates, patience with a source that is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from kit.errors import CameraError, ConfigError
from kit.vision.cameras.camera import Pace
from kit.vision.cameras.live import LiveCamera
from kit.vision.frames import Picture
from tests.vision.pictures import picture

FAST = 1000.0


class Script:
    """A source that plays a list: pictures, and errors that it raises; then it blocks."""

    def __init__(self, *items: Picture | CameraError) -> None:
        self.items = list(items)
        self.exhausted, self.closed = threading.Event(), threading.Event()

    def grab(self) -> Picture:
        if not self.items:
            self.exhausted.set()
            self.closed.wait(60)
            raise CameraError("closed")
        item = self.items.pop(0)
        if isinstance(item, CameraError):
            raise item
        return item

    def close(self) -> None:
        self.closed.set()


def opener(*sources: Script | CameraError) -> Callable[[], Script]:
    """Open one source after the other, and none after the last."""
    rest = list(sources)

    def open_source() -> Script:
        source = rest.pop(0) if rest else CameraError("no more")
        if isinstance(source, CameraError):
            raise source
        return source

    return open_source


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.vision.cameras.live.FIRST_RETRY_S", 0.001)


@pytest.fixture
def live() -> Iterator[Callable[..., LiveCamera]]:
    cameras: list[LiveCamera] = []
    scripts: list[Script] = []

    def start(*sources: Script | CameraError, fps: float = FAST, **more: float) -> LiveCamera:
        scripts.extend(source for source in sources if isinstance(source, Script))
        cameras.append(LiveCamera(opener(*sources), name="test", fps=fps, **more))
        return cameras[-1]

    yield start
    for script in scripts:
        script.close()
    for camera in cameras:
        camera.close()


def test_slow_reader_gets_the_newest_picture(live: Callable[..., LiveCamera]) -> None:
    script = Script(*map(picture, range(100)))
    camera = live(script)
    assert script.exhausted.wait(60)
    first = camera.read()
    assert first is not None
    assert (first.sequence, camera.dropped) == (99, 99)


def test_lag_never_builds_up(live: Callable[..., LiveCamera]) -> None:
    """Each read after a burst of ten gives the last of that burst, for as long as it goes on."""
    turns = [threading.Event() for _ in range(20)]
    done = [threading.Event() for _ in range(20)]

    class Bursts(Script):
        def grab(self) -> Picture:
            number = 200 - len(self.items)
            if number % 10 == 0:
                if number:
                    done[number // 10 - 1].set()
                if number < 200:
                    turns[number // 10].wait(60)
            return super().grab()

    camera = live(Bursts(*map(picture, range(200))))
    seen = []
    for turn, finished in zip(turns, done, strict=True):
        turn.set()
        assert finished.wait(60)
        newest = camera.read()
        assert newest is not None
        seen.append(newest.sequence)
    assert seen == list(range(9, 200, 10))


def test_source_that_cannot_be_opened_fails_at_once(live: Callable[..., LiveCamera]) -> None:
    with pytest.raises(CameraError, match="no such camera"):
        live(CameraError("no such camera"))


@pytest.mark.usefixtures("quick_retries")
def test_lost_source_is_opened_again(live: Callable[..., LiveCamera]) -> None:
    lost = Script(CameraError("unplugged"))
    camera = live(lost, CameraError("still away"), CameraError("still away"), Script(picture(3)))
    found = camera.read()
    assert found is not None
    assert (found.sequence, camera.reopened) == (3, 1)
    assert lost.closed.is_set()


@pytest.mark.usefixtures("quick_retries")
def test_source_that_stays_away_is_given_up(live: Callable[..., LiveCamera]) -> None:
    away = [CameraError("still away")] * 10_000
    camera = live(Script(CameraError("unplugged")), *away, give_up_s=0.05)
    with pytest.raises(CameraError, match=r"unplugged|still away|stopped giving pictures"):
        camera.read()


def test_silent_source_is_told(live: Callable[..., LiveCamera]) -> None:
    camera = live(Script(), give_up_s=0.05)
    with pytest.raises(CameraError, match="stopped giving pictures"):
        camera.read()


def test_close_ends_a_waiting_read(live: Callable[..., LiveCamera]) -> None:
    script = Script()
    camera = live(script)
    answers: list[Picture | None] = []
    reader = threading.Thread(target=lambda: answers.append(camera.read()))
    reader.start()
    script.exhausted.wait(60)
    script.close()
    camera.close()
    reader.join(60)
    assert answers == [None]


def test_close_lets_go_of_the_source(live: Callable[..., LiveCamera]) -> None:
    script = Script(CameraError("unplugged"))
    with live(script):
        pass
    assert script.closed.is_set()


@pytest.mark.parametrize(("camera_fps", "fps"), [(30, 10), (30, 20), (30, 30), (25, 10), (60, 30)])
def test_pace_holds_the_rate_on_average(camera_fps: int, fps: int) -> None:
    pace = Pace(fps)
    taken = sum(pace.takes(i * 1_000_000_000 // camera_fps) for i in range(camera_fps * 10))
    assert taken == pytest.approx(fps * 10, abs=1)


def test_pace_forgives_jitter() -> None:
    pace = Pace(30)
    early_and_late = [i * 33_333_333 + (-1) ** i * 9_000_000 for i in range(1, 100)]
    assert all(pace.takes(moment) for moment in early_and_late)


def test_pace_takes_all_of_a_slower_camera_and_catches_nothing_up() -> None:
    pace = Pace(10)
    assert all(pace.takes(second * 1_000_000_000) for second in range(5))
    assert not pace.takes(4_000_000_001)


def test_pace_begins_anew_when_the_clock_goes_back() -> None:
    pace = Pace(10)
    assert pace.takes(50_000_000_000)
    assert pace.takes(1_000_000_000)
    assert not pace.takes(1_010_000_000)
    assert pace.takes(1_100_000_000)


@pytest.mark.parametrize("fps", [0, -1, float("nan")])
def test_impossible_rate_is_refused(fps: float) -> None:
    with pytest.raises(ConfigError, match="frame rate"):
        Pace(fps)

"""The live view: what it keeps, what leaves for the browser, what stays where nobody looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import nbclient
import nbformat
import pytest
from pydantic import SecretStr
from traitlets.config import Config

from kit.config import Settings
from kit.errors import ConfigError
from kit.events import Box, Detection, Event, Frame, Label, Prediction
from kit.learning import live_view as live_view_module
from kit.learning.live_feed import LiveFeed, from_broker
from kit.learning.live_view import LiveVideo, watch
from kit.learning.live_widget import IN_FLIGHT, InFlight
from kit.messaging.mqtt import MqttClient
from kit.runtime.stage import Stage
from kit.services.live import LiveView
from kit.vision.frames import encode_jpeg
from tests.console.make import stamp
from tests.waiting import wait_until

TRAIN = "train-1"


def picture(sequence: int, train_id: str = TRAIN) -> Frame:
    import numpy as np

    image = np.full((400, 600, 3), sequence % 200, np.uint8)
    return Frame(train_id=train_id, frame=stamp(sequence), encoded_ns=7, image=encode_jpeg(image))


def seen(frame: Frame, *boxes: Box) -> Prediction:
    found = tuple(Detection(label=Label.STOP, confidence=0.9, box=box) for box in boxes)
    return Prediction(
        train_id=frame.train_id, frame=frame.frame, detections=found, model="1", provider="CPU"
    )


def feed_with(*events: Event) -> LiveFeed:
    feed = LiveFeed(TRAIN)
    for event in events:
        feed.receive(event, time.monotonic_ns())
    return feed


@contextmanager
def nothing() -> Iterator[None]:
    yield


def test_a_page_gets_two_pictures_and_then_one_for_each_that_it_drew() -> None:
    flight = InFlight()
    assert not flight.room
    flight.hear({"say": "ready"})
    for _ in range(IN_FLIGHT):
        assert flight.room
        flight.send(1.0)
    assert not flight.room
    flight.hear({"say": "drawn", "number": 1, "overtaken": 0})
    assert flight.room


def test_a_page_that_begins_again_is_not_awaited_for_what_the_old_one_had() -> None:
    flight = InFlight()
    flight.hear({"say": "ready"})
    flight.send(1.0)
    flight.send(1.0)
    flight.hear({"say": "ready"})
    assert flight.room


def test_what_a_server_dropped_on_the_way_is_not_awaited_for_ever() -> None:
    flight = InFlight()
    flight.hear({"say": "ready"})
    flight.send(1.0)
    flight.send(2.0)
    flight.forget(1.5)
    assert not flight.room
    flight.forget(2.5)
    assert flight.room


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"say": "sing"},
        {"say": "drawn"},
        {"say": "drawn", "number": "9", "overtaken": 0},
        {"say": "drawn", "number": 10**9, "overtaken": 0},
    ],
)
def test_nonsense_from_a_page_lets_no_more_than_two_leave(words: dict[str, Any]) -> None:
    flight = InFlight()
    flight.hear({"say": "ready"})
    flight.hear(words)
    sent = 0
    while flight.room and sent < 10:
        flight.send(1.0)
        sent += 1
    assert sent == IN_FLIGHT


def test_who_is_slow_gets_the_newest_picture_and_the_others_are_counted() -> None:
    frames = [picture(sequence) for sequence in range(5)]
    feed = feed_with(*(event for frame in frames for event in (frame, seen(frame))))
    taken = feed.take(lambda: True, 0)
    assert taken is not None
    assert taken.frame is frames[-1]
    assert feed.left_out == 4
    assert feed.take(lambda: True, 0) is None


def test_a_picture_goes_with_the_boxes_of_that_very_picture() -> None:
    first, second = picture(1), picture(2)
    box = Box(10, 20, 30, 40)
    feed = LiveFeed(TRAIN)
    for event in (first, seen(first, box), second):
        feed.receive(event, 10**12)
    taken = feed.take(lambda: True, 0)
    assert taken is not None
    assert taken.frame is first
    assert taken.prediction is not None
    assert [found.box for found in taken.prediction.detections] == [box]


def test_other_trains_are_not_shown() -> None:
    assert feed_with(picture(1, "train-2")).newest is None


def test_without_a_broker_it_says_what_to_do() -> None:
    with (
        pytest.raises(ConfigError, match="open a stage first"),
        from_broker(LiveFeed(TRAIN), Settings()),
    ):
        pass


def test_what_a_train_says_on_mqtt_reaches_the_view(mqtt_url: str, train_id: str) -> None:
    feed = LiveFeed(train_id)
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    with (
        LiveVideoClosing(LiveVideo(feed, from_broker(feed, settings))),
        MqttClient(mqtt_url, service="capture", train_id=train_id) as capture,
    ):
        numbers = iter(range(1_000_000))

        def came() -> bool:
            capture.publish(picture(next(numbers), train_id))
            return feed.newest is not None

        wait_until(came, "a picture")


class LiveVideoClosing:
    """Closes a view at the end, and makes sure that nothing of it goes on."""

    def __init__(self, view: LiveVideo) -> None:
        self.view = view

    def __enter__(self) -> LiveVideo:
        return self.view

    def __exit__(self, *_error: object) -> None:
        self.view.close()
        self.view.close()
        assert not [t for t in threading.enumerate() if t.name == "live view"]


def test_pictures_leave_only_while_a_browser_draws_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_view_module, "FORGET_S", 3600.0)  # however slow this is
    feed = LiveFeed(TRAIN)
    sent: list[dict[str, Any]] = []
    with LiveVideoClosing(LiveVideo(feed, nothing())) as view:
        view.widget.send = lambda words, buffers=None: sent.append(words)  # type: ignore[method-assign]

        def pictures() -> list[int]:
            return [words["sequence"] for words in sent if words["say"] == "picture"]

        def say(**words: object) -> None:
            view.widget._handle_custom_msg(words, [])

        def take_in(*sequences: int) -> None:
            for sequence in sequences:
                frame = picture(sequence)
                for event in (frame, seen(frame)):
                    feed.receive(event, 10**12)  # all at once, so that each waits for its boxes

        take_in(0, 1, 2)
        say(say="ready")
        wait_until(lambda: pictures() == [2], "the newest left")
        take_in(3)
        wait_until(lambda: pictures() == [2, 3], "the next left")
        take_in(4, 5, 6)
        say(say="drawn", number=1, overtaken=0)
        wait_until(lambda: pictures() == [2, 3, 6], "the newest again, and no queue")
        assert view.left_out == 2
        assert view.drawn == 1
        say(say="drawn", number=3, overtaken=1)
        assert view.left_out == 3


CELLS = (
    "from kit.learning import live_view as live\nlive.FIRST_PICTURE_S = 60  # however slow this is",
    "view = live.live_view(speed=5, loop=True)\nview",
    "from kit.services.base import Snapshot",
    "for n in range(30): view(Snapshot('capture', float(n), {'frames': n}))",
    "view.close()",
)


def test_where_nobody_watches_a_picture_and_figures_are_left_and_nothing_waits() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    with TemporaryDirectory(prefix="kit-") as sockets:  # no port that another may take
        over_files = {"transport": "ipc", "connection_file": f"{sockets}/kernel.json"}
        nbclient.NotebookClient(
            notebook, timeout=120, kernel_name="python3", config=Config(KernelManager=over_files)
        ).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    pages = [output.data.get("text/html", "") for output in outputs]
    shown = [page for page in pages if page]
    assert len(outputs) <= 2
    assert len(shown) == 1
    assert "data:image/jpeg" in shown[0]
    assert ">29<" in shown[0]


def test_in_a_mission_nobody_watches_so_nothing_is_read() -> None:
    stage = Stage(train_id=TRAIN, settings=Settings(), source="", hub="", attached=True)
    assert isinstance(watch(stage), LiveView)


def test_a_view_ends_with_its_stage(mqtt_url: str, train_id: str) -> None:
    settings = Settings(mqtt_url=SecretStr(mqtt_url))
    stage = Stage(train_id=train_id, settings=settings, source="", hub="", resources=ExitStack())
    assert isinstance(watch(stage), LiveVideo)
    assert [t for t in threading.enumerate() if t.name == "live view"]
    stage.close()
    assert not [t for t in threading.enumerate() if t.name == "live view"]

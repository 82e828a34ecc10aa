"""What a live view shows, and where it comes from: a broker, or a recorded run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit.config import Settings, share_path
from kit.console.trains import Picture, TrainView
from kit.errors import ConfigError
from kit.events import REPLAY_PREFIX, Command, Event, Frame, Prediction, TrainState

RECORDED = "datasets/runs/standard"
"""The run that comes with the kit."""

_SERVICE = "live-view"


class LiveFeed:
    """Keeps the newest picture with its boxes, and counts what nobody took in time.

    Safe to use from several threads; whoever is slow gets the newest picture and never a queue.

    Args:
        train_id: Whose events are shown.
    """

    def __init__(self, train_id: str) -> None:
        self.train_id = train_id
        self._changed = threading.Condition()
        self._view = TrainView(train_id)
        self._newest: Picture | None = None
        self._taken = True
        self._left_out = 0

    @property
    def newest(self) -> Picture | None:
        """The newest picture; None before the first."""
        with self._changed:
            return self._newest

    @property
    def left_out(self) -> int:
        """How many pictures a newer one overtook before anybody took them."""
        with self._changed:
            return self._left_out

    def receive(self, event: Event, received_ns: int) -> None:
        """Take in an event; quick, for the network's thread.

        Args:
            event: The event; those of other trains are passed over.
            received_ns: Monotonic nanoseconds of its reception.
        """
        if event.train_id != self.train_id:
            return
        with self._changed:
            self._view.observe(event, received_ns=received_ns, received_s=time.time())
            picture = self._view.picture(now_ns=received_ns)
            if picture is None or picture is self._newest:
                return
            again = self._newest is not None and self._newest.frame is picture.frame
            self._left_out += not (self._taken or again)
            self._newest, self._taken = picture, False
            self._changed.notify_all()

    def take(self, may_take: Callable[[], bool], timeout_s: float) -> Picture | None:
        """Return the newest picture, once, as soon as there is one and it may be taken.

        Args:
            may_take: Whether there is room for it; looked at again after :meth:`wake`.
            timeout_s: How long to wait, seconds.

        Returns:
            The picture; None if the time was up.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._taken and may_take(), timeout_s)
            if self._taken or not may_take():
                return None
            self._taken = True
            return self._newest

    def wake(self) -> None:
        """Say that there may be room now."""
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is true, looked at after each event; return whether it is."""
        with self._changed:
            return self._changed.wait_for(happened, timeout_s)

    def status(self) -> dict[str, Any]:
        """Return decision and state, ready for JSON; see :meth:`TrainView.status`."""
        with self._changed:
            return self._view.status(now_ns=time.monotonic_ns())


@contextmanager
def from_broker(feed: LiveFeed, settings: Settings) -> Iterator[None]:
    """Feed a view with what its train says on MQTT.

    Args:
        feed: Gets the events.
        settings: Where the broker is.

    Raises:
        KitError: If there is no broker.
    """
    from kit.messaging.mqtt import MqttClient

    if settings.mqtt_url is None:
        raise ConfigError(
            "The live view knows no MQTT broker",
            expected="the environment variable KIT_MQTT_URL",
            fix="open a stage first: theatre = open_stage('auto', train_id=train_id)",
        )
    url = settings.mqtt_url.get_secret_value()
    ca_file = settings.mqtt_ca_file
    with MqttClient(url, service=_SERVICE, train_id=feed.train_id, ca_file=ca_file) as client:
        client.subscribe(f"train/{feed.train_id}/#", feed.receive)
        yield


@contextmanager
def from_recording(
    feed: LiveFeed, path: Path | None = None, *, speed: float = 1.0, loop: bool = False
) -> Iterator[None]:
    """Feed a view with a recorded run, in its own time; needs no broker.

    Args:
        feed: Gets the events; its train's id begins with ``replay``.
        path: A run's folder or its file; the one that comes with the kit if None.
        speed: How much faster than it was.
        loop: Whether to begin again at the end.

    Raises:
        ConfigError: If there is no such recording, or train or speed cannot be.
    """
    from kit.recording.player import Player
    from kit.recording.reader import Recording

    recording = Recording(path or share_path(RECORDED))
    # What services said of themselves before the first picture would be seconds of nothing.
    kinds = [model.kind for model in (Frame, Prediction, Command, TrainState)]
    player = Player(recording, train_id=feed.train_id, speed=speed, loop=loop, kinds=kinds)

    def play() -> None:
        player.play(lambda event: feed.receive(event, time.monotonic_ns()))

    thread = threading.Thread(target=play, name="recorded run", daemon=True)
    thread.start()
    try:
        yield
    finally:
        player.stop()
        thread.join()


def recorded_train_id() -> str:
    """Return a name for a train that is only played."""
    return f"{REPLAY_PREFIX}-view"

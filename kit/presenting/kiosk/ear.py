"""What the kiosk shows of a train: the live one over MQTT, or a recorded one while nobody flies."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Self

from kit.config import Settings
from kit.console.trains import Picture, TrainView
from kit.events import Action, Command, Event, Origin, Stage
from kit.messaging.mqtt import MqttClient
from kit.recording.player import Player
from kit.recording.reader import Recording

ATTRACT_TRAIN = "replay-kiosk"
"""The train of the attract loop; no controller takes such a name."""


class Ear:
    """Keeps the newest of the live train and of the recorded one; use it as a context manager.

    Args:
        settings: The train and its broker.
        recording: What the attract loop plays.
    """

    def __init__(self, settings: Settings, *, recording: Path) -> None:
        assert settings.mqtt_url is not None  # the kiosk has started a broker
        self._settings = settings
        self._recording = recording
        self._lock = threading.Lock()
        self._views = {name: TrainView(name) for name in (settings.train_id, ATTRACT_TRAIN)}
        self._player: Player | None = None
        self._playing: threading.Thread | None = None
        self._client = MqttClient(
            settings.mqtt_url.get_secret_value(),
            service="kiosk",
            train_id=settings.train_id,
            ca_file=settings.mqtt_ca_file,
        )

    def __enter__(self) -> Self:
        self._client.start()
        self._client.subscribe(f"train/{self._settings.train_id}/#", self._receive)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.attract(playing=False)
        self._client.stop()

    def attract(self, *, playing: bool) -> None:
        """Begin or end the attract loop; returns once it is as wanted."""
        if playing and self._playing is None:
            self._player = Player(Recording(self._recording), train_id=ATTRACT_TRAIN, loop=True)
            self._playing = threading.Thread(
                target=self._player.play, args=(self._play,), name="attract", daemon=True
            )
            self._playing.start()
        elif not playing and self._player is not None and self._playing is not None:
            self._player.stop()
            self._playing.join()
            self._player = self._playing = None

    def stop_train(self, reason: str) -> None:
        """Send the emergency stop, over the connection that is open; never waits.

        Args:
            reason: Why, in words for people.
        """
        self._client.publish(
            Command(
                train_id=self._settings.train_id,
                action=Action.EMERGENCY_STOP,
                reason=reason,
                origin=Origin.OPERATOR,
            )
        )

    def forget(self) -> None:
        """Forget what the live train told: the next one is not to be shown its last picture."""
        with self._lock:
            self._views[self._settings.train_id] = TrainView(self._settings.train_id)

    def picture(self, *, live: bool) -> Picture | None:
        """Return the newest picture; None if there is none.

        Args:
            live: Whether that of the live train is wanted, or that of the attract loop.
        """
        with self._lock:
            return self._view(live=live).picture(now_ns=time.monotonic_ns())

    def status(self, *, live: bool) -> dict[str, Any]:
        """Return all but the picture, as the console tells it."""
        with self._lock:
            return self._view(live=live).status(now_ns=time.monotonic_ns())

    def reaction_ms(self) -> float | None:
        """Return the live train's time from its latest picture to its motor, milliseconds."""
        with self._lock:
            state = self._view(live=True).state
        if state is None or state.frame is None or Stage.ACTED not in state.marks:
            return None
        return (state.marks[Stage.ACTED] - state.frame.captured_ns) / 1e6

    def _view(self, *, live: bool) -> TrainView:
        return self._views[self._settings.train_id if live else ATTRACT_TRAIN]

    def _play(self, event: Event) -> None:
        self._receive(event, time.monotonic_ns())

    def _receive(self, event: Event, received_ns: int) -> None:
        with self._lock:
            view = self._views.get(event.train_id)
            if view is not None:
                view.observe(event, received_ns=received_ns, received_s=time.time())

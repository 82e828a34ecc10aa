"""What the console knows of a train: the newest of everything. No input or output here."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from kit.console.clock import TransitClock
from kit.console.latches import latch_of
from kit.console.logbook import Logbook
from kit.console.stages import StageTimes
from kit.events import Alive, Command, Event, Frame, Prediction, TrainState

PAIRING_MS = 500.0
"""After this long without a picture that the model has looked at, others are shown as well."""

SILENT_MS = 3000.0
"""After this long without a word, a service counts as silent, milliseconds."""

PIPELINE = ("capture", "inference", "decision", "control", "streaming")
"""Services that every train has, in the order of the flow; each has a light."""

_WAITING = 32
_LATENCIES = 100
_FPS_WINDOW_NS = 2_000_000_000


@dataclass(frozen=True)
class Picture:
    """A frame as it is shown, with what the model saw in it.

    Attributes:
        frame: The frame.
        prediction: What the model saw in this very frame; None if it told nothing in time.
        received_ns: Monotonic time of its arrival, nanoseconds.
        transit_ms: Its age at arrival, milliseconds; see `TransitClock`.
    """

    frame: Frame
    prediction: Prediction | None
    received_ns: int
    transit_ms: float

    def age_ms(self, *, now_ns: int) -> float:
        """Return how long ago it was captured, milliseconds."""
        return self.transit_ms + _ms(now_ns - self.received_ns)

    def header(self, *, now_ns: int) -> dict[str, Any]:
        """Return what is told together with the JPEG."""
        frame = self.frame
        found = self.prediction.detections if self.prediction else ()
        return {
            "train": frame.train_id,
            "frame_id": frame.frame.frame_id,
            "sequence": frame.frame.sequence,
            "width": frame.width,
            "height": frame.height,
            "age_ms": self.age_ms(now_ns=now_ns),
            "looked_at": self.prediction is not None,
            "detections": [
                {"label": d.label, "confidence": d.confidence, "box": list(d.box)} for d in found
            ],
        }


class TrainView:
    """The newest of everything that one train told."""

    def __init__(self, train_id: str) -> None:
        self.train_id = train_id
        self.log = Logbook()
        self._clock = TransitClock()
        self._waiting: deque[Picture] = deque(maxlen=_WAITING)
        self._early: deque[Prediction] = deque(maxlen=_WAITING)
        self._shown: Picture | None = None
        self._paired_ns: int | None = None
        self._latest: dict[type[Event], tuple[Event, int]] = {}
        self._alive: dict[str, tuple[Alive, int]] = {}
        self._latencies_ms: deque[float] = deque(maxlen=_LATENCIES)
        self._arrivals_ns: deque[int] = deque(maxlen=128)
        self._frames = 0
        self._lost = 0
        self._skipped = 0
        self._stages = StageTimes()
        self._sequence: int | None = None

    def observe(self, event: Event, *, received_ns: int, received_s: float) -> bool:
        """Take in an event of this train.

        Args:
            event: The event.
            received_ns: Monotonic time of arrival, nanoseconds.
            received_s: The same moment on the wall clock, seconds since 1970.

        Returns:
            Whether there is another picture to show now.
        """
        before = self._shown
        self.log.observe(event)
        if isinstance(event, Frame):
            self._frame(event, received_ns, received_s)
        elif isinstance(event, Prediction):
            self._predict(event, received_ns)
        elif isinstance(event, Alive):
            if event.service in PIPELINE:
                self._alive[event.service] = (event, received_ns)
        else:
            self._latest[type(event)] = (event, received_ns)
            if isinstance(event, TrainState):
                self._stages.acted(event)
        return self._shown is not before

    @property
    def state(self) -> TrainState | None:
        """The latest state that the train told; None before it did."""
        event, _ = self._latest.get(TrainState, (None, 0))
        return event if isinstance(event, TrainState) else None

    def picture(self, *, now_ns: int) -> Picture | None:
        """Return the picture to show: the newest one that the model has looked at.

        While the model is silent, it is the newest one there is, without boxes.
        """
        silent = self._paired_ns is None or _ms(now_ns - self._paired_ns) >= PAIRING_MS
        if silent and self._waiting:
            self._show(self._waiting[-1])
        return self._shown

    def status(self, *, now_ns: int) -> dict[str, Any]:
        """Return all but the picture and the log, ready for JSON; ages in milliseconds."""
        return {
            "id": self.train_id,
            "decision": self._decision(now_ns),
            "state": self._state(now_ns),
            "services": self._services(now_ns),
            "fps": self._fps(now_ns),
            "latency_ms": statistics.median(self._latencies_ms) if self._latencies_ms else None,
            "frames": self._frames,
            "lost": self._lost,
            "skipped": self._skipped,
            "stages_ms": self._stages.medians(),
            "pictures": self._pictures(now_ns),
            "paused": self._paused(),
        }

    def _frame(self, frame: Frame, received_ns: int, received_s: float) -> None:
        transit_ms, exact = self._clock.transit_ms(
            frame.frame, received_ns=received_ns, received_s=received_s
        )
        if exact:
            self._latencies_ms.append(transit_ms)
        else:
            self._latencies_ms.clear()
        sequence = frame.frame.sequence
        if self._sequence is not None and sequence > self._sequence:
            self._miss(sequence - self._sequence - 1, received_ns)
        self._sequence = sequence
        self._stages.arrived(frame, received_ns=received_ns, exact=exact)
        self._frames += 1
        self._arrivals_ns.append(received_ns)
        self._waiting.append(Picture(frame, None, received_ns, transit_ms))
        self._pair(received_ns)

    def _miss(self, frames: int, now_ns: int) -> None:
        """Count frames that did not come: on a narrow link some are left out on purpose."""
        pictures = self._pictures(now_ns)
        if pictures is not None and pictures["step"] > 0:
            self._skipped += frames
        else:
            self._lost += frames

    def _predict(self, prediction: Prediction, received_ns: int) -> None:
        # Pictures and predictions are two topics of Kafka: either may come first.
        self._early.append(prediction)
        self._pair(received_ns)

    def _pair(self, received_ns: int) -> None:
        found = {prediction.frame.frame_id: prediction for prediction in self._early}
        pairs = [p for p in self._waiting if p.frame.frame.frame_id in found]
        if pairs:
            newest = pairs[-1]
            self._paired_ns = received_ns
            self._show(replace(newest, prediction=found[newest.frame.frame.frame_id]))

    def _show(self, picture: Picture) -> None:
        """Show a picture and let go of the older ones; without boxes it may still get some."""
        self._shown = picture
        while self._waiting and self._waiting[0].frame is not picture.frame:
            self._waiting.popleft()
        if picture.prediction is not None:
            self._waiting.popleft()

    def _decision(self, now_ns: int) -> dict[str, Any] | None:
        event, received_ns = self._latest.get(Command, (None, 0))
        if not isinstance(event, Command):
            return None
        fields = event.model_dump(mode="json", include={"action", "reason", "label", "origin"})
        return fields | {"age_ms": _ms(now_ns - received_ns)}

    def _state(self, now_ns: int) -> dict[str, Any] | None:
        event, received_ns = self._latest.get(TrainState, (None, 0))
        if not isinstance(event, TrainState):
            return None
        hidden = {"event_id", "made_at", "train_id", "challenge", "frame", "marks"}
        fields = event.model_dump(mode="json", exclude=hidden)
        latch = latch_of(event)
        return fields | {"age_ms": _ms(now_ns - received_ns), "latch": latch}

    def _pictures(self, now_ns: int) -> dict[str, Any] | None:
        """Return how pictures are sent now, if the streaming service is there and says so."""
        alive, received_ns = self._alive.get("streaming", (None, 0))
        if alive is None or alive.pictures is None or alive.status != "online":
            return None
        if _ms(now_ns - received_ns) > SILENT_MS:
            return None
        return alive.pictures.model_dump(mode="json")

    def _paused(self) -> str | None:
        """Return why capture pauses; None if it does not."""
        alive, _ = self._alive.get("capture", (None, 0))
        paused = alive is not None and alive.paused and alive.status == "online"
        return alive.detail if alive is not None and paused else None

    def _services(self, now_ns: int) -> list[dict[str, Any]]:
        return [self._light(name, now_ns) for name in PIPELINE]

    def _light(self, name: str, now_ns: int) -> dict[str, Any]:
        if name not in self._alive:
            return {"name": name, "light": "unknown", "detail": ""}
        alive, received_ns = self._alive[name]
        age_ms = _ms(now_ns - received_ns)
        if alive.status == "online" and age_ms > SILENT_MS:
            return {"name": name, "light": "silent", "detail": "", "silent_s": round(age_ms / 1e3)}
        light = "paused" if alive.paused and alive.status == "online" else alive.status
        return {"name": name, "light": light, "detail": alive.detail}

    def _fps(self, now_ns: int) -> float:
        recent = [at for at in self._arrivals_ns if now_ns - at <= _FPS_WINDOW_NS]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        return (len(recent) - 1) / ((recent[-1] - recent[0]) / 1e9)


def _ms(ns: int) -> float:
    return ns / 1e6

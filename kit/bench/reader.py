"""Reads Kafka as a console does, and notes when what came of which frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from kit.background import Background
from kit.bench.traces import Trace, fill_gaps
from kit.config import Settings
from kit.errors import MissionError
from kit.events import Event, Frame, Stage, TrainState
from kit.messaging.kafka import TOPICS, KafkaSource

_POLL_S = 0.1


class Reader(Background):
    """Takes in all events of the bench's train from Kafka, in a thread; a context manager.

    Every state tells the marks of the frame that was acted on, so this one reader sees the whole
    way of each frame and adds no subscriber to MQTT.

    Args:
        settings: Where Kafka is.

    Raises:
        ConfigError: If no Kafka is named.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__("bench-reader")
        assert settings.kafka_bootstrap is not None  # the stand has one
        self._source = KafkaSource(settings.kafka_bootstrap, settings=settings, topics=TOPICS)
        self._changed = threading.Condition()
        self._acted: dict[int, Trace] = {}
        self._told_ns: dict[int, int] = {}
        self._pictures: dict[int, tuple[Trace, int, int]] = {}
        self._orders: list[int] = []

    def traces(self, *, since_ns: int, until_ns: int) -> list[Trace]:
        """Return the frames that were captured between two moments, by sequence.

        Args:
            since_ns: Monotonic nanoseconds.
            until_ns: Monotonic nanoseconds.
        """
        with self._changed:
            seen = [*self._acted.values(), *(trace for trace, _, _ in self._pictures.values())]
        filled = fill_gaps(seen)
        return [trace for trace in filled if since_ns <= trace.captured_ns < until_ns]

    def pictures_ms(self, traces: list[Trace]) -> list[float]:
        """Return how long the pictures of some frames took from the finished JPEG to here."""
        with self._changed:
            pictures = [self._pictures[t.sequence] for t in traces if t.sequence in self._pictures]
        return [(came_ns - trace.marks[Stage.ENCODED]) / 1e6 for trace, came_ns, _ in pictures]

    def states_ms(self, traces: list[Trace]) -> list[float]:
        """Return how long the word that some frames were acted on took to come here."""
        with self._changed:
            return [
                (self._told_ns[trace.sequence] - trace.marks[Stage.ACTED]) / 1e6
                for trace in traces
                if trace.sequence in self._told_ns and Stage.ACTED in trace.marks
            ]

    def sizes_kb(self, traces: list[Trace]) -> list[float]:
        """Return the size of the JPEGs of some frames, thousands of bytes."""
        with self._changed:
            pictures = [self._pictures[t.sequence] for t in traces if t.sequence in self._pictures]
        return [size / 1000 for _, _, size in pictures]

    def order_since(self, moment_ns: int, *, timeout_s: float) -> int:
        """Wait for an operator's command to be acted on; return when it had come in, nanoseconds.

        Args:
            moment_ns: It must have come in after this, monotonic nanoseconds.
            timeout_s: How long to wait, seconds.

        Raises:
            MissionError: If none was.
        """
        return self._await(
            lambda: next((at for at in self._orders if at >= moment_ns), None), timeout_s
        )

    def set_off_since(self, moment_ns: int, *, timeout_s: float) -> int:
        """Wait for the first frame acted on; return when its command had come in, nanoseconds.

        Args:
            moment_ns: It must have come in after this, monotonic nanoseconds.
            timeout_s: How long to wait, seconds.

        Raises:
            MissionError: If none was acted on.
        """

        def found() -> int | None:
            came = (t.marks.get(Stage.COMMAND_RECEIVED, 0) for t in self._acted.values())
            return min((at for at in came if at >= moment_ns), default=None)

        return self._await(found, timeout_s)

    def __enter__(self) -> Self:
        self._source.start()
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._source.close()

    def _await(self, found: Callable[[], int | None], timeout_s: float) -> int:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (at_ns := found()) is None:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise MissionError(
                        f"Kafka told of no command that was acted on within {timeout_s:g} s",
                        fix="end what else keeps this machine busy, and measure again",
                    )
            return at_ns

    def _run(self) -> None:
        while not self._ended.is_set():
            item = self._source.poll(_POLL_S)
            if item is not None:
                with self._changed:
                    self._take(*item)
                    self._changed.notify_all()

    def _take(self, event: Event, received_ns: int) -> None:
        if isinstance(event, Frame):
            stamp = event.frame
            marks = {Stage.ENCODED: event.encoded_ns}
            trace = Trace(stamp.sequence, stamp.captured_ns, marks)
            self._pictures.setdefault(stamp.sequence, (trace, received_ns, len(event.image)))
        elif isinstance(event, TrainState) and Stage.ACTED in event.marks:
            self._take_state(event, received_ns)

    def _take_state(self, state: TrainState, received_ns: int) -> None:
        if state.frame is None:
            if Stage.COMMAND_RECEIVED in state.marks:  # else the train stopped by itself
                self._orders.append(state.marks[Stage.COMMAND_RECEIVED])
            return
        # A state is told again every second: only the first time is news.
        sequence = state.frame.sequence
        if sequence not in self._acted:
            self._acted[sequence] = Trace(sequence, state.frame.captured_ns, state.marks)
            self._told_ns[sequence] = received_ns

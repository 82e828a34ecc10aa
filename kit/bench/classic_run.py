"""The classic arrangement, measured on the same ground as the kit; see :mod:`kit.bench.classic`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

from kit.background import Background
from kit.bench.busy import crowded
from kit.bench.classic import ROLES
from kit.bench.stand import START_TIMEOUT_S, Ground, ground
from kit.bench.traces import RESULT_TO_CONSOLE, Arrangement, StageRun, Trace
from kit.bench.usage import sample, usage
from kit.bench.wire_log import WireLog
from kit.child import Child
from kit.config import Settings
from kit.errors import EventError, MissionError
from kit.events import Stage
from kit.interop.formats import MAX_BYTES, MONITORING_TOPIC, decode_monitoring
from kit.messaging.kafka.cluster import (
    CONNECT_TIMEOUT_S,
    admin_client,
    client_config,
    client_logger,
)

WARM_UP_S = 1.5
"""How long it runs before the measurement begins, seconds."""

PATIENCE_S = 30.0
"""How long the first command may take, seconds."""

_POLL_S = 0.05
_Note = Mapping[str, Any]


def measure_classic(fps: float, seconds: float, *, busy: int = 0) -> StageRun:
    """Measure the classic arrangement, as processes, on brokers and a virtual set of its own.

    Args:
        fps: Frames a second, to 30.
        seconds: How long to measure.
        busy: How many other programs are to compute on the model's processor meanwhile.

    Raises:
        KitError: If something does not start, or no command comes.
    """
    with (
        ground(fps=fps, kafka=True) as on,
        _Page(on.settings) as page,
        _programs(on, fps) as (pids, notes),
        crowded(pids["model"], busy),
    ):
        me = {"bench": os.getpid()}
        _wait_for_command(notes)
        WireLog(on.truth).first_power(since_ns=0, timeout_s=PATIENCE_S)
        time.sleep(WARM_UP_S)
        began_ns, first = time.monotonic_ns(), sample(pids, alone=me)
        time.sleep(seconds)
        ended_ns, then = time.monotonic_ns(), sample(pids, alone=me)
        told = read_notes(notes)
        traces = [trace for trace in join(told, until_ns=ended_ns) if began_ns <= trace.captured_ns]
        sizes = [note["size"] for note in told if note["kind"] == "captured"]
        return StageRun(
            Arrangement.CLASSIC,
            fps=fps,
            seconds=seconds,
            last=Stage.COMMAND_RECEIVED,
            traces=tuple(traces),
            more={RESULT_TO_CONSOLE: page.delays_ms(told, since_ns=began_ns)},
            usage=usage(first, then, seconds=(ended_ns - began_ns) / 1e9),
            frame_kb=round(median(sizes) / 1000, 1),
        )


def read_notes(path: Path) -> list[dict[str, Any]]:
    """Read what the four programs have noted so far, but for a line that is still written."""
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def join(notes: Sequence[_Note], *, until_ns: int) -> list[Trace]:
    """Put together the way of each frame from what the four programs noted.

    Commands carry no id, as those of the older demo: they are told apart by their order, which
    one connection to one broker keeps.

    Args:
        notes: In the order of each program.
        until_ns: What happened later is left out, monotonic nanoseconds.

    Returns:
        A trace of each frame that was captured, by sequence.
    """
    inferred = {note["id"]: note for note in _kind(notes, "inferred")}
    decided = list(_kind(notes, "decided"))
    commanded = _kind(notes, "commanded")
    told = {
        decision["id"]: {
            Stage.PREDICTION_RECEIVED: decision["received_ns"],
            Stage.DECIDED: decision["decided_ns"],
            **({Stage.COMMAND_RECEIVED: command["received_ns"]} if command else {}),
        }
        for decision, command in _pair(decided, list(commanded))
    }
    traces = []
    for note in _kind(notes, "captured"):
        seen = inferred.get(note["id"])
        marks = {
            Stage.ENCODED: note["encoded_ns"],
            **(_seen(seen) if seen else {}),
            **told.get(note["id"], {}),
        }
        known = {stage: at_ns for stage, at_ns in marks.items() if at_ns < until_ns}
        if note["captured_ns"] < until_ns:
            traces.append(Trace(note["sequence"], note["captured_ns"], known))
    return traces


def _seen(note: _Note) -> dict[Stage, int]:
    return {
        Stage.FRAME_RECEIVED: note["received_ns"],
        Stage.DECODED: note["decoded_ns"],
        Stage.INFERRED: note["inferred_ns"],
    }


def _kind(notes: Sequence[_Note], kind: str) -> Iterator[_Note]:
    return (note for note in notes if note["kind"] == kind)


def _pair(
    decided: Sequence[_Note], commanded: Sequence[_Note]
) -> Iterator[tuple[_Note, _Note | None]]:
    for position, decision in enumerate(decided):
        yield decision, commanded[position] if position < len(commanded) else None


@contextmanager
def _programs(on: Ground, fps: float) -> Iterator[tuple[dict[str, int], Path]]:
    """Start the four programs, the one that listens before the one that speaks."""
    notes = on.folder / "classic.jsonl"
    notes.touch()
    pids = dict(on.pids)
    with ExitStack() as stack:
        for role in ROLES:
            child = Child.module(
                "kit.bench.classic",
                *(role, "--notes", str(notes)),
                *("--source", on.camera, "--fps", f"{fps:g}", "--hub", on.hub),
                name=f"classic {role}",
                env=on.settings.environment(),
                log=on.folder / f"classic-{role}.log",
            )
            stack.enter_context(child)
            child.ready(timeout_s=START_TIMEOUT_S)
            pids[role] = child.pid
        yield pids, notes


def _wait_for_command(notes: Path) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not any(_kind(read_notes(notes), "commanded")):
        if time.monotonic() >= ends:
            raise MissionError(f"The classic arrangement made no command within {PATIENCE_S:g} s")
        time.sleep(_POLL_S)


class _Page(Background):
    """Reads their Kafka topic, as their page does; a context manager."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("their-page")
        assert settings.kafka_bootstrap is not None  # the ground has one
        config = client_config(settings.kafka_bootstrap, settings)
        admin = admin_client(config)  # held on to: its answers end with it
        for done in admin.create_topics([NewTopic(MONITORING_TOPIC, 1, 1)]).values():
            done.result(CONNECT_TIMEOUT_S)
        self._came_ns: dict[int, int] = {}
        self._consumer = Consumer(
            config
            | {"group.id": "bench", "enable.auto.commit": False, "message.max.bytes": MAX_BYTES}
            | {"fetch.wait.max.ms": 10},  # as the kit's own reader
            logger=client_logger,
        )
        self._consumer.assign([TopicPartition(MONITORING_TOPIC, 0, 0)])

    def delays_ms(self, notes: Sequence[_Note], *, since_ns: int) -> list[float]:
        """Return how long each result took from its decision to here, milliseconds."""
        came_ns = dict(self._came_ns)
        return [
            (came_ns[note["id"]] - note["decided_ns"]) / 1e6
            for note in _kind(notes, "decided")
            if note["id"] in came_ns and note["decided_ns"] >= since_ns
        ]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._consumer.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            message = self._consumer.poll(_POLL_S)
            received_ns = time.monotonic_ns()
            if message is None or message.error() is not None:
                continue
            try:
                seen = decode_monitoring(message.value() or b"")
            except EventError:
                continue
            self._came_ns[seen.id] = received_ns

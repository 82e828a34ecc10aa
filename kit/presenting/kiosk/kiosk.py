"""The kiosk behind its page: joins the visit, the mission, the train and the best of the day.

It lives in one event loop. What comes from threads, the mission's and the train's, is handed to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kit.config import Settings, share_path
from kit.events import Motion
from kit.presenting.kiosk.ear import Ear
from kit.presenting.kiosk.pilot import Pilot
from kit.presenting.kiosk.scoreboard import Scoreboard
from kit.presenting.kiosk.visit import Phase, Visit
from kit.presenting.reset import KIOSK_RUNS
from kit.reasons import Reason, readings
from kit.recording.reader import Recording
from kit.runtime.plan import Plan

TRACKS = ("standard", "stop-sign", "night")
"""Scenarios among which a visitor may choose on the virtual set."""

TICK_S = 0.5
"""How often it is looked whether a visitor has gone, seconds."""

BEST_EVERY_S = 3.0
"""How often the best of the day are asked for, seconds."""

_STANDING = {Motion.STOPPED.value, Motion.FAULT.value}


@dataclass(frozen=True)
class Options:
    """What a kiosk is started with.

    Attributes:
        source: The camera; that of the virtual set if None.
        hub: The hub; that of the virtual set if None.
        provider: Where the model runs.
        runtime: ``processes``, which start sooner, or ``notebooks``.
        seconds: How long a train may be under way.
        countdown_s: How long the countdown lasts, seconds.
        tracks: Scenarios to choose from, of the virtual set.
        language: ``en`` or ``fr``, in which the page begins.
        recording: What the attract loop plays.
    """

    source: str | None = None
    hub: str | None = None
    provider: str = "auto"
    runtime: Literal["processes", "notebooks"] = "processes"
    seconds: float = 60.0
    countdown_s: float = 3.0
    tracks: Sequence[str] = TRACKS
    language: str = "en"
    recording: Path | None = None


class Kiosk:
    """One kiosk; :meth:`run` serves it until it is cancelled.

    Args:
        options: What it is started with.
        settings: With all brokers named and an arm key.

    Raises:
        ConfigError: If the recording is none.
    """

    def __init__(self, options: Options, settings: Settings) -> None:
        self.options = options
        self._settings = settings
        self._visit = Visit()
        self._runs = (settings.runs_dir / KIOSK_RUNS).resolve()
        self._runs.mkdir(parents=True, exist_ok=True)
        self._board = Scoreboard(settings)
        self._best: list[dict[str, Any]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        recording = options.recording or share_path("datasets/runs/standard")
        Recording(recording)  # if it is none, that is told before any visitor comes
        self._ear = Ear(settings, recording=recording)
        self._pilot = Pilot(
            settings, log=self._runs / "missions.log", on_phase=self._heard, on_end=self._landed
        )

    async def run(self) -> None:
        """Receive visitors; at its end the train stands, and nothing runs that was started here."""
        self._loop = asyncio.get_running_loop()
        try:
            with self._ear:
                try:
                    await asyncio.gather(self._watch(), self._follow_best())
                finally:
                    await asyncio.to_thread(self._pilot.close)
        finally:
            for task in self._tasks:
                task.cancel()

    @property
    def live(self) -> bool:
        """Whether the live train is shown, and not the recorded one."""
        return self._visit.phase is not Phase.ATTRACT

    @property
    def ear(self) -> Ear:
        """What there is to see."""
        return self._ear

    def start(self, name: str, track: str) -> None:
        """Begin a visit with its mission; nothing happens while another visitor's runs.

        Raises:
            EventError: If that is no name.
        """
        chosen = track if track in self.options.tracks else self.options.tracks[0]
        before = self._visit
        self._visit = before.start(name, chosen, now_s=time.monotonic())
        if self._visit is not before:
            self._ear.attract(playing=False)
            self._ear.forget()
            self._spawn(self._fly(self._visit))

    async def _fly(self, visit: Visit) -> None:
        """Fly a visit's mission, once one that was broken off has come to its end."""
        await asyncio.to_thread(self._pilot.wait)
        if self._visit.number == visit.number and self._visit.flying:
            self._pilot.fly(self._plan(visit.track), visit.number)

    def stop(self) -> None:
        """Stop the train at once, whoever asks and whatever is under way, and end the mission."""
        self._ear.stop_train(Reason.AT_KIOSK)
        self._visit = self._visit.stop()
        if self._pilot.flying:
            self._pilot.interrupt()
        elif self._visit.flying:  # its mission waits for an earlier one, and will not begin
            self._visit = self._visit.ended({}, now_s=time.monotonic())

    def next(self) -> None:
        """Forget the visitor whose score is shown."""
        self._visit = self._visit.next(now_s=time.monotonic())

    def again(self) -> None:
        """Fly the same mission for the same visitor, who brought home no points."""
        if self._visit.may_try_again:
            self.start(self._visit.name, self._visit.track)

    def reset(self) -> None:
        """Stop whatever is under way and forget the visitor; the mission ends by itself."""
        if self._pilot.flying:
            self.stop()
        self._visit = Visit(number=self._visit.number, since_s=time.monotonic())

    def told(self) -> dict[str, Any]:
        """Return what the page shows besides the picture, ready for JSON."""
        status = self._ear.status(live=self.live)
        state = status["state"] or {}
        visit = self._visit.as_json(now_s=time.monotonic(), countdown_s=self.options.countdown_s)
        stands = bool(state.get("latched")) and state.get("motion") in _STANDING
        return {
            "visit": visit,
            "train": {
                "decision": status["decision"],
                "state": status["state"],
                "latency_ms": self._ear.reaction_ms() if self.live else None,
                "stands": stands,
                "services": {each["name"]: each["light"] for each in status["services"]},
            },
            "best": self._best,
            "board": self._board.told(),
            "readings": readings([visit["because"], state.get("reason", "")]),
            "tracks": list(self.options.tracks) if self.options.source is None else [],
            "language": self.options.language,
        }

    def _plan(self, track: str) -> Plan:
        options = self.options
        return Plan.parse(
            seconds=options.seconds,
            scenario=track,
            seed=self._visit.number,
            out=self._runs,
            source=options.source,
            hub=options.hub,
            provider=options.provider,
            runtime=options.runtime,
            countdown_s=options.countdown_s,
            console=False,
        )

    def _heard(self, number: int, phase: str) -> None:
        self._hand(lambda: self._told_phase(number, phase))

    def _landed(self, number: int, result: dict[str, Any]) -> None:
        self._hand(lambda: self._end(number, result))

    def _hand(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(call)

    def _told_phase(self, number: int, phase: str) -> None:
        if number == self._visit.number:
            self._visit = self._visit.told(phase, now_s=time.monotonic())

    def _end(self, number: int, result: dict[str, Any]) -> None:
        if number != self._visit.number or not self._visit.flying:
            return  # its visitor was forgotten meanwhile
        self._visit = self._visit.ended(result, now_s=time.monotonic())
        if self._visit.score is not None:
            self._spawn(self._report(self._visit.name, self._visit.score.total, result))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report(self, name: str, total: float, result: dict[str, Any]) -> None:
        await asyncio.to_thread(self._board.report, name, total, result)
        self._best = await asyncio.to_thread(self._board.best)

    async def _watch(self) -> None:
        while True:
            self._visit = self._visit.idle(now_s=time.monotonic())
            self._ear.attract(playing=self._visit.phase is Phase.ATTRACT)
            await asyncio.sleep(TICK_S)

    async def _follow_best(self) -> None:
        while True:
            self._best = await asyncio.to_thread(self._board.best)
            await asyncio.sleep(BEST_EVERY_S)

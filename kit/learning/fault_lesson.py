"""A train under way on the virtual set, to be measured and to be broken, with recordings of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from kit.bench.traces import Trace, stage_durations
from kit.chaos.catalogue import all_faults
from kit.chaos.fault import Fault, Where
from kit.chaos.ground import open_ground
from kit.chaos.stage import Stage, open_stage
from kit.chaos.trial import Trial, try_fault
from kit.errors import ConfigError, MissionError
from kit.labels import translated
from kit.learning.show import tell
from kit.messaging.mqtt import MqttClient
from kit.runtime.recorder import Recorder
from kit.runtime.run import TRUTH, Run, read_run

BROKEN, MENDED = "broken", "mended"
"""Notes in the recording of a fault: when it began and when it ended."""

RUN_UP_S = 1.0
"""How long the train is recorded before something breaks, seconds."""


@dataclass(frozen=True)
class Broken:
    """A fault that was tried.

    Attributes:
        trial: What came of it, by the virtual set's own notes.
        run: What was recorded meanwhile; its folder is one of a run.
    """

    trial: Trial
    run: Run

    @property
    def broken_ns(self) -> int:
        """When the fault began, monotonic nanoseconds."""
        at_ns = self.run.when(BROKEN)
        assert at_ns is not None
        return at_ns

    @property
    def fault_ms(self) -> float:
        """When the fault began, milliseconds since the first of ``moments``."""
        return (self.broken_ns - self.run.physics[0].t_ns) / 1e6

    @property
    def moments(self) -> list[tuple[float, float]]:
        """Milliseconds since the first moment, and the true speed then, metres a second."""
        began_ns = self.run.physics[0].t_ns
        return [((p.t_ns - began_ns) / 1e6, p.speed_mps) for p in self.run.physics]

    @property
    def told(self) -> str:
        """The controller's reason for the stop, or what it said last if it did not stop."""
        after = [state for state in self.run.states if state.received_ns >= self.broken_ns]
        stops = (state.reason for state in after if state.latched)
        return next(stops, after[-1].reason if after else "nothing")

    def in_words(self) -> dict[str, str]:
        """Return what was done and what came of it."""
        found = self.trial.verdict
        words = {"what was done": self.trial.fault.what, "expected": self.trial.fault.expected}
        if found is None:
            return words | {"could not be tried": self.trial.trouble}
        stood = found.stopped_in_ms is not None
        return words | {
            "the controller said": self.told,
            "brake after": _ms(found.braked_in_ms),
            "stood after": _ms(found.stopped_in_ms) if stood else "never: it drove on",
            "way until then": f"{found.ran_on_m * 100:.0f} cm",
            "as expected": "yes" if found.ok else "; ".join(found.problems),
        }


class FaultLesson:
    """Brokers, the virtual set and the five services at work; it ends with :meth:`close`.

    Args:
        folder: Gets a run's folder for each time that something is measured or broken.

    Raises:
        KitError: If something does not start.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tried = 0
        with ExitStack() as resources:
            tell("Brokers and the virtual set start, then the five services ...")
            began = time.monotonic()
            ground = resources.enter_context(open_ground(folder))
            self._stage = resources.enter_context(open_stage(ground))
            self._resources = resources.pop_all()
            tell("All of them work, after {seconds:.0f} s.", seconds=time.monotonic() - began)

    def drive(self, *, seconds: float) -> Run:
        """Let the train go round for a while.

        Args:
            seconds: For how long, once it has its speed.

        Returns:
            What was recorded meanwhile.

        Raises:
            KitError: If the train does not move.
        """
        self._stage.depart()
        tell("The train goes round for {seconds:g} s ...", seconds=seconds)
        with self._recorded("drive") as (folder, _):
            self._let_pass(seconds)
        return read_run(folder)

    def break_it(self, name: str) -> Broken:
        """Break something while the train is under way, mend it, and see the train drive again.

        A computer that is busy with other things can spoil a trial. If one does not end as
        expected that is told, and it is tried once more.

        Args:
            name: Of a fault of ``kit chaos`` that needs no stage of its own.

        Returns:
            What came of it, the second time if there was one.

        Raises:
            ConfigError: If there is no such fault.
            MissionError: If it could not be tried.
        """
        fault = _fault(name)
        broken = self._break(fault)
        if problems := broken.trial.verdict and broken.trial.verdict.problems:
            tell("Not as expected: {problems}. Once more ...", problems="; ".join(problems))
            broken = self._break(fault)
        return broken

    def _break(self, fault: Fault) -> Broken:
        name = fault.name
        tell("The train gets up to its speed ...")
        with self._recorded(name) as (folder, recorder):
            self._stage.depart()
            self._let_pass(RUN_UP_S)

            @contextmanager
            def noted(stage: Stage) -> Iterator[None]:
                recorder.note(BROKEN, fault=name)
                tell("Now: {what}.", what=translated(fault.what))
                with fault.inject(stage):
                    yield
                    recorder.note(MENDED, fault=name)
                    tell("It is mended; the services find together, the train is armed again ...")

            trial = try_fault(self._stage, replace(fault, inject=noted))
        if trial.verdict is None:
            raise MissionError(f"The fault '{name}' could not be tried", got=trial.trouble)
        return Broken(trial, read_run(folder))

    def close(self) -> None:
        """End what was started; safe to call twice."""
        self._resources.close()

    def _let_pass(self, span_s: float) -> None:
        end = time.monotonic() + span_s
        self._stage.ground.witness.wait_for(lambda: time.monotonic() >= end, timeout_s=span_s)

    @contextmanager
    def _recorded(self, name: str) -> Iterator[tuple[Path, Recorder]]:
        """Record all that is said, and keep what the virtual set notes meanwhile."""
        self._tried += 1
        folder = self._folder / f"{self._tried}-{name}"
        folder.mkdir()
        settings = self._stage.ground.settings
        truth = self._folder / TRUTH
        begin = truth.stat().st_size
        assert settings.mqtt_url is not None
        client = MqttClient(
            settings.mqtt_url.get_secret_value(), service="lesson", train_id=settings.train_id
        )
        with Recorder(folder, on_failure=_raise, pictures=False) as recorder, client:
            client.subscribe(f"train/{settings.train_id}/#", recorder.receive)
            yield folder, recorder
        with truth.open("rb") as notes:
            notes.seek(begin)
            (folder / TRUTH).write_bytes(notes.read())


def stage_times(run: Run) -> dict[str, list[float]]:
    """Return how long each stage took, milliseconds, one value a frame that was acted on.

    Args:
        run: What was recorded.

    Returns:
        By the stage's name in the notebook's language, in the order in which a frame passes them.
    """
    durations = stage_durations(Trace(a.sequence, a.captured_ns, a.marks) for a in run.acted)
    return {translated(name): values for name, values in durations.items()}


def _fault(name: str) -> Fault:
    known = {fault.name: fault for fault in all_faults() if fault.where is Where.SHARED}
    if name not in known:
        raise ConfigError("There is no such fault", expected=f"one of {', '.join(known)}", got=name)
    return known[name]


def _ms(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} ms"


def _raise(error: MissionError) -> NoReturn:
    raise error

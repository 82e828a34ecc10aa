"""One mission from its first process to its report; the train stands at the end of it.

Briefing, then the five services at once, then the train is armed and goes its way until it has
stopped, derailed, come to the end, or time or patience are over. Whatever ends it, the services
end in order, what was started ends too, and the folder of the run tells the story.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kit.config import Settings
from kit.errors import ConfigError, KitError, MissionError
from kit.reasons import Reason
from kit.runtime.crew import BRIEFING, DEBRIEF, END_TIMEOUT_S, notebook_member
from kit.runtime.flight import Flight
from kit.runtime.interrupts import Interrupts
from kit.runtime.outcome import FAILED, Outcome, judge
from kit.runtime.parameters import BriefingNotebook, DebriefNotebook
from kit.runtime.plan import Plan
from kit.runtime.recorder import Recorder
from kit.runtime.run import MISSION, REPORT, TRUTH, read_run
from kit.runtime.stack import running_stack
from kit.runtime.view import Display, NoDisplay, View
from kit.sim.scenario import Scenario, load_scenario

NEEDED_BYTES = 100_000_000
"""Room on the disk without which no mission starts."""

TICK_S = 0.25
"""How often it is looked whether a notebook has ended, seconds."""


def run_mission(
    plan: Plan, *, settings: Settings | None = None, display: Display | None = None
) -> tuple[Outcome, Path]:
    """Run a mission.

    Args:
        plan: What it is to do.
        settings: What is configured; from the environment if None.
        display: Shows it to people while it runs.

    Returns:
        The outcome, and the folder of the run.

    Raises:
        ConfigError: If the plan cannot be: no such scenario, no room on the disk. Whatever
            goes wrong later is the outcome's ``error``.
    """
    settings = settings or Settings.load()
    scenario = load_scenario(plan.set_scenario) if plan.needs_virtual_set else None
    run_dir = make_run_dir(plan.out or settings.runs_dir)
    with Interrupts() as interrupts, _log_file(run_dir / "logs" / "runtime.log"):
        mission = Mission(
            plan,
            settings=settings,
            scenario=scenario,
            run_dir=run_dir,
            interrupts=interrupts,
            display=display or NoDisplay(),
        )
        return mission.run(), run_dir


def make_run_dir(parent: Path) -> Path:
    """Make a folder for a run, named by the time.

    Args:
        parent: Folder that gets it; made if missing.

    Returns:
        The new folder, absolute, with ``logs`` in it.

    Raises:
        ConfigError: If it cannot be made, or the disk is all but full.
    """
    stem = datetime.now(UTC).astimezone().strftime("%Y%m%d-%H%M%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(parent).free
        if free < NEEDED_BYTES:
            raise ConfigError(
                f"There is no room on the disk of {parent.resolve()}",
                expected=f"{NEEDED_BYTES / 1e6:.0f} MB at least",
                got=f"{free / 1e6:.0f} MB free",
                fix="make room, or name another folder with --out",
            )
        for name in (stem, *(f"{stem}-{number}" for number in range(2, 100))):
            folder = parent.resolve() / name
            try:
                (folder).mkdir()
            except FileExistsError:
                continue
            (folder / "logs").mkdir()
            return folder
    except OSError as error:
        raise ConfigError(
            "The folder for the run cannot be made",
            got=str(error),
            fix="name a folder that can be written to with --out",
        ) from error
    raise ConfigError("There are too many runs of this second", got=str(parent / stem))


class Mission:
    """One mission in its folder; see :func:`run_mission`."""

    def __init__(
        self,
        plan: Plan,
        *,
        settings: Settings,
        scenario: Scenario | None,
        run_dir: Path,
        interrupts: Interrupts,
        display: Display,
    ) -> None:
        self._plan = plan
        self._settings = settings
        self._scenario = scenario
        self._run_dir = run_dir
        self._interrupts = interrupts
        self._display = display
        self._flight: Flight | None = None
        self._error: KitError | None = None
        self._ended_by = "failure"

    def run(self) -> Outcome:
        """Run it to its end; return what came of it."""
        pictures = self._plan.pictures
        with Recorder(self._run_dir, on_failure=self._fail, pictures=pictures) as recorder:
            recorder.note("planned", **self._facts())
            try:
                self._stage(recorder)
            except KeyboardInterrupt:
                self._ended_by = "interrupt"
                self._fail(MissionError(Reason.INTERRUPTED))
            except KitError as error:
                self._fail(error)
            finally:
                self._interrupts.shield()
            problem = str(self._error) if self._error else None
            recorder.note("ended", ended_by=self._ended_by, error=problem)
        return self._look_back()

    def _stage(self, recorder: Recorder) -> None:
        self._show("Starting the brokers and the virtual set")
        with running_stack(
            self._plan,
            settings=self._settings,
            logs=self._run_dir / "logs",
            truth=self._run_dir / TRUTH,
        ) as stack:
            if self._plan.runtime == "notebooks":
                self._show("Briefing", stack.console_url)
                briefing = BriefingNotebook(scenario=self._plan.set_scenario, seed=self._plan.seed)
                self._run_notebook(BRIEFING, briefing, stack.settings)
            self._flight = Flight(
                self._plan,
                stack,
                scenario=self._scenario if self._plan.on_track else None,
                run_dir=self._run_dir,
                recorder=recorder,
                interrupts=self._interrupts,
                display=self._display,
            )
            if self._error is None:
                self._flight.fly()
            self._error = self._error or self._flight.error
            self._ended_by = self._flight.ended_by

    def _look_back(self) -> Outcome:
        outcome = replace(judge(read_run(self._run_dir)), ended_by=self._ended_by)
        if self._error is not None:  # which a full disk may have kept out of the record
            outcome = _failed(outcome, self._error)
        for step in (self._save, self._debrief, self._report, self._save):
            try:
                step(outcome)
            except Exception as error:
                logging.getLogger(__name__).warning("looking back failed", exc_info=True)
                outcome = _failed(outcome, error)
        return outcome

    def _save(self, outcome: Outcome) -> None:
        text = json.dumps(result_json(outcome, self._run_dir), ensure_ascii=False, indent=2)
        (self._run_dir / MISSION).write_text(text + "\n", encoding="utf-8")

    def _debrief(self, outcome: Outcome) -> None:
        if self._plan.runtime == "notebooks" and outcome.error is None:
            self._show("Debrief")
            parameters = DebriefNotebook(run_dir=str(self._run_dir))
            self._run_notebook(DEBRIEF, parameters, self._settings)

    def _report(self, outcome: Outcome) -> None:
        from kit.runtime.report import write_report

        self._show("Writing the report")
        write_report(self._run_dir, outcome)

    def _run_notebook(self, stem: str, parameters: BaseModel, settings: Settings) -> None:
        member = notebook_member(
            stem,
            stem,
            parameters,
            settings=settings,
            run_dir=self._run_dir,
            on_end=lambda _member: None,
        )
        member.start()
        try:
            while not member.wait(TICK_S):
                if self._interrupts.impatient.is_set():
                    raise MissionError(f"The notebook {stem} was interrupted")
        finally:
            member.kill()
            member.wait(END_TIMEOUT_S)
        if member.error:
            raise member.error

    def _facts(self) -> dict[str, Any]:
        plan, scenario = self._plan, self._scenario
        on_track = plan.on_track and scenario is not None
        return {
            "on_track": on_track,
            "scenario": scenario.name if on_track and scenario else None,
            "title": scenario.title if on_track and scenario else None,
            "expect": scenario.expect if on_track and scenario else None,
            "source": plan.source,
            "seed": plan.seed,
            "fps": plan.fps,
            "seconds": plan.seconds,
            "runtime": plan.runtime,
            "train_id": self._settings.train_id,
        }

    def _fail(self, error: KitError) -> None:
        self._error = self._error or error
        if self._flight is not None and self._flight.error is None:
            self._flight.fail(error)

    def _show(self, phase: str, console_url: str | None = None) -> None:
        self._display.show(View(phase=phase, seconds=self._plan.seconds, console_url=console_url))


def result_json(outcome: Outcome, run_dir: Path) -> dict[str, Any]:
    """Return the result of a mission as programs read it.

    Args:
        outcome: What came of it.
        run_dir: Folder of the run.
    """
    report = run_dir / REPORT
    return {
        **outcome.as_json(),
        "notebooks": [str(path) for path in sorted(run_dir.glob("*.ipynb"))],
        "report": str(report) if report.exists() else None,
        "run_dir": str(run_dir),
    }


def _failed(outcome: Outcome, error: Exception) -> Outcome:
    problem = f"The run could not be looked back at: {type(error).__name__}: {error}"
    if isinstance(error, KitError):
        problem = str(error)
    verdict = outcome.verdict if outcome.stopped or outcome.derailed else FAILED
    return replace(outcome, ok=False, verdict=verdict, error=outcome.error or problem)


class _LogFile(logging.FileHandler):
    """A log that gives up in silence when its disk is full: the recorder tells of that."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leave the record out."""


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Write what the libraries log to a file, not into the terminal's live table."""
    handler = _LogFile(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        with suppress(OSError):
            handler.close()

"""What a learner calls in a notebook: check, hint, solve, reset, and how far one has come."""

from __future__ import annotations

import html
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.config import Settings
from kit.errors import ConfigError, MissionError
from kit.workshop.bar import progress_bar
from kit.workshop.cells import solution, stub
from kit.workshop.exercise import Exercise, judge
from kit.workshop.folder import Done, Folder, Progress, now
from kit.workshop.reporting import report
from kit.workshop.tasks import EXERCISES
from kit.workshop.texts import Text

if TYPE_CHECKING:
    from IPython.display import HTML

_GOOD, _BAD, _CALM = "#2e7d32", "#b3261e", "#1f5fa8"


class NotYetError(MissionError):
    """A learner's function does not do yet what it should; Jupyter shows only the message."""

    def _render_traceback_(self) -> list[str]:
        return [f"✗ {self.problem}"]


def check(name: str, candidate: object) -> HTML:
    """Try a function, and keep that it is right.

    Args:
        name: Of the exercise.
        candidate: The learner's function.

    Returns:
        Good news, for Jupyter to show.

    Raises:
        NotYetError: If it is not right; says what was expected, what came and where to look.
        ConfigError: If there is no such exercise.
    """
    exercise = _exercise(name)
    verdict = judge(exercise, candidate, seed=secrets.randbits(32))
    folder, progress = _progress()
    said = verdict.message.say(progress.language)
    if not verdict.passed:
        progress.tries[name] = progress.tries.get(name, 0) + 1
        _keep(folder, progress)
        raise NotYetError(said)
    progress.done.setdefault(name, Done(outcome="solved", at=now()))
    told = report(progress, Settings.load()) if folder else None
    _keep(folder, progress)
    words = f"{said} {told.say(progress.language)}" if told else said
    return _box(words, _GOOD, "✓", below=progress_bar(progress) if folder else "")


def hint(name: str) -> HTML:
    """Show the next hint of an exercise; each one says more.

    Args:
        name: Of the exercise.

    Raises:
        ConfigError: If there is no such exercise.
    """
    exercise = _exercise(name)
    folder, progress = _progress()
    taken = min(progress.hints.get(name, 0) + 1, len(exercise.hints))
    progress.hints[name] = taken
    _keep(folder, progress)
    words = exercise.hints[taken - 1].say(progress.language)
    return _box(f"{taken}/{len(exercise.hints)}: {words}", _CALM, "?")


def solve(name: str) -> Any:
    """Skip an exercise: show its solution and return it as a function to go on with.

    Args:
        name: Of the exercise.

    Returns:
        The function.

    Raises:
        ConfigError: If there is no such exercise.
    """
    exercise = _exercise(name)
    folder, progress = _progress()
    progress.done.setdefault(name, Done(outcome="skipped", at=now()))
    _keep(folder, progress)
    source = solution(name, exercise.notebook)
    _show(_code(source, below=progress_bar(progress) if folder else ""))
    space: dict[str, Any] = {}
    exec(compile(source, f"<solution of {name}>", "exec"), space)  # noqa: S102  # our own notebook
    return space[name]


def reset(name: str) -> HTML:
    """Begin an exercise anew: forget what became of it, and show what to start from.

    Args:
        name: Of the exercise.

    Raises:
        ConfigError: If there is no such exercise.
    """
    exercise = _exercise(name)
    folder, progress = _progress()
    for kept in (progress.done, progress.hints, progress.tries):
        kept.pop(name, None)
    _keep(folder, progress)
    return _code(stub(solution(name, exercise.notebook)))


def progress_table() -> HTML:
    """Show what became of each exercise."""
    from kit.learning.show import rows

    _, progress = _progress()
    heads = Text("exercise notebook outcome", "exercice notebook résultat").say(progress.language)
    return rows(
        heads.split(),
        [
            (name, one.notebook, outcome(progress, name).say(progress.language))
            for name, one in EXERCISES.items()
        ],
    )


def outcome(progress: Progress, name: str) -> Text:
    """Say what became of an exercise.

    Args:
        progress: Of a learner.
        name: Of the exercise.
    """
    done, hints = progress.done.get(name), progress.hints.get(name, 0)
    if done is None:
        return Text(en="open", fr="à faire")
    helped = Text(en=f" (hints: {hints})", fr=f" (indices : {hints})") if hints else Text("", "")
    if done.outcome == "skipped":
        return Text(en="skipped", fr="passé")
    return Text(en=f"solved{helped.en}", fr=f"résolu{helped.fr}")


def _exercise(name: str) -> Exercise:
    if name not in EXERCISES:
        raise ConfigError("There is no such exercise", expected=", ".join(EXERCISES), got=name)
    return EXERCISES[name]


def _progress() -> tuple[Folder | None, Progress]:
    """Return the learner's folder and progress; elsewhere nothing is kept."""
    folder = Folder.around(Path.cwd())
    return folder, folder.load() if folder else Progress()


def _keep(folder: Folder | None, progress: Progress) -> None:
    if folder is not None:
        folder.save(progress)


def _box(words: str, colour: str, sign: str, *, below: str = "") -> HTML:
    from IPython.display import HTML

    return HTML(
        f'<div style="border-left:6px solid {colour};padding:8px 14px;font-family:system-ui">'
        f"<b>{sign}</b> {html.escape(words)}{below}</div>"
    )


def _code(source: str, *, below: str = "") -> HTML:
    from IPython.display import HTML

    return HTML(f"<pre>{html.escape(source)}</pre>{below}")


def _show(what: HTML) -> None:
    from IPython.display import display

    display(what)

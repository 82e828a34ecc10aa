"""What an exercise is: a function to write, cases to try it on, and words that help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kit.workshop.texts import Text


@dataclass(frozen=True)
class Case:
    """One call of the learner's function, and what it should give.

    Attributes:
        arguments: Positional arguments of the call.
        wanted: What a right function returns.
        why: What this case is about, for whom it fails.
    """

    arguments: tuple[Any, ...]
    wanted: Any
    why: Text


@dataclass(frozen=True)
class Exercise:
    """A function that a learner writes in a notebook.

    Attributes:
        name: Of the function, and of the exercise.
        notebook: Stem of the notebook in which it is written.
        points: What it is worth on a leaderboard.
        hints: From a nudge to nearly the answer.
        look_at: Where to read what is needed.
        cases: Draws the calls to try; the same seed draws the same.
        close: Tells whether a result will do; equality if None.
    """

    name: str
    notebook: str
    hints: tuple[Text, ...]
    look_at: Text
    cases: Callable[[int], Iterable[Case]]
    points: int = 10
    close: Callable[[Any, Any], bool] | None = None

    def accepts(self, result: object, wanted: object) -> bool:
        """Tell whether a result is right, also in its type: True is not 1 here."""
        if self.close is not None:
            return self.close(result, wanted)
        return type(result) is type(wanted) and result == wanted


@dataclass(frozen=True)
class Verdict:
    """What came of trying a learner's function.

    Attributes:
        passed: Whether every case was right.
        tried: Cases tried, the failing one included.
        message: What to tell the learner.
    """

    passed: bool
    tried: int
    message: Text


def judge(exercise: Exercise, candidate: object, *, seed: int) -> Verdict:
    """Try a learner's function on cases, up to the first one that fails.

    Args:
        exercise: Which one.
        candidate: What the learner wrote, whatever it is.
        seed: Of the cases; another seed tries others.
    """
    if not callable(candidate):
        return Verdict(passed=False, tried=0, message=_not_a_function(exercise, candidate))
    tried = 0
    for tried, case in enumerate(exercise.cases(seed), start=1):
        called = f"{exercise.name}({', '.join(map(repr, case.arguments))})"
        try:
            result = candidate(*case.arguments)
        except NotImplementedError:
            return Verdict(passed=False, tried=tried, message=_not_written(exercise))
        except Exception as error:  # noqa: BLE001  # whatever a learner's code may raise
            raised = f"{type(error).__name__}: {error}"
            return Verdict(passed=False, tried=tried, message=_raised(exercise, called, raised))
        if not exercise.accepts(result, case.wanted):
            return Verdict(
                passed=False, tried=tried, message=_wrong(exercise, case, called, result)
            )
    return Verdict(passed=True, tried=tried, message=_right(exercise, tried))


def _not_a_function(exercise: Exercise, candidate: object) -> Text:
    kind = type(candidate).__name__
    return Text(
        en=f"Expected: a function named {exercise.name}. Got: {kind}. "
        "Run the cell that defines it.",
        fr=f"Attendu : une fonction nommée {exercise.name}. Reçu : {kind}. "
        "Exécutez la cellule qui la définit.",
    )


def _not_written(exercise: Exercise) -> Text:
    return Text(
        en=f"{exercise.name} is not written yet: replace the line that raises "
        f"NotImplementedError. Stuck? Run desk.hint('{exercise.name}').",
        fr=f"{exercise.name} n'est pas encore écrite : remplacez la ligne qui lève "
        f"NotImplementedError. Bloqué ? Exécutez desk.hint('{exercise.name}').",
    )


def _raised(exercise: Exercise, called: str, raised: str) -> Text:
    return Text(
        en=f"{called} raised {raised}. Where to look: {exercise.look_at.en}",
        fr=f"{called} a levé {raised}. Où chercher : {exercise.look_at.fr}",
    )


def _wrong(exercise: Exercise, case: Case, called: str, result: object) -> Text:
    return Text(
        en=f"{called}: expected {case.wanted!r}, yours gave {result!r}. {case.why.en} "
        f"Where to look: {exercise.look_at.en}",
        fr=f"{called} : attendu {case.wanted!r}, la vôtre a donné {result!r}. {case.why.fr} "
        f"Où chercher : {exercise.look_at.fr}",
    )


def _right(exercise: Exercise, tried: int) -> Text:
    return Text(
        en=f"{exercise.name} is right: {tried} cases tried, most of which you have not seen.",
        fr=f"{exercise.name} est juste : {tried} cas essayés, dont la plupart vous sont inconnus.",
    )

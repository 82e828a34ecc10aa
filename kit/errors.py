"""Every error that the kit raises on purpose.

::

    KitError
    ├── ConfigError    a parameter, scenario, URL or optional package is missing or wrong
    ├── EventError     an event cannot be understood
    ├── BrokerError    an MQTT or Kafka broker cannot be reached or refuses us
    ├── CameraError    a picture source cannot be opened or stopped giving pictures
    ├── ModelError     a model file, its classes or its execution provider is wrong
    ├── HubError       the LEGO hub cannot be found, reached or understood
    └── MissionError   a notebook, a process or a whole mission failed

The message says what is wrong, what was expected, what came, and what to do next. In a notebook it
is all that is shown, beside the line of the cell; ``%tb Plain`` then shows where it came from.
"""

from __future__ import annotations

import linecache
import traceback
from typing import Any


class KitError(Exception):
    """Base of the kit's errors.

    Args:
        problem: What is wrong, in one sentence.
        expected: What would have been right, if that helps.
        got: What came instead; shown with ``repr`` unless it is a string.
        fix: What the reader can do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        got: object = None,
        fix: str | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(problem)

    def __str__(self) -> str:
        return " ".join(self._parts())

    def _parts(self) -> list[str]:
        parts = [self.problem.rstrip(".") + "."]
        if self.expected is not None:
            parts.append(f"Expected: {self.expected}.")
        if self.got is not None:
            parts.append(f"Got: {self.got if isinstance(self.got, str) else repr(self.got)}.")
        if self.fix is not None:
            parts.append(f"To fix: {self.fix.rstrip('.')}.")
        return parts

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows: the message, and where in the notebook it arose.

        They are IPython's own, with the kit's inside, where nobody can ask for more, as under
        papermill and nbval, and in another mode than ``Context``: by ``%tb Plain`` or ``%xmode``.
        """
        from IPython import get_ipython

        shell = get_ipython()
        if shell.InteractiveTB.mode != "Context" or not _is_asked_by_a_person(shell):
            whole: list[str] = shell.InteractiveTB.structured_traceback(
                type(self), self, self.__traceback__
            )
            return whole
        problem, *others = self._parts()
        return [
            f"{type(self).__name__}: {problem}",
            *(f"  {part}" for part in others),
            "",
            *_lines_of_cells(self, shell),
            "",
            "%tb Plain in a cell below shows where in the kit this arose.",
        ]


class ConfigError(KitError):
    """A parameter, scenario, URL or optional package is missing or wrong."""


class EventError(KitError):
    """An event cannot be understood."""


class BrokerError(KitError):
    """An MQTT or Kafka broker cannot be reached or refuses us."""


class CameraError(KitError):
    """A picture source cannot be opened or stopped giving pictures."""


class ModelError(KitError):
    """A model file, its classes or its execution provider is wrong."""


class HubError(KitError):
    """The LEGO hub cannot be found, reached or understood."""


class MissionError(KitError):
    """A notebook, a process or a whole mission failed."""


def missing_extra(package: str, extra: str) -> ConfigError:
    """Build the error for an optional package that is not installed.

    Args:
        package: The import name that failed, such as ``"torch"``.
        extra: The kit's optional group that brings it, such as ``"train"``.

    Returns:
        An error whose fix is the command that installs the group.
    """
    return ConfigError(
        f"The package '{package}' is not installed",
        expected=f"the optional group '{extra}'",
        fix=f"run: pip install 'runaway-train-kit[{extra}]'",
    )


def _is_asked_by_a_person(shell: Any) -> bool:
    """Tell whether whoever runs this cell could be asked for input, by Jupyter's protocol."""
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}  # none in a terminal
    return bool(request.get("content", {}).get("allow_stdin", True))


def _lines_of_cells(error: BaseException, shell: Any) -> list[str]:
    """Return the lines of the notebook's cells that led to an error, the outermost first."""
    lines = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if cell := shell.compile.format_code_name(file):
            lines += [
                f"{' '.join(cell)}, line {number}",
                f"----> {linecache.getline(file, number).strip()}",
            ]
    return lines

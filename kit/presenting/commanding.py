"""Runs one of the kit's commands within a time, and takes its result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from kit.child import STOP_TIMEOUT_S
from kit.errors import MissionError

COMMAND_LINE = "kit.presenting.kept"
"""The kit's command line as a child that never outlives its parent."""

GRACE_S = 20.0
"""How long a command that was interrupted may take to end in order, seconds: it has to brake, end
its services and write what it knows."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code; negative for a signal.
        result: What it printed as JSON; empty if nothing.
        in_time: Whether it ended by itself, within its time.
    """

    code: int
    result: dict[str, Any]
    in_time: bool

    @property
    def ok(self) -> bool:
        """Whether it ended well, by itself."""
        return self.code == 0 and self.in_time


class Command:
    """A running command of the kit; leave its context and it is ended, in order.

    Args:
        words: Such as ``["demo", "--seconds", "20"]``; ``--json`` is added.
        log: File for what it says besides its result, appended.
        env: Variables to set on top of this process's environment.
        module: Program to run in place of the kit's command line, with these words alone.
        hear: Called with each line of its standard output, from a thread.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        module: str = COMMAND_LINE,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        self._said: list[str] = []
        self._hear = hear
        if module == COMMAND_LINE:
            words = [*words, "--json"]
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                stdin=subprocess.PIPE,  # held open: at our end, whatever it is, it ends too
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="command-output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Ask it to end in order, as Ctrl-C does; nothing happens if it has ended."""
        if self.running:
            self._process.send_signal(signal.SIGINT)

    def wait(self, timeout_s: float) -> Ended:
        """Wait until it ends; interrupt it when its time is over, and kill it if that is no use.

        Args:
            timeout_s: How long it may take, seconds.
        """
        in_time = self._ends_within(timeout_s)
        if not in_time:
            self.interrupt()
            self._ends_within(GRACE_S)
        return Ended(self._end(), self._result(), in_time)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.interrupt()
        self._ends_within(GRACE_S)
        self._end()

    def _ends_within(self, timeout_s: float) -> bool:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _end(self) -> int:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        if not self._ends_within(STOP_TIMEOUT_S):
            self._process.kill()
        code = self._process.wait()
        self._reader.join(STOP_TIMEOUT_S)
        return code

    def _read(self) -> None:
        stream: IO[bytes] | None = self._process.stdout
        assert stream is not None
        with stream:
            for line in stream:
                self._said[:] = [line.decode(errors="replace")]  # the last line is the result
                if self._hear is not None:
                    self._hear(self._said[-1])

    def _result(self) -> dict[str, Any]:
        try:
            result = json.loads(self._said[-1]) if self._said else {}
        except ValueError:
            return {}
        return result if isinstance(result, dict) else {}


def run_command(
    words: Sequence[str], *, log: Path, deadline_s: float, env: Mapping[str, str] | None = None
) -> Ended:
    """Run a command to its end.

    Args:
        words: As `Command` takes them.
        log: As `Command` takes it.
        deadline_s: Monotonic time at which it is interrupted, seconds.
        env: As `Command` takes it.

    Raises:
        MissionError: If there is no time left to begin.
    """
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise MissionError("There is no time left to run it", got=" ".join(words))
    with Command(words, log=log, env=env) as command:
        return command.wait(left_s)

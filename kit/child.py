"""Child processes that never outlive their parent.

A child's standard input is a pipe that only its parent holds. When the parent ends, whatever
the cause (``kill -9`` included), the kernel closes the pipe, the child reads its end and goes.
A program that is not ours is run through ``python -m kit.child -- program ...``, which keeps
the same promise for it; on Linux even when that keeper itself is killed, unless the program
has changed its user since.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from kit.errors import MissionError

STOP_TIMEOUT_S = 5.0
"""How long a child may take to end cleanly before it is killed, seconds."""


_KEEPER_PATIENCE_S = 1.5
_PR_SET_PDEATHSIG = 1  # from Linux's <sys/prctl.h>


def exit_with_parent() -> None:
    """End this process with SIGTERM when its standard input closes, by SIGKILL if it lingers.

    Call it first in every program that is started as a :class:`Child`. Nothing is watched when
    standard input is no pipe: then a person or a service manager started the program.
    """
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return
    except OSError:  # standard input is closed
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(STOP_TIMEOUT_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="exit-with-parent", daemon=True).start()


def announce_ready(**facts: Any) -> None:
    """Tell the parent that this process is ready, with facts such as the port it listens on."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Child:
    """A running child process; use it as a context manager, or call :meth:`stop`.

    Args:
        argv: Program and arguments.
        name: What to call it in messages.
        env: Variables to set on top of this process's environment.
        log: File that gets its standard error, appended; inherited if not given.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.name = name
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        stderr = log.open("ab") if log else None
        try:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # Ctrl-C reaches the parent alone, which ends us in order
            )
        finally:
            if stderr:
                stderr.close()
        self._log = log
        threading.Thread(target=self._read, name=f"{name}-stdout", daemon=True).start()

    @classmethod
    def module(
        cls,
        module: str,
        *args: str,
        name: str,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Child:
        """Start ``python -m module args``."""
        return cls([sys.executable, "-m", module, *args], name=name, env=env, log=log)

    @classmethod
    def program(
        cls,
        *argv: str,
        name: str,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Child:
        """Start a program that knows nothing of us, kept by ``python -m kit.child``."""
        return cls.module("kit.child", "--", *argv, name=name, env=env, log=log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def stdin(self) -> IO[bytes]:
        """Its standard input; closing it ends the child."""
        assert self._process.stdin is not None
        return self._process.stdin

    def ready(self, *, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait for the line in which the child says that it is ready.

        Args:
            timeout_s: How long to wait, seconds.

        Returns:
            The facts that it announced.

        Raises:
            MissionError: If it ended or kept silent; the child is stopped then.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
            facts = json.loads(line) if line is not None else None
            how = f"it said {line!r}"
        except queue.Empty:
            line, facts, how = "", None, "it said nothing"
        except json.JSONDecodeError:
            facts, how = None, f"it said {line!r}"
        if isinstance(facts, dict):
            return facts
        code = self.stop()
        how = how if line is not None else f"it ended with exit code {code}"
        where = f"read {self._log}" if self._log else "read its messages above"
        raise MissionError(
            f"'{self.name}' did not become ready within {timeout_s:g} s: {how}", fix=where
        )

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """End the child: close its input, wait, then kill.

        Args:
            timeout_s: How long it may take to end cleanly, seconds.

        Returns:
            Its exit code, negative for a signal.
        """
        with suppress(BrokenPipeError):  # it is gone already
            self.stdin.close()
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            # Only the first line is for us; the rest is read so that the child never blocks.
            first = stream.readline()
            self._lines.put(first.decode(errors="replace").strip() if first else None)
            while stream.read(65_536):
                pass


def _keep(argv: list[str]) -> int:
    """Run a foreign program until it ends or our parent does; its output goes to our log."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            preexec_fn=(  # noqa: PLW1509  # there is no other thread yet
                partial(_die_with, os.getpid()) if sys.platform == "linux" else None
            ),
        )
    except OSError as error:
        sys.stderr.write(f"{argv[0]} cannot be started: {error}\n")
        return 127

    def end(_signal: int, _frame: FrameType | None) -> None:
        process.terminate()
        last_word = threading.Timer(_KEEPER_PATIENCE_S, process.kill)
        last_word.daemon = True
        last_word.start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    exit_with_parent()
    return process.wait()


def _die_with(keeper: int) -> None:
    """Have the kernel kill this process when its keeper ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:  # it was gone before the kernel knew
        os._exit(1)


if __name__ == "__main__":
    sys.exit(_keep(sys.argv[sys.argv.index("--") + 1 :]))

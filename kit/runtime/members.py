"""One service at work, as a notebook under papermill or as a plain process.

Both kinds start, end on request, can be killed, and tell at once when they end by themselves,
so that the crew need not know which is which.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from jupyter_core.utils import ensure_event_loop
from pydantic import BaseModel

from kit.child import Child
from kit.errors import KitError, MissionError
from kit.reasons import Reason
from kit.runtime.parameters import NOTEBOOK_ONLY, check_parameters

POLL_S = 0.05
"""How often a process is looked at, seconds."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Member(ABC):
    """A service of the crew.

    Args:
        name: Name of the service.
        on_end: Called once, in another thread, as soon as the member has ended or its kernel
            has died; :attr:`error` is set by then.
    """

    def __init__(self, name: str, *, on_end: Callable[[Member], None]) -> None:
        self.name = name
        self.error: KitError | None = None
        self.ended = threading.Event()
        self._on_end = on_end
        self._told = threading.Lock()

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The process that does the work, or None before it has started."""

    @abstractmethod
    def start(self) -> None:
        """Begin; returns at once."""

    @abstractmethod
    def interrupt(self) -> None:
        """Ask the service for a clean end; returns at once."""

    @abstractmethod
    def kill(self) -> None:
        """End its process at once; not a failure."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it came within ``timeout_s`` seconds."""
        return self.ended.wait(timeout_s)

    def _tell(self, error: KitError | None) -> None:
        """Report the end, once: by whoever notices it first."""
        if self._told.acquire(blocking=False):
            self.error = error
            self._on_end(self)


class NotebookMember(Member):
    """A notebook that papermill executes in a thread of this process.

    Args:
        name: Name of the service.
        notebook: The notebook to run; it is not changed.
        output: File for the executed notebook.
        parameters: Validated parameters; checked against the notebook here and now.
        env: Variables for its kernel, on top of this process's.
        log: File that gets what the kernel writes outside of the notebook.
        on_end: See :class:`Member`.

    Raises:
        ConfigError: If the notebook does not take the parameters.
    """

    def __init__(
        self,
        name: str,
        *,
        notebook: Path,
        output: Path,
        parameters: BaseModel,
        env: Mapping[str, str],
        log: Path,
        on_end: Callable[[Member], None],
    ) -> None:
        from kit.runtime.engine import Kernel

        super().__init__(name, on_end=on_end)
        self.notebook = notebook
        self.output = output
        self.asked_to_end = False
        self._values = check_parameters(notebook, parameters)
        self._env = {**os.environ, **env}
        self._log = log
        self._kernel = Kernel(self._died)
        self._thread = threading.Thread(target=self._run, name=f"notebook-{name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """The kernel's process."""
        return self._kernel.pid

    def start(self) -> None:
        """Begin to execute the notebook."""
        self._thread.start()

    def interrupt(self) -> None:
        """Send the kernel SIGINT: its service ends, the notebook runs on to its end."""
        self.asked_to_end = True
        self._kernel.interrupt()

    def kill(self) -> None:
        """Kill the kernel."""
        self.asked_to_end = True
        self._kernel.kill()

    def _run(self) -> None:
        error: KitError | None = None
        try:
            self._execute()
        except KitError as failure:
            error = failure
        except Exception as failure:  # noqa: BLE001 - the thread's edge: the crew must learn of it
            error = MissionError(
                Reason.NOTEBOOK_FAILED.say(notebook=self.notebook.name), got=str(failure)
            )
        finally:
            self._tell(error)
            _close_loop()
            self.ended.set()

    def _execute(self) -> None:
        from papermill import PapermillExecutionError, execute_notebook

        from kit.runtime.engine import ENGINE

        try:
            with self._log.open("ab") as log:
                execute_notebook(
                    self.notebook,
                    self.output,
                    parameters=self._values,
                    engine_name=ENGINE,
                    kernel_name="python3",
                    progress_bar=False,
                    kernel=self._kernel,
                    env=self._env,
                    folder=self.output.parent,
                    log=log,
                )
        except PapermillExecutionError as error:
            if not (self.asked_to_end and error.ename in {"KeyboardInterrupt", "DeadKernelError"}):
                raise self._failure(error.ename, error.evalue) from error
        except OSError as error:
            raise MissionError(
                f"The executed notebook {self.output.name} cannot be saved",
                got=str(error),
                fix="make room on the disk, or name another folder with --out",
            ) from error

    def _failure(self, kind: str, text: str) -> MissionError:
        return MissionError(
            Reason.NOTEBOOK_FAILED.say(notebook=self.notebook.name),
            got=_ANSI.sub("", f"{kind}: {text}").rstrip("."),
            fix=f"open {self.output}",
        )

    def _died(self, code: int) -> None:
        if self.asked_to_end:
            return
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._tell(self._failure("DeadKernelError", f"the kernel's process ended ({how})"))


class ProcessMember(Member):
    """A service run by ``python -m kit.services``, without a notebook.

    Args:
        name: Name of the service.
        parameters: Validated parameters.
        env: Variables on top of this process's.
        log: File that gets what the service writes.
        on_end: See :class:`Member`.
        module: Module to run.
    """

    def __init__(
        self,
        name: str,
        *,
        parameters: BaseModel,
        env: Mapping[str, str],
        log: Path,
        on_end: Callable[[Member], None],
        module: str = "kit.services",
    ) -> None:
        super().__init__(name, on_end=on_end)
        self._module = module
        self._values = parameters.model_dump(mode="json", exclude=set(NOTEBOOK_ONLY))
        self._env = dict(env)
        self._log = log
        self._child: Child | None = None
        self._asked_to_end = False

    @property
    def pid(self) -> int | None:
        """The service's process."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the process."""
        self._child = Child.module(
            self._module,
            self.name,
            "--parameters",
            json.dumps(self._values),
            name=self.name,
            env=self._env,
            log=self._log,
        )
        threading.Thread(target=self._watch, name=f"process-{self.name}", daemon=True).start()

    def interrupt(self) -> None:
        """Send the process SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send the process SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        self._asked_to_end = True
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.signal(number)

    def _watch(self) -> None:
        assert self._child is not None
        while self._child.exit_code is None:
            self.ended.wait(POLL_S)
        code = self._child.stop()
        clean = code == 0 or (self._asked_to_end and code < 0)
        self._tell(None if clean else self._failure(code))
        self.ended.set()

    def _failure(self, code: int) -> MissionError:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return MissionError(
            Reason.SERVICE_ENDED.say(service=self.name, how=how),
            got=last_line(self._log).rstrip(".") or None,
            fix=f"read {self._log}",
        )


def _close_loop() -> None:
    """Close this thread's event loop, and end what nbclient has left running in it."""
    loop = ensure_event_loop()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


def last_line(path: Path, *, at_most: int = 500) -> str:
    """Return the last line of a text file that is not blank, cut to ``at_most`` characters.

    Empty if there is no such line or no such file.
    """
    try:
        text = path.read_bytes()[-8192:].decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:at_most] if lines else ""

"""papermill's engine as the demo needs it: it knows its kernel and keeps its file whole.

It adds four things to papermill's own engine. The kernel's process is known from its first
moment, so that its death is noticed at once and not at the next poll. It always runs this very
Python, whatever other kernels are installed. It talks over Unix sockets in a folder of its own,
where no other program can take its ports. And a dead kernel leaves its mark in the notebook,
so that papermill puts its banner first, as it does after an error.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from traitlets import default
from traitlets.config import Config

ENGINE = "kit"
"""Name under which papermill knows this engine."""

START_TIMEOUT_S = 60
"""How long a kernel may take to answer for the first time, seconds."""

AUTOSAVE_EVERY_S = 30
"""How often the notebook is saved while one cell runs on, seconds."""


class Kernel:
    """The process behind one notebook.

    Args:
        on_death: Called once, in a thread of its own, with the exit code (negative for a
            signal) when the process ends although its notebook has not.
    """

    def __init__(self, on_death: Callable[[int], None]) -> None:
        self._on_death = on_death
        self._process: subprocess.Popen[bytes] | None = None
        self._done = threading.Event()
        self._doomed = False
        self.exit_code: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id, or None before it has started."""
        return self._process.pid if self._process else None

    def started(self, process: subprocess.Popen[bytes]) -> None:
        """Watch over a process that has just started."""
        self._process = process
        if self._doomed:
            self.kill()
        threading.Thread(target=self._watch, name=f"kernel-{process.pid}", daemon=True).start()

    def finished(self) -> None:
        """Note that the notebook is through: its kernel may end now."""
        self._done.set()

    def interrupt(self) -> None:
        """Send SIGINT, which a service takes as the request to end."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Send SIGKILL, as soon as the process has started if it has not."""
        self._doomed = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _watch(self) -> None:
        assert self._process is not None
        self.exit_code = self._process.wait()
        if not self._done.is_set():
            self._on_death(self.exit_code)


class OwnPython(AsyncKernelManager):
    """Starts kernels of the Python that runs this program, and of no other."""

    @default("kernel_spec_manager")
    def _only_the_native_kernel(self) -> KernelSpecManager:
        return KernelSpecManager(parent=self, kernel_dirs=[])


class _Notebook(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no types
    """Saves by replacing the file, so that no reader and no power cut finds half of it."""

    cell_index = 0

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Note which cell runs."""
        self.cell_index = cell_index or 0
        super().cell_start(cell, cell_index, **kwargs)

    def save(self, **kwargs: Any) -> None:
        """Write the notebook as it is now."""
        if kwargs.get("nb"):
            self.nb = kwargs["nb"]
        if self.output_path:
            target = Path(self.output_path)
            partial = target.with_suffix(".partial")
            partial.write_text(nbformat.writes(self.nb), encoding="utf-8")
            partial.replace(target)
        self.last_save_time = self.now()

    def mark_dead(self, reason: str) -> None:
        """Write into the cell that ran last why its kernel is gone."""
        cells = self.nb.cells
        code = [i for i in range(self.cell_index, len(cells)) if cells[i].cell_type == "code"]
        index = code[0] if code else self.cell_index
        if cells[index].cell_type == "code":
            cells[index].outputs.append(
                nbformat.v4.new_output(
                    "error", ename="DeadKernelError", evalue=reason, traceback=[reason]
                )
            )
        self.cell_exception(cells[index], index)


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Tells a :class:`Kernel` of its process."""

    def __init__(self, manager: _Notebook, kernel: Kernel, **traits: Any) -> None:
        super().__init__(manager, kernel_manager_class=OwnPython, **traits)
        self._kernel = kernel

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel and report its process."""
        await super().async_start_new_kernel(**kwargs)
        self._kernel.started(self.km.provisioner.process)

    start_new_kernel = run_sync(async_start_new_kernel)

    def papermill_execute_cells(self) -> None:
        """Run all cells, then let the kernel go."""
        super().papermill_execute_cells()
        self._kernel.finished()


class WatchedEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Runs one notebook in a watched kernel; papermill finds it by :data:`ENGINE`."""

    @classmethod
    def execute_notebook(cls, nb: Any, _kernel_name: str, **kwargs: Any) -> Any:
        """Run a notebook that papermill has prepared.

        Args:
            nb: The notebook, with its parameters injected.
            _kernel_name: Ignored: the kernel is this Python.
            **kwargs: ``output_path``, ``kernel`` (a :class:`Kernel`), ``env`` (the kernel's
                whole environment), ``cwd`` and ``log`` (an open binary file for what the
                kernel writes outside of its notebook); papermill's others are ignored.

        Returns:
            The executed notebook.
        """
        manager = _Notebook(
            nb,
            output_path=kwargs["output_path"],
            progress_bar=False,
            autosave_cell_every=AUTOSAVE_EVERY_S,
        )
        manager.notebook_start()
        try:
            _execute(
                manager,
                kernel=kwargs["kernel"],
                env=kwargs["env"],
                folder=kwargs["folder"],
                log=kwargs["log"],
            )
        except RuntimeError as error:  # nbclient's DeadKernelError and start-up failures
            manager.mark_dead(_reason(kwargs["kernel"], error))
        finally:
            manager.notebook_complete()
        return manager.nb


def _execute(
    manager: _Notebook, *, kernel: Kernel, env: dict[str, str], folder: Path, log: IO[bytes]
) -> None:
    with tempfile.TemporaryDirectory(prefix="kit-") as sockets:
        config = Config()
        config.KernelManager.transport = "ipc"
        config.KernelManager.connection_file = f"{sockets}/kernel.json"
        client = _Client(
            manager, kernel, config=config, startup_timeout=START_TIMEOUT_S, timeout=None
        )
        client.execute(env=env, cwd=str(folder), stdout=log, stderr=log)


def _reason(kernel: Kernel, error: RuntimeError) -> str:
    code = kernel.exit_code
    if code is None:
        return str(error) or "the kernel did not start"
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"the kernel's process ended ({how})"


papermill_engines.register(ENGINE, WatchedEngine)

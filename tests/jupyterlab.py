"""A real JupyterLab for tests, to be driven in a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.messaging.ports import wait_listening
from tests.ports import kept_port

PATIENCE_S = 90.0

HAS_KERNEL = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return session?.isReady && session.session?.kernel?.status === "idle";
}"""
"""JavaScript: whether the notebook in front has a kernel, and that has nothing to do."""

START_LAB = (
    *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
    *("--ServerApp.port_retries=0", "--IdentityProvider.token=", "--LabApp.news_url="),
    "--LabApp.expose_app_in_browser=True",
)


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """A JupyterLab that knows no setting of whoever runs the tests; gives its address."""
    port = kept_port()
    private = {f"JUPYTER_{n}_DIR": str(folder / n.lower()) for n in ("CONFIG", "DATA", "RUNTIME")}
    with (folder / "log").open("w") as log:
        lab = subprocess.Popen(
            [*START_LAB, f"--port={port}", f"--notebook-dir={folder}"],
            env=os.environ | private,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            assert wait_listening(lab.pid, f"127.0.0.1:{port}", timeout_s=PATIENCE_S)
            yield f"http://127.0.0.1:{port}"
        finally:
            lab.terminate()
            lab.wait()

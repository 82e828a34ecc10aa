"""Real Prometheus servers for tests, with whatever history they need."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kit.leaderboard.prometheus.history import History, to_openmetrics
from tests.leaderboard.promtool import program, promtool

PATIENCE_S = 120.0


def fill(data: Path, histories: Sequence[History]) -> None:
    """Write histories as blocks of a server's database."""
    data.mkdir(parents=True, exist_ok=True)
    text = data.parent / f"{data.name}.openmetrics"
    text.write_text(to_openmetrics(histories))
    promtool("tsdb", "create-blocks-from", "openmetrics", "--quiet", text, data)


@contextmanager
def prometheus(data: Path, *, config: str = "global: {}\n") -> Iterator[str]:
    """Run a server on a database, and give its URL."""
    data.mkdir(parents=True, exist_ok=True)
    (data.parent / f"{data.name}.yml").write_text(config)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        program("prometheus"),
        f"--config.file={data.parent / data.name}.yml",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (data.parent / f"{data.name}.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(server, url)
        yield url
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def _wait_until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("the server was not ready in time")

"""Real Prometheus servers for tests, with whatever history they need."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kit.leaderboard.prometheus.groups import Group, Recording, rule_file
from kit.leaderboard.prometheus.history import History, to_openmetrics
from tests.leaderboard.promtool import program, promtool
from tests.waiting import PATIENCE_S, wait_until


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
    with (data.parent / f"{data.name}.log").open("ab") as log:
        server, url = _started(data, log)
    try:
        yield url
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


def _started(data: Path, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server; on another port if somebody was faster to take the free one."""
    for _ in range(5):
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
        server = subprocess.Popen(command, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        if _is_ready(server, url):
            return server, url
    raise AssertionError(f"no server could be started: see {log.name}")


def _is_ready(server: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until a server answers; False if it ended instead."""

    def answers() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    try:
        wait_until(lambda: server.poll() is not None or answers(), "it is ready", pause_s=0.05)
    except AssertionError:
        server.kill()
        raise
    return server.poll() is None


def stages(groups: Sequence[Group]) -> list[list[Recording]]:
    """Sort rules so that each needs only what earlier stages recorded.

    ``promtool tsdb create-blocks-from rules`` does not show a rule what it made of another one.
    """
    left = [rule for group in groups for rule in group.rules if isinstance(rule, Recording)]
    found: list[list[Recording]] = []
    while left:
        names = {rule.record for rule in left}
        ready = [rule for rule in left if not names & set(re.findall(r"[\w:]+", rule.expr))]
        assert ready, "rules that need each other"
        found.append(ready)
        left = [rule for rule in left if rule not in ready]
    return found


def record(data: Path, groups: Sequence[Group], *, start_s: float, end_s: float) -> None:
    """Evaluate recording rules over history that a database has, and keep what they give.

    Prometheus derives the moments of evaluation from the names of file and group. All stages have
    the same ones, so each moment is that of one evaluation, as in a running server.
    """
    rules = data.parent / f"{data.name}-rules.yaml"
    for number, stage in enumerate(stages(groups)):
        rules.write_text(rule_file([Group("stage", tuple(stage))]))
        made = data.parent / f"{data.name}-stage-{number}"
        with prometheus(data) as url:
            promtool(
                *("tsdb", "create-blocks-from", "rules", f"--url={url}", f"--output-dir={made}"),
                *(f"--start={start_s:.0f}", f"--end={end_s:.0f}", "--eval-interval=60s", rules),
            )
        for block in made.iterdir():
            shutil.move(block, data / block.name)

"""A real PostgreSQL of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.messaging.ports import free_port


def _programs() -> Path | None:
    """Folder of PostgreSQL's programs, which Debian keeps off the path."""
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """URL of a private PostgreSQL; a test that wants a database of its own makes one in it."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: there is no 'postgres'")
    # Not tmp_path: a socket's path may be 107 bytes long, and the server's user has to enter it.
    with tempfile.TemporaryDirectory(prefix="kit-pg-", ignore_cleanup_errors=True) as folder:
        as_whom = _somebody(Path(folder))
        data = Path(folder, "data")
        made = [programs / "initdb", "-D", data, "-U", "kit", "-A", "trust", "--no-sync"]
        subprocess.run([*map(str, made), "-E", "UTF8", "--locale=C"], **as_whom, check=True)
        port = free_port()
        settings = ("listen_addresses=", f"unix_socket_directories={folder}", f"port={port}")
        options = [part for setting in settings for part in ("-c", setting)]
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *options], **as_whom
        )
        try:
            ready = [str(programs / "pg_isready"), "-h", folder, "-p", str(port), "-U", "kit"]
            while subprocess.run(ready, **as_whom, check=False).returncode:
                assert server.poll() is None, "PostgreSQL did not start"
            yield f"postgresql+psycopg://kit@/postgres?host={folder}&port={port}"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nobody needs the data again
            server.wait(60)


def _somebody(folder: Path) -> dict[str, object]:
    """How to start a program that refuses to be root."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    if os.geteuid() != 0:
        return silent
    shutil.chown(folder, "nobody", "nogroup")
    return {**silent, "user": "nobody", "group": "nogroup", "extra_groups": []}

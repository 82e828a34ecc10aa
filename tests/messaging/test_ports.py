"""Waiting for a process of ours until it listens."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kit.messaging.ports import free_port, wait_listening

LISTENS_LATE = """
import socket, subprocess, sys, time
for _ in range(150):
    subprocess.run([sys.executable, "-S", "-c", ""])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
sys.stdin.read()
"""


@pytest.fixture
def start():
    started = []

    def start_python(code, *words):
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code, *words], stdin=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start_python
    for process in started:
        process.kill()
        process.communicate()


def test_children_that_come_and_go_do_not_end_the_waiting(start):
    port = free_port()
    process = start(LISTENS_LATE, str(port))
    assert wait_listening(process.pid, f"127.0.0.1:{port}", timeout_s=60)


def test_a_process_that_ends_does_not_listen(start):
    process = start("")
    process.wait()
    assert not wait_listening(process.pid, f"127.0.0.1:{free_port()}", timeout_s=60)

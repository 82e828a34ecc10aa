"""A model server on this machine: MLServer with our runtime, in a child process.

MLServer has an environment of its own, `.venv-serve`, for it needs older packages than the kit.
``make serve-venv`` sets it up. The server listens on 127.0.0.1 alone unless told otherwise, has
no login, runs in one process and ends with the one that started it.
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from kit.child import Child
from kit.config import share_path
from kit.errors import ConfigError, MissionError, ModelError
from kit.labels import say
from kit.messaging.ports import free_port
from kit.vision.providers import Provider
from kit.vision.tensors import MODEL_NAME

HTTP_PORT = 8090
"""Where REST is served unless told otherwise; the console has 8080."""

GRPC_PORT = 8091
"""Where gRPC is served unless told otherwise."""

LOCAL = "127.0.0.1"
"""The address to listen on unless told otherwise: reached from this machine only."""

START_TIMEOUT_S = 60.0
"""How long a server may take to load the model and to listen, seconds."""

RUNTIME = "kit.mlops.serving.runtime.SignRuntime"
"""What MLServer runs."""

LARGEST_MESSAGE_BYTES = 64_000_000
"""Largest request over gRPC: a picture of 21 megapixels, uncompressed."""

_ASK_TIMEOUT_S = 2.0
_POLL_S = 0.05
_PROGRAM = "bin/mlserver"


@dataclass(frozen=True)
class ModelServer:
    """A running model server.

    Attributes:
        host: Address that it listens on.
        http_port: TCP port of REST.
        grpc_port: TCP port of gRPC.
        model: The model's name there.
        child: Its process, or the one that keeps it.
    """

    host: str
    http_port: int
    grpc_port: int
    model: str
    child: Child

    @property
    def reachable(self) -> str:
        """The address by which this machine reaches it."""
        return LOCAL if self.host == "0.0.0.0" else self.host  # noqa: S104  # that means all

    @property
    def http_url(self) -> str:
        """Where a detector asks by REST."""
        return f"http://{self.reachable}:{self.http_port}/{self.model}"

    @property
    def grpc_url(self) -> str:
        """Where a detector asks by gRPC."""
        return f"grpc://{self.reachable}:{self.grpc_port}/{self.model}"

    @property
    def rest_endpoint(self) -> str:
        """The model's address in the protocol: its metadata; with ``/infer``, its answers."""
        return f"http://{self.reachable}:{self.http_port}/v2/models/{self.model}"

    def __str__(self) -> str:
        return say("'{one.model}' at {one.http_url} and {one.grpc_url}", one=self)


def find_mlserver() -> Path | None:
    """Look for MLServer: in `.venv-serve` beside the kit or here, then on the path.

    Returns:
        Its program, or None if it is not installed.
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package.parent, Path(sys.prefix).parent, Path.cwd()):
        if (program := folder / ".venv-serve" / _PROGRAM).is_file():
            return program
    found = shutil.which("mlserver")
    return Path(found) if found else None


@contextmanager
def serving(
    model: Path | None = None,
    *,
    name: str = MODEL_NAME,
    host: str = LOCAL,
    http_port: int = HTTP_PORT,
    grpc_port: int = GRPC_PORT,
    provider: Provider = "auto",
    threads: int = 2,
    log: Path | None = None,
) -> Iterator[ModelServer]:
    """Run a model server.

    Args:
        model: An ONNX file; the one that comes with the kit if None.
        name: What the model is called at the server.
        host: Address to listen on.
        http_port: TCP port of REST; 0 for any free one.
        grpc_port: TCP port of gRPC; 0 for any free one.
        provider: Where the model runs.
        threads: Threads of the CPU provider, from 1.
        log: File for MLServer's messages, appended; a temporary one if None, whose end is told
            if the server does not start.

    Yields:
        The server, ready to answer.

    Raises:
        ConfigError: If MLServer is not installed.
        ModelError: If there is no such model file.
        MissionError: If the server does not start.
    """
    program = find_mlserver()
    if program is None:
        raise ConfigError(
            "The model server MLServer is not installed",
            expected=f"'.venv-serve/{_PROGRAM}', or 'mlserver' on the path",
            fix="run: make serve-venv",
        )
    path = (share_path("datasets/model/signs.onnx") if model is None else model).resolve()
    if not path.is_file():
        raise ModelError(f"There is no model '{path}'", expected="an ONNX file")
    with tempfile.TemporaryDirectory(prefix="kit-serve-") as folder:
        ports = (_port(host, http_port, "http"), _port(host, grpc_port, "grpc"))
        repository = Path(folder) / name
        _write(repository / "settings.json", _server_settings(repository, host, *ports))
        _write(
            repository / "model-settings.json",
            {
                "name": name,
                "implementation": RUNTIME,
                "parameters": {
                    "uri": str(path),
                    "extra": {"provider": provider, "threads": threads},
                },
            },
        )
        log = log or Path(folder) / "mlserver.log"
        argv = (str(program), "start", str(repository))
        with Child.program(*argv, name="model server", log=log) as child:
            server = ModelServer(host, *ports, name, child)
            wait_ready(server, log)
            yield server


def _port(host: str, port: int, way: str) -> int:
    """Choose a port, or see that nobody has it: two gRPC servers would share it silently."""
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"The model server cannot listen on {host}:{port}",
                got=error.strerror or str(error),
                fix=f"end the program that does, or give another port with --{way}-port",
            ) from error
    return port


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(facts), encoding="utf-8")


def _server_settings(folder: Path, host: str, http_port: int, grpc_port: int) -> dict[str, Any]:
    return {
        "host": host,
        "http_port": http_port,
        "grpc_port": grpc_port,
        "grpc_max_message_length": LARGEST_MESSAGE_BYTES,
        "metrics_endpoint": None,  # no third port
        "parallel_workers": 0,  # the model runs in the server's own process
        "kafka_enabled": False,
        "debug": False,  # no line a request
        "environments_dir": str(folder / "environments"),
    }


def wait_ready(server: ModelServer, log: Path) -> None:
    """Wait until a server's model is ready and both its ports listen.

    Args:
        server: The server, just started.
        log: File that gets its messages.

    Raises:
        MissionError: If it ended or took longer than `START_TIMEOUT_S`.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    pause = threading.Event()
    while server.child.alive and time.monotonic() < deadline:
        if _is_ready(server):
            return
        pause.wait(_POLL_S)
    code = server.child.exit_code
    raise MissionError(
        "The model server did not start",
        expected=f"the model ready within {START_TIMEOUT_S:g} s",
        got=f"exit code {code}" if code is not None else "no sign of it",
        fix=f"read what it said:\n{_tail(log)}",
    )


def _is_ready(server: ModelServer) -> bool:
    connection = HTTPConnection(server.reachable, server.http_port, timeout=_ASK_TIMEOUT_S)
    try:
        connection.request("GET", f"/v2/models/{server.model}/ready")
        ready = connection.getresponse().status == 200
        socket.create_connection((server.reachable, server.grpc_port), _ASK_TIMEOUT_S).close()
    except (OSError, HTTPException):  # not yet
        return False
    else:
        return ready
    finally:
        connection.close()


def _tail(log: Path, *, lines: int = 15) -> str:
    said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    return "\n".join(said.splitlines()[-lines:]) or "nothing"

"""The two ways to a model server, gRPC and REST, by NVIDIA's ``tritonclient``.

Each is a connection to one model, made when it is needed and made again when it was lost.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from kit.errors import ModelError, missing_extra
from kit.vision.tensors import CONFIDENCE, DESCRIBE, FRAME, OUTPUTS, Answer

MAX_BACKOFF_MS = 500
"""Longest pause between two attempts to reach a server that went away, milliseconds."""

_BACKOFF = tuple(
    (f"grpc.{name}_reconnect_backoff_ms", milliseconds)
    for name, milliseconds in (("initial", 50), ("min", 50), ("max", MAX_BACKOFF_MS))
)
_NO_LIMIT = tuple((f"grpc.max_{way}_message_length", -1) for way in ("send", "receive"))
_NO_PROXY = (("grpc.enable_http_proxy", 0),)  # the way over REST uses none either


@dataclass(frozen=True)
class Call:
    """One question to a model server.

    Attributes:
        picture: A whole picture file.
        confidence: Signs less sure than this are left out; the model's own threshold if None.
        describe: Whether the model shall describe itself too.
        deadline_s: How long the answer may take, seconds.
    """

    picture: bytes
    confidence: float | None
    describe: bool
    deadline_s: float

    @property
    def parameters(self) -> dict[str, Any]:
        """The request's parameters; fractions as text, which both ways carry."""
        asked = {CONFIDENCE: None if self.confidence is None else repr(float(self.confidence))}
        return {k: v for k, v in asked.items() if v} | ({DESCRIBE: True} if self.describe else {})


@dataclass(frozen=True)
class Reply:
    """What a model server answered.

    Attributes:
        version: Of the model that looked.
        answer: The signs.
        parameters: What else it said.
    """

    version: str
    answer: Answer
    parameters: Mapping[str, object]


class Transport(Protocol):
    """A connection to one model of a server."""

    failures: tuple[type[Exception], ...]
    """What :meth:`ask` raises when there is no answer."""

    def ask(self, call: Call) -> Reply:
        """Ask, and wait for the answer, as long as the call allows."""

    def close(self) -> None:
        """Let the connection go."""


class GrpcTransport:
    """By gRPC.

    Args:
        host: ``host:port``.
        model: The model's name at the server.

    Raises:
        ConfigError: If tritonclient is not installed.
    """

    def __init__(self, host: str, model: str) -> None:
        self._module = _tritonclient("grpc")
        self._model = model
        self._client = self._module.InferenceServerClient(
            host, channel_args=[*_BACKOFF, *_NO_LIMIT, *_NO_PROXY]
        )
        self.failures: tuple[type[Exception], ...] = (_server_error(),)

    def ask(self, call: Call) -> Reply:
        """Ask; see `Transport`."""
        tensor = self._module.InferInput(FRAME, [1], "BYTES")
        tensor.set_data_from_numpy(np.array([call.picture], object))
        result = self._client.infer(
            self._model,
            [tensor],
            parameters=call.parameters or None,
            client_timeout=call.deadline_s,
        )
        said = result.get_response()
        parameters = {
            name: getattr(value, value.WhichOneof("parameter_choice"))
            for name, value in said.parameters.items()
        }
        return Reply(said.model_version, _answer(result), parameters)

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()


class HttpTransport:
    """By REST: JSON both ways, the picture in it as base64.

    tritonclient's own threads of execution belong to the thread that made the connection.
    So it gets one here, which also makes the deadline hold for the whole of a call.

    Args:
        host: ``host:port``.
        model: The model's name at the server.

    Raises:
        ConfigError: If tritonclient is not installed.
    """

    def __init__(self, host: str, model: str) -> None:
        self._module = _tritonclient("http")
        from geventhttpclient.response import HTTPParseError  # tritonclient brings it

        self._host = host
        self._model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model-server")
        self._client: Any = None
        self._patience_s = 0.0
        self.failures: tuple[type[Exception], ...] = (
            _server_error(),
            OSError,  # TimeoutError is one
            HTTPParseError,
            ValueError,  # an answer that is no JSON
        )

    def ask(self, call: Call) -> Reply:
        """Ask; see `Transport`."""
        future = self._thread.submit(self._ask, call)
        try:
            return future.result(call.deadline_s)
        finally:
            future.cancel()  # one that still waits for its turn would only tell of the past

    def close(self) -> None:
        """Let the connection go."""
        self._thread.submit(self._forget)
        self._thread.shutdown()

    def _ask(self, call: Call) -> Reply:
        tensor = self._module.InferInput(FRAME, [1], "BYTES")
        text = base64.b64encode(call.picture)
        tensor.set_data_from_numpy(np.array([text], object), binary_data=False)
        wanted = [self._module.InferRequestedOutput(name, binary_data=False) for name in OUTPUTS]
        try:
            result = self._connected(call.deadline_s).infer(
                self._model, [tensor], outputs=wanted, parameters=call.parameters or None
            )
        except Exception:
            self._forget()
            raise
        said = result.get_response()
        return Reply(said.get("model_version", ""), _answer(result), said.get("parameters", {}))

    def _connected(self, patience_s: float) -> Any:
        if self._client is None or self._patience_s != patience_s:
            self._forget()
            self._patience_s = patience_s
            self._client = self._module.InferenceServerClient(
                self._host, connection_timeout=patience_s, network_timeout=patience_s
            )
        return self._client

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


TRANSPORTS: Mapping[str, type[GrpcTransport | HttpTransport]] = {
    "grpc": GrpcTransport,
    "http": HttpTransport,
}
"""The ways by the scheme of a URL."""


def _answer(result: Any) -> Answer:
    try:
        arrays = {name: result.as_numpy(name) for name in OUTPUTS}
        fault = ", ".join(f"no {name}" for name, array in arrays.items() if array is None)
    except ValueError as error:
        fault = str(error)
    if fault:
        raise ModelError(
            "The model server's answer is incomplete",
            expected=", ".join(OUTPUTS),
            got=fault,
            fix="ask a server that 'kit serve' started",
        )
    return Answer(**arrays)


def _tritonclient(way: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(f"tritonclient.{way}")
    except ImportError as error:
        raise missing_extra("tritonclient", "remote") from error


def _server_error() -> type[Exception]:
    from tritonclient.utils import InferenceServerException

    failure: type[Exception] = InferenceServerException
    return failure

"""Execution providers of onnxruntime: TensorRT, CUDA, CPU, and proof of which one ran."""

from __future__ import annotations

import json
import logging
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _ort

from kit.errors import ModelError

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]
"""Where a model may be asked to run."""

ProviderChain = Sequence[str | tuple[str, dict[str, Any]]]
"""onnxruntime's names of providers, each alone or with its options."""

PROVIDERS: dict[str, str] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""onnxruntime's names, in the order in which ``auto`` tries them."""

ENGINE_CACHE = Path.home() / ".cache" / "runaway-train-kit" / "tensorrt"
"""TensorRT keeps its engines here: building one takes minutes, loading one a moment."""

WARM_UP_RUNS = 2
"""The first run sets memory up, the second is like all that follow."""

_log = logging.getLogger(__name__)
ORT_ERRORS: tuple[type[Exception], ...] = tuple(
    error
    for error in vars(_ort).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
"""What onnxruntime raises; its errors have no base of their own."""


def open_session(
    model: Path, *, provider: Provider, threads: int, warm_up: tuple[int, int]
) -> tuple[onnxruntime.InferenceSession, str]:
    """Open a model on the provider asked for, and see it run there.

    ``auto`` takes the first of TensorRT, CUDA and CPU that this computer has and that works;
    a GPU that is there and fails is logged. A provider asked for by name works or fails.

    Args:
        model: An ONNX file with one input, float32 ``(1, 3, H, W)``.
        provider: Where to run it.
        threads: Threads of the CPU provider, from 1.
        warm_up: Height and width of the picture to warm up with, pixels.

    Returns:
        The session, warmed up, and onnxruntime's name of its provider.

    Raises:
        ModelError: If the file is no model, or the provider asked for did not run it.
    """
    if provider != "auto":
        return _try(model, provider, threads=threads, warm_up=warm_up), PROVIDERS[provider]
    available = onnxruntime.get_available_providers()
    for name in [name for name, long in PROVIDERS.items() if long in available][:-1]:
        try:
            return _try(model, name, threads=threads, warm_up=warm_up), PROVIDERS[name]
        except ModelError as error:
            _log.warning("not on %s: %s", name, error)
    return _try(model, "cpu", threads=threads, warm_up=warm_up), PROVIDERS["cpu"]


def open_file(
    model: Path, options: onnxruntime.SessionOptions, providers: ProviderChain
) -> onnxruntime.InferenceSession:
    """Open an ONNX file.

    Args:
        model: The file.
        options: Of the session.
        providers: onnxruntime's names, with options or without, the preferred one first.

    Returns:
        A session that has not run yet.

    Raises:
        ModelError: If onnxruntime cannot make a session of it.
    """
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=providers)
    except ORT_ERRORS as error:
        raise ModelError(
            f"The model '{model}' cannot be opened", expected="an ONNX file", got=brief(error)
        ) from error


def nodes_run(profile: Path) -> Counter[tuple[str, str]]:
    """Count the operators that a profiled session ran, by provider.

    Args:
        profile: What ``InferenceSession.end_profiling`` wrote.

    Returns:
        Runs by (provider, operator).
    """
    events = json.loads(profile.read_text())
    details = (event.get("args", {}) for event in events if event.get("cat") == "Node")
    return Counter((d["provider"], d["op_name"]) for d in details if "provider" in d)


def _try(
    model: Path, name: str, *, threads: int, warm_up: tuple[int, int]
) -> onnxruntime.InferenceSession:
    asked = PROVIDERS[name]
    available = onnxruntime.get_available_providers()
    if asked not in available:
        raise ModelError(
            f"This onnxruntime cannot run on '{name}'",
            expected=asked,
            got=", ".join(available),
            fix="install onnxruntime-gpu (on the Jetson: NVIDIA's wheel), or ask for 'cpu'",
        )
    with tempfile.TemporaryDirectory(prefix="kit-profile-") as folder:
        options = _options(threads)
        if name != "cpu":
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(folder) / "warm-up")
        session = _load(model, asked, options)
        try:
            _warm_up(session, warm_up)
        except ORT_ERRORS as error:
            raise ModelError(f"The model '{model}' did not run", got=brief(error)) from error
        if name != "cpu":
            _prove(nodes_run(Path(session.end_profiling())), asked)
    return session


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that wait by spinning take the cores from the other services.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _load(
    model: Path, asked: str, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    session = open_file(model, options, _chain(asked))
    session.disable_fallback()
    if session.get_providers()[0] != asked:
        raise ModelError(
            f"{asked} was asked for and did not start",
            got=", ".join(session.get_providers()),
            fix="check the driver with nvidia-smi (on the Jetson: tegrastats), or ask for 'cpu'",
        )
    return session


def _chain(asked: str) -> ProviderChain:
    if asked != PROVIDERS["tensorrt"]:
        return list(dict.fromkeys((asked, PROVIDERS["cpu"])))
    ENGINE_CACHE.mkdir(parents=True, exist_ok=True)
    cache = {
        "trt_fp16_enable": True,
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(ENGINE_CACHE),
        "trt_timing_cache_enable": True,
        "trt_timing_cache_path": str(ENGINE_CACHE),
    }
    return [(asked, cache), PROVIDERS["cuda"], PROVIDERS["cpu"]]


def _warm_up(session: onnxruntime.InferenceSession, size: tuple[int, int]) -> None:
    blank = np.zeros((1, 3, *size), np.float32)
    for _ in range(WARM_UP_RUNS):
        session.run(None, {session.get_inputs()[0].name: blank})


def _prove(ran: Counter[tuple[str, str]], asked: str) -> None:
    here = sum(count for (provider, _), count in ran.items() if provider == asked)
    elsewhere = sorted({p for p, operator in ran if p != asked and "Conv" in operator})
    if not here or elsewhere:
        raise ModelError(
            f"{asked} was asked for, but the network's convolutions did not run there",
            got=", ".join(elsewhere) or "no operator at all",
            fix="check that the versions of onnxruntime, CUDA and TensorRT belong together",
        )


def brief(error: Exception) -> str:
    """Return the first line of an error's message, 300 characters at most."""
    return str(error).splitlines()[0][:300]

"""The model: is it the one that was made, does it see, and does the GPU really run it?"""

from __future__ import annotations

import hashlib
import statistics
import threading
import time
from base64 import urlsafe_b64encode
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING

import numpy as np

from kit.config import Settings, share_path
from kit.errors import ModelError
from kit.events import Label
from kit.presenting.check import Check, State, Wanted, absent
from kit.presenting.jetson import has_nvidia_gpu, is_jetson

if TYPE_CHECKING:
    from kit.vision.detector import Detector
    from kit.vision.frames import Image

SHIPPED = "datasets/model/signs.onnx"
"""The model that comes with the kit."""

SLOW_MS = 50.0
"""Time for a frame above which ten frames a second leave little for all else, milliseconds."""

# Two checks run the model, in threads: they would slow each other down, and build one engine twice.
_one_at_a_time = threading.Lock()
_RUNS = 15
_GPU_FIX = "install the onnxruntime-gpu that fits the JetPack: see docs/jetson.md"
_GPUS = {"tensorrt": "TensorrtExecutionProvider", "cuda": "CUDAExecutionProvider"}


def check_model(wanted: Wanted, _settings: Settings) -> Check:
    """Run the model where it shall run: does it see a danger sign, and how fast is it?"""
    from kit.vision.detector import Detector

    path = Path(wanted.model) if wanted.model else None
    with _one_at_a_time:
        detector = Detector(path, provider=wanted.provider)  # type: ignore[arg-type]
        found, median_ms = _look(detector)
    where = detector.info.provider.removesuffix("ExecutionProvider")
    detail = f"version {detector.info.version} on {where}, {median_ms:.1f} ms a frame at the median"
    if Label.DANGER_AHEAD not in found:
        return Check(
            "model", State.FAILED, f"{detail}; it does not see a danger sign", "use another model"
        )
    detail += "; it sees the danger sign that it was shown"
    if median_ms > SLOW_MS:
        return Check("model", State.WARNING, detail, "close other programs, or run it on a GPU")
    return Check("model", State.FINE, detail)


def check_signature(wanted: Wanted, settings: Settings) -> Check:
    """Compare the model with what was signed, installed or committed."""
    registry = wanted.registry or settings.registry
    if registry and not wanted.model:
        return _signed(registry, settings)
    path = Path(wanted.model) if wanted.model else share_path(SHIPPED)
    if not path.is_file():
        raise ModelError(f"There is no model '{path}'", expected="an ONNX file")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    detail = f"{path.name}, SHA-256 {digest[:16]}…"
    if wanted.model:
        return Check(
            "signature", State.FINE, f"{detail}: your own file, nothing to compare it with"
        )
    genuine = _as_installed(path, digest)
    if genuine is False:
        fix = "install the kit again"
        return Check("signature", State.FAILED, f"{detail} is not the model that came", fix)
    if genuine is None:
        genuine = _as_committed(path)
    if genuine is None:
        return Check("signature", State.FINE, f"{detail}: nothing here to compare it with")
    if not genuine:  # whoever works in a clone may have trained a model of their own
        fix = "if you did not mean that, run: git checkout -- datasets/model/signs.onnx"
        return Check("signature", State.WARNING, f"{detail} is not the committed model", fix)
    return Check("signature", State.FINE, f"{detail}, as it came with the kit")


def check_gpu(wanted: Wanted, _settings: Settings) -> Check:
    """Run the model on the GPU; on the way, TensorRT's engine is built and kept for the show."""
    import onnxruntime

    from kit.vision.detector import Detector
    from kit.vision.providers import ENGINE_CACHE

    asked = wanted.provider if wanted.provider in _GPUS else None
    there = has_nvidia_gpu()
    built_for = [n for n, long in _GPUS.items() if long in onnxruntime.get_available_providers()]
    if not asked and not there:
        needed = wanted.hardware and is_jetson()
        return absent(
            "gpu", "no NVIDIA GPU; the model runs on the CPU", needed=needed, fix=_GPU_FIX
        )
    name = asked or next(iter(built_for), None)
    if name is None:
        state = State.FAILED if is_jetson() else State.WARNING
        return Check("gpu", state, "a GPU is there, and this onnxruntime cannot use it", _GPU_FIX)
    with _one_at_a_time:
        engines = len(list(ENGINE_CACHE.glob("*.engine")))
        began_s = time.monotonic()
        try:
            detector = Detector(wanted.model or None, provider=name)  # type: ignore[arg-type]
        except ModelError as error:
            return Check("gpu", State.FAILED, f"{name}: {error.problem}", error.fix or _GPU_FIX)
        opened_s = time.monotonic() - began_s
        _, median_ms = _look(detector)
    detail = f"{name}: {median_ms:.1f} ms a frame at the median, ready after {opened_s:.1f} s"
    if name == "tensorrt":
        detail += ", " + _engine_words(engines, len(list(ENGINE_CACHE.glob("*.engine"))))
    return Check("gpu", State.FINE, detail)


def _engine_words(before: int, after: int) -> str:
    if after > before:
        return "its engine was built just now and is kept"
    return "its engine was kept from before" if after else "no engine was kept"


def danger_picture() -> Image:
    """Draw a danger sign on a grey wall, (400, 600, 3) uint8, BGR; the same each time."""
    from kit.mlops.drawing.signs import draw_face

    rng = np.random.default_rng(1)
    wall = rng.normal(140, 6, (400, 600, 3)).clip(0, 255)
    face = draw_face("danger_exclamation", 90).astype(float)
    cover = face[:, :, 3:] / 255
    wall[150:240, 250:340] = face[:, :, :3] * cover + wall[150:240, 250:340] * (1 - cover)
    return wall.astype(np.uint8)


def _look(detector: Detector) -> tuple[set[Label], float]:
    """Look at the danger picture a few times; return what was seen, and the median time in ms."""
    picture, times = danger_picture(), []
    found: set[Label] = set()
    for _ in range(_RUNS):
        began_s = time.perf_counter()
        found = {detection.label for detection in detector.detect(picture)}
        times.append((time.perf_counter() - began_s) * 1e3)
    return found, statistics.median(times)


def _signed(registry: str, settings: Settings) -> Check:
    from kit.mlops.registry.store import open_registry

    store = open_registry(registry, settings=settings)
    promoted = store.promoted()
    if promoted is None:
        fix = "run: kit registry publish, then kit promote"
        return Check("signature", State.WARNING, "the registry has promoted no model yet", fix)
    _, manifest = store.fetch(promoted.version)  # raises where a signature or a byte is wrong
    detail = f"version {manifest.version}, SHA-256 {manifest.sha256[:16]}…"
    return Check("signature", State.FINE, f"{detail}, signed by a key that is trusted here")


def _as_installed(path: Path, sha256: str) -> bool | None:
    """Compare with the list of files of the installed wheel; None if it does not tell."""
    try:
        files = distribution("runaway-train-kit").files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if not str(file).endswith(SHIPPED) or Path(str(file.locate())).resolve() != path.resolve():
            continue
        if file.hash and file.hash.mode == "sha256":
            plain = urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()
            return file.hash.value == plain
    return None


def _as_committed(path: Path) -> bool | None:
    """Compare with what git keeps; None outside a clone, or without git."""

    def git(*words: str) -> int:
        command = ["git", *words, path.name]
        return run(command, cwd=path.parent, check=False, capture_output=True).returncode

    try:
        if git("ls-files", "--error-unmatch", "--") != 0:  # without a clone, diff compares files
            return None
        return git("diff", "--quiet", "HEAD", "--") == 0
    except OSError:
        return None

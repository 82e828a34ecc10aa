"""The sign detector as a runtime of MLServer.

MLServer imports it, in its own environment; the kit's other parts do not. Its settings:

- ``uri``: the ONNX file, or a folder with ``signs.onnx``
- ``extra``: ``provider`` and ``threads``, as `kit.vision.detector.Detector` takes them

The model's version is what the file says of itself. Settings that name another are overruled.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlserver import MLModel, ModelSettings
from mlserver.errors import InferenceError, MLServerError
from mlserver.settings import ModelParameters
from mlserver.types import (
    Datatype,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataTensor,
    Parameters,
    RequestInput,
    ResponseOutput,
)

from kit.errors import CameraError, ConfigError, ModelError
from kit.events import LABELS, Detection
from kit.vision.detector import Detector
from kit.vision.frames import Image
from kit.vision.tensors import (
    CONFIDENCE,
    DESCRIBE,
    FRAME,
    MODEL_INFO,
    OUTPUTS,
    Answer,
    decode_picture,
    from_numbers,
    to_tensors,
)

FILE_NAME = "signs.onnx"
"""The model's file when ``uri`` names a folder."""

WEAKEST = 0.01
"""Lowest confidence that a request may ask for."""

_TYPES = dict(zip(OUTPUTS, (Datatype.FP32, Datatype.FP32, Datatype.INT64), strict=True))
_SHAPES = dict(zip(OUTPUTS, ([-1, 4], [-1], [-1]), strict=True))


class SignRuntime(MLModel):
    """Finds signs in the pictures of requests, one after the other, in a thread of its own.

    The detector runs with the lowest confidence, and each answer keeps what its request asked
    for, or the model's own threshold. That is the same as a detector with that confidence: of
    two boxes that overlap the surer one stays, so a weak one never takes a strong one away.

    Args:
        settings: MLServer's settings of this model.

    Raises:
        ModelError: If the file is missing or none of the kit's models.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        parameters = settings.parameters or ModelParameters()
        settings.parameters = parameters
        self._detector = _open(parameters)
        # Before MLServer enters this model under its version, which it does ahead of load().
        parameters.version = self._detector.info.version
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="signs")
        settings.platform = "onnxruntime_onnx"
        settings.versions = [self._detector.info.version]
        self.inputs = [_tensor(FRAME, Datatype.UINT8, [-1, -1, 3], colour_order="BGR")]
        self.outputs = [_tensor(name, _TYPES[name], _SHAPES[name]) for name in OUTPUTS]

    async def load(self) -> bool:
        """Say that the model is ready: it ran already when it was opened."""
        return True

    async def unload(self) -> bool:
        """End the thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        return True

    async def metadata(self) -> MetadataModelResponse:
        """Tell inputs, outputs and what the labels mean."""
        known = await super().metadata()
        known.parameters = self._about()
        return known

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Find the signs of one picture.

        Args:
            payload: A request; see `kit.vision.tensors`.

        Returns:
            The tensors that it asked for, all three if it named none.

        Raises:
            InferenceError: If the request is wrong; status 400.
            MLServerError: If the network's answer is no number; status 500.
        """
        loop = asyncio.get_running_loop()
        try:
            confidence = _confidence(payload, self._detector.info.threshold)
            wanted = _wanted(payload)
            found = await loop.run_in_executor(self._worker, self._look, payload)
        except (CameraError, ConfigError) as error:
            raise InferenceError(str(error)) from error
        except ModelError as error:
            raise MLServerError(str(error), 500) from error
        answer = to_tensors([sign for sign in found if sign.confidence >= confidence])
        return InferenceResponse(
            model_name=self.name,
            model_version=self.version,
            parameters=self._about(describe=bool(_parameter(payload, DESCRIBE))),
            outputs=[_output(name, answer) for name in wanted],
        )

    def _look(self, payload: InferenceRequest) -> tuple[Detection, ...]:
        return self._detector.detect(_picture(payload))

    def _about(self, *, describe: bool = False) -> Parameters:
        info = self._detector.info
        known: dict[str, Any] = {"labels": ",".join(LABELS), "provider": info.provider}
        if describe:
            known[MODEL_INFO] = info.model_dump_json(exclude={"path"})
        return Parameters(**known)


def _open(parameters: ModelParameters) -> Detector:
    if not parameters.uri:
        raise ModelError(
            "The server was not told which model to serve", expected="'uri', an ONNX file"
        )
    path = Path(parameters.uri)
    extra = parameters.extra or {}
    return Detector(
        path / FILE_NAME if path.is_dir() else path,
        provider=extra.get("provider", "auto"),
        confidence=WEAKEST,
        threads=int(extra.get("threads", 2)),
    )


def _tensor(name: str, datatype: Datatype, shape: list[int], **about: str) -> MetadataTensor:
    return MetadataTensor(
        name=name,
        datatype=datatype,
        shape=shape,
        parameters=Parameters(**about) if about else None,
    )


def _parameter(payload: InferenceRequest, name: str) -> Any:
    return (payload.parameters.model_extra or {}).get(name) if payload.parameters else None


def _confidence(payload: InferenceRequest, default: float) -> float:
    """Read the confidence; as text too, for MLServer's gRPC carries no fractions there."""
    asked = _parameter(payload, CONFIDENCE)
    try:
        confidence = default if asked is None else float(asked)
    except (TypeError, ValueError):
        confidence = float("nan")
    if not WEAKEST <= confidence <= 1:
        raise ConfigError("The confidence is wrong", expected=f"{WEAKEST} to 1", got=asked)
    return confidence


def _wanted(payload: InferenceRequest) -> list[str]:
    wanted = [output.name for output in payload.outputs or []] or list(OUTPUTS)
    if unknown := sorted(set(wanted) - set(OUTPUTS)):
        raise ConfigError(
            "The model has no such output", expected=", ".join(OUTPUTS), got=", ".join(unknown)
        )
    return wanted


def _picture(payload: InferenceRequest) -> Image:
    names = [tensor.name for tensor in payload.inputs]
    if names != [FRAME]:
        raise ConfigError(
            "The request has the wrong inputs",
            expected=f"one, '{FRAME}'",
            got=", ".join(names) or "none",
        )
    tensor = payload.inputs[0]
    data = getattr(tensor.data, "root", tensor.data)
    if Datatype(tensor.datatype) == Datatype.BYTES:
        return decode_picture(_file(tensor, data))
    if Datatype(tensor.datatype) != Datatype.UINT8:
        raise ConfigError(
            f"The input '{FRAME}' has the wrong type",
            expected="UINT8 [H, W, 3], or BYTES [1] with a picture file",
            got=f"{Datatype(tensor.datatype).value} {tensor.shape}",
        )
    return from_numbers(data, tensor.shape)


def _file(tensor: RequestInput, data: Any) -> bytes:
    files = [data] if isinstance(data, str | bytes) else list(data)
    if len(files) != 1:
        raise ConfigError(
            "One picture a request", expected="BYTES [1]", got=f"{len(files)} in {tensor.shape}"
        )
    if isinstance(files[0], bytes):
        return files[0]
    try:  # JSON has no bytes
        return base64.b64decode(files[0], validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise CameraError(
            "The picture's text is wrong", expected="a picture file in base64", got=str(error)
        ) from error


def _output(name: str, answer: Answer) -> ResponseOutput:
    values = getattr(answer, name)
    return ResponseOutput(
        name=name,
        datatype=_TYPES[name],
        shape=list(values.shape),
        data=values.ravel().tolist(),
    )

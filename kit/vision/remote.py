"""A detector that somebody else runs: a model server, asked over the network.

A server is named by a URL, ``grpc://host:port/model`` or ``http://host:port/model``; `kit serve`
prints both. Each call has a deadline, and a call that fails says so and is not tried again: by
then there is a newer frame. The connection mends itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import urlsplit

import numpy as np

from kit.errors import ConfigError, ModelError
from kit.events import FRAME_HEIGHT, FRAME_WIDTH, LABELS, Detection
from kit.vision.detector import Detector, check_confidence, check_picture
from kit.vision.frames import Image
from kit.vision.model import ModelInfo
from kit.vision.providers import PROVIDERS, Provider
from kit.vision.tensors import MODEL_INFO, MODEL_NAME, encode_picture, to_detections
from kit.vision.transports import TRANSPORTS, Call, Reply, Transport

DEADLINE_S = 0.2
"""How long a server may take to answer for one picture, seconds: less than half a lease."""

START_DEADLINE_S = 5.0
"""How long it may take for the first answer, seconds."""


class AnyDetector(Protocol):
    """What local and remote detectors have in common."""

    @property
    def info(self) -> ModelInfo:
        """What the model says of itself, and the provider that runs it."""

    @property
    def confidence(self) -> float:
        """Detections below are left out, 0..1."""

    def detect(self, image_bgr: Image) -> tuple[Detection, ...]:
        """Find the signs of a picture, ``(H, W, 3)`` uint8, BGR."""

    def close(self) -> None:
        """Let go what it holds."""


class ServerAddress(NamedTuple):
    """A model on a server.

    Attributes:
        scheme: ``grpc`` or ``http``.
        host: ``host:port``.
        model: Its name there.
    """

    scheme: str
    host: str
    model: str

    @classmethod
    def parse(cls, url: str) -> ServerAddress:
        """Read a URL such as ``grpc://127.0.0.1:8091/signs``.

        Raises:
            ConfigError: If it is none.
        """
        parts = urlsplit(url)
        model = parts.path.strip("/") or MODEL_NAME
        try:
            port = parts.port
        except ValueError:
            port = None
        odd = "/" in model or parts.query or parts.fragment or parts.username
        if parts.scheme not in TRANSPORTS or not parts.hostname or port is None or odd:
            raise ConfigError(
                "This is no model server's URL",
                expected="grpc://host:port/model or http://host:port/model",
                got=url,
            )
        return cls(parts.scheme, parts.netloc, model)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/{self.model}"


class NoAnswerError(ModelError):
    """The model server is away, too slow, or refuses; the next picture may fare better."""


class RemoteDetector:
    """Finds signs in pictures by asking a model server; one thread at a time may use it.

    It gives what a local detector with the same model would: pictures travel without loss.

    Args:
        url: ``grpc://host:port/model`` or ``http://host:port/model``.
        confidence: Detections below are left out, above 0 to 1; the model's own threshold if None.
        deadline_s: How long the server may take for one picture, seconds.

    Raises:
        NoAnswerError: If the server is away, or has no such model.
        ModelError: If its model is not of the kit's kind.
        ConfigError: If the URL or a number is wrong, or tritonclient is not installed.
    """

    def __init__(
        self, url: str, *, confidence: float | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        check_confidence(confidence)
        if not 0 < deadline_s <= START_DEADLINE_S:
            raise ConfigError(
                "The deadline is wrong",
                expected=f"above 0, to {START_DEADLINE_S:g} s",
                got=deadline_s,
            )
        self._address = ServerAddress.parse(url)
        self._asked_confidence = confidence
        self._deadline_s = deadline_s
        self._transport: Transport = TRANSPORTS[self._address.scheme](
            self._address.host, self._address.model
        )
        try:
            self._info = self._describe(deadline_s=START_DEADLINE_S)
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> ModelInfo:
        """What the model says of itself, and the provider that runs it at the server."""
        return self._info

    @property
    def confidence(self) -> float:
        """Detections below are left out, 0..1."""
        asked = self._asked_confidence
        return self._info.threshold if asked is None else asked

    def detect(self, image_bgr: Image) -> tuple[Detection, ...]:
        """Find the signs of a picture.

        Args:
            image_bgr: ``(H, W, 3)`` uint8, BGR, 16 pixels or more each way.

        Returns:
            The signs, the surest first, boxes in pixels of this picture.

        Raises:
            CameraError: If this is no such picture.
            NoAnswerError: If the server did not answer within the deadline, or refused.
            ModelError: If its answer cannot be understood.
        """
        check_picture(image_bgr)
        reply = self._ask(image_bgr, deadline_s=self._deadline_s)
        if reply.version != self._info.version:  # the server changed its model
            self._info = self._describe(deadline_s=self._deadline_s)
        return to_detections(reply.answer)

    def close(self) -> None:
        """Let the connection go."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, image: Image, *, deadline_s: float, describe: bool = False) -> Reply:
        call = Call(
            picture=encode_picture(image),
            confidence=self._asked_confidence,
            describe=describe,
            deadline_s=deadline_s,
        )
        try:
            return self._transport.ask(call)
        except self._transport.failures as error:
            raise NoAnswerError(
                f"The model server {self._address} gave no answer",
                expected=f"one within {deadline_s:g} s",
                got=(str(error) or type(error).__name__).splitlines()[0][:200],
                fix="see that it runs ('kit serve'), that the URL is right, and how busy it is",
            ) from error

    def _describe(self, *, deadline_s: float) -> ModelInfo:
        """Have it look at a blank frame, which also proves that it can."""
        blank = np.zeros((FRAME_HEIGHT, FRAME_WIDTH, 3), np.uint8)
        reply = self._ask(blank, deadline_s=deadline_s, describe=True)
        to_detections(reply.answer)
        try:
            facts = json.loads(str(reply.parameters[MODEL_INFO]))
            info = ModelInfo.model_validate({**facts, "path": Path(self._address.model)})
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"The model server {self._address} does not say what its model is",
                expected=f"a parameter '{MODEL_INFO}'",
                got=str(error).replace("\n", " ")[:200],
                fix="ask a server that 'kit serve' started",
            ) from error
        if info.classes != LABELS:
            raise ModelError(
                f"The model at {self._address} tells other classes apart",
                expected=", ".join(LABELS),
                got=", ".join(info.classes),
            )
        return info


def open_detector(
    model: str,
    *,
    provider: Provider = "auto",
    confidence: float | None = None,
    threads: int = 2,
    deadline_s: float = DEADLINE_S,
) -> Detector | RemoteDetector:
    """Open the detector that a parameter names.

    Args:
        model: Path of an ONNX file, URL of a model on a server, or empty for the kit's own.
        provider: Where it runs. A server decides that by itself, and must have decided so if
            this is not ``auto``.
        confidence: Detections below are left out, above 0 to 1; the model's own threshold if None.
        threads: Threads of the CPU provider, from 1; a server has its own setting.
        deadline_s: How long a server may take for one picture, seconds.

    Returns:
        A detector that has already looked at one picture.

    Raises:
        ModelError: If the model is missing, wrong, or not run by the provider asked for; or if
            the server gives no answer.
        ConfigError: If a parameter is wrong, or a package for it is not installed.
    """
    if "://" not in model:
        return Detector(model or None, provider=provider, confidence=confidence, threads=threads)
    detector = RemoteDetector(model, confidence=confidence, deadline_s=deadline_s)
    if provider not in {"auto", *(n for n, p in PROVIDERS.items() if p == detector.info.provider)}:
        detector.close()
        raise ModelError(
            f"The model server {model} does not run it on '{provider}'",
            expected=PROVIDERS[provider],
            got=detector.info.provider,
            fix="start the server with that provider, or ask for 'auto'",
        )
    return detector

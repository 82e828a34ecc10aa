"""A detector whose model changes while it is used, without a frame lost.

What takes time is done by `kit.services.model_beside`, in a thread that takes a frame only when it
has nothing else to do, so that live frames never wait for it. What is to be done is decided by
`kit.services.swap_policy`, and done between two live frames.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import CameraError, KitError
from kit.events import FRAME_HEIGHT, FRAME_WIDTH, MAX_TEXT, Detection, ModelChange, ModelStatus
from kit.mlops.registry.store import Promotion, Registry
from kit.services.model_beside import Beside, Candidate, Opener, timed
from kit.services.swap_policy import (
    LATENCY_WINDOW,
    Advice,
    Phase,
    SwapPolicy,
    SwapRules,
    Turn,
)
from kit.vision.detector import Detector
from kit.vision.frames import Image
from kit.vision.model import ModelInfo

_log = logging.getLogger(__name__)


class SwappingDetector:
    """Finds signs with the model in use, and follows the registry's promotions.

    All methods but :meth:`nudge` belong to one thread, the live one.

    Args:
        model: The model to begin with; a promoted one takes over at once, on probation.
        open_model: Opens a model file.
        registry: Where promotions are.
        rules: What a new model may do.
        confidence: Detections below do not count; each model's own threshold if None.
        announce: Called with what became of a model; must not block.
        train_id: Which train.

    Attributes:
        counters: Models that took over, were refused and were rolled back.

    Raises:
        KitError: If the registry cannot be read, or the promoted model is not to be believed or
            cannot be loaded: what was asked for is not silently replaced.
    """

    def __init__(
        self,
        model: Path,
        *,
        open_model: Opener,
        registry: Registry,
        rules: SwapRules,
        confidence: float | None,
        announce: Callable[[ModelChange], None],
        train_id: str,
    ) -> None:
        self._url = registry.url[:MAX_TEXT]
        self._policy = SwapPolicy(rules)
        self._announce = announce
        self._train_id = train_id
        self._candidate: Candidate | None = None
        self._previous: tuple[Detector, str] | None = None  # while the candidate is on probation
        self._handled: Promotion | None = None
        self._nudges: deque[ModelChange | None] = deque()
        self._postponed = False
        self.counters = {"models_taken": 0, "models_refused": 0, "models_rolled_back": 0}
        self._current = open_model(model, threads=None)
        self._sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
        self._beside = Beside(open_model=open_model, registry=registry, confidence=confidence)
        try:
            self._begin(registry.promoted(), open_model)
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> ModelInfo:
        """What the model that answered last says of itself."""
        return self._current.info

    @property
    def confidence(self) -> float:
        """Detections below are left out, 0..1."""
        return self._current.confidence

    @property
    def phase(self) -> Phase:
        """Where a change of models stands."""
        return self._policy.phase

    def nudge(self, event: ModelChange | None) -> None:
        """Look at the registry soon; safe from any thread.

        Args:
            event: The promotion that was announced; None if there may have been one unheard.
        """
        if event is None or event.status is ModelStatus.PROMOTED:
            self._nudges.append(event)

    def tend(self) -> None:
        """Do what is due; call it before each frame, and when there is none."""
        self._beside.settle()
        if self._nudges and not self._beside.busy and self._policy.phase is not Phase.READY:
            asked = self._nudges.popleft()
            while self._nudges:
                asked = self._nudges.popleft() or asked
            self._beside.see_promoted(lambda future: self._see(future, asked))

    def detect(self, image_bgr: Image) -> tuple[Detection, ...]:
        """Find the signs of a picture; see `kit.vision.detector.Detector.detect`.

        When a model that is on probation fails, the one before it answers for this very picture.
        """
        try:
            found, took_ms = timed(self._current, image_bgr)
        except CameraError:
            raise  # the picture's fault, not the model's
        except Exception as error:
            if self._previous is None:
                raise
            self._follow(self._policy.failed(_brief(error)))
            return self._current.detect(image_bgr)
        self._offer(image_bgr, found)
        self._follow(self._policy.answered(took_ms))
        return found

    def close(self) -> None:
        """End the thread beside; a model on its way in is given up."""
        self._beside.close()

    def _begin(self, promotion: Promotion | None, open_model: Opener) -> None:
        self._handled = promotion
        if promotion is None or promotion.sha256 == self._sha256:
            return
        self._candidate = self._beside.candidate(promotion, self._current.info.path)
        blank: Image = np.zeros((FRAME_HEIGHT, FRAME_WIDTH, 3), np.uint8)
        for _ in range(LATENCY_WINDOW):  # how long does the one take that it is compared with?
            self._policy.answered(timed(self._current, blank)[1])
        detector = open_model(self._candidate.path, threads=None)
        self._take_over(self._candidate, detector, "it was promoted before the start")

    def _see(self, future: Future[Any], asked: ModelChange | None) -> None:
        """Compare what the registry points at with what runs."""
        try:
            promotion: Promotion | None = future.result()
        except KitError as error:
            if asked is not None:
                self._refuse(asked.model, asked.sha256, _brief(error))
            _log.warning("the registry cannot be read: %s", error)
            return
        if asked is not None and (promotion is None or promotion.sha256 != asked.sha256):
            promotes = f"promotes {promotion.version}" if promotion else "promotes none"
            self._refuse(asked.model, asked.sha256, f"{self._url} {promotes}")
        if promotion is None:
            return
        if promotion.sha256 == self._sha256:
            self._handled = promotion
            if asked is not None and asked.sha256 == promotion.sha256:
                reason = "it was running already"
                self._say(ModelStatus.RUNNING, promotion.version, promotion.sha256, reason)
        elif promotion != self._handled:
            self._consider(promotion)

    def _consider(self, promotion: Promotion) -> None:
        by_hand = promotion.act == "roll back"
        if self._policy.phase is Phase.PROBATION and not by_hand:
            self._postponed = True  # one at a time
            return
        if self._policy.phase is Phase.SHADOW:
            self._give_up(f"{promotion.version} was promoted meanwhile")
        self._handled = promotion
        if by_hand:
            self._beside.load_for_use(promotion, lambda future: self._obey(future, promotion))
        else:
            base = self._current.info.path
            self._beside.load(promotion, base, lambda future: self._try(future, promotion))

    def _obey(self, future: Future[Any], promotion: Promotion) -> None:
        """Take a model that somebody went back to: no shadow, no probation."""
        if (detector := self._loaded(future, promotion)) is None:
            return
        self._current, self._sha256 = detector, promotion.sha256
        self._settle_down()
        self.counters["models_taken"] += 1
        reason = f"{promotion.by} went back to it. {promotion.reason}"
        self._say(ModelStatus.RUNNING, promotion.version, promotion.sha256, reason)

    def _try(self, future: Future[Any], promotion: Promotion) -> None:
        if (candidate := self._loaded(future, promotion)) is not None:
            self._candidate = candidate
            self._policy.begin_shadow()

    def _loaded(self, future: Future[Any], promotion: Promotion) -> Any:
        """Return what a job loaded; if it failed, refuse the model and return None."""
        try:
            return future.result()
        except Exception as error:  # noqa: BLE001  # whatever it is, the model in use goes on
            self._refuse(promotion.version, promotion.sha256, _brief(error))
            return None

    def _offer(self, image: Image, found: tuple[Detection, ...]) -> None:
        """Show the newest frame to the thread beside, if it has nothing else to do."""
        candidate = self._candidate
        if candidate is None or self._beside.busy or self._nudges:
            return
        if self._policy.phase is Phase.SHADOW:
            self._beside.look_in_turns(candidate, image, self._compared)
        elif self._policy.phase is Phase.PROBATION:
            self._beside.look_behind(candidate, image, found, self._compared)

    def _compared(self, future: Future[Any]) -> None:
        try:
            advice = self._policy.compared(future.result())
        except Exception as error:  # noqa: BLE001  # whatever it is, the model in use goes on
            if self._policy.phase is not Phase.SHADOW:  # then it was the model before that failed
                _log.warning("the model before cannot be compared with: %s", _brief(error))
                return
            advice = self._policy.failed(_brief(error))
        self._follow(advice)

    def _follow(self, advice: Advice) -> None:
        candidate = self._candidate
        if advice.turn is Turn.GO_ON or candidate is None:
            return
        if advice.turn is Turn.TAKE_OVER:
            self._beside.open_for_use(
                candidate, lambda future: self._opened(future, candidate, advice.reason)
            )
        elif advice.turn is Turn.REFUSE:
            self._give_up(advice.reason)
        elif advice.turn is Turn.KEEP:
            self._settle_down()
        else:
            self._roll_back(advice.reason)

    def _opened(self, future: Future[Any], candidate: Candidate, reason: str) -> None:
        if (detector := self._loaded(future, candidate.promotion)) is not None:
            self._take_over(candidate, detector, reason)
        else:
            self._settle_down()

    def _take_over(self, candidate: Candidate, detector: Detector, reason: str) -> None:
        before, self._previous = self._current.info.version, (self._current, self._sha256)
        promotion = candidate.promotion
        self._current, self._sha256 = detector, promotion.sha256
        self._policy.begin_probation()
        self.counters["models_taken"] += 1
        self._say(ModelStatus.RUNNING, promotion.version, promotion.sha256, reason, before)

    def _roll_back(self, reason: str) -> None:
        assert self._candidate is not None
        assert self._previous is not None
        promotion = self._candidate.promotion
        self._current, self._sha256 = self._previous
        self._settle_down()
        self.counters["models_rolled_back"] += 1
        back_to = self._current.info.version
        self._say(ModelStatus.ROLLED_BACK, promotion.version, promotion.sha256, reason, back_to)

    def _give_up(self, reason: str) -> None:
        assert self._candidate is not None
        promotion = self._candidate.promotion
        self._settle_down()
        self._refuse(promotion.version, promotion.sha256, reason)

    def _settle_down(self) -> None:
        """End the change: what is not in use any more is let go."""
        self._candidate = self._previous = None
        self._policy.end()
        if self._postponed:
            self._postponed = False
            self._nudges.append(None)

    def _refuse(self, version: str, sha256: str, reason: str) -> None:
        self.counters["models_refused"] += 1
        self._say(ModelStatus.REFUSED, version, sha256, reason, self._current.info.version)

    def _say(
        self,
        status: ModelStatus,
        version: str,
        sha256: str,
        reason: str,
        previous: str | None = None,
    ) -> None:
        level = logging.INFO if status is ModelStatus.RUNNING else logging.WARNING
        _log.log(level, "model %s is %s: %s", version, status.replace("_", " "), reason)
        self._announce(
            ModelChange(
                train_id=self._train_id,
                status=status,
                model=version,
                sha256=sha256,
                previous=previous,
                registry=self._url,
                reason=reason[:MAX_TEXT],
            )
        )


def _brief(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:300]

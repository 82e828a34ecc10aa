"""A detector changes its model under way: real models, a real registry, no broker."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import fsspec
import numpy as np
import pytest

from kit.errors import CameraError, ModelError
from kit.events import Label, ModelChange, ModelStatus
from kit.mlops.registry.promotion import publish_file
from kit.mlops.registry.store import Promotion, Registry
from kit.mlops.registry.trust import (
    SigningKey,
    UntrustedModelError,
    load_trusted,
    make_keys,
)
from kit.services.model_beside import NICENESS
from kit.services.model_swap import SwappingDetector
from kit.services.swap_policy import Phase, SwapRules
from kit.vision.detector import Detector
from kit.vision.frames import Image
from tests.mlops.registry.variants import (
    blind_when_bright,
    shifted,
    slow,
    without_number,
    without_number_when_bright,
)
from tests.vision.onnx_models import red_rectangle
from tests.waiting import PATIENCE_S, wait_until

RULES = SwapRules(shadow_frames=5, probation_frames=8, harmless_ms=1000)
Make = Callable[..., Path]


def picture(background: int) -> Image:
    """A grey frame with a red rectangle."""
    frame = np.full((400, 600, 3), background, np.uint8)
    frame[100:180, 200:300] = (0, 0, 255)
    return frame


DARK, BRIGHT = picture(20), picture(200)


@dataclass
class Yard:
    """A registry and the detectors that follow it."""

    folder: Path
    registry: Registry
    key: SigningKey
    stack: ExitStack
    said: list[ModelChange] = field(default_factory=list)

    def publish(self, version: str, make: Make = red_rectangle) -> None:
        path = make(self.folder / f"{version}.onnx", version=version)
        publish_file(path, self.registry, key=self.key)

    def promote(self, version: str, make: Make = red_rectangle) -> Promotion:
        self.publish(version, make)
        return self.registry.promote(version, by="ada")

    def detector(self, rules: SwapRules = RULES) -> SwappingDetector:
        """Open a detector that begins with version 1."""
        found = SwappingDetector(
            red_rectangle(self.folder / "1.onnx", version="1"),
            open_model=lambda path, *, threads: Detector(
                path, provider="cpu", threads=threads or 2
            ),
            registry=self.registry,
            rules=rules,
            confidence=None,
            announce=self.said.append,
            train_id="t",
        )
        self.stack.callback(found.close)
        return found

    @property
    def told(self) -> list[tuple[ModelStatus, str, str | None]]:
        return [(event.status, event.model, event.previous) for event in self.said]


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    key = make_keys(tmp_path / "keys")
    registry = Registry(f"memory://{uuid4().hex}", trusted=load_trusted(tmp_path / "keys"))
    with ExitStack() as stack:
        yield Yard(tmp_path, registry, key, stack)


def announced(promotion: Promotion) -> ModelChange:
    return ModelChange(
        train_id="t",
        status=ModelStatus.PROMOTED,
        model=promotion.version,
        sha256=promotion.sha256,
    )


def drive(
    detector: SwappingDetector, frame: Image, until: Callable[[], bool], *, frames: int = 0
) -> list[str]:
    """Let a detector look at a frame until something happened; return who answered each time."""
    answered = []
    deadline = time.monotonic() + PATIENCE_S
    while not until() or len(answered) < frames:
        assert time.monotonic() < deadline
        detector.tend()
        (seen,) = detector.detect(frame)
        assert seen.label is Label.DANGER_AHEAD
        answered.append(detector.info.version)
    return answered


def changes(answered: list[str]) -> list[str]:
    """The versions in the order in which they took turns."""
    return [v for n, v in enumerate(answered) if n == 0 or answered[n - 1] != v]


def test_a_promoted_model_takes_over_and_is_kept_after_its_probation(yard: Yard) -> None:
    detector = yard.detector()
    detector.nudge(announced(yard.promote("2")))
    answered = drive(detector, DARK, lambda: bool(yard.said))
    answered += drive(detector, DARK, lambda: detector.phase is Phase.STEADY)
    assert changes(answered) == ["1", "2"]
    assert yard.told == [(ModelStatus.RUNNING, "2", "1")]
    assert "5 frames in the shadow" in yard.said[0].reason
    assert detector.counters == {
        "models_taken": 1,
        "models_refused": 0,
        "models_rolled_back": 0,
    }


def test_without_a_nudge_nothing_changes(yard: Yard) -> None:
    detector = yard.detector()
    yard.promote("2")
    answered = drive(detector, DARK, lambda: True, frames=20)
    assert changes(answered) == ["1"]


def test_a_nudge_without_an_event_finds_what_went_unheard(yard: Yard) -> None:
    detector = yard.detector()
    yard.promote("2")
    detector.nudge(None)
    assert changes(drive(detector, DARK, lambda: bool(yard.said))) == ["1", "2"]


@pytest.mark.parametrize("make", [without_number, shifted])
def test_a_bad_model_is_refused_in_the_shadow_and_never_answers(yard: Yard, make: Make) -> None:
    detector = yard.detector()
    detector.nudge(announced(yard.promote("2", make)))
    assert changes(drive(detector, DARK, lambda: bool(yard.said))) == ["1"]
    assert yard.told == [(ModelStatus.REFUSED, "2", "1")]
    reason = {without_number: "not a number", shifted: "misses a sign"}[make]
    assert reason in yard.said[0].reason
    assert detector.phase is Phase.STEADY


def test_a_slow_model_is_refused_in_the_shadow(yard: Yard) -> None:
    rules = SwapRules(shadow_frames=9, shadow_latency_ratio=2, harmless_ms=0)
    detector = yard.detector(rules)
    detector.nudge(announced(yard.promote("2", slow)))
    assert changes(drive(detector, DARK, lambda: bool(yard.said))) == ["1"]
    assert yard.told == [(ModelStatus.REFUSED, "2", "1")]
    assert "ms a frame" in yard.said[0].reason


@pytest.mark.parametrize("make", [without_number_when_bright, blind_when_bright])
def test_a_model_that_turns_bad_is_rolled_back(yard: Yard, make: Make) -> None:
    detector = yard.detector(RULES.model_copy(update={"probation_frames": 1000}))
    detector.nudge(announced(yard.promote("2", make)))
    drive(detector, DARK, lambda: bool(yard.said))

    def rolled_back() -> bool:  # now and then a frame without an answer: it is blind, after all
        detector.tend()
        detector.detect(BRIGHT)
        return len(yard.said) >= 2

    wait_until(rolled_back)
    assert yard.told == [(ModelStatus.RUNNING, "2", "1"), (ModelStatus.ROLLED_BACK, "2", "1")]
    assert changes(drive(detector, BRIGHT, lambda: True, frames=10)) == ["1"]
    assert detector.counters["models_rolled_back"] == 1


def test_the_frame_on_which_a_model_fails_is_answered_by_the_one_before(yard: Yard) -> None:
    detector = yard.detector(RULES.model_copy(update={"probation_frames": 1000}))
    detector.nudge(announced(yard.promote("2", without_number_when_bright)))
    drive(detector, DARK, lambda: bool(yard.said))
    assert drive(detector, DARK, lambda: True, frames=1) == ["2"]
    assert drive(detector, BRIGHT, lambda: True, frames=1) == ["1"]
    assert "not a number" in yard.said[-1].reason


def test_after_the_probation_a_failure_is_the_services(yard: Yard) -> None:
    detector = yard.detector()
    detector.nudge(announced(yard.promote("2", without_number_when_bright)))
    drive(detector, DARK, lambda: bool(yard.said) and detector.phase is Phase.STEADY)
    with pytest.raises(ModelError, match="not a number"):
        detector.detect(BRIGHT)


def test_a_picture_that_is_none_is_not_blamed_on_the_model(yard: Yard) -> None:
    detector = yard.detector(RULES.model_copy(update={"probation_frames": 1000}))
    detector.nudge(announced(yard.promote("2")))
    drive(detector, DARK, lambda: bool(yard.said))
    with pytest.raises(CameraError):
        detector.detect(np.zeros((4, 4, 3), np.uint8))
    assert detector.info.version == "2"


def test_a_model_that_was_rolled_back_is_tried_again_only_when_promoted_anew(yard: Yard) -> None:
    detector = yard.detector(RULES.model_copy(update={"probation_frames": 1000}))
    promotion = yard.promote("2", without_number_when_bright)
    detector.nudge(announced(promotion))
    drive(detector, DARK, lambda: bool(yard.said))
    drive(detector, BRIGHT, lambda: len(yard.said) == 2)
    detector.nudge(announced(promotion))
    detector.nudge(None)
    assert changes(drive(detector, DARK, lambda: True, frames=60)) == ["1"]
    detector.nudge(announced(yard.registry.promote("2", by="ada")))
    drive(detector, DARK, lambda: len(yard.said) == 3)
    assert yard.told[-1] == (ModelStatus.RUNNING, "2", "1")


def tamper(yard: Yard, name: str, content: bytes | None) -> None:
    fs, root = fsspec.core.url_to_fs(yard.registry.url)
    path = f"{root}/models/signs/2/{name}"
    if content is None:
        fs.rm(path)
    else:
        fs.pipe_file(path, content)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("signs.onnx", b"bad", "not the one that was signed"),
        ("manifest.json", b"{}", "not the one that was signed"),
        ("manifest.sig", None, "unsigned"),
    ],
)
def test_what_is_not_to_be_believed_is_refused_unloaded(
    yard: Yard, name: str, content: bytes | None, reason: str
) -> None:
    detector = yard.detector()
    promotion = yard.promote("2")
    tamper(yard, name, content)
    detector.nudge(announced(promotion))
    assert changes(drive(detector, DARK, lambda: bool(yard.said))) == ["1"]
    assert yard.told == [(ModelStatus.REFUSED, "2", "1")]
    assert reason in yard.said[0].reason


def test_an_announcement_that_the_registry_does_not_bear_out_is_refused(yard: Yard) -> None:
    detector = yard.detector()
    yard.publish("2")
    fake = announced(yard.promote("1")).model_copy(update={"model": "2", "sha256": "f" * 64})
    detector.nudge(fake)
    assert changes(drive(detector, DARK, lambda: bool(yard.said))) == ["1"]
    assert yard.told == [(ModelStatus.REFUSED, "2", "1")]
    assert "promotes 1" in yard.said[0].reason


def test_what_runs_already_is_said_so_and_not_loaded_again(yard: Yard) -> None:
    promotion = yard.promote("1")
    detector = yard.detector()
    detector.nudge(announced(promotion))
    drive(detector, DARK, lambda: bool(yard.said))
    assert yard.told == [(ModelStatus.RUNNING, "1", None)]
    assert detector.counters["models_taken"] == 0


def test_a_newer_promotion_overtakes_the_one_in_the_shadow(yard: Yard) -> None:
    detector = yard.detector(RULES.model_copy(update={"shadow_frames": 10_000}))
    detector.nudge(announced(yard.promote("2")))
    drive(detector, DARK, lambda: detector.phase is Phase.SHADOW)
    detector.nudge(announced(yard.promote("3", without_number)))
    drive(detector, DARK, lambda: len(yard.said) == 2)
    assert yard.told == [(ModelStatus.REFUSED, "2", "1"), (ModelStatus.REFUSED, "3", "1")]
    assert "3 was promoted meanwhile" in yard.said[0].reason


def test_a_promotion_waits_until_the_one_on_probation_is_through(yard: Yard) -> None:
    detector = yard.detector(RULES.model_copy(update={"probation_frames": 40}))
    detector.nudge(announced(yard.promote("2")))
    drive(detector, DARK, lambda: bool(yard.said))
    detector.nudge(announced(yard.promote("3")))
    answered = drive(detector, DARK, lambda: len(yard.said) == 2)
    assert yard.told == [(ModelStatus.RUNNING, "2", "1"), (ModelStatus.RUNNING, "3", "2")]
    assert answered.count("2") >= 38


def test_somebody_who_goes_back_is_obeyed_at_once_even_on_probation(yard: Yard) -> None:
    yard.promote("1")
    detector = yard.detector(RULES.model_copy(update={"probation_frames": 100_000}))
    detector.nudge(announced(yard.promote("2")))
    drive(detector, DARK, lambda: bool(yard.said))
    detector.nudge(announced(yard.registry.roll_back(by="ada", reason="just in case")))
    drive(detector, DARK, lambda: len(yard.said) == 2)
    assert yard.told[-1][:2] == (ModelStatus.RUNNING, "1")
    assert "ada went back to it" in yard.said[-1].reason
    assert (detector.phase, detector.info.version) == (Phase.STEADY, "1")


def test_a_start_begins_with_the_promoted_model_on_probation(yard: Yard) -> None:
    yard.promote("2", without_number_when_bright)
    detector = yard.detector()
    assert (detector.phase, detector.info.version) == (Phase.PROBATION, "2")
    assert drive(detector, DARK, lambda: True, frames=2) == ["2", "2"]
    assert drive(detector, BRIGHT, lambda: True, frames=2) == ["1", "1"]
    assert yard.told == [(ModelStatus.RUNNING, "2", "1"), (ModelStatus.ROLLED_BACK, "2", "1")]


def test_a_start_with_a_promoted_model_that_is_not_to_be_believed_fails(yard: Yard) -> None:
    yard.promote("2")
    tamper(yard, "signs.onnx", b"bad")
    with pytest.raises(UntrustedModelError):
        yard.detector()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority")
def test_the_thread_beside_stands_back_and_the_model_that_takes_over_does_not(yard: Yard) -> None:
    before = set(niceness())
    detector = yard.detector()
    detector.nudge(announced(yard.promote("2")))
    drive(detector, DARK, lambda: bool(yard.said))
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    started = Counter(nice for thread, nice in niceness().items() if thread not in before)
    assert started[min(19, usual + NICENESS)] == 1
    assert set(started) == {usual, min(19, usual + NICENESS)}
    assert started[usual] >= 2  # the one that opens models, and one that runs the new model


def niceness() -> dict[int, int]:
    """Return the niceness of each thread of this process."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # of an earlier test, and ended while we looked
            found[int(task.name)] = os.getpriority(os.PRIO_PROCESS, int(task.name))
    return found


def test_the_end_leaves_no_thread_and_no_file(yard: Yard) -> None:
    before = set(threading.enumerate())
    detector = yard.detector(RULES.model_copy(update={"shadow_frames": 10_000}))
    detector.nudge(announced(yard.promote("2")))
    drive(detector, DARK, lambda: detector.phase is Phase.SHADOW)
    folder = Path(detector._beside._folder.name)
    assert list(folder.iterdir())
    detector.close()
    assert not folder.exists()
    assert set(threading.enumerate()) <= before

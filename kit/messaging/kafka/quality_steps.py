"""What pictures may look like on their way to Kafka: the steps from all there is to hardly any."""

from __future__ import annotations

from dataclasses import dataclass

from kit.events import FRAME_HEIGHT, FRAME_WIDTH


@dataclass(frozen=True)
class QualityStep:
    """What pictures look like, and how many of them are sent live.

    Attributes:
        width: Pixels.
        height: Pixels.
        jpeg_quality: 1 to 100; None for as they were taken.
        every: Every how many-th picture is sent.
        max_fps: At most so many a second, if given.
        weight: What such a picture weighs, as a share of one as it was taken; measured on the
            virtual set's pictures, see docs/measurements.md.
    """

    width: int
    height: int
    jpeg_quality: int | None
    every: int
    max_fps: float | None
    weight: float

    def needs_bytes_per_s(self, *, full_bytes: float, fps: float) -> float:
        """Return what pictures of this step need of a link, bytes a second.

        Args:
            full_bytes: Bytes of a picture as it was taken.
            fps: Pictures taken a second.
        """
        rate = fps / self.every
        if self.max_fps is not None:
            rate = min(rate, self.max_fps)
        return full_bytes * self.weight * rate


STEPS: tuple[QualityStep, ...] = (
    QualityStep(FRAME_WIDTH, FRAME_HEIGHT, None, 1, None, 1.0),
    QualityStep(FRAME_WIDTH, FRAME_HEIGHT, None, 2, None, 1.0),
    QualityStep(FRAME_WIDTH, FRAME_HEIGHT, 50, 2, None, 0.46),
    QualityStep(400, 267, 50, 2, None, 0.21),
    QualityStep(300, 200, 40, 2, 2.0, 0.12),
)
"""The steps, from all there is to what is hardly a picture."""

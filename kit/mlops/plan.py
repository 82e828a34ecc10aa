"""What to make: the pictures, the training and the file of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kit.mlops.drawing.scene import World
from kit.mlops.training import Recipe

CHECK_SEED_OFFSET = 1_000_003
"""Pictures to test on are drawn with the training seed plus this."""


@dataclass(frozen=True)
class Plan:
    """What to make.

    Attributes:
        world: Which signs, and where they stand.
        pictures: Training pictures to draw.
        recipe: How to train; its seed is also that of the pictures, its threads draw them.
        checks: Fresh drawn pictures to test on.
        work: Folder for pictures and checkpoints.
        out: The ONNX file; the weights go beside it, ending in ``.pt``.
        base: Weights to start from; None for random ones.
        sign_free: Frames without a sign to draw for the second part of training, which learns
            from those in which the network sees one, and from harder pictures; and as many again
            to teach the second look. 0 leaves both out: the second look is then the base's, or an
            untaught copy of the first.
        looks_twice: Whether the model gets a second look at all. After a short training an untaught
            one finds more signs but believes each of them less, and takes as long as the first.
        labelled: Folder of a set of labelled pictures to mix in, None for none.
        labelled_share: Share of those in each epoch.
        version: Written into the model.
        threshold: Confidence that counts, written into the model.
    """

    world: World
    pictures: int
    recipe: Recipe
    checks: int
    work: Path
    out: Path
    base: Path | None = None
    sign_free: int = 0
    looks_twice: bool = True
    labelled: Path | None = None
    labelled_share: float = 0.3
    version: str = "0.0.0"
    threshold: float = 0.5

"""A set cut into a part to train on and a part to test on, scene by scene.

Neighbouring frames of a film are nearly the same picture. With one of them on each side a test
measures memory, so a whole scene goes to one side or to the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import AnnotatedSet


@dataclass(frozen=True)
class Split:
    """Two parts of a set; no scene and no photo is in both.

    Attributes:
        train: To learn from.
        test: To measure on.

    Raises:
        ConfigError: If they share a scene or a photo.
    """

    train: AnnotatedSet
    test: AnnotatedSet

    def __post_init__(self) -> None:
        scenes = set(self.train.scenes) & set(self.test.scenes)
        ours = {photo.sha256: photo.name for photo in self.train.photos}
        photos = {ours[photo.sha256] for photo in self.test.photos if photo.sha256 in ours}
        if scenes or photos:
            raise ConfigError(
                "The two parts of the set are not apart",
                expected="each scene and each photo in one part",
                got=f"in both: {', '.join(sorted(scenes | photos))}",
                fix="split by scene: kit dataset split",
            )

    @property
    def parts(self) -> dict[str, AnnotatedSet]:
        """The parts by name."""
        return {"train": self.train, "test": self.test}


def split_by_scene(annotated: AnnotatedSet, *, test: float = 0.2, seed: int = 1) -> Split:
    """Cut a set in two, with whole scenes on each side.

    The scenes are put into an order that only their names and the seed decide, and go to the
    test part as long as that brings it closer to its share. So the same set always gives the
    same parts, on any machine.

    Args:
        annotated: The set.
        test: Wanted share of the photos in the test part, above 0 and below 1. The parts come
            as near to it as whole scenes allow; neither is empty.
        seed: Another seed gives other parts.

    Raises:
        ConfigError: If the share is out of range, or the set has only one scene.
    """
    if not 0 < test < 1:
        raise ConfigError("The share of the test part is wrong", expected="0 < share < 1", got=test)
    sizes = dict.fromkeys(annotated.scenes, 0)
    for photo in annotated.photos:
        sizes[photo.scene] += 1
    if len(sizes) < 2:
        raise ConfigError(
            "A set of one scene cannot be split",
            expected="photos of two scenes at least",
            got=f"{len(annotated)} photos of {', '.join(sizes) or 'no scene'}",
            fix="if they are of several, import them with --scene, a pattern that tells them apart",
        )
    chosen = _choose(sizes, wanted=test * len(annotated), seed=seed)
    return Split(
        annotated.only(photo for photo in annotated.photos if photo.scene not in chosen),
        annotated.only(photo for photo in annotated.photos if photo.scene in chosen),
    )


def _choose(sizes: dict[str, int], *, wanted: float, seed: int) -> set[str]:
    order = sorted(sizes, key=lambda scene: hashlib.sha256(f"{seed} {scene}".encode()).digest())
    chosen: set[str] = set()
    taken = 0
    for scene in order:
        closer = abs(taken + sizes[scene] - wanted) < abs(taken - wanted)
        if closer and len(chosen) < len(sizes) - 1:
            chosen.add(scene)
            taken += sizes[scene]
    return chosen or {min(order, key=lambda scene: sizes[scene])}

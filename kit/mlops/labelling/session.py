"""Going through a harvest, the most doubtful frame first: label, skip, take back, go on later."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kit.errors import ConfigError
from kit.events import LABELS, Box, Label
from kit.mlops.acquire.annotated import IGNORED_NAME, KINDS, OTHER_NAME, Sign
from kit.mlops.acquire.vetting import fit_box
from kit.mlops.labelling.growing import GrowingSet
from kit.watching.doubt import Reason
from kit.watching.harvest import HarvestedFrame, picture_path, read_harvest

SCENE_MINUTES = 10
"""Frames of one train within so many minutes count as one scene: they may look alike."""


class LabellingSession:
    """The frames of a harvest that nobody has labelled yet, and the set that they go to.

    Args:
        harvest: Folder of the harvest.
        out: Folder of the labelled set; what was labelled there before is not asked for again.

    Raises:
        ConfigError: If there is no harvest, or the set is damaged.
    """

    def __init__(self, harvest: Path, out: Path) -> None:
        self.labels = GrowingSet(out, source=f"harvested frames of {harvest.resolve().name}")
        self._harvest = harvest
        self._frames = {entry.name: entry for entry in read_harvest(harvest)}
        self._history: list[str] = []
        self._taken_back: dict[str, tuple[bytes, tuple[Sign, ...]]] = {}
        known = self.labels.skipped
        waiting = [
            entry
            for entry in self._frames.values()
            if entry.name not in known and self.labels.signs_of(entry.name) is None
        ]
        waiting.sort(key=lambda entry: (-entry.score, entry.name))
        self._waiting = [entry.name for entry in waiting]

    @property
    def current(self) -> HarvestedFrame | None:
        """The frame to look at now; None when all are done."""
        while self._waiting:
            entry = self._frames[self._waiting[0]]
            if entry.name in self._taken_back or picture_path(self._harvest, entry).is_file():
                return entry
            self._waiting.pop(0)  # the harvest goes on, and a more doubtful frame took its place
        return None

    @property
    def waiting(self) -> int:
        """How many frames are still to be looked at."""
        return len(self._waiting)

    @property
    def remaining(self) -> tuple[HarvestedFrame, ...]:
        """The frames that are still to be looked at, the most doubtful first."""
        return tuple(self._frames[name] for name in self._waiting)

    @property
    def done(self) -> int:
        """How many photos have labels."""
        return len(self.labels.annotated)

    def picture(self, entry: HarvestedFrame) -> bytes:
        """Return a frame's JPEG.

        Raises:
            ConfigError: If the harvest has lost it.
        """
        if entry.name in self._taken_back:
            return self._taken_back[entry.name][0]
        try:
            return picture_path(self._harvest, entry).read_bytes()
        except OSError as error:
            raise ConfigError(
                "The frame is not in the harvest any more",
                got=str(error),
                fix="go on with the next one",
            ) from error

    def proposals(self, entry: HarvestedFrame) -> tuple[Sign, ...]:
        """Return what a person should only have to correct.

        That is what the model saw, and what it must have missed; after an undo, what was
        labelled before.
        """
        if entry.name in self._taken_back:
            return self._taken_back[entry.name][1]
        missed = [d for d in entry.doubts if d.reason is Reason.MISSED]
        found = [(d.label, d.box) for d in entry.seen]
        found += [(d.label, d.box) for d in missed if d.label and d.box]
        return tuple(sign_of(label, box, size=(entry.width, entry.height)) for label, box in found)

    def submit(self, signs: Iterable[Sign]) -> None:
        """Label the current frame.

        Args:
            signs: All that is in it; none if it shows no sign.

        Raises:
            ConfigError: If no frame is left.
            OSError: If the labels cannot be saved.
        """
        self.label(self._now(), signs)

    def label(self, entry: HarvestedFrame, signs: Iterable[Sign]) -> None:
        """Label any frame of the harvest, as a program does.

        Args:
            entry: The frame.
            signs: All that is in it; none if it shows no sign.

        Raises:
            ConfigError: If the harvest has lost the frame.
            OSError: If the labels cannot be saved.
        """
        size = (entry.width, entry.height)
        self.labels.put(
            entry.name, self.picture(entry), tuple(signs), size=size, scene=scene_of(entry)
        )
        self._settle(entry)

    def skip(self) -> None:
        """Pass the current frame over.

        Raises:
            ConfigError: If no frame is left.
            OSError: If that cannot be saved.
        """
        entry = self._now()
        self.labels.skip(entry.name)
        self._settle(entry)

    def undo(self) -> bool:
        """Take the last answer back: its frame is the current one again, with what was answered.

        Returns:
            Whether there was an answer of this session to take back.

        Raises:
            OSError: If that cannot be saved.
        """
        if not self._history:
            return False
        name = self._history[-1]
        signs = self.labels.signs_of(name)
        if signs is not None:  # the harvest may have lost the picture since, the set has it
            self._taken_back[name] = (self.labels.picture_of(name), signs)
        self.labels.forget(name)
        self._history.pop()
        self._waiting.insert(0, name)
        return True

    def _settle(self, entry: HarvestedFrame) -> None:
        self._waiting = [name for name in self._waiting if name != entry.name]
        self._history = [*(name for name in self._history if name != entry.name), entry.name]
        self._taken_back.pop(entry.name, None)

    def _now(self) -> HarvestedFrame:
        entry = self.current
        if entry is None:
            raise ConfigError("No frame is left to label", fix="harvest more")
        return entry


def sign_of(kind: str, box: Box, *, size: tuple[int, int]) -> Sign:
    """Make a sign of a box that somebody drew.

    Args:
        kind: One of `kit.mlops.acquire.annotated.KINDS`.
        box: ``(x, y, width, height)`` in pixels; cut at the photo's edge.
        size: Width and height of the photo, pixels.

    Raises:
        ConfigError: If there is no such kind, or nothing is left of the box.
    """
    if kind not in KINDS:
        raise ConfigError("There is no such class", expected=", ".join(KINDS), got=kind)
    corners = (box.x, box.y, box.x + box.width, box.y + box.height)
    try:
        fitted, _ = fit_box(corners, size)
    except ValueError as error:
        raise ConfigError("This box cannot be used", got=str(error), fix="draw it anew") from error
    ours = kind not in {OTHER_NAME, IGNORED_NAME}
    return Sign(LABELS.index(Label(kind)) if ours else None, fitted, ignored=kind == IGNORED_NAME)


def scene_of(entry: HarvestedFrame) -> str:
    """Name the scene of a frame: its train and the ten minutes in which it was captured."""
    at = entry.frame.captured_at
    begun = at.replace(minute=at.minute - at.minute % SCENE_MINUTES)
    return f"{entry.train_id} {begun:%Y-%m-%d %H:%M}"

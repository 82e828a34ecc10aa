"""The harvest: a folder of frames worth a second look, that grows neither in number nor in bytes.

::

    harvest/
      01J...Z.jpg      the frame's own JPEG bytes
      01J...Z.json     what is known of it; the picture counts once this is there
      reference.json   what drift is measured against
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kit.errors import ConfigError
from kit.events import Detection, FrameStamp
from kit.watching.doubt import Doubt, Reason

REFERENCE = "reference.json"
"""Name of the file that drift is measured against."""

_ENTRY = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_UNFINISHED = ".part"


class HarvestedFrame(BaseModel):
    """What is known of a frame that was kept.

    Attributes:
        frame: Which frame, and when it was captured.
        train_id: Which train.
        width: Pixels.
        height: Pixels.
        model: Version of the model that looked at it.
        threshold: Confidence from which a detection counted, 0 to 1.
        detections: What the model saw, weak detections too.
        doubts: Why it was kept, the strongest reason first.
        fingerprint: See :func:`kit.watching.likeness.fingerprint`; 16 hexadecimal digits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    frame: FrameStamp
    train_id: str
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    model: str
    threshold: Annotated[float, Field(ge=0, le=1)]
    detections: tuple[Detection, ...]
    doubts: Annotated[tuple[Doubt, ...], Field(min_length=1)]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]

    @property
    def name(self) -> str:
        """Name of its files, without ending: the frame's id."""
        return self.frame.frame_id

    @property
    def score(self) -> float:
        """How doubtful it is, 0 to 1: the strongest of its doubts."""
        return max(doubt.score for doubt in self.doubts)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it was kept, each reason once, the strongest first."""
        return tuple(dict.fromkeys(doubt.reason for doubt in self.doubts))

    @property
    def is_sample(self) -> bool:
        """Whether nothing is doubtful about it."""
        return self.reasons == (Reason.SAMPLE,)

    @property
    def bits(self) -> int:
        """Its fingerprint as a number."""
        return int(self.fingerprint, 16)

    @property
    def seen(self) -> tuple[Detection, ...]:
        """The detections that counted."""
        return tuple(d for d in self.detections if d.confidence >= self.threshold)


class Stored(NamedTuple):
    """A frame in the folder.

    Attributes:
        entry: What is known of it.
        size: Bytes of its two files.
    """

    entry: HarvestedFrame
    size: int


def picture_path(folder: Path, entry: HarvestedFrame) -> Path:
    """Return where the picture of a frame is."""
    return folder / f"{entry.name}.jpg"


def read_harvest(folder: Path) -> tuple[HarvestedFrame, ...]:
    """Read a harvest, also while it is being written.

    Args:
        folder: Where it is.

    Returns:
        Its frames by time of capture; what is damaged is left out.

    Raises:
        ConfigError: If there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(
            "There is no such harvest",
            expected="a folder that the inference service keeps doubtful frames in",
            got=str(folder),
            fix="run the mission with 'kit demo --harvest DIR'",
        )
    return tuple(stored.entry for stored in scan(folder))


def scan(folder: Path) -> list[Stored]:
    """List the whole frames of a folder, by time of capture."""
    found = (_read(folder, path) for path in sorted(folder.glob("*.json")))
    return [stored for stored in found if stored is not None]


def tidy(folder: Path, whole: list[Stored]) -> None:
    """Remove what a power cut left behind: unfinished files, and halves of entries.

    Args:
        folder: Of one harvest; files that are none of its kind stay.
        whole: Its whole frames.

    Raises:
        OSError: If a file cannot be removed.
    """
    names = {stored.entry.name for stored in whole}
    for path in folder.iterdir():
        stem, _, ending = path.name.partition(".")
        torn = _ENTRY.fullmatch(stem) and ending in {"jpg", "json"} and stem not in names
        if torn or (path.name.startswith(".") and path.suffix == _UNFINISHED):
            path.unlink(missing_ok=True)


def remove(folder: Path, entry: HarvestedFrame) -> None:
    """Remove a frame; nobody sees half of it.

    Raises:
        OSError: If it cannot be removed.
    """
    (folder / f"{entry.name}.json").unlink(missing_ok=True)
    picture_path(folder, entry).unlink(missing_ok=True)


class Draft:
    """A frame that is written but not yet there; :meth:`publish` it or :meth:`discard` it.

    Args:
        folder: Where it goes.
        entry: What is known of it.
        jpeg: Its picture, as it came.
    """

    def __init__(self, folder: Path, entry: HarvestedFrame, jpeg: bytes) -> None:
        text = (entry.model_dump_json(indent=1) + "\n").encode()
        self.stored = Stored(entry, len(jpeg) + len(text))
        # The picture first: an entry without its picture must never be seen.
        self._files = [(picture_path(folder, entry), jpeg), (folder / f"{entry.name}.json", text)]

    def write(self) -> None:
        """Write both files under names that nobody reads.

        Raises:
            OSError: If there is no room, or the folder cannot be written.
        """
        for path, content in self._files:
            _unfinished(path).write_bytes(content)

    def publish(self) -> None:
        """Give both files their names.

        Raises:
            OSError: If the folder cannot be written.
        """
        for path, _ in self._files:
            _unfinished(path).replace(path)

    def discard(self) -> None:
        """Remove what was written so far, as well as it goes."""
        for path, _ in self._files:
            try:
                _unfinished(path).unlink(missing_ok=True)
            except OSError:  # the folder has gone or is read-only; `tidy` will see to it
                return


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}{_UNFINISHED}")


def _read(folder: Path, path: Path) -> Stored | None:
    if not _ENTRY.fullmatch(path.stem):
        return None
    try:
        text = path.read_bytes()
        entry = HarvestedFrame.model_validate_json(text)
        size = len(text) + picture_path(folder, entry).stat().st_size
    except (OSError, ValueError):  # torn by a power cut, or evicted while we read
        return None
    return Stored(entry, size) if entry.name == path.stem else None

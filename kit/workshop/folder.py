"""A learner's folder: the copy of the notebooks, and how far its owner has come."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from kit.errors import ConfigError
from kit.workshop.texts import Language

FILE = "workshop.json"
"""Name of the file that makes a folder a learner's."""


class Done(BaseModel):
    """What became of one exercise.

    Attributes:
        outcome: Solved by the learner, or skipped: the solution was looked at.
        at: When.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Literal["solved", "skipped"]
    at: AwareDatetime


class Progress(BaseModel):
    """How far a learner has come.

    Attributes:
        language: Of the folder's notebooks.
        done: By exercise.
        hints: Hints taken, by exercise.
        tries: Checks that failed, by exercise.
        reported: Exercises that the leaderboard has acknowledged.
    """

    model_config = ConfigDict(extra="forbid")

    language: Language = "en"
    done: dict[str, Done] = Field(default_factory=dict)
    hints: dict[str, int] = Field(default_factory=dict)
    tries: dict[str, int] = Field(default_factory=dict)
    reported: list[str] = Field(default_factory=list)


class Folder:
    """A learner's folder.

    Args:
        path: It; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def around(cls, start: Path) -> Folder | None:
        """Find the learner's folder that a place lies in; None if it lies in none."""
        for path in (start, *start.parents):
            if (path / FILE).is_file():
                return cls(path)
        return None

    def load(self) -> Progress:
        """Read the progress.

        Raises:
            ConfigError: If the file is no such thing, or there is none.
        """
        path = self.path / FILE
        try:
            return Progress.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise ConfigError(
                "This is not a learner's folder",
                expected=f"a readable file {FILE} in it",
                got=str(self.path),
                fix="make one with: kit workshop new DIR",
            ) from error

    def save(self, progress: Progress) -> None:
        """Write the progress; a crash in between leaves the older one.

        Args:
            progress: What to keep.
        """
        half = self.path / f".{FILE}.part"
        half.write_text(
            json.dumps(progress.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8"
        )
        half.replace(self.path / FILE)


def now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC).replace(microsecond=0)

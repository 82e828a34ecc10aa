"""The reset between two visitors: the train stands, the name is gone, old files are put aside."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kit.config import Settings
from kit.errors import BrokerError, ConfigError, missing_extra
from kit.reasons import Reason
from kit.runtime.run import MISSION

ASIDE = "aside"
"""Folder below the runs' that gets what is put aside, a folder a day."""

KIOSK_FILE = "kiosk.json"
"""File below the runs' by which a running kiosk tells where it is."""

KIOSK_RUNS = "kiosk"
"""Folder below the runs' that has the runs of the kiosk's visitors."""

QUIET_S = 30.0
"""A run without a result whose files are newer than this is taken to be under way, seconds."""

STAND_S = 5.0
"""How long the train may take to say that it stands, seconds."""

KIOSK_S = 3.0
"""How long the kiosk may take to answer, seconds."""


@dataclass(frozen=True)
class Reset:
    """What a reset did.

    Attributes:
        train: What became of the train, in words.
        kiosk: What became of the kiosk, in words.
        moved: Runs that were put aside.
        dropped: Days of old runs that were deleted.
        problems: What could not be done, in words; empty if all is ready for the next visitor.
        took_s: How long it took, seconds.
    """

    train: str
    kiosk: str
    moved: int
    dropped: int
    problems: tuple[str, ...]
    took_s: float

    @property
    def ok(self) -> bool:
        """Whether the next visitor may come."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "ok": self.ok,
            "train": self.train,
            "kiosk": self.kiosk,
            "moved": self.moved,
            "dropped": self.dropped,
            "problems": list(self.problems),
            "took_s": round(self.took_s, 2),
        }


def reset(settings: Settings, *, drop_older_than_days: int | None = None) -> Reset:
    """Get ready for the next visitor; nothing that runs is started again.

    Args:
        settings: The broker of the train, if one is named, and the runs' folder.
        drop_older_than_days: Delete what was put aside longer ago than this; keep all if None.

    Returns:
        What was done. What could not be done is among its problems.
    """
    began_s = time.monotonic()
    problems: list[str] = []
    kiosk = _clear_kiosk(settings.runs_dir, problems)
    train = _latch(settings, problems)
    moved = put_aside(settings.runs_dir) + put_aside(settings.runs_dir / KIOSK_RUNS)
    dropped = 0
    if drop_older_than_days is not None:
        dropped = drop_old(settings.runs_dir, days=drop_older_than_days)
    return Reset(
        train=train,
        kiosk=kiosk,
        moved=moved,
        dropped=dropped,
        problems=tuple(problems),
        took_s=time.monotonic() - began_s,
    )


def put_aside(runs_dir: Path, *, now: datetime | None = None) -> int:
    """Move the runs that are over into today's folder of `ASIDE`, and tell how many they were.

    A run without a result whose files still change is under way, and stays.

    Args:
        runs_dir: Folder of runs.
        now: The time; that of the clock if None.

    Raises:
        ConfigError: If one cannot be moved.
    """
    moment = now or datetime.now(UTC).astimezone()
    target = runs_dir / ASIDE / f"{moment:%Y-%m-%d}"
    moved = 0
    for run in _runs(runs_dir):
        if not (run / MISSION).exists() and moment.timestamp() - _changed_s(run) < QUIET_S:
            continue
        try:
            target.mkdir(parents=True, exist_ok=True)
            run.rename(_free_name(target / run.name))
        except OSError as error:
            raise ConfigError(
                f"The run {run.name} cannot be put aside",
                got=str(error),
                fix=f"see who may write to {runs_dir.resolve()}",
            ) from error
        moved += 1
    return moved


def drop_old(runs_dir: Path, *, days: int, now: datetime | None = None) -> int:
    """Delete the days that were put aside longer ago than so many days; tell how many.

    Args:
        runs_dir: Folder of runs; that of the kiosk's runs below it is looked at too.
        days: From 0; what was put aside today is kept in any case.
        now: The time; that of the clock if None.
    """
    oldest = (now or datetime.now(UTC).astimezone()).date() - timedelta(days=max(0, days))
    dropped = 0
    for parent in (runs_dir / ASIDE, runs_dir / KIOSK_RUNS / ASIDE):
        for folder in sorted(parent.glob("????-??-??")) if parent.is_dir() else ():
            try:
                day = datetime.strptime(folder.name, "%Y-%m-%d").replace(tzinfo=UTC).date()
            except ValueError:
                continue
            if folder.is_dir() and day < oldest:
                shutil.rmtree(folder)
                dropped += 1
    return dropped


def _latch(settings: Settings, problems: list[str]) -> str:
    """Stop the train and latch it, if there is a way to it."""
    from kit.services.operator import emergency_stop

    if settings.mqtt_url is None:
        return "no broker is named: no train runs but those of a mission or a kiosk"
    try:
        state = emergency_stop(
            settings,
            train_id=settings.train_id,
            reason=Reason.RESET,
            timeout_s=STAND_S,
        )
    except BrokerError as error:
        problems.append(f"the train was not reached: {error.problem}")
        return "not reached"
    if state is None:
        return f"no train '{settings.train_id}' answers: nobody drives it"
    return "it stands, latched"


def _clear_kiosk(runs_dir: Path, problems: list[str]) -> str:
    """Have a running kiosk forget its visitor and end the visitor's mission."""
    path = runs_dir / KIOSK_FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        url, token = str(told["url"]), str(told["token"])
    except FileNotFoundError:
        return "none runs"
    except (OSError, ValueError, KeyError) as error:
        problems.append(f"{path} cannot be read: {error}")
        return "not reached"
    try:
        import httpx
    except ImportError as error:
        raise missing_extra("httpx", "leaderboard") from error
    try:
        answer = httpx.post(f"{url}reset", headers={"X-Kit-Token": token}, timeout=KIOSK_S)
        answer.raise_for_status()
    except httpx.ConnectError:
        path.unlink(missing_ok=True)  # it was killed, and could not take its file along
        return "none runs"
    except httpx.HTTPError as error:
        problems.append(f"the kiosk at {url} did not answer: {error}")
        return "not reached"
    return "its name and score are cleared"


def _runs(folder: Path) -> Iterator[Path]:
    """Yield the folders that `kit.runtime.mission.make_run_dir` made."""
    if folder.is_dir():
        for path in sorted(folder.glob("[0-9]*-[0-9]*")):
            if path.is_dir() and (path / "logs").is_dir():
                yield path


def _changed_s(run: Path) -> float:
    return max(path.stat().st_mtime for path in (run, *run.iterdir()))


def _free_name(path: Path) -> Path:
    candidates = (path.with_name(f"{path.name}-{number}") for number in range(2, 1000))
    return path if not path.exists() else next(name for name in candidates if not name.exists())

"""A bundle: one folder from which the kit is installed and run where there is no network."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from kit import __version__
from kit.errors import ConfigError, MissionError, missing_extra
from kit.presenting.carrying import carry_along

try:
    from packaging.requirements import InvalidRequirement, Requirement
except ImportError as error:
    raise missing_extra("packaging", "dev") from error

LOCK = "requirements.lock"
"""File of exact versions in the repository's top folder, and in the bundle."""

SUMS = "SHA256SUMS"
"""File of all the others' hashes; ``sha256sum -c`` reads it."""

NEWEST_GLIBC = 35
"""Wheels for newer versions of glibc than 2.35, that of Ubuntu 22.04, are not taken."""

_OLD_NAMES = ("manylinux2014", "manylinux2010", "manylinux1")
_PATCHES = range(30)
_PYTHON = re.compile(r"3\.1[1-9]")


class Machine(StrEnum):
    """Processors that a bundle can be for."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"


@dataclass(frozen=True)
class Target:
    """Where the bundle is to be installed.

    Attributes:
        machine: Its processor.
        python: Its Python, such as ``3.12``.
    """

    machine: Machine
    python: str

    def __post_init__(self) -> None:
        if not _PYTHON.fullmatch(self.python):
            raise ConfigError(
                "A bundle cannot be for this Python", expected="3.11 or newer", got=self.python
            )

    @property
    def name(self) -> str:
        """Name of its folder of wheels."""
        return f"{self.machine}-py{self.python}"

    def environment(self, patch: int) -> dict[str, str]:
        """Return what the conditions of requirements are asked about.

        Args:
            patch: Last part of the version of Python, which some conditions look at.
        """
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.{patch}",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.{patch}",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    def pip_options(self) -> list[str]:
        """Return the options that make pip look for this target's wheels."""
        tag = "cp" + self.python.replace(".", "")
        platforms = [f"manylinux_2_{minor}" for minor in range(NEWEST_GLIBC, 4, -1)]
        words = ["--implementation", "cp", "--python-version", self.python]
        for abi in (tag, "abi3", "none"):
            words += ["--abi", abi]
        for platform in (*platforms, *_OLD_NAMES, "linux"):
            words += ["--platform", f"{platform}_{self.machine}"]
        return words


@dataclass(frozen=True)
class Bundle:
    """What was made.

    Attributes:
        folder: The bundle.
        wheels: How many wheels it has, by target.
        size_bytes: Of all its files.
    """

    folder: Path
    wheels: dict[str, int]
    size_bytes: int


def make_bundle(
    out: Path,
    targets: Sequence[Target],
    *,
    source: Path | None = None,
    lock: Path | None = None,
    tell: Callable[[str], None] = lambda _words: None,
) -> Bundle:
    """Make a bundle; this needs the network, what comes of it does not.

    Args:
        out: Folder to make; must not be there, or be empty.
        targets: Where it is to be installed.
        source: The repository's top folder; that of this kit if None.
        lock: File of exact versions; that of the repository if None.
        tell: Called with what is being done, in words.

    Raises:
        ConfigError: If this kit was not run from a clone, or the folder is not free.
        MissionError: If a wheel cannot be got or made.
    """
    source = source or Path(__file__).resolve().parents[2]
    lock = lock or source / LOCK
    if not lock.is_file() or not (source / "pyproject.toml").is_file():
        raise ConfigError(
            "A bundle is made from a clone of the kit's repository",
            expected=f"{LOCK} and pyproject.toml in {source}",
            fix="run it from a clone: make venv, then .venv/bin/kit bundle",
        )
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"The folder {out} is not empty", fix="name another one")
    out.mkdir(parents=True, exist_ok=True)
    carry_along(source, out)
    shutil.copy2(lock, out / LOCK)
    tell("building the kit's own wheel")
    common = out / "wheels" / "any"
    _pip("wheel", "--no-deps", "--wheel-dir", str(common), str(source))
    text = lock.read_text(encoding="utf-8")
    for target in targets:
        wanted = pins(text, target)
        tell(f"fetching {len(wanted)} wheels for {target.name}")
        _fetch(wanted, target, out / "wheels" / target.name)
    script = files("kit.presenting").joinpath("bundle_install.sh").read_text(encoding="utf-8")
    (out / "install.sh").write_text(script, encoding="utf-8")
    (out / "install.sh").chmod(0o755)
    counts = {path.name: len(list(path.glob("*.whl"))) for path in (out / "wheels").iterdir()}
    _tell_contents(out, counts)
    return Bundle(out, counts, sum(p.stat().st_size for p in out.rglob("*") if p.is_file()))


def pins(lock: str, target: Target) -> list[str]:
    """Return the requirements of a lock that hold for a target, without their conditions.

    A package comes twice if its version depends on the patch level of Python, which is only known
    where it is installed.

    Args:
        lock: Text of the lock.
        target: Where they are to be installed.

    Raises:
        ConfigError: If a line is no requirement with an exact version.
    """
    found = []
    for line in lock.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise ConfigError("A line of the lock is no requirement", got=line) from error
        if not str(requirement.specifier).startswith("=="):
            raise ConfigError("A line of the lock has no exact version", got=line)
        if requirement.marker is None or any(
            requirement.marker.evaluate(dict(target.environment(patch))) for patch in _PATCHES
        ):
            found.append(f"{requirement.name}{requirement.specifier}")
    return found


def check_sums(folder: Path) -> list[str]:
    """Return the files of a bundle that are missing or not as they were.

    Args:
        folder: The bundle.
    """
    wrong = []
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        path = folder / name
        if not path.is_file() or _sha256(path) != digest:
            wrong.append(name)
    return wrong


def _fetch(wanted: Sequence[str], target: Target, folder: Path) -> None:
    """Fetch wheels; packages without one are built here, if they come out pure."""
    folder.mkdir(parents=True)
    options = ["--no-deps", "--only-binary", ":all:", *target.pip_options()]
    missing = []
    for group in _apart(wanted):
        try:
            _pip("download", "--dest", str(folder), *options, *group)
        except MissionError:  # which one has no wheel is asked one by one
            for pin in group:
                try:
                    _pip("download", "--dest", str(folder), *options, pin)
                except MissionError:
                    missing.append(pin)
    for pin in missing:
        before = set(folder.glob("*.whl"))
        _pip("wheel", "--no-deps", "--wheel-dir", str(folder), pin)
        for wheel in set(folder.glob("*.whl")) - before:
            if not wheel.name.endswith("-none-any.whl"):
                wheel.unlink()
                raise MissionError(
                    f"{pin} has no wheel for {target.name}",
                    fix="build it on such a machine, and put it into the bundle's folder of wheels",
                )


def _apart(wanted: Sequence[str]) -> list[list[str]]:
    """Share requirements out so that no package is asked for twice at once, which pip refuses."""
    groups: list[dict[str, str]] = []
    for pin in wanted:
        name = pin.split("==")[0]
        for group in groups:
            if name not in group:
                group[name] = pin
                break
        else:
            groups.append({name: pin})
    return [list(group.values()) for group in groups]


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", words[0], "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*command, *words[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        problem = done.stderr.strip().splitlines()[-1:] or ["no word"]
        raise MissionError(
            f"pip {words[0]} did not end well", got=problem[0][:300], fix="look at the network"
        )


def _tell_contents(out: Path, counts: dict[str, int]) -> None:
    facts = {
        "version": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "wheels": counts,
    }
    (out / "bundle.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    paths = sorted(path for path in out.rglob("*") if path.is_file())
    lines = [f"{_sha256(path)}  {path.relative_to(out).as_posix()}" for path in paths]
    (out / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

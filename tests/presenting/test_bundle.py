"""The bundle: what belongs into it for which machine, and an installation that asks nobody."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from kit.errors import ConfigError
from kit.presenting.bundle import (
    LOCK,
    SUMS,
    Machine,
    Target,
    check_sums,
    make_bundle,
    pins,
)
from kit.presenting.carrying import carry_along

ROOT = Path(__file__).resolve().parents[2]
HERE = f"{platform.machine()}-py{sys.version_info[0]}.{sys.version_info[1]}"
DEAD = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


def jetson() -> Target:
    return Target(Machine.AARCH64, "3.12")


def test_only_what_the_target_needs_is_taken() -> None:
    lock = """\
# a comment
always==1.0
mac==1.0 ; sys_platform == 'darwin'
arm==1.0 ; platform_machine == 'aarch64'
old==1.0 ; python_full_version < '3.12'
new==2.0 ; python_full_version >= '3.12'
fresh==1.0 ; python_full_version < '3.11.5'
fresh==2.0 ; python_full_version >= '3.11.5'
"""
    assert pins(lock, jetson()) == ["always==1.0", "arm==1.0", "new==2.0", "fresh==2.0"]
    # Which patch of 3.11 it will be, nobody knows yet: both versions go along.
    assert pins(lock, Target(Machine.X86_64, "3.11")) == [
        "always==1.0",
        "old==1.0",
        "fresh==1.0",
        "fresh==2.0",
    ]


def test_the_kits_own_lock_can_be_bundled_and_names_each_package_once() -> None:
    for machine in Machine:
        names = [
            pin.split("==")[0] for pin in pins((ROOT / LOCK).read_text(), Target(machine, "3.12"))
        ]
        assert "onnxruntime" in names
        assert len(names) == len(set(names))


@pytest.mark.parametrize("line", ["loose>=1.0", "not a requirement at all ==="])
def test_a_lock_that_leaves_a_choice_is_refused(line: str) -> None:
    with pytest.raises(ConfigError):
        pins(line, jetson())


def test_a_python_that_the_kit_does_not_run_on_is_refused() -> None:
    with pytest.raises(ConfigError, match="this Python"):
        Target(Machine.X86_64, "3.9")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ConfigError, match="not empty"):
        make_bundle(tmp_path, [jetson()])


def test_the_site_and_the_slides_go_along_once_they_were_made(tmp_path: Path) -> None:
    source, out = tmp_path / "kit", tmp_path / "bundle"
    for name in ("docs/safety.md", "build/site/index.html", "build/notebooks/en/1.ipynb"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    out.mkdir()
    carry_along(source, out)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == [
        "docs/safety.md",
        "site/index.html",
    ]


def wheel(folder: Path, name: str, *, command: str = "") -> None:
    """Write a tiny pure wheel, as pip reads them."""
    info = f"{name}-1.0.dist-info"
    content = {
        f"{name}.py": "def main():\n    print('it runs')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if command:
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{command} = {name}:main\n"
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in content)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with the real script and two small wheels in place of the real ones."""
    folder = tmp_path / "bundle"
    wheel(folder / "wheels" / "any", "runaway_train_kit", command="kit")
    wheel(folder / "wheels" / HERE, "needed")
    (folder / LOCK).write_text("needed==1.0\nmac==1.0 ; sys_platform == 'darwin'\n")
    shutil.copy(str(files("kit.presenting").joinpath("bundle_install.sh")), folder / "install.sh")
    write_sums(folder)
    return folder


def write_sums(folder: Path) -> None:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != SUMS]
    sums = [(hashlib.sha256(path.read_bytes()).hexdigest(), path) for path in paths]
    lines = [f"{digest}  {path.relative_to(folder)}\n" for digest, path in sums]
    (folder / SUMS).write_text("".join(lines))


def install(bundle: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(bundle / "install.sh")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **DEAD, "PYTHON": sys.executable},
    )


def test_it_installs_where_the_network_refuses_itself(bundle: Path) -> None:
    done = install(bundle)
    assert done.returncode == 0, done.stderr
    said = subprocess.run([bundle / ".venv/bin/kit"], capture_output=True, text=True, check=True)
    assert said.stdout == "it runs\n"


def test_a_package_that_is_missing_ends_it_and_is_not_fetched(bundle: Path) -> None:
    (bundle / "wheels" / HERE / "needed-1.0-py3-none-any.whl").unlink()
    write_sums(bundle)
    done = install(bundle)
    assert done.returncode != 0
    assert "needed==1.0" in done.stderr
    assert not (bundle / ".venv/bin/kit").exists()


def test_a_file_that_was_changed_ends_it_before_anything_is_installed(bundle: Path) -> None:
    assert check_sums(bundle) == []
    (bundle / LOCK).write_text("needed==1.0\n")
    assert check_sums(bundle) == [LOCK]
    assert install(bundle).returncode != 0
    assert not (bundle / ".venv").exists()


def test_a_machine_that_it_is_not_for_is_told_so(bundle: Path) -> None:
    (bundle / "wheels" / HERE).rename(bundle / "wheels" / "s390x-py3.12")
    done = install(bundle)
    assert done.returncode != 0
    assert "s390x-py3.12" in done.stderr

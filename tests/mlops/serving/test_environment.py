"""The model server's own environment: its lock, and that it holds what the kit needs there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUP = [Requirement(line) for line in PROJECT["dependency-groups"]["serve"]]
LOCK = (ROOT / "requirements-serve.lock").read_text(encoding="utf-8")
PINS = [Requirement(line) for line in LOCK.splitlines()]

IMPORTED = """
import sys
import kit.vision.detector, kit.vision.tensors
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def pinned(name: str) -> list[str]:
    found = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(name)]
    return [str(pin.specifier).removeprefix("==") for pin in found]


def test_the_lock_has_an_exact_version_for_everything_in_the_group() -> None:
    for requirement in GROUP:
        versions = pinned(requirement.name)
        assert versions, f"{requirement.name} is not in requirements-serve.lock: run 'make lock'"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_lock_names_no_address() -> None:
    assert re.findall(r"https?://|file:|--\w+", LOCK) == []


def test_the_group_asks_for_the_same_ranges_as_the_kit() -> None:
    kit = {Requirement(line).name: line for line in PROJECT["project"]["dependencies"]}
    group = {Requirement(line).name: line for line in PROJECT["dependency-groups"]["serve"]}
    assert {name: line for name, line in group.items() if name != "mlserver"} == {
        name: kit[name] for name in group if name != "mlserver"
    }


def test_the_environment_has_all_that_the_detector_imports(mlserver: Path) -> None:
    python = mlserver.with_name("python")
    said = subprocess.run([python, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert {"kit", "onnxruntime", "cv2"} <= set(said.stdout.split())


def test_the_kit_itself_does_not_need_mlserver() -> None:
    code = "import kit.mlops.serving.server, kit.mlops.serving.commands, kit.vision.remote, sys"
    code += "; print('mlserver' in sys.modules, 'tritonclient' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]

"""The repository as a whole: what it carries, what it says, and that both agree."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kit.config import Settings
from kit.events import EVENT_TYPES

ROOT = Path(__file__).resolve().parents[1]
LARGEST_BYTES = 5_000_000
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKED_EXTRAS = ("sim", "lab", "mlops", "remote", "leaderboard", "dev")


def tracked() -> list[Path]:
    """Files that git knows or would take, as they are now."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listing.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


FILES = tracked()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DOCS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
)


def texts() -> list[tuple[str, str]]:
    """Name and content of every tracked text file."""
    found = []
    for path in FILES:
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            found.append((str(path.relative_to(ROOT)), content.decode(errors="replace")))
    return found


def names_with(pattern: str) -> list[str]:
    return [name for name, text in texts() if re.search(pattern, text)]


def locked() -> dict[str, list[Requirement]]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found: dict[str, list[Requirement]] = {}
    for line in lines:
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def asked_for(*extras: str) -> list[Requirement]:
    names = [*PROJECT["dependencies"], *(name for extra in extras for name in EXTRAS[extra])]
    return [Requirement(name) for name in names]


def test_no_file_is_larger_than_git_should_carry() -> None:
    large = {str(p.relative_to(ROOT)): p.stat().st_size for p in FILES}
    assert {name: size for name, size in large.items() if size > LARGEST_BYTES} == {}


def test_no_private_key_is_in_the_repository() -> None:
    assert names_with("-----BEGIN [A-Z ]*PRIVATE " + "KEY-----") == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert names_with(r"(?<![\w.])/(work|root|home/\w+|Users/\w+)/" + r"\w") == []


def test_no_file_names_a_package_registry() -> None:
    assert names_with(r"pypi\.org|registry\.npmjs|python" + "hosted") == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_carries_no_outputs_and_no_counts(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [None] * len(code)
    assert [cell["outputs"] for cell in code] == [[]] * len(code)


def test_the_lock_has_an_exact_version_for_everything_that_is_asked_for() -> None:
    lock = locked()
    for requirement in asked_for(*LOCKED_EXTRAS):
        versions = [
            str(pin.specifier).removeprefix("==")
            for pin in lock.get(canonicalize_name(requirement.name), [])
        ]
        assert versions, f"{requirement.name} is not in requirements.lock: run 'make lock'"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement} but {version}"


def test_the_lock_names_no_address_and_no_torch() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"https?://|file:|--\w+", text) == []
    assert {"torch", "onnxruntime-gpu"} & set(locked()) == set()


def test_conda_and_pip_install_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip[-1] == "-e ."
    assert {str(Requirement(name)) for name in pip[:-1]} == {
        str(requirement) for requirement in asked_for(*LOCKED_EXTRAS)
    }


def test_the_readme_says_whose_trademarks_are_used() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "LEGO® is a trademark of the LEGO Group" in readme
    assert "does not sponsor, authorize or endorse" in readme


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_docs_name_every_notebook(path: Path) -> None:
    assert path.stem in DOCS


def test_the_docs_name_every_command() -> None:
    from typer.main import get_command

    from kit.cli import build_app

    commands = sorted(get_command(build_app()).commands)
    assert commands
    assert [name for name in commands if f"kit {name}" not in DOCS] == []


def test_the_docs_name_every_setting() -> None:
    settings = [f"KIT_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in settings if name not in DOCS] == []


def test_the_docs_name_every_topic_and_every_type_of_event() -> None:
    topics = [f"train/<id>/{model.kind}" for model in EVENT_TYPES.values()]
    wanted = [*topics, *EVENT_TYPES, "kit.frames", "kit.events"]
    assert [name for name in wanted if name not in DOCS] == []


def test_the_docs_link_only_to_files_that_exist() -> None:
    broken = []
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "site"]
    for path in [*ROOT.glob("*.md"), *pages]:
        targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
        broken += [(path.name, target) for target in targets if not (path.parent / target).exists()]
    assert broken == []


@pytest.mark.parametrize("target", ["help", "venv", "demo", "test", "check", "lab", "clean"])
def test_the_makefile_tells_of_each_target(target: str) -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(rf"make {target} +\w", said.stdout)

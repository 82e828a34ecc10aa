"""Gather the site's pages in a folder that mirrors the repository, so that links stay as they are.

``python docs/site/stage.py build/notebooks build/pages``: executed notebooks come in, in
English as ``notebooks/`` and in French as ``fr/``, beside README, docs and presenters' texts.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
EDITIONS = {"en": "notebooks", "fr": "fr"}
"""Folder of the site's pages by language."""

CARRIED = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "docs", "presenters")
NOT_CARRIED = ("site", "__pycache__")
WIDGET = "application/vnd.jupyter.widget-view+json"
MORE = {
    "docs/adr/README.md": ["0*"],
    "presenters/README.md": [
        "runbook",
        "hardware",
        "English <talk.en>",
        "Français <talk.fr>",
        "questions",
        "risks",
        "../docs/presenting",
    ],
}
"""Pages that the site's navigation has below a folder's first page; a forge shows the folder."""

INSTEAD = {
    "en": "Here Jupyter shows a live panel: open the notebook with `make lab`.",
    "fr": "Ici, Jupyter montre un panneau vivant : ouvrez le notebook avec `make lab`.",
}


def stage(executed: Path, pages: Path) -> None:
    """Fill the folder of pages anew.

    Args:
        executed: Folder with a folder of executed notebooks by language.
        pages: Folder to make; what was in it goes.
    """
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    for name in CARRIED:
        carry(ROOT / name, pages / name)
    carry(ROOT / "datasets/model/README.md", pages / "datasets/model/README.md")
    for name in ("index.md", "api.md"):
        carry(Path(__file__).parent / name, pages / name)
    for name, below in MORE.items():
        entries = "\n".join(below)
        with (pages / name).open("a", encoding="utf-8") as page:
            page.write(f"\n```{{toctree}}\n:hidden:\n:glob:\n\n{entries}\n```\n")
    for language, folder in EDITIONS.items():
        carry(Path(__file__).parent / f"lessons.{language}.md", pages / folder / "index.md")
        carry(ROOT / "notebooks/images", pages / folder / "images")
        for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
            done = executed / language / source.name
            notebook = nbformat.read(done if done.exists() else source, as_version=4)
            without_widgets(notebook, INSTEAD[language])
            nbformat.write(notebook, pages / folder / source.name)


def carry(source: Path, target: Path) -> None:
    """Copy a file or a folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NOT_CARRIED))
    else:
        shutil.copy2(source, target)


def without_widgets(notebook: Mapping[str, Any], instead: str) -> None:
    """Put a sentence in the place of each output that only Jupyter's front end can show."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}):
                output["data"] = {"text/markdown": f"*{instead}*"}
    notebook["metadata"].pop("widgets", None)


if __name__ == "__main__":
    stage(Path(sys.argv[1]), Path(sys.argv[2]))

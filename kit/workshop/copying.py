"""The learner's copy of the notebooks: exercises without their solutions, in one's language."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from kit.config import share_path
from kit.errors import ConfigError
from kit.workshop.cells import Notebook, exercise_cells, stub
from kit.workshop.folder import FILE, Folder, Progress
from kit.workshop.texts import Language
from kit.workshop.translation import translate


def new_copy(folder: Path, *, language: Language = "en", solved: bool = False) -> list[Path]:
    """Make a learner's folder.

    Args:
        folder: Where; must not exist, or be empty.
        language: Of the text.
        solved: Leave the solutions in, as CI runs them.

    Returns:
        The notebooks in it, in their order.

    Raises:
        ConfigError: If there is something in the folder, or a text is not translated.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            "The learner's folder must be new", got=str(folder), fix="name another one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    source = share_path("notebooks")
    made = []
    for path in sorted(source.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        translate(notebook, stem=path.stem, language=language)
        if not solved:
            hide_solutions(notebook)
        made.append(folder / path.name)
        made[-1].write_text(
            json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if (source / "images").is_dir():
        shutil.copytree(source / "images", folder / "images")
    Folder(folder).save(Progress(language=language))
    return made


def hide_solutions(notebook: Notebook) -> None:
    """Replace each solution by the stub to start from.

    Args:
        notebook: As read from JSON; changed in place.
    """
    for _, cell in exercise_cells(notebook):
        source = cell["source"]
        cell["source"] = stub(source if isinstance(source, str) else "".join(source))


__all__ = ["FILE", "hide_solutions", "new_copy"]

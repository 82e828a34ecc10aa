"""Executed notebooks: papermill runs an edition once, then only what has changed.

The documentation's site and the slides are made of them, and CI has then executed both editions as
a learner gets them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from kit.errors import ConfigError, MissionError
from kit.workshop.cells import Cell, Notebook
from kit.workshop.copying import new_copy
from kit.workshop.texts import Language

SHORT: Mapping[str, Mapping[str, int]] = {
    "10_capture_frames": {"seconds": 3},
    "20_detect_signs": {"seconds": 3},
    "30_decide_the_action": {"seconds": 3},
    "40_control_the_train": {"seconds": 4},
    "50_stream_to_the_console": {"seconds": 3},
    "51_break_the_link": {"seconds": 3},
    "60_acquire_the_data": {"scenes": 3, "frames": 2},
    "61_train_a_model": {"pictures": 16, "retrain_pictures": 16, "checks": 4},
    "62_compare_models": {"pictures": 6, "sign_free": 4},
    "63_serve_the_model": {"rounds": 2},
    "64_close_the_loop": {"checks": 20},
    "70_view_the_leaderboard": {"people": 24},
}
"""Parameters that make a notebook shorter than its defaults do; papermill writes them into it."""

AT_ONCE = 3
"""Notebooks that are executed side by side, of all editions: most of a lesson is waiting."""

LAST = ("64_close_the_loop",)
"""Notebooks that come after all others: a network that learns beside a train has the processor when
nothing else wants it."""

_PLOTS = "figure.dpi: 200\n"
"""Plots that are sharp on a wall and when printed; matplotlib looks into the working folder."""

_EXECUTED_FROM = "kit_executed_from"


def execute(
    folders: Mapping[Language, Path],
    *,
    names: Sequence[str] | None = None,
    tell: Callable[[str], None] = lambda _words: None,
) -> dict[Language, list[Path]]:
    """Execute the notebooks of editions, but those whose executed copy is still the right one.

    A copy is right as long as the notebook's code and its parameters stay as they were; a change of
    the package alone does not count. Text and metadata are always those of now.

    Args:
        folders: By language of the edition, what gets its executed notebooks.
        names: Stems of the notebooks; all if None.
        tell: Called with what was done, in words, from several threads.

    Returns:
        The executed notebooks of each edition, in their order. One whose packages are not installed
        is left out.

    Raises:
        ConfigError: If there is no such notebook, or a text is not translated.
        MissionError: If a notebook fails, after all others had their turn; its copy up to there is
            kept as ``failed-NAME.ipynb``.
    """
    runs: dict[Language, dict[str, Future[Path]]] = {language: {} for language in folders}
    with (
        tempfile.TemporaryDirectory(prefix="kit-edition-") as work,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        able = {
            language: _able(Path(work) / language, language, names, tell) for language in folders
        }
        sources = [(language, source) for language in folders for source in able[language]]
        for language, source in sorted(sources, key=lambda one: one[1].stem in LAST):
            out = folders[language]
            out.mkdir(parents=True, exist_ok=True)
            runs[language][source.stem] = threads.submit(_execute, source, language, out, tell)
    ended = [run for edition in runs.values() for run in edition.values()]
    if failures := [failure for run in ended if (failure := run.exception())]:
        raise failures[0]
    return {
        language: [edition[source.stem].result() for source in able[language]]
        for language, edition in runs.items()
    }


def _able(
    folder: Path, language: Language, names: Sequence[str] | None, tell: Callable[[str], None]
) -> list[Path]:
    """Make a learner's copy, and return the notebooks in it that can run here."""
    sources = _chosen(new_copy(folder, language=language, solved=True), names)
    (folder / "matplotlibrc").write_text(_PLOTS, encoding="utf-8")
    able = []
    for source in sources:
        if missing := missing_packages(source):
            tell(f"{language} {source.stem}: left out, needs {' and '.join(missing)}")
        else:
            able.append(source)
    return able


def missing_packages(notebook: Path) -> list[str]:
    """Tell which packages a notebook asks for in its metadata and are not installed."""
    needs = _read(notebook)["metadata"].get("kit", {}).get("needs", [])
    return [name for name in needs if find_spec(name) is None]


def _chosen(sources: Sequence[Path], names: Sequence[str] | None) -> list[Path]:
    known = {source.stem: source for source in sources}
    if unknown := sorted(set(names or ()) - known.keys()):
        raise ConfigError(
            "There is no such notebook", expected=", ".join(known), got=", ".join(unknown)
        )
    return [source for stem, source in known.items() if names is None or stem in names]


def _execute(source: Path, language: Language, out: Path, tell: Callable[[str], None]) -> Path:
    """Execute one notebook beside its neighbours, where it finds its exercises' language."""
    target, unfinished = out / source.name, out / f"failed-{source.name}"
    notebook = _read(source)
    values = SHORT.get(source.stem, {})
    digest = _digest(notebook, values)
    executed = _read(target) if target.exists() else None
    unchanged = executed is not None and executed["metadata"].get(_EXECUTED_FROM) == digest
    if executed is None or not unchanged:
        try:
            _run(source, unfinished.resolve(), values)
        except MissionError:
            tell(f"{language} {source.stem}: failed")
            raise
        executed = _read(unfinished)
        executed["metadata"][_EXECUTED_FROM] = digest
    executed["cells"] = list(_renewed(notebook["cells"], executed["cells"]))
    unfinished.write_text(json.dumps(executed, indent=1, ensure_ascii=False), encoding="utf-8")
    unfinished.replace(target)
    tell(f"{language} {source.stem}: {'unchanged' if unchanged else 'executed'}")
    return target


def _run(source: Path, out: Path, values: Mapping[str, int]) -> None:
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "WARNING"]
    command += [part for name, value in values.items() for part in ("-p", name, str(value))]
    ended = subprocess.run(
        [*command, str(source), str(out)],
        cwd=source.parent,
        env={**os.environ, "KIT_RUNS_DIR": str(source.parent / "runs")},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode or "not a known parameter" in ended.stderr:
        raise MissionError(
            f"{source.stem} does not run to its end",
            got=ended.stderr.strip()[-3000:],
            fix=f"look at {out}",
        )


def _renewed(cells: Sequence[Cell], executed: Sequence[Cell]) -> Iterator[Cell]:
    """Yield the source's cells with the outputs that they had, and what papermill put in."""
    done = {cell["id"]: cell for cell in executed}
    injected = [cell for cell in executed if "injected-parameters" in _tags(cell)]
    for cell in cells:
        if cell["cell_type"] != "code":
            yield cell
            continue
        known = done[cell["id"]]
        yield cell | {key: known[key] for key in ("outputs", "execution_count")}
        if "parameters" in _tags(cell):
            yield from injected


def _tags(cell: Cell) -> Sequence[str]:
    tags: Sequence[str] = cell["metadata"].get("tags", [])
    return tags


def _digest(notebook: Notebook, values: Mapping[str, int]) -> str:
    code = [
        (cell["id"], "".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
    return hashlib.sha256(json.dumps([code, dict(values)]).encode()).hexdigest()


def _read(path: Path) -> Notebook:
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return notebook

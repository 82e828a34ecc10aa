"""The commands ``kit workshop``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kit.cli import JsonFlag, emit

if TYPE_CHECKING:
    from kit.workshop.folder import Folder, Progress

_group = typer.Typer(help="A learner's copy of the notebooks, its exercises and the way through.")

Here = Annotated[Path, typer.Option("--folder", help="The learner's folder, or one in it.")]


def register(app: typer.Typer) -> None:
    """Add the workshop's commands to the command line."""
    app.add_typer(_group, name="workshop")


@_group.command("new")
def new(
    folder: Annotated[Path, typer.Argument(help="Where the copy goes; must be new.")],
    *,
    language: Annotated[Literal["en", "fr"], typer.Option(help="Language of the text.")] = "en",
    solved: Annotated[bool, typer.Option(help="Leave the solutions in.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a learner's copy of the notebooks: exercises to solve, in one's language."""
    from kit.workshop.copying import new_copy

    made = new_copy(folder, language=language, solved=solved)
    emit(
        {"folder": str(folder), "language": language, "notebooks": [path.name for path in made]},
        as_json=as_json,
        text=f"{len(made)} notebooks are in {folder}. Open them with:\n  {_jupyter()} lab {folder}",
    )


@_group.command("execute")
def execute_editions(
    folder: Annotated[Path, typer.Argument(help="Gets a folder of notebooks by language.")],
    *,
    language: Annotated[
        list[str] | None, typer.Option(help="Edition, en or fr; may be given twice. Both if not.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Execute the notebooks with papermill, in each language, but those that did not change."""
    from kit.errors import ConfigError
    from kit.workshop.editions import execute
    from kit.workshop.texts import LANGUAGES

    chosen = [known for known in LANGUAGES if known in (language or LANGUAGES)]
    if unknown := sorted(set(language or ()) - set(LANGUAGES)):
        raise ConfigError(
            "There is no such edition",
            expected=" or ".join(LANGUAGES),
            got=", ".join(unknown),
        )

    def tell(words: str) -> None:
        if not as_json:
            typer.echo(words)

    done = execute({one: folder / one for one in chosen}, tell=tell)
    emit(
        {"notebooks": {one: [str(path) for path in paths] for one, paths in done.items()}},
        as_json=as_json,
        text=f"{sum(map(len, done.values()))} executed notebooks are in {folder}.",
    )


@_group.command("path")
def show_path(
    name: Annotated[
        Literal["booth", "short", "day"],
        typer.Argument(help="A quarter of an hour, two hours, or a day."),
    ] = "short",
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show which notebooks make a quarter of an hour, two hours or a day."""
    from kit.workshop.path import path

    steps = path(name)
    total = sum(step.minutes for step in steps)
    lines = [
        f"{step.minutes:4d} min  {step.notebook}"
        + (f"  (exercise: {', '.join(step.exercises)})" if step.exercises else "")
        for step in steps
    ]
    emit(
        {"path": name, "minutes": total, "steps": [vars(step) for step in steps]},
        as_json=as_json,
        text="\n".join([*lines, f"{total:4d} min in all"]),
    )


@_group.command("progress")
def progress(*, folder: Here = Path(), as_json: JsonFlag = False) -> None:
    """Show what became of each exercise in a learner's folder."""
    from kit.workshop.desk import outcome
    from kit.workshop.tasks import EXERCISES

    _, kept = _open(folder)
    rows = {name: outcome(kept, name).say(kept.language) for name in EXERCISES}
    emit(
        {
            "solved": sum(done.outcome == "solved" for done in kept.done.values()),
            "skipped": sum(done.outcome == "skipped" for done in kept.done.values()),
            "exercises": len(EXERCISES),
            "outcomes": rows,
        },
        as_json=as_json,
        text="\n".join(f"{name:16}{said}" for name, said in rows.items()),
    )


@_group.command("reset")
def reset(
    *,
    folder: Here = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Forget all progress in a learner's folder; the notebooks stay as they are."""
    from kit.workshop.folder import Progress

    found, kept = _open(folder)
    if not yes:
        typer.confirm(f"Forget the progress in {found.path}?", abort=True)
    found.save(Progress(language=kept.language))
    emit({"reset": str(found.path)}, as_json=as_json, text="All exercises are open again.")


def _jupyter() -> Path:
    """Return the program beside this Python, as one would type it here."""
    program = Path(sys.executable).with_name("jupyter")
    here = Path.cwd()
    return program.relative_to(here) if program.is_relative_to(here) else program


def _open(place: Path) -> tuple[Folder, Progress]:
    from kit.workshop.folder import Folder

    found = Folder.around(place.resolve()) or Folder(place)
    return found, found.load()

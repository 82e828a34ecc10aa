"""What a presenter takes along: ``kit signs``, ``kit slides``, ``kit bundle``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kit.cli import JsonFlag, emit
from kit.presenting.options import Language


def signs(
    *,
    out: Annotated[Path, typer.Option(help="The PDF.")] = Path("signs.pdf"),
    face: Annotated[
        list[str] | None,
        typer.Option(help="Print this face; may be given several times. All of the usual if none."),
    ] = None,
    width_mm: Annotated[float, typer.Option(help="Width of each sign, millimetres.")] = 45.0,
    letter: Annotated[
        bool, typer.Option("--letter", help="On paper of US Letter's size, not A4.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write signs to print and cut out, for who has no LEGO ones: right scale, cut marks."""
    from kit.presenting.signs import FACES, Paper, write_signs

    faces = face or FACES
    paper = Paper.LETTER if letter else Paper.A4
    sheets = write_signs(out, faces=faces, width_mm=width_mm, paper=paper)
    result = {"file": str(out), "sheets": sheets, "signs": len(faces), "width_mm": width_mm}
    text = f"{len(faces)} signs on {sheets} sheets: {out}. Print at 100 %, and measure the line."
    emit(result, as_json=as_json, text=text)


def slides(
    *,
    minutes: Annotated[Literal["5", "15", "45"], typer.Option(help="Which talk.")] = "15",
    language: Annotated[Language, typer.Option(help="Of the slides and the notes.")] = Language.EN,
    out: Annotated[Path, typer.Option(help="The HTML file.")] = Path("slides.html"),
    executed: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps executed notebooks; KIT_RUNS_DIR/notebooks if none."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the slides of a talk: one HTML file, from the talk track and the lessons' own pictures.

    The lessons that it shows are executed first, unless they have not changed since the last time.
    """
    from kit.config import Settings
    from kit.presenting.slides.deck import make_deck
    from kit.presenting.slides.talk import LENGTHS

    def tell(words: str) -> None:
        if not as_json:
            typer.echo(f"Slides: {words}")

    length = next(one for one in LENGTHS if str(one) == minutes)
    count = make_deck(
        out,
        minutes=length,
        language=language.value,
        executed=executed or Settings.load().runs_dir / "notebooks",
        tell=tell,
    )
    result = {"file": str(out), "slides": count, "minutes": length, "language": language.value}
    emit(result, as_json=as_json, text=f"{count} slides: {out}. Open it, and press F.")


def bundle(
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    *,
    machine: Annotated[
        list[str] | None, typer.Option(help="x86_64 or aarch64; both if none is named.")
    ] = None,
    python: Annotated[
        list[str] | None, typer.Option(help="Python to be installed with, such as 3.12; repeat.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make one folder from which the kit is installed and run where there is no network.

    Making it needs the network: it fetches the wheels of all packages in their exact versions.
    """
    from kit.errors import ConfigError
    from kit.presenting.bundle import Machine, Target, make_bundle

    known = [each.value for each in Machine]
    unknown = sorted(set(machine or ()) - set(known))
    if unknown:
        raise ConfigError("There is no such machine", expected=" or ".join(known), got=unknown[0])
    targets = [
        Target(Machine(name), version)
        for name in machine or known
        for version in python or ["3.12"]
    ]

    def tell(words: str) -> None:
        if not as_json:
            typer.echo(f"Bundle: {words} ...")

    made = make_bundle(out, targets, tell=tell)
    result = {"folder": str(made.folder), "wheels": made.wheels, "size_bytes": made.size_bytes}
    text = f"{made.folder}: {made.size_bytes / 1e6:.0f} MB. On the other machine: ./install.sh"
    emit(result, as_json=as_json, text=text)

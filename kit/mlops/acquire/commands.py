"""The command ``kit dataset``: import an annotated set, check its card, split it, cut it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import JsonFlag, emit

if TYPE_CHECKING:
    from kit.mlops.acquire.card import DatasetCard

Folder = Annotated[Path, typer.Argument(help="Folder of an imported set.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands.

    Args:
        app: The ``kit`` application.
    """
    dataset = typer.Typer(
        help="Import annotated photos, describe, check and split them.", no_args_is_help=True
    )
    dataset.command("import")(import_photos)
    dataset.command("card")(card)
    dataset.command("split")(split)
    dataset.command("crops")(crops)
    app.add_typer(dataset, name="dataset")


def import_photos(
    *,
    form: Annotated[
        str,
        typer.Argument(metavar="FORMAT", help="coco, yolo, voc, label-studio, gtsdb or mapillary."),
    ],
    path: Annotated[Path, typer.Argument(help="The annotations, or the folder of the set.")],
    out: Annotated[Path, typer.Option(help="New folder for the checked set.")],
    licence: Annotated[str, typer.Option(help="What one may do with the photos: CC-BY-4.0 ...")],
    classes: Annotated[
        str | None,
        typer.Option(help="A YAML table of class names, or kit, mapillary, gtsdb."),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the photos.")] = None,
    scene: Annotated[
        str | None, typer.Option(help="Regular expression that finds the scene in a file's name.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where the set comes from, for its card.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Read an annotated set, report what is broken, and keep the rest with a card."""
    from kit.mlops.acquire.classes import find_class_map
    from kit.mlops.acquire.importing import import_set
    from kit.mlops.acquire.keeping import read_card, save_set

    annotated = import_set(
        form,
        path,
        licence=licence,
        classes=None if classes is None else find_class_map(classes),
        images=images,
        scene=scene,
        source=source,
    )
    save_set(annotated, out)
    _tell(read_card(out), {"set": str(out)}, as_json=as_json)


def card(*, folder: Folder, as_json: JsonFlag = False) -> None:
    """Show a set's card, and check it against the photos and their signs."""
    from kit.mlops.acquire.keeping import check_folder, read_card

    differs = check_folder(folder)
    about = {"set": str(folder), "true": not differs, "differs": list(differs)}
    _tell(read_card(folder), about, as_json=as_json)
    if differs:
        raise typer.Exit(1)


def split(
    *,
    folder: Folder,
    test: Annotated[float, typer.Option(help="Wanted share of the test part, 0 to 1.")] = 0.2,
    seed: Seed = 1,
    as_json: JsonFlag = False,
) -> None:
    """Split a set into train.json and test.json, whole scenes to each."""
    from kit.mlops.acquire.keeping import load_set, save_split
    from kit.mlops.acquire.splitting import split_by_scene

    parts = split_by_scene(load_set(folder), test=test, seed=seed)
    _tell(save_split(parts, folder), {"set": str(folder)}, as_json=as_json)


def crops(
    *,
    folder: Folder,
    out: Annotated[Path, typer.Option(help="New folder for the training pictures.")],
    count: Annotated[int, typer.Option(min=1, help="Number of pictures.")] = 2_000,
    part: Annotated[str, typer.Option(help="train, or all of a set that is not split.")] = "train",
    seed: Seed = 1,
    as_json: JsonFlag = False,
) -> None:
    """Cut training pictures out of a set, for kit retrain --labelled."""
    from kit.mlops.acquire.crops import crops_of
    from kit.mlops.acquire.keeping import load_set

    annotated = load_set(folder, part=None if part == "all" else part)
    data = crops_of(annotated, out, count=count, seed=seed)
    result = {"labelled": str(out), "pictures": len(data), "data_hash": data.data_hash}
    emit(result, as_json=as_json, text=f"{len(data)} pictures in {out}")


def _tell(card: DatasetCard, about: Mapping[str, Any], *, as_json: bool) -> None:
    record = card.model_dump(exclude={"problems"}) | {
        "problems": [asdict(problem) for problem in card.problems]
    }
    lines = [f"{name}: {value}" for name, value in about.items() if value != []]
    emit({**about, **record}, as_json=as_json, text="\n".join([card.markdown(), *lines]))

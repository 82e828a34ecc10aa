"""Label Studio: the export called JSON, a list of tasks with rectangles in percent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Problem
from kit.mlops.acquire.listing import (
    SUFFIXES,
    Entry,
    Found,
    Listed,
    PhotoIndex,
    Size,
    one_json,
    photo_folder,
    read_json,
)

_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")


def read_label_studio(path: Path, images: Path | None = None) -> Iterator[Listed | Problem]:
    """Read an export of Label Studio.

    Of each task the first annotation that was not cancelled counts. Only upright rectangles
    are read: a turned one has no upright box that anybody drew.

    Args:
        path: The JSON file, or the folder that holds it.
        images: Folder of the photos; ``images`` beside the file, or its own folder, if None.

    Raises:
        ConfigError: If the file cannot be read or is no such export.
    """
    path = one_json(path)
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise ConfigError("This is no export of Label Studio", expected="a list", got=str(path))
    if tasks and not any("data" in task for task in tasks):
        raise ConfigError(
            "The tasks have no data", got=str(path), fix="export as JSON, not as JSON-MIN"
        )
    index = PhotoIndex(photo_folder(path, images))
    for position, task in enumerate(tasks):
        where = f"{path.name}, task {task.get('id', f'at position {position}')}"
        yield from _read_task(where, task, index)


def _read_task(where: str, task: dict[str, Any], index: PhotoIndex) -> Iterator[Listed | Problem]:
    try:
        photo = _find_photo(task["data"], index)
        done = [a for a in task.get("annotations") or [] if not a.get("was_cancelled")]
        regions = list(done[0]["result"]) if done else []
    except LookupError as error:
        yield Problem(where, str(error), "left out")
        return
    except (TypeError, AttributeError) as error:
        yield Problem(where, f"the task is damaged: {error}", "left out")
        return
    if not done:
        yield Problem(f"{where} ({index.name_of(photo)})", "nobody has labelled it", "left out")
        return
    if len(done) > 1:
        many = f"{len(done)} people have labelled it"
        yield Problem(f"{where} ({index.name_of(photo)})", many, "the first annotation is taken")
    entries = tuple(
        Entry(f"{where}, region {number}", _reader(region))
        for number, region in enumerate(regions, start=1)
    )
    yield Listed(index.name_of(photo), photo, entries)


def _reader(region: Any) -> Callable[[Size], Found]:
    def read(size: Size) -> Found:
        kind = region["type"]
        if kind != "rectanglelabels":
            msg = f"only rectangles are read, not '{kind}'"
            raise ValueError(msg)
        value = region["value"]
        turned = value.get("rotation") or region.get("image_rotation") or 0
        if turned:
            msg = f"only upright rectangles are read; this one is turned by {turned:g}°"
            raise ValueError(msg)
        names = value["rectanglelabels"]
        if len(names) != 1:
            msg = f"one class is wanted, it has {len(names)}: {', '.join(names)}"
            raise ValueError(msg)
        _refuse_other_shape(region, size)
        x, y, wide, high = (float(value[name]) / 100 for name in ("x", "y", "width", "height"))
        width, height = size
        corners = (x * width, y * height, (x + wide) * width, (y + high) * height)
        return Found(str(names[0]), corners)

    return read


def _refuse_other_shape(region: Any, size: Size) -> None:
    """Percents fit every copy of a photo, however large, but not another or a turned one."""
    seen = (region.get("original_width"), region.get("original_height"))
    if all(seen) and abs(seen[0] / seen[1] * size[1] / size[0] - 1) > 0.02:
        msg = f"it was drawn on a picture of {seen} pixels, the upright photo has {size}"
        raise ValueError(msg)


def _find_photo(data: Any, index: PhotoIndex) -> Path:
    addresses = [data["image"]] if "image" in data else list(data.values())
    hints = [_hint(address) for address in addresses if isinstance(address, str)]
    hints = [hint for hint in hints if PurePosixPath(hint).suffix.lower() in SUFFIXES]
    if not hints:
        msg = "the task names no photo"
        raise LookupError(msg)
    try:
        return index.find(hints[0])
    except LookupError as error:
        name = PurePosixPath(hints[0]).name
        try:
            return index.find(_UPLOAD_PREFIX.sub("", name))
        except LookupError:
            msg = f"{error}: {hints[0]}"
            raise LookupError(msg) from error


def _hint(address: str) -> str:
    """Return the path in an address: of an upload, a local file, a bucket or a web page."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    return local[0] if local else unquote(parts.path)

"""Pascal VOC: an XML file for each photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse
from supervision.dataset.formats.pascal_voc import detections_from_xml_obj

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import Problem
from kit.mlops.acquire.listing import Entry, Found, Listed, PhotoIndex, Size, as_found


def read_voc(path: Path, images: Path | None = None) -> Iterator[Listed | Problem]:
    """Read a Pascal VOC set.

    Args:
        path: The folder; photos and XML files may be in folders inside it.
        images: Folder of the photos, if they are elsewhere.

    Raises:
        ConfigError: If there is no XML file.
    """
    index = PhotoIndex(images or path)
    files = sorted(path.rglob("*.xml"))
    if not files:
        raise ConfigError("There is no Pascal VOC file", expected="XML files", got=str(path))
    labelled: set[Path] = set()
    for file in files:
        where = file.relative_to(path).as_posix()
        try:
            root = _root(file)
            photo = _find_photo(root, file, index)
        except (OSError, ValueError, ParseError, DefusedXmlException, LookupError) as error:
            yield Problem(where, str(error) or type(error).__name__, "left out")
            continue
        labelled.add(photo)
        entries = tuple(
            Entry(f"{where}, object {number}", _reader(item))
            for number, item in enumerate(root.findall("object"), start=1)
        )
        yield Listed(index.name_of(photo), photo, entries, size=_size(root))
    for photo in index.all():
        if photo not in labelled:
            yield Problem(index.name_of(photo), "there is no XML file for it", "left out")


def _root(file: Path) -> Element:
    root: Element | None = parse(file).getroot()
    if root is None or root.tag != "annotation":
        msg = "the file is no annotation"
        raise ValueError(msg)
    return root


def _find_photo(root: Element, file: Path, index: PhotoIndex) -> Path:
    try:
        return index.find(root.findtext("filename") or "")
    except LookupError:
        # Whoever renames a photo and its file seldom renames what stands inside.
        alike = [photo for photo in index.all() if photo.stem == file.stem]
        if len(alike) != 1:
            raise
        return alike[0]


def _reader(item: Element) -> Callable[[Size], Found]:
    def read(size: Size) -> Found:
        alone = Element("annotation")
        alone.append(item)
        found, names = detections_from_xml_obj(alone, [], size)
        return as_found(found, name=names[0])

    return read


def _size(root: Element) -> Size | None:
    """Return the size that the file claims; some tools write zeros."""
    sides = [root.findtext(f"size/{side}") or "" for side in ("width", "height")]
    if not all(side.strip().isdecimal() and int(side) for side in sides):
        return None
    return int(sides[0]), int(sides[1])

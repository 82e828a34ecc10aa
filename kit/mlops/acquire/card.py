"""Dataset cards: what is in a set, what one may do with it, and a hash that proves it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from kit.mlops.acquire.annotated import KINDS, AnnotatedSet, Problem

SIZES: tuple[tuple[str, float], ...] = (("small", 32.0), ("medium", 96.0), ("large", math.inf))
"""COCO's sizes of boxes: name, and the square root of the area, in pixels, that it stays under."""

SHOWN_PROBLEMS = 20
"""Problems that the readable card lists; the JSON has them all."""


class Part(BaseModel):
    """What one part of a split holds.

    Attributes:
        photos: Number of photos.
        scenes: Number of scenes.
        signs: Number of boxes by kind.
        data_hash: SHA-256 over photos and boxes, hexadecimal.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    photos: int = Field(ge=0)
    scenes: int = Field(ge=0)
    signs: dict[str, int]
    data_hash: str


class DatasetCard(Part):
    """What a set holds, and where it comes from.

    Attributes:
        source: Where the photos come from.
        licence: What one may do with them.
        photos_without_signs: Photos with no box at all.
        sizes: Number of boxes by kind, then by size as in `SIZES`, in the photos' own pixels.
        splits: Parts by name; empty if the set was not split.
        problems: What was broken when the set was imported.
    """

    source: str
    licence: str = Field(min_length=1)
    photos_without_signs: int = Field(ge=0)
    sizes: dict[str, dict[str, int]]
    splits: dict[str, Part] = {}
    problems: tuple[Problem, ...] = ()

    def markdown(self) -> str:
        """Return the card as text for people."""
        return "\n".join([*_facts(self), *_table(self), *_splits(self), *_problems(self)]) + "\n"


def make_card(
    annotated: AnnotatedSet, splits: Mapping[str, AnnotatedSet] | None = None
) -> DatasetCard:
    """Describe a set.

    Args:
        annotated: The set.
        splits: Its parts by name, if it was split.
    """
    sizes = {kind: dict.fromkeys((name for name, _ in SIZES), 0) for kind in KINDS}
    for photo in annotated.photos:
        for sign in photo.signs:
            x1, y1, x2, y2 = sign.box
            edge = math.sqrt((x2 - x1) * (y2 - y1))
            sizes[sign.kind][next(name for name, limit in SIZES if edge < limit)] += 1
    return DatasetCard(
        **_part(annotated).model_dump(),
        source=annotated.source,
        licence=annotated.licence,
        photos_without_signs=sum(not photo.signs for photo in annotated.photos),
        sizes=sizes,
        splits={name: _part(part) for name, part in (splits or {}).items()},
        problems=annotated.problems,
    )


def verify(
    card: DatasetCard, annotated: AnnotatedSet, splits: Mapping[str, AnnotatedSet] | None = None
) -> tuple[str, ...]:
    """Check a card against the data.

    Args:
        card: The card.
        annotated: The set as it is now; its problems are those of reading it now.
        splits: Its parts by name, as they are now.

    Returns:
        What differs, in words; empty if the card is true.
    """
    before, now = _flat(card), _flat(make_card(annotated, splits))
    differs = [
        f"{name}: the card says {before.get(name)!r}, the data {now.get(name)!r}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    broken = [f"{p.file}: {p.what}" for p in annotated.problems]
    return (*differs, *broken)


def _flat(card: DatasetCard) -> dict[str, Any]:
    """Name every single value of a card but the problems, such as ``splits.test.photos``."""
    flat: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", card.model_dump(exclude={"problems"}))]
    while waiting:
        name, value = waiting.pop(0)
        if isinstance(value, dict):
            waiting += [(f"{name}.{key}".lstrip("."), inner) for key, inner in value.items()]
        else:
            flat[name] = value
    return flat


def _part(annotated: AnnotatedSet) -> Part:
    return Part(
        photos=len(annotated),
        scenes=len(annotated.scenes),
        signs=annotated.counts(),
        data_hash=annotated.data_hash,
    )


def _facts(card: DatasetCard) -> list[str]:
    return [
        f"# {card.source}",
        "",
        f"- **Licence:** {card.licence}",
        f"- **Photos:** {card.photos}, {card.photos_without_signs} of them without signs",
        f"- **Scenes:** {card.scenes}",
        f"- **Content:** `sha256:{card.data_hash}`",
        "",
    ]


def _table(card: DatasetCard) -> list[str]:
    limits = [f"{name} (< {limit:g} px)" for name, limit in SIZES[:-1]] + [SIZES[-1][0]]
    rows = [
        f"| {kind} | {card.signs[kind]} | "
        + " | ".join(str(card.sizes[kind][name]) for name, _ in SIZES)
        + " |"
        for kind in card.signs
    ]
    return [
        f"| class | boxes | {' | '.join(limits)} |",
        "|---" * (2 + len(SIZES)) + "|",
        *rows,
        "",
    ]


def _splits(card: DatasetCard) -> list[str]:
    if not card.splits:
        return ["Not split.", ""]
    kinds = list(card.signs)
    return [
        f"| part | photos | scenes | {' | '.join(kinds)} |",
        "|---" * (3 + len(kinds)) + "|",
        *(
            f"| {name} | {part.photos} | {part.scenes} | "
            + " | ".join(str(part.signs[kind]) for kind in kinds)
            + " |"
            for name, part in card.splits.items()
        ),
        "",
    ]


def _problems(card: DatasetCard) -> list[str]:
    if not card.problems:
        return ["Nothing was broken."]
    counts = Counter(re.split(r"[,;]", problem.done)[0] for problem in card.problems)
    told = ", ".join(f"{count} {done}" for done, count in counts.most_common())
    shown = [f"- `{p.file}`: {p.what}: {p.done}" for p in card.problems[:SHOWN_PROBLEMS]]
    rest = len(card.problems) - len(shown)
    return [
        f"Problems at import: {told}.",
        "",
        *shown,
        *([f"- and {rest} more, all in `card.json`"] if rest else []),
    ]

"""What the checks of the day's exercises try; see :mod:`kit.workshop.cases` for how."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from kit.workshop.cases import DRAWN
from kit.workshop.exercise import Case
from kit.workshop.texts import Text


def parts(seed: int) -> Iterator[Case]:
    """Draw cases of ``shared_scenes``."""
    both = Text(
        en="A scene of which one photo is here and another there is in both parts.",
        fr="Une scène dont une photo est ici et une autre là se trouve dans les deux parties.",
    )
    apart = Text(
        en="Scenes that are on one side only are not shared.",
        fr="Des scènes qui ne sont que d'un côté ne sont pas partagées.",
    )
    last = Text(
        en="A scene's name may have underscores itself: only what follows the last one is the "
        "number.",
        fr="Le nom d'une scène peut contenir des tirets bas : seul ce qui suit le dernier est le "
        "numéro.",
    )
    yield Case((["hall_0001.jpg"], ["hall_0002.jpg"]), {"hall"}, both)
    yield Case((["hall_0001.jpg"], ["yard_0001.jpg"]), set(), apart)
    yield Case((["old_hall_0001.jpg"], ["old_yard_0001.jpg"]), set(), last)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        scenes = rng.sample(["hall", "yard", "old_hall", "old_yard", "hall_2", "quay"], 4)
        here, there = (set(rng.sample(scenes, rng.randint(1, 3))) for _ in range(2))
        train, test = (
            [f"{scene}_{rng.randint(first, 499 + first):04d}.jpg" for scene in part for _ in "ab"]
            for part, first in ((sorted(here), 1), (sorted(there), 501))
        )
        why = last if any("_" in scene for scene in here ^ there) else both
        yield Case((train, test), here & there, why)


def gates(seed: int) -> Iterator[Case]:
    """Draw cases of ``may_replace``."""
    worse = Text(
        en="A model that is worse at any one class must not replace the old one, however good it "
        "is at the others.",
        fr="Un modèle moins bon sur une seule classe ne doit pas remplacer l'ancien, même s'il est "
        "meilleur sur les autres.",
    )
    classes = Text(
        en="Both must know the same classes.", fr="Les deux doivent connaître les mêmes classes."
    )
    better = Text(
        en="It is no worse at any class, within what is tolerated.",
        fr="Il n'est moins bon sur aucune classe, à la tolérance près.",
    )
    old = {"SpeedLimit": 0.9, "DangerAhead": 0.8, "Stop": 0.95}
    yield Case((old, old, 0.01), True, better)
    yield Case((old | {"Stop": 0.5, "DangerAhead": 1.0}, old, 0.01), False, worse)
    yield Case(({"SpeedLimit": 0.99}, old, 0.01), False, classes)
    yield Case((old | {"Tree": 1.0}, old, 0.01), False, classes)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        # Steps of 1/64 are exact in binary: the exercise is not about rounding.
        before = {name: rng.randint(32, 60) / 64 for name in old}
        after = {name: value + rng.randint(-3, 4) / 64 for name, value in before.items()}
        fine = all(after[name] >= before[name] - 2 / 64 for name in old)
        yield Case((after, before, 2 / 64), fine, better if fine else worse)


def answers(seed: int) -> Iterator[Case]:
    """Draw cases of ``signs_in``."""
    place = Text(
        en="The n-th sign has the n-th score, the n-th class and the n-th four numbers of boxes.",
        fr="Le n-ième panneau a le n-ième score, la n-ième classe et les n-ièmes quatre nombres "
        "de boxes.",
    )
    none = Text(
        en="No sign was found: three empty tensors make an empty list.",
        fr="Aucun panneau trouvé : trois tenseurs vides donnent une liste vide.",
    )
    labels = ["SpeedLimit", "DangerAhead", "Stop"]
    yield Case((_tensors([("Stop", 0.9, [10.0, 20.0, 30.0, 40.0])], labels), labels),
               [("Stop", 0.9, [10.0, 20.0, 30.0, 40.0])], place)  # fmt: skip
    yield Case((_tensors([], labels), labels), [], none)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        names = rng.sample(labels, 3)
        found = [
            (
                rng.choice(names),
                rng.randint(50, 99) / 100,
                [float(rng.randint(0, 400)) for _ in "xywh"],
            )
            for _ in range(rng.randint(1, 4))
        ]
        yield Case((_tensors(found, names), names), found, place)


def _tensors(
    found: list[tuple[str, float, list[float]]], labels: list[str]
) -> dict[str, list[Any]]:
    return {
        "boxes": [number for _, _, box in found for number in box],
        "scores": [score for _, score, _ in found],
        "class_ids": [labels.index(label) for label, _, _ in found],
    }


def sightings(seed: int) -> Iterator[Case]:
    """Draw cases of ``flickers``."""
    alone = Text(
        en="A frame counts if it differs from both of its neighbours.",
        fr="Une image compte si elle diffère de ses deux voisines.",
    )
    edge = Text(
        en="The first and the last frame have one neighbour only: nobody can tell.",
        fr="La première et la dernière image n'ont qu'une voisine : on ne peut rien dire.",
    )
    lasting = Text(
        en="A sign that comes and stays, or goes for two frames, does not flicker.",
        fr="Un panneau qui vient et reste, ou qui disparaît deux images, ne clignote pas.",
    )
    yield Case(([True, True, False, True, True],), [2], alone)
    yield Case(([False, False, True, False],), [2], alone)
    yield Case(([False, False, True, True],), [], lasting)
    yield Case(([True, False],), [], edge)
    yield Case(([],), [], edge)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        seen = [rng.random() < 0.7 for _ in range(rng.randint(3, 12))]
        text = "".join("x" if one else "." for one in seen)
        wanted = [n + 1 for n in range(len(text) - 2) if text[n : n + 3] in {"x.x", ".x."}]
        yield Case((seen,), wanted, alone)


def percentiles(seed: int) -> Iterator[Case]:
    """Draw cases of ``percentile``."""
    sorting = Text(
        en="Sort first: the order in which the values came does not matter.",
        fr="Triez d'abord : l'ordre d'arrivée des valeurs ne compte pas.",
    )
    between = Text(
        en="It is always one of the values, never between two, and as small as it can be.",
        fr="C'est toujours l'une des valeurs, jamais un point entre deux, et la plus petite "
        "possible.",
    )
    yield Case(([30.0, 10.0, 20.0], 50), 20.0, sorting)
    yield Case(([1.0, 2.0, 3.0, 4.0], 50), 2.0, between)
    yield Case(([5.0], 99), 5.0, between)
    yield Case(([float(value) for value in range(100, 0, -1)], 95), 95.0, sorting)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        values = [rng.randint(10, 900) / 10 for _ in range(rng.randint(1, 40))]
        percent = rng.choice([25, 50, 90, 95, 99, 100])
        # Counted, not computed: another way than the one that is taught.
        wanted = min(
            v for v in values if 100 * sum(w <= v for w in values) >= percent * len(values)
        )
        yield Case((values, percent), wanted, between)


def rides(seed: int) -> Iterator[Case]:
    """Draw cases of ``ran_on_ms``."""
    before = Text(
        en="A stand before the fault does not count: the train had not left yet.",
        fr="Un arrêt avant la panne ne compte pas : le train n'était pas encore parti.",
    )
    first = Text(
        en="The first stand after the fault counts; the train may have been sent off again later.",
        fr="C'est le premier arrêt après la panne qui compte ; le train a pu repartir ensuite.",
    )
    never = Text(
        en="A train that never stood ran on: the answer is None.",
        fr="Un train qui ne s'est jamais arrêté a continué : la réponse est None.",
    )
    backwards = Text(
        en="A negative speed is backwards, and that is no stand.",
        fr="Une vitesse négative est une marche arrière, pas un arrêt.",
    )
    yield Case(([(0.0, 0.4), (50.0, 0.2), (100.0, 0.0)], 50.0), 50.0, first)
    yield Case(([(0.0, 0.0), (50.0, 0.3), (100.0, 0.1), (150.0, 0.001)], 60.0), 90.0, before)
    yield Case(([(0.0, 0.4), (50.0, 0.4)], 0.0), None, never)
    yield Case(([(0.0, 0.4), (50.0, -0.2), (100.0, 0.0)], 0.0), 100.0, backwards)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        # Away, on the way, backwards by chance, a stand, and perhaps away again.
        leaving, driving, standing = (rng.randint(0, 4) for _ in range(3))
        speeds = [0.0] * leaving + [rng.randint(20, 48) / 100 for _ in range(driving + 2)]
        speeds += [-rng.randint(10, 30) / 100] * rng.randint(0, 1)
        speeds += [0.0] * standing + [0.3] * (2 if standing else 0)
        moments = [(50.0 * number, speed) for number, speed in enumerate(speeds)]
        fault_ms = 50.0 * leaving + 25.0
        stood = next((at for at, speed in moments if at > fault_ms and speed == 0), None)
        why = never if stood is None else first
        yield Case((moments, fault_ms), None if stood is None else stood - fault_ms, why)

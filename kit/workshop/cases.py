"""What the checks of the exercises try.

The answers that a check compares with come from here or from the kit itself, never from the
solution in the notebook: a wrong solution does not pass its own check. ``random.Random(seed)``
draws most cases, so that nobody can write them down beforehand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from kit.workshop.exercise import Case
from kit.workshop.texts import Text

DRAWN = 40
"""How many cases are drawn, beside those that stand here."""


def crops(seed: int) -> Iterator[Case]:
    """Draw cases of ``middle_of``."""
    known = Text(
        en="A 4:3 picture is too tall for 3:2: rows go, the same number above and below.",
        fr="Une image 4:3 est trop haute pour du 3:2 : on retire autant de lignes "
        "en haut qu'en bas.",
    )
    wide = Text(
        en="A 16:9 picture is too wide for 3:2: columns go, the same number left and right.",
        fr="Une image 16:9 est trop large pour du 3:2 : on retire autant de colonnes "
        "à gauche qu'à droite.",
    )
    same = Text(en="A 3:2 picture stays whole.", fr="Une image 3:2 reste entière.")
    yield Case((640, 480), _crop(640, 480), known)
    yield Case((1280, 720), _crop(1280, 720), wide)
    yield Case((600, 400), _crop(600, 400), same)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        # Sizes of which nothing has to be rounded: the exercise is about shape.
        unit, width, height = rng.randint(1, 20) * 2, rng.randint(2, 60) * 6, rng.randint(2, 60) * 6
        sides = width * unit, height * unit
        yield Case(sides, _crop(*sides), known if sides[0] * 2 < sides[1] * 3 else wide)


def _crop(width: int, height: int) -> tuple[int, int, int, int]:
    if width * 2 > height * 3:
        kept = height * 3 // 2
        return ((width - kept) // 2, 0, kept, height)
    kept = width * 2 // 3
    return (0, (height - kept) // 2, width, kept)


def boxes(seed: int) -> Iterator[Case]:
    """Draw cases of ``overlap``."""
    far = Text(
        en="Boxes that do not touch share nothing.",
        fr="Des boîtes qui ne se touchent pas ne partagent rien.",
    )
    same = Text(en="A box covers itself.", fr="Une boîte se recouvre elle-même.")
    half = Text(
        en="What both cover counts once in what they cover together.",
        fr="Ce que les deux recouvrent ne compte qu'une fois dans leur réunion.",
    )
    yield Case(((0, 0, 10, 10), (0, 0, 10, 10)), 1.0, same)
    yield Case(((0, 0, 10, 10), (5, 0, 10, 10)), 1 / 3, half)
    yield Case(((0, 0, 10, 10), (20, 20, 5, 5)), 0.0, far)
    yield Case(((0, 0, 10, 10), (20, 0, 5, 10)), 0.0, far)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        a = (rng.randint(0, 30), rng.randint(0, 30), rng.randint(1, 30), rng.randint(1, 30))
        b = (rng.randint(0, 30), rng.randint(0, 30), rng.randint(1, 30), rng.randint(1, 30))
        yield Case((a, b), _overlap(a, b), half)


def _overlap(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    # Counted cell by cell: another way than the one that is taught.
    cells_a = {(x, y) for x in range(a[0], a[0] + a[2]) for y in range(a[1], a[1] + a[3])}
    cells_b = {(x, y) for x in range(b[0], b[0] + b[2]) for y in range(b[1], b[1] + b[3])}
    return len(cells_a & cells_b) / len(cells_a | cells_b)


def votes(seed: int) -> Iterator[Case]:
    """Draw cases of ``enough_votes``."""
    few = Text(
        en="There are too few yes votes among the newest ones.",
        fr="Il y a trop peu de votes « oui » parmi les plus récents.",
    )
    old = Text(
        en="Only the newest `of` frames vote; what is older is forgotten.",
        fr="Seules les `of` images les plus récentes votent ; le reste est oublié.",
    )
    enough = Text(
        en="There are enough yes votes among the newest ones.",
        fr="Il y a assez de votes « oui » parmi les plus récents.",
    )
    yield Case(([True, True, True], 3, 5), True, enough)
    yield Case(([True, False, True], 3, 5), False, few)
    yield Case(([True, True, True, False, False, False], 3, 5), False, old)
    yield Case(([], 1, 5), False, few)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        of = rng.randint(1, 6)
        votes, seen = rng.randint(1, of), [rng.random() < 0.5 for _ in range(rng.randint(0, 10))]
        newest = seen[max(0, len(seen) - of) :]
        yield Case((seen, votes, of), newest.count(True) >= votes, old)


def messages(seed: int) -> Iterator[Case]:
    """Draw cases of ``motor_message``."""
    from kit.train.lwp3.commands import motor_power
    from kit.train.lwp3.enums import Port

    forwards = Text(
        en="The fourth byte is the port, the last one the power.",
        fr="Le quatrième octet est le port, le dernier la puissance.",
    )
    backwards = Text(
        en="Backwards is a negative power, in two's complement: -1 is ff.",
        fr="La marche arrière est une puissance négative, en complément à deux : -1 s'écrit ff.",
    )
    yield Case((0, 60), motor_power(Port.A, 60), forwards)
    yield Case((0, -30), motor_power(Port.A, -30), backwards)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        port, percent = rng.choice([Port.A, Port.B]), rng.randint(-100, 100)
        why = backwards if percent < 0 else forwards
        yield Case((int(port), percent), motor_power(port, percent), why)


def newest(seed: int) -> Iterator[Case]:
    """Draw cases of ``newest``."""
    freshest = Text(
        en="The newest picture wins, wherever it stands in the list.",
        fr="L'image la plus récente gagne, où qu'elle soit dans la liste.",
    )
    stale = Text(
        en="A picture that is too old is worse than none.",
        fr="Une image trop vieille est pire que pas d'image du tout.",
    )
    yield Case(([(1, 100), (3, 300), (2, 200)], 350, 100), 3, freshest)
    yield Case(([(1, 100)], 900, 100), None, stale)
    yield Case(([], 900, 100), None, stale)
    yield Case(([(7, 100)], 200, 100), 7, freshest)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        times = sorted(rng.sample(range(1000), rng.randint(1, 6)))
        pictures = list(enumerate(times, start=rng.randint(1, 9)))
        number, at_ms = pictures[-1]
        rng.shuffle(pictures)
        now_ms, most_ms = at_ms + rng.randint(0, 400), rng.randint(50, 300)
        fresh = now_ms - at_ms <= most_ms
        yield Case(
            (pictures, now_ms, most_ms), number if fresh else None, freshest if fresh else stale
        )


def points(seed: int) -> Iterator[Case]:
    """Draw cases of ``points``."""
    undone = Text(
        en="Nothing is earned before the finish.", fr="On ne gagne rien avant d'avoir fini."
    )
    early = Text(
        en="The bonus is larger the earlier the finish; the accelerator counts from the finish.",
        fr="Le bonus est d'autant plus grand que l'on finit tôt, et l'accélérateur compte dès la "
        "fin de l'exercice.",
    )
    yield Case((3000, 1500, 55, 3300, 300), 55 + 6.0 + 5.0, early)
    yield Case((1000, 1500, 55, 3300, 300), 0.0, undone)
    rng = random.Random(seed)
    for _ in range(DRAWN):
        at, done = rng.randint(0, 9000), rng.randint(0, 9000)
        bonus, end, step = rng.randint(10, 90), rng.randint(1000, 8000), rng.choice([60, 300, 600])
        earned = bonus + (end - done) / step + (at - done) / step if at >= done else 0.0
        yield Case((at, done, bonus, end, step), earned, early if at >= done else undone)

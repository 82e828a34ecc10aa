"""Sequences that build their items when they are looked at: a board of many, of which few are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import overload

from kit.leaderboard.scorer import Scored
from kit.leaderboard.standings import Standing, TeamStanding


class LazyRows(Sequence[Standing]):
    """Rows of a board.

    Args:
        ranked: The users' scores, the first one first.
        row: Builds the row of one, from score, rank and rank in the bracket.
    """

    def __init__(
        self, ranked: Sequence[Scored], row: Callable[[Scored, int, int], Standing]
    ) -> None:
        self._ranked = ranked
        self._row = row

    def __len__(self) -> int:
        return len(self._ranked)

    @overload
    def __getitem__(self, index: int) -> Standing: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Standing, ...]: ...
    def __getitem__(self, index: int | slice) -> Standing | tuple[Standing, ...]:
        if isinstance(index, slice):
            return tuple(self._build(place) for place in range(*index.indices(len(self))))
        return self._build(range(len(self))[index])

    def __iter__(self) -> Iterator[Standing]:
        return (self._build(place) for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @property
    def scored(self) -> Sequence[Scored]:
        """The users' scores, for who counts all of them and needs no rows."""
        return self._ranked

    def find(self, user: str) -> Standing | None:
        """Return the row of one user, or None."""
        place = self._places.get(user)
        return None if place is None else self._build(place)

    def _build(self, place: int) -> Standing:
        scored = self._ranked[place]
        in_bracket = scored.join is not None and scored.join.bracket
        return self._row(scored, place + 1, self._bracket_ranks[scored.user] if in_bracket else 0)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {scored.user: place for place, scored in enumerate(self._ranked)}

    @cached_property
    def _bracket_ranks(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        ranks = {}
        for scored in self._ranked:
            if scored.join is not None and scored.join.bracket:
                counts[scored.join.bracket] += 1
                ranks[scored.user] = counts[scored.join.bracket]
        return ranks


class LazyTeams(Sequence[TeamStanding]):
    """Teams of a board.

    Args:
        make: Ranks them.
    """

    def __init__(self, make: Callable[[], tuple[TeamStanding, ...]]) -> None:
        self._make = make

    def __len__(self) -> int:
        return len(self._teams)

    @overload
    def __getitem__(self, index: int) -> TeamStanding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TeamStanding, ...]: ...
    def __getitem__(self, index: int | slice) -> TeamStanding | tuple[TeamStanding, ...]:
        return self._teams[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._teams == tuple(other)

    def __hash__(self) -> int:
        return hash(self._teams)

    @cached_property
    def _teams(self) -> tuple[TeamStanding, ...]:
        return self._make()

"""Names: text that can be seen, and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EventError
from kit.leaderboard.names import LONGEST, LONGEST_RAW, clean_name, same_name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada \t Lovelace\n", "Ada Lovelace"),
        ("e\u0301clair", "éclair"),
        ("\ufb01n", "fin"),
        ("\u202egnorw", "gnorw"),
        ("a\u200bb\x00c", "abc"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("'; DROP TABLE users; --", "'; DROP TABLE users; --"),
        ("Nguyễn Văn An", "Nguyễn Văn An"),
        ("李雷", "李雷"),
        ("a" + "\u0300" * 30, "\xe0\u0300\u0300"),
    ],
)
def test_a_name_is_stored_as_it_can_be_seen(raw: str, name: str) -> None:
    assert clean_name(raw) == name


@pytest.mark.parametrize("raw", ["", "   ", "\u202e\u200b", "x" * (LONGEST + 1), "x" * 10**6])
def test_a_name_of_nothing_or_of_too_much_is_refused(raw: str) -> None:
    with pytest.raises(EventError, match="cannot be used"):
        clean_name(raw)


@given(st.text(max_size=LONGEST_RAW))
def test_a_clean_name_is_short_visible_on_one_line_and_stays_as_it_is(raw: str) -> None:
    try:
        name = clean_name(raw)
    except EventError:
        return
    assert 1 <= len(name) <= LONGEST
    categories = {unicodedata.category(letter) for letter in name if letter != " "}
    assert categories.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
    assert clean_name(name) == name


def test_capitals_do_not_make_another_name() -> None:
    assert same_name("STRASSE") == same_name("straße")
    assert same_name("Ada") != same_name("Ida")

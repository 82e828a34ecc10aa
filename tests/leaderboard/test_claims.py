"""Who may claim: signatures, times, nonces, and what is no claim at all."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EventError
from kit.leaderboard.claims import (
    LARGEST_BYTES,
    LEEWAY_S,
    LIFE_S,
    Claim,
    ClaimError,
    Refusal,
    Verified,
    participant_key,
    read_token,
    sign,
    verify,
    write_token,
)

NOW_S = 1_790_000_000.0
SECRET = b"s" * 32
HERO = Claim(exercise="hero", env="prod", condition="deployment")


def token(user: str = "ada", *, generation: int = 1) -> str:
    return write_token(user, participant_key(SECRET, user, generation))


def keys(user: str) -> bytes | None:
    return participant_key(SECRET, user) if user in {"ada", "bob"} else None


def check(signed: str, *, now_s: float = NOW_S) -> Verified:
    return verify(signed, key_of=keys, now_s=now_s)


def refusal(signed: str, *, now_s: float = NOW_S) -> Refusal:
    with pytest.raises(ClaimError) as refused:
        check(signed, now_s=now_s)
    return refused.value.reason


def raw(header: object, body: object, signature: bytes = b"x") -> str:
    parts = [json.dumps(part).encode() for part in (header, body)]
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature)
    )


def forge(key: bytes, /, user: str = "ada", **changes: object) -> str:
    said = {"sub": user, "jti": "n" * 20, "iat": int(NOW_S), "exp": int(NOW_S) + 60}
    said["claim"] = {"exercise": "hero"}
    return jwt.encode(said | changes, key, algorithm="HS256", headers={"kid": user})


@given(
    user=st.sampled_from(["ada", "bob"]),
    exercise=st.text(min_size=1, max_size=64),
    value=st.floats(-1e9, 1e9),
    late_s=st.floats(-LEEWAY_S + 1, LIFE_S + LEEWAY_S - 1),
)
def test_what_is_signed_with_ones_own_token_is_understood_as_it_was_said(
    user: str, exercise: str, value: float, late_s: float
) -> None:
    claim = Claim(exercise=exercise, value=value)
    said = check(sign(token(user), claim, now_s=NOW_S), now_s=NOW_S + late_s)
    assert (said.user, said.claim) == (user, claim)


def test_a_claim_with_anothers_name_is_forged() -> None:
    _, my_key = read_token(token("bob"))
    assert refusal(forge(my_key, "ada")) is Refusal.FORGED


def test_a_claim_whose_header_and_body_name_two_people_is_forged() -> None:
    _, my_key = read_token(token("bob"))
    said = {"sub": "ada", "jti": "n" * 20, "iat": int(NOW_S), "exp": int(NOW_S) + 60}
    signed = jwt.encode(said, my_key, algorithm="HS256", headers={"kid": "bob"})
    assert refusal(signed) is Refusal.FORGED


def test_a_claim_that_was_changed_is_forged() -> None:
    head, body, signature = sign(token(), HERO, now_s=NOW_S).split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["claim"]["exercise"] = "villain"
    changed = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    assert refusal(f"{head}.{changed}.{signature}") is Refusal.FORGED


def test_a_token_that_was_replaced_signs_nothing_any_more() -> None:
    def new_keys(user: str) -> bytes:
        return participant_key(SECRET, user, 2)

    with pytest.raises(ClaimError) as refused:
        verify(sign(token(), HERO, now_s=NOW_S), key_of=new_keys, now_s=NOW_S)
    assert refused.value.reason is Refusal.FORGED
    again = sign(token(generation=2), HERO, now_s=NOW_S)
    assert verify(again, key_of=new_keys, now_s=NOW_S).user == "ada"


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256"])
def test_no_other_signature_is_accepted_whatever_the_header_says(algorithm: str) -> None:
    head = {"alg": algorithm, "typ": "JWT", "kid": "ada"}
    body = {"sub": "ada", "jti": "n" * 20, "iat": NOW_S, "exp": NOW_S + 60}
    assert refusal(raw(head, body, b"")) is Refusal.MALFORMED
    assert refusal(raw(head, body)) is Refusal.MALFORMED


def test_somebody_without_a_token_is_unknown() -> None:
    assert refusal(forge(b"k" * 32, "mallory")) is Refusal.UNKNOWN


def test_a_claim_dies_after_its_life_and_the_leeway() -> None:
    signed = sign(token(), HERO, now_s=NOW_S)
    assert check(signed, now_s=NOW_S + LIFE_S + LEEWAY_S - 1)
    assert refusal(signed, now_s=NOW_S + LIFE_S + LEEWAY_S + 1) is Refusal.EXPIRED


def test_a_claim_from_the_future_is_early() -> None:
    assert refusal(sign(token(), HERO, now_s=NOW_S + LEEWAY_S + 5)) is Refusal.EARLY


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(NOW_S) + LIFE_S + 1},
        {"iat": float("nan"), "exp": float("nan")},
        {"exp": float("inf")},
        {"iat": 10**400, "exp": 10**400},
        {"iat": "now"},
        {"jti": "short"},
        {"jti": "with space in it"},
        {"jti": 12345678},
        {"claim": None},
        {"claim": {"exercise": ""}},
        {"claim": {"exercise": "hero", "user": "bob"}},
        {"claim": {"exercise": "hero", "value": float("inf")}},
        {"claim": {"exercise": "hero", "value": 1e300}},
    ],
)
def test_what_a_claim_cannot_say_is_malformed(changes: dict[str, object]) -> None:
    key = participant_key(SECRET, "ada")
    assert refusal(forge(key, **changes)) is Refusal.MALFORMED


@pytest.mark.parametrize("missing", ["sub", "jti", "iat", "exp"])
def test_a_claim_without_one_of_its_stamps_is_malformed(missing: str) -> None:
    said = {"sub": "ada", "jti": "n" * 20, "iat": int(NOW_S), "exp": int(NOW_S) + 60}
    del said[missing]
    key = participant_key(SECRET, "ada")
    signed = jwt.encode(said, key, algorithm="HS256", headers={"kid": "ada"})
    assert refusal(signed) is Refusal.MALFORMED


def test_a_claim_that_is_too_large_is_not_even_looked_at() -> None:
    large = Claim(exercise="hero", report={"x": "y" * LARGEST_BYTES})
    assert refusal(sign(token(), large, now_s=NOW_S)) is Refusal.MALFORMED


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_nonsense_is_refused_and_never_breaks_anything(text: str) -> None:
    assert refusal(text) in {Refusal.MALFORMED, Refusal.UNKNOWN}


def test_brackets_without_end_are_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"ada"}').rstrip(b"=").decode()
    assert refusal(f"{deep}.{deep}.x") is Refusal.MALFORMED
    assert refusal(f"{head}.{deep}.x") in {Refusal.MALFORMED, Refusal.FORGED}


def test_the_same_claim_is_the_same_event_and_another_one_is_not() -> None:
    first = check(sign(token(), HERO, now_s=NOW_S, nonce="abcdefgh"))
    again = check(sign(token(), HERO, now_s=NOW_S + 5, nonce="abcdefgh"))
    other = check(sign(token(), HERO, now_s=NOW_S, nonce="abcdefgi"))
    bobs = check(sign(token("bob"), HERO, now_s=NOW_S, nonce="abcdefgh"))
    else_ = check(sign(token(), Claim(exercise="villain"), now_s=NOW_S, nonce="abcdefgh"))
    assert first.event_id == again.event_id
    assert len({each.event_id for each in (first, other, bobs, else_)}) == 4


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "YWRh.", "YWRh.eHg", "....", "é.é"])
def test_what_is_no_token_is_told(text: str) -> None:
    with pytest.raises(EventError, match="no participant's token"):
        read_token(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20))
def test_a_token_gives_back_name_and_secret(user: str) -> None:
    from kit.leaderboard.names import clean_name

    name = clean_name(user)
    key = participant_key(SECRET, name)
    assert read_token(write_token(name, key)) == (name, key)

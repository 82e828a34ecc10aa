"""The console's gate: tokens and links are exchanged for a signed cookie."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from itsdangerous import BadSignature, TimestampSigner

from kit.console.access import Role, Tokens

SIGNED_IN_S = 12 * 3600
"""How long somebody stays signed in, seconds: the day of a show."""

FAILURES = 10
"""How many wrong tokens one address may send within `FORGOTTEN_S`."""

FAILURES_OF_ALL = 300
"""How many wrong tokens all addresses together may send within `FORGOTTEN_S`."""

FORGOTTEN_S = 60.0
"""After how long a wrong token is forgotten, seconds."""

_ADDRESSES = 1000


class Failures:
    """Counts wrong tokens, and says who must wait."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=FAILURES_OF_ALL)

    def wait_s(self, address: str) -> float:
        """Return for how long an address may not try a token, seconds; 0 if it may."""
        now = self._clock()
        return max(
            _wait_s(self._of.get(address, deque()), FAILURES, now),
            _wait_s(self._all, FAILURES_OF_ALL, now),
        )

    def note(self, address: str) -> None:
        """Note that an address sent a wrong token."""
        if address not in self._of and len(self._of) >= _ADDRESSES:
            self._of.popitem(last=False)
        self._of.setdefault(address, deque(maxlen=FAILURES)).append(self._clock())
        self._of.move_to_end(address)
        self._all.append(self._clock())


def _wait_s(failures: deque[float], most: int, now: float) -> float:
    if len(failures) < most:
        return 0.0
    return max(0.0, failures[0] + FORGOTTEN_S - now)


class Gate:
    """Knows who may come in, and as what.

    What it gives out is a cookie that it signed, with a key that follows from the tokens: it
    outlasts a console that starts again, and new tokens make it worthless.

    Args:
        tokens: The console's tokens.
        open_to_viewers: Whether anyone may view who can reach the console.
    """

    def __init__(self, tokens: Tokens, *, open_to_viewers: bool) -> None:
        self._tokens = tokens
        self.open_to_viewers = open_to_viewers
        self._ticket: str | None = secrets.token_urlsafe(18)
        key = hashlib.sha256(f"{tokens.viewer}\n{tokens.operator}".encode()).digest()
        self._signer = TimestampSigner(key, salt="kit-console", digest_method=hashlib.sha256)
        self.failures = Failures()

    @property
    def ticket(self) -> str | None:
        """What makes an operator of the one who brings it first; None once somebody has."""
        return self._ticket

    def spend(self, ticket: str) -> bool:
        """Take a ticket; tell whether it was good. It is so once."""
        good = self._ticket is not None and secrets.compare_digest(
            ticket.encode(), self._ticket.encode()
        )
        if good:
            self._ticket = None
        return good

    def role_of_token(self, token: str, *, address: str) -> Role | None:
        """Return the role that a token gives; None for a wrong one, which is noted.

        Args:
            token: What somebody typed.
            address: Where from, such as ``127.0.0.1``.
        """
        role = self._tokens.role_of(token)
        if role is None:
            self.failures.note(address)
        return role

    def cookie(self, role: Role) -> str:
        """Return the cookie of a role."""
        return self._signer.sign(f"{role}.{secrets.token_urlsafe(6)}").decode()

    def role(self, cookie: str | None) -> Role | None:
        """Return what the bearer of a cookie may be; None if it must sign in to see anything."""
        if cookie:
            try:
                value = self._signer.unsign(cookie, max_age=SIGNED_IN_S).decode()
                return Role(value.partition(".")[0])
            except (BadSignature, ValueError):
                pass
        return Role.VIEWER if self.open_to_viewers else None

"""The latch: a stopped train stands until someone proves the right to release it."""

from __future__ import annotations

import hmac
import secrets

from kit.events import arm_proof


class Latch:
    """Holds a train until someone proves the right to release it.

    It starts closed. Each closing makes a new challenge, so that an answer to an older one is
    worth nothing.

    Args:
        train_id: Which train.
        arm_key: Secret shared with the operators.
    """

    def __init__(self, *, train_id: str, arm_key: str) -> None:
        self._train_id = train_id
        self._key = arm_key
        self._challenge: str | None = None
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the train is held."""
        return self._challenge is not None

    @property
    def challenge(self) -> str | None:
        """What an ``arm`` command must answer; None while open."""
        return self._challenge

    def close(self) -> None:
        """Hold the train, under a new challenge."""
        self._challenge = secrets.token_hex(16)

    def open(self, proof: str | None) -> bool:
        """Release the train if the proof answers the challenge.

        Args:
            proof: From :func:`kit.events.arm_proof`.

        Returns:
            Whether it was released; False too if it was not held.
        """
        if self._challenge is None or proof is None:
            return False
        right = arm_proof(self._key, train_id=self._train_id, challenge=self._challenge)
        if not hmac.compare_digest(right.encode(), proof.encode()):
            return False
        self._challenge = None
        return True

    def release(self) -> None:
        """Release the train without a proof: for the controller's own clock, never a message."""
        self._challenge = None

"""The event's secret, in a file that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from kit.errors import ConfigError
from kit.leaderboard.claims import organiser_token, participant_key, write_token

SECRET_BYTES = 32
"""Length of an event's secret."""


@dataclass(frozen=True)
class Keys:
    """What opens an event.

    Attributes:
        secret: From which all tokens are derived; every replica needs the same one.
    """

    secret: bytes = field(repr=False)

    @property
    def organiser(self) -> str:
        """The token that opens the organiser's page."""
        return organiser_token(self.secret)

    def participant(self, user: str, *, replaced: int = 0) -> bytes:
        """Return a participant's secret.

        Args:
            user: The name.
            replaced: How many times the participant's token was replaced.
        """
        return participant_key(self.secret, user, replaced + 1)

    def token(self, user: str, *, replaced: int = 0) -> str:
        """Return a participant's token; the arguments are those of `participant`."""
        return write_token(user, self.participant(user, replaced=replaced))


def open_keys(path: Path) -> Keys:
    """Read an event's key file, or write a new one with mode 0600.

    The file is JSON: ``secret``, and ``organiser``, the token of the organiser's page.

    Raises:
        ConfigError: If it cannot be read or written, others can read it, or it is no key file.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    keys = Keys(secrets.token_bytes(SECRET_BYTES))
    said = {"secret": keys.secret.hex(), "organiser": keys.organiser}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made with its mode, so that it can at no time be read by others.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(said, file, indent=2)
            file.write("\n")
    except FileExistsError:  # another replica was faster
        return _read(path)
    except OSError as error:
        raise ConfigError(
            f"The key file {path} cannot be written",
            got=error.strerror or str(error),
            fix="name another one with --keys",
        ) from error
    return keys


def _read(path: Path) -> Keys:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The key file {path} cannot be read", got=str(error)) from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"Others can read the key file {path}",
            expected="mode 0600",
            got=f"mode {mode & 0o777:04o}",
            fix=f"run: chmod 600 {path}; if somebody may have read it, delete it for a new one",
        )
    try:
        secret = bytes.fromhex(json.loads(text)["secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise _no_keys(path) from error
    if len(secret) != SECRET_BYTES:
        raise _no_keys(path)
    return Keys(secret)


def _no_keys(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} is no key file",
        expected=f"JSON with a 'secret' of {SECRET_BYTES} bytes in hexadecimal digits",
        fix="delete it; the service writes a new one, and all tokens change",
    )

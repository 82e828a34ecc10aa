"""Who may do what at the console, and the tokens that prove it."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kit.config import Settings
from kit.errors import ConfigError

SHORTEST_TOKEN = 12
"""Fewest characters of a token that somebody chose."""

_FILE = "console.json"
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that people take for another
_GROUPS, _GROUP = 5, 4  # 20 characters, 99 bits


class Role(StrEnum):
    """What somebody at the console may do.

    Attributes:
        VIEWER: See the trains, and stop them: whoever sees one may.
        OPERATOR: Also arm trains, and have capture pause and go on.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Tokens:
    """The console's two tokens.

    Attributes:
        viewer: Opens the page.
        operator: Opens also what only operators may do.
        chosen: Whether somebody chose the viewer's token, by a setting: then it is asked for
            on this machine too, where a proxy may stand in front of the console.
    """

    viewer: str = field(repr=False)
    operator: str = field(repr=False)
    chosen: bool = False

    def role_of(self, token: str) -> Role | None:
        """Return whose token this is, None if nobody's; takes the same time for all of a length."""
        given = token.strip().encode()
        is_operator = hmac.compare_digest(given, self.operator.encode())
        is_viewer = hmac.compare_digest(given, self.viewer.encode())
        if is_operator:
            return Role.OPERATOR
        return Role.VIEWER if is_viewer else None


def tokens_file(settings: Settings) -> Path:
    """Return where this machine's tokens are kept: in ``KIT_KEYS_DIR``, else in the user's own."""
    if settings.keys_dir is not None:
        return settings.keys_dir / _FILE
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "runaway-train-kit" / _FILE


def load_tokens(settings: Settings, *, lasting: bool = True) -> Tokens:
    """Return the tokens: those of the settings, else those of the file, made the first time.

    Args:
        settings: What may name them, and the file's folder.
        lasting: Whether they are needed again later; else tokens that last as long as this
            process will do where none can be kept.

    Raises:
        ConfigError: If a token is too short, both are the same, or the file cannot be kept
            secret, read or written.
    """
    viewer, operator = settings.console_viewer_token, settings.console_operator_token
    kept: dict[str, str] = {}
    if viewer is None or operator is None:
        kept = _kept(tokens_file(settings), lasting=lasting)
    tokens = Tokens(
        viewer=viewer.get_secret_value().strip() if viewer else kept["viewer"],
        operator=operator.get_secret_value().strip() if operator else kept["operator"],
        chosen=viewer is not None,
    )
    if min(len(tokens.viewer), len(tokens.operator)) < SHORTEST_TOKEN:
        raise ConfigError(
            "A token of the console is too short",
            expected=f"{SHORTEST_TOKEN} characters or more",
            fix="choose a longer one, or unset KIT_CONSOLE_VIEWER_TOKEN and "
            "KIT_CONSOLE_OPERATOR_TOKEN to have both made",
        )
    if tokens.viewer == tokens.operator:
        raise ConfigError(
            "Viewers and operators of the console have the same token",
            fix="choose another one for KIT_CONSOLE_OPERATOR_TOKEN",
        )
    return tokens


def _kept(path: Path, *, lasting: bool) -> dict[str, str]:
    try:
        if not path.exists():
            _write(path)
        return _read(path)
    except OSError as error:
        if not lasting:
            return _made()
        raise ConfigError(
            "The console's tokens cannot be kept",
            expected=f"a file that can be written and read: {path}",
            got=error.strerror or str(error),
            fix="name another folder by KIT_KEYS_DIR, or both tokens by KIT_CONSOLE_VIEWER_TOKEN "
            "and KIT_CONSOLE_OPERATOR_TOKEN",
        ) from error


def _made() -> dict[str, str]:
    return {str(role): _new_token() for role in Role}


def _new_token() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _write(path: Path) -> None:
    """Write new tokens, whole and at once: a console that starts beside this one reads the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8") as file:  # mode 0600
        json.dump(_made(), file)
        file.flush()
        try:
            os.link(file.name, path)
        except FileExistsError:
            return


def _read(path: Path) -> dict[str, str]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(
            "Others can read the console's tokens",
            expected="mode 0600",
            got=f"mode {mode:04o} of {path}",
            fix=f"delete the file, to have new ones made, or run: chmod 600 {path}",
        )
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {str(role): str(kept[role]) for role in Role}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "The file of the console's tokens cannot be understood",
            got=str(path),
            fix="delete it, to have new ones made",
        ) from error

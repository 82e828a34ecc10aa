"""The ``kit`` command: it gathers each room's commands and reports their results and errors.

A room's ``commands.py`` has ``register(app)``. Its commands end with :func:`emit`, raise
:class:`~kit.errors.KitError` when something is wrong, and exit with a code above 0 when they
ran but did not succeed::

    emit({"stopped": True}, as_json=as_json, text="The train stopped.")
    raise typer.Exit(1)
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from kit import __version__
from kit.errors import KitError

HELP = "See the sign, stop the train: the runaway train's workshop and demo kit."
"""First line of the help page."""

ROOMS: tuple[str, ...] = (
    "runtime",
    "recording",
    "vision",
    "mlops",
    "mlops.measuring",
    "mlops.acquire",
    "mlops.serving",
    "mlops.registry",
    "mlops.labelling",
    "services",
    "console",
    "interop",
    "train",
    "sim",
    "presenting",
    "chaos",
    "bench",
    "leaderboard",
    "learning",
    "workshop",
)
"""Rooms that may bring commands, in the order of the help page; a dot leads into an inner room."""

EXIT_ERROR = 1
"""Exit code when a command failed."""

EXIT_USAGE = 2
"""Exit code when the command line itself is wrong."""

EXIT_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it."""

_ENDINGS = {
    EXIT_USAGE: "the command line is wrong; see standard error",
    EXIT_INTERRUPTED: "interrupted",
}

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last line of the output.")
]
"""Type of the ``as_json`` parameter that every command takes."""


def emit(result: Mapping[str, Any], *, as_json: bool, text: str | Text | None = None) -> None:
    """Print a command's result as its last output.

    Args:
        result: What programs read; printed as one line of JSON when ``as_json`` is set.
        as_json: Whether ``--json`` was given.
        text: What people read instead; the result itself, indented, if None.
    """
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n")
    elif text is None:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    elif isinstance(text, Text):
        Console(soft_wrap=True, highlight=False).print(text)
    else:  # as it is: what rich prints loses its tabs
        sys.stdout.write(text + "\n")
    sys.stdout.flush()


def build_app() -> typer.Typer:
    """Gather the commands of every room that has some.

    Returns:
        The application; call it with ``args=[...]``.
    """
    app = typer.Typer(
        name="kit",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=HELP)(_root)
    for module in command_modules():
        import_module(module).register(app)
    return app


def command_modules() -> tuple[str, ...]:
    """List the rooms' ``commands`` modules, without importing any room."""
    here = Path(__file__).parent
    return tuple(
        f"kit.{room}.commands"
        for room in ROOMS
        if (here / room.replace(".", "/") / "commands.py").is_file()
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and end the process.

    Args:
        argv: Arguments without the program's name; those of the process if None.

    Raises:
        SystemExit: Always, with 0 only on success.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in args
    try:
        build_app()(args=args, prog_name="kit")
    except KitError as error:
        _report(error, as_json=as_json)
        raise SystemExit(EXIT_ERROR) from error
    except SystemExit as end:  # typer's own endings, which know nothing of JSON
        if end.code in _ENDINGS:
            _report_json(_ENDINGS[end.code], as_json=as_json)
        raise
    except Exception as error:  # the edge: programs must get their JSON even then
        traceback.print_exc()
        _report_json(f"{type(error).__name__}: {error}", as_json=as_json)
        raise SystemExit(EXIT_ERROR) from error


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        sys.stdout.write(f"kit {__version__}\n")
        raise typer.Exit


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Hold the options that stand before a command's name."""


def _report(error: KitError, *, as_json: bool) -> None:
    message = Text.assemble(("Error: ", "bold red"), (error.problem.rstrip(".") + ".", "red"))
    for name, value in (("Expected", error.expected), ("Got", error.got), ("To fix", error.fix)):
        if value is not None:
            shown = value if isinstance(value, str) else repr(value)
            message.append(f"\n  {name}: ", "bold").append(shown)
    Console(stderr=True, soft_wrap=True, highlight=False).print(message)
    _report_json(str(error), as_json=as_json)


def _report_json(problem: str, *, as_json: bool) -> None:
    if as_json:
        emit({"error": problem}, as_json=True)

"""The command line's common manners."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable

import pytest
import typer

from kit import __version__, cli
from kit.cli import JsonFlag, emit, main
from kit.errors import CameraError

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line with one room whose commands end in every way there is."""
    commands = types.ModuleType("fixture_commands")
    commands.register = _register
    monkeypatch.setitem(sys.modules, "fixture_commands", commands)
    monkeypatch.setattr(cli, "command_modules", lambda: ("fixture_commands",))

    def call(*args: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(list(args))
        return int(end.value.code or 0)

    return call


def _register(app: typer.Typer) -> None:
    @app.command("good")
    def good(*, as_json: JsonFlag = False) -> None:
        sys.stdout.write("on the way\n")
        emit({"answer": 42, "name": "Zürich"}, as_json=as_json, text="All is [well],\t:train: too.")

    @app.command("bad")
    def bad(*, as_json: JsonFlag = False) -> None:
        raise CameraError("No camera [here]", expected="one", got="none", fix="plug it in")

    @app.command("broken")
    def broken(*, as_json: JsonFlag = False) -> None:
        emit({"value": 1 // 0}, as_json=as_json)

    @app.command("interrupted")
    def interrupted(*, as_json: JsonFlag = False) -> None:
        raise KeyboardInterrupt

    @app.command("failing")
    def failing(*, as_json: JsonFlag = False) -> None:
        emit({"stopped": False}, as_json=as_json)
        raise typer.Exit(1)


def _last_json(text: str) -> dict[str, object]:
    return json.loads(text.splitlines()[-1])


def test_version_is_the_package_version(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"kit {__version__}\n"


def test_help_lists_the_commands_of_the_rooms(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "good" in capsys.readouterr().out


def test_json_is_one_object_on_the_last_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("good", "--json") == 0
    assert _last_json(capsys.readouterr().out) == {"answer": 42, "name": "Zürich"}


def test_text_is_printed_as_it_is(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("good") == 0
    assert capsys.readouterr().out == "on the way\nAll is [well],\t:train: too.\n"


def test_kit_error_is_told_on_standard_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bad") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "Error: No camera [here].",
        "  Expected: one",
        "  Got: none",
        "  To fix: plug it in",
    ]


def test_kit_error_is_json_too(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bad", "--json") == 1
    assert "plug it in" in str(_last_json(capsys.readouterr().out)["error"])


def test_unforeseen_error_is_json_and_keeps_its_traceback(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("broken", "--json") == 1
    printed = capsys.readouterr()
    assert str(_last_json(printed.out)["error"]).startswith("ZeroDivisionError")
    assert "Traceback" in printed.err


def test_wrong_usage_ends_with_two(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("no-such-command", "--json") == 2
    assert "error" in _last_json(capsys.readouterr().out)


def test_interruption_ends_as_shells_count_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("interrupted", "--json") == 130
    assert _last_json(capsys.readouterr().out) == {"error": "interrupted"}


def test_exit_code_of_a_command_is_kept(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("failing", "--json") == 1
    assert _last_json(capsys.readouterr().out) == {"stopped": False}


def test_commands_come_from_the_rooms_that_have_some() -> None:
    assert "kit.vision.commands" in cli.command_modules()


def test_import_needs_no_heavy_package() -> None:
    import subprocess

    heavy = "{'cv2', 'torch', 'onnxruntime'}"
    code = f"import sys, kit.cli; kit.cli.build_app(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

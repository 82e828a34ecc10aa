"""Starting and ending a model server, and all that can be in the way."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from kit.cli import main
from kit.errors import ConfigError, MissionError, ModelError
from kit.mlops.serving import server as room
from kit.mlops.serving.server import ModelServer, find_mlserver, serving
from kit.vision.remote import NoAnswerError, RemoteDetector
from tests.vision.onnx_models import red_rectangle
from tests.waiting import PATIENCE_S, wait_until

START = [sys.executable, "-m", "kit", "serve", "--http-port=0", "--grpc-port=0", "--json"]


@pytest.fixture
def fake_mlserver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put another program in MLServer's place."""

    def place(script: str) -> None:
        program = tmp_path / "mlserver"
        program.write_text(f"#!{sys.executable}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(room, "find_mlserver", lambda: program)

    return place


def test_without_mlserver_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_mlserver", lambda: None)
    with pytest.raises(ConfigError, match="make serve-venv"), serving():
        pass


def test_mlserver_is_looked_for_beside_the_kit_and_then_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "clone" / ".venv-serve" / "bin" / "mlserver"
    on_path = tmp_path / "bin" / "mlserver"
    for program in (beside, on_path):
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    package = tmp_path / "clone" / "kit" / "mlops" / "serving" / "server.py"
    monkeypatch.setattr(room, "__file__", str(package))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "elsewhere" / ".venv"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_mlserver() == beside
    beside.unlink()
    assert find_mlserver() == on_path
    on_path.unlink()
    assert find_mlserver() is None


def test_a_missing_model_is_told_before_anything_starts(
    fake_mlserver: Callable[[str], None], tmp_path: Path
) -> None:
    fake_mlserver("raise SystemExit('it was started')")
    with pytest.raises(ModelError, match=r"no\.onnx"), serving(tmp_path / "no.onnx"):
        pass


@pytest.mark.parametrize("way", ["http", "grpc"])
def test_a_port_that_somebody_has_is_told(fake_mlserver: Callable[[str], None], way: str) -> None:
    fake_mlserver("raise SystemExit('it was started')")
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = {"http_port": 0, "grpc_port": 0, f"{way}_port": other.getsockname()[1]}
        with pytest.raises(ConfigError, match=f"--{way}-port"), serving(**ports):
            pass


def test_a_server_that_ends_at_once_is_told_with_its_last_words(
    fake_mlserver: Callable[[str], None],
) -> None:
    fake_mlserver("raise SystemExit('no more memory')")
    with (
        pytest.raises(MissionError, match=r"exit code 1(.|\n)*no more memory"),
        serving(http_port=0, grpc_port=0),
    ):
        pass


def test_a_server_that_never_listens_is_given_up(
    fake_mlserver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_mlserver("import time; time.sleep(600)")
    monkeypatch.setattr(room, "START_TIMEOUT_S", 0.5)
    with pytest.raises(MissionError, match="no sign of it"), serving(http_port=0, grpc_port=0):
        pass


@pytest.mark.usefixtures("mlserver")
def test_a_model_of_another_kind_is_told_with_the_reason(tmp_path: Path) -> None:
    model = red_rectangle(tmp_path / "cats.onnx", classes=["Cat"])
    with (
        pytest.raises(MissionError, match="tells other classes apart"),
        serving(model, http_port=0, grpc_port=0),
    ):
        pass


@pytest.mark.usefixtures("mlserver")
def test_another_model_is_served_under_another_name_and_its_own_version(tmp_path: Path) -> None:
    model = red_rectangle(tmp_path / "red.onnx", version="7.0.1")
    with serving(model, name="red", http_port=0, grpc_port=0) as server:
        with RemoteDetector(server.grpc_url) as detector:
            assert detector.info.version == "7.0.1"
        wrong = server.grpc_url.replace("/red", "/signs")
        with pytest.raises(NoAnswerError, match="NOT_FOUND"):
            RemoteDetector(wrong)
    with pytest.raises(NoAnswerError):
        RemoteDetector(server.grpc_url)


def test_it_listens_on_this_machine_only_and_on_two_ports(server: ModelServer) -> None:
    members = psutil.Process(server.child.pid).children(recursive=True)
    listening = [
        connection.laddr
        for member in members
        for connection in member.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == {server.http_port, server.grpc_port}


def start_command() -> tuple[subprocess.Popen[str], dict[str, str]]:
    process = subprocess.Popen(START, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.mark.usefixtures("mlserver")
def test_the_command_tells_where_it_serves_and_ends_well_when_told() -> None:
    process, urls = start_command()
    with process:
        with urlopen(urls["rest"], timeout=30) as answer:
            assert json.load(answer)["name"] == "signs"
        with RemoteDetector(urls["grpc"]) as by_grpc, RemoteDetector(urls["http"]) as by_http:
            assert by_grpc.info == by_http.info
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.usefixtures("mlserver")
def test_a_killed_command_leaves_no_server_behind() -> None:
    process, _ = start_command()
    with process:
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("mlserver" in " ".join(member.cmdline()) for member in family)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not any(alive(member) for member in family))


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.usefixtures("mlserver")
def test_the_command_fails_when_its_server_dies() -> None:
    process, _ = start_command()
    with process:
        keeper = psutil.Process(process.pid).children()[0]
        for member in keeper.children(recursive=True):
            member.kill()
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "ended by itself" in json.loads(output.splitlines()[-1])["error"]
    assert "ended by itself" in errors


def test_the_command_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "find_mlserver", lambda: None)
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--json"])
    assert caught.value.code == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.search("make serve-venv", json.loads(last)["error"])

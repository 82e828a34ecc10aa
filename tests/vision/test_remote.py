"""The client of a model server, against servers that are away, slow or something else.

What a right server answers is tested where there is one: tests/mlops/serving.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from kit.errors import CameraError, ConfigError, ModelError
from kit.vision.detector import Detector
from kit.vision.remote import NoAnswerError, RemoteDetector, ServerAddress, open_detector
from tests.ports import NOBODY
from tests.vision.onnx_models import RED_SCORE, red_rectangle

SCHEMES = ["grpc", "http"]
PATIENCE_S = 30.0
FRAME = np.zeros((400, 600, 3), np.uint8)


@pytest.fixture(autouse=True)
def _patiently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.vision.remote.START_DEADLINE_S", PATIENCE_S)


class Stub(ThreadingHTTPServer):
    """An HTTP server that answers every question alike: status, JSON or text."""

    def __init__(self, status: int, body: object) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                text = body if isinstance(body, str) else json.dumps(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server_port}/signs"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


def tensor(name: str, datatype: str, shape: list[int], data: list[float]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def reply(**about: object) -> dict[str, object]:
    """An answer without signs, as a server gives it over REST."""
    return {
        "model_name": "signs",
        "model_version": "test-1",
        "parameters": about,
        "outputs": [
            tensor("boxes", "FP32", [0, 4], []),
            tensor("scores", "FP32", [0], []),
            tensor("class_ids", "INT64", [0], []),
        ],
    }


@pytest.fixture
def mute() -> Iterator[int]:
    """Port of a server that lets everyone in and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_url_names_way_host_and_model() -> None:
    address = ServerAddress.parse("grpc://10.0.0.7:8091/signs")
    assert address == ("grpc", "10.0.0.7:8091", "signs")
    assert str(address) == "grpc://10.0.0.7:8091/signs"
    assert ServerAddress.parse("http://train:1").model == "signs"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host:1/signs",
        "grpc://host/signs",
        "grpc://:1/signs",
        "grpc://host:99999/signs",
        "http://host:1/v2/models/signs",
        "http://host:1/signs?x=1",
        "http://me:secret@host:1/signs",
    ],
)
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="no model server's URL"):
        open_detector(url)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_is_away_is_told_with_its_address(scheme: str) -> None:
    url = f"{scheme}://{NOBODY}/signs"
    with pytest.raises(NoAnswerError, match="kit serve") as caught:
        open_detector(url)
    assert url in str(caught.value)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_says_nothing_is_given_up(
    scheme: str, mute: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.vision.remote.START_DEADLINE_S", 0.3)
    with pytest.raises(NoAnswerError, match=r"within 0\.3 s"):
        open_detector(f"{scheme}://127.0.0.1:{mute}/signs")


def test_a_server_that_is_something_else_is_told() -> None:
    with Stub(404, "<html>no such page</html>") as url, pytest.raises(NoAnswerError, match="404"):
        open_detector(url)
    with Stub(200, "<html>welcome</html>") as url, pytest.raises(NoAnswerError):
        open_detector(url)
    with Stub(200, {"outputs": []}) as url, pytest.raises(ModelError, match="incomplete"):
        open_detector(url)


def test_a_model_that_does_not_describe_itself_is_refused() -> None:
    with Stub(200, reply()) as url, pytest.raises(ModelError, match="does not say what"):
        open_detector(url)
    with (
        Stub(200, reply(model_info='{"version": 1}')) as url,
        pytest.raises(ModelError, match="does not say what"),
    ):
        open_detector(url)


def described(**changes: object) -> dict[str, object]:
    """An answer whose model describes itself."""
    facts = Detector().info.model_dump(mode="json", exclude={"path"})
    return reply(model_info=json.dumps({**facts, "version": "test-1", **changes}))


def test_a_model_of_other_classes_is_refused() -> None:
    with (
        Stub(200, described(classes=["Cat"])) as url,
        pytest.raises(ModelError, match="tells other classes apart"),
    ):
        open_detector(url)


def test_a_provider_that_the_server_does_not_use_is_refused() -> None:
    with Stub(200, described()) as url:
        with pytest.raises(ModelError, match="does not run it on 'cuda'"):
            open_detector(url, provider="cuda")
        with open_detector(url, provider="cpu", deadline_s=PATIENCE_S) as detector:
            assert detector.info.version == "test-1"
            assert detector.detect(FRAME) == ()


def test_what_is_no_picture_is_not_even_sent() -> None:
    with Stub(200, described()) as url, open_detector(url) as detector, pytest.raises(CameraError):
        detector.detect(np.zeros((400, 600), np.uint8))


@pytest.mark.parametrize("confidence", [0.0, -1.0, 1.1])
def test_a_wrong_confidence_is_refused_without_asking(confidence: float) -> None:
    with pytest.raises(ConfigError, match="confidence"):
        RemoteDetector("grpc://127.0.0.1:1/signs", confidence=confidence)


@pytest.mark.parametrize("deadline_s", [0.0, -0.1, 60.0])
def test_a_wrong_deadline_is_refused_without_asking(deadline_s: float) -> None:
    with pytest.raises(ConfigError, match="deadline"):
        RemoteDetector("grpc://127.0.0.1:1/signs", deadline_s=deadline_s)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_missing_client_is_told_with_its_extra(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"tritonclient.{scheme}", None)
    with pytest.raises(ConfigError, match=r"runaway-train-kit\[remote\]"):
        RemoteDetector(f"{scheme}://127.0.0.1:1/signs")


def test_a_path_opens_a_local_detector_and_nothing_the_kits_own(tmp_path) -> None:
    model = red_rectangle(tmp_path / "red.onnx")
    detector = open_detector(str(model), confidence=0.25)
    assert isinstance(detector, Detector)
    assert detector.confidence == 0.25
    picture = FRAME.copy()
    picture[100:140, 200:260] = (0, 0, 255)
    assert [sign.confidence for sign in detector.detect(picture)] == [RED_SCORE]
    assert open_detector("").info == Detector().info

"""What a real model server answers, asked by the kit, by tritonclient and by hand."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import cv2
import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from kit.events import LABELS, Detection
from kit.mlops.drawing.scene import draw_example
from kit.mlops.serving.server import ModelServer
from kit.vision.detector import Detector
from kit.vision.frames import Image, encode_jpeg, fit_frame
from kit.vision.photos import find_photos, read_photo
from kit.vision.remote import RemoteDetector
from kit.vision.tensors import OUTPUTS, encode_picture

WAYS = ["grpc", "http"]
PATIENT_S = 5.0
"""The machine may be busy with other tests, and none here is about time."""


@pytest.fixture(scope="module")
def local() -> Detector:
    return Detector(provider="cpu")


@pytest.fixture(scope="module")
def drawn() -> list[Image]:
    """Drawn frames with signs in most, and a blank one."""
    pictures = [fit_frame(draw_example(seed=7, index=index).image) for index in range(5)]
    return [*pictures, np.full((400, 600, 3), 90, np.uint8)]


def url(server: ModelServer, way: str) -> str:
    return server.grpc_url if way == "grpc" else server.http_url


def same(found: tuple[Detection, ...], expected: tuple[Detection, ...]) -> bool:
    """Same signs in the same order; boxes may differ by what float32 rounds off."""
    return [(d.label, d.confidence) for d in found] == [
        (d.label, d.confidence) for d in expected
    ] and np.allclose([d.box for d in found], [d.box for d in expected], rtol=0, atol=1e-3)


def post(server: ModelServer, request: object) -> dict[str, Any]:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    question = Request(f"{server.rest_endpoint}/infer", body, {"Content-Type": "application/json"})
    with urlopen(question, timeout=30) as response:
        return json.load(response)


def refused(server: ModelServer, request: object) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a wrong request."""
    with pytest.raises(HTTPError) as caught:
        post(server, request)
    with caught.value as answer:
        return answer.code, json.load(answer)


def frame_tensor(image: Image, **changes: object) -> dict[str, Any]:
    tensor = {
        "name": "frame",
        "shape": list(image.shape),
        "datatype": "UINT8",
        "data": image.ravel().tolist(),
    }
    return tensor | changes


@pytest.mark.parametrize("way", WAYS)
def test_it_finds_what_the_local_detector_finds_in_drawn_pictures(
    server: ModelServer, local: Detector, drawn: list[Image], way: str
) -> None:
    with RemoteDetector(url(server, way), deadline_s=PATIENT_S) as remote:
        answers = [(remote.detect(picture), local.detect(picture)) for picture in drawn]
    assert sum(len(expected) for _, expected in answers) >= 5
    assert all(same(found, expected) for found, expected in answers)


@pytest.mark.parametrize("way", WAYS)
def test_it_finds_what_the_local_detector_finds_in_photos(
    server: ModelServer, local: Detector, reference_photos: Path, way: str
) -> None:
    photos = [read_photo(path) for path in find_photos(reference_photos / "images")[:6]]
    with RemoteDetector(url(server, way), deadline_s=PATIENT_S) as remote:
        answers = [(remote.detect(photo), local.detect(photo)) for photo in photos]
    assert sum(len(expected) for _, expected in answers) >= 6
    assert all(same(found, expected) for found, expected in answers)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("confidence", [0.02, 0.8])
def test_it_finds_the_same_at_another_confidence(
    server: ModelServer, drawn: list[Image], way: str, confidence: float
) -> None:
    local = Detector(provider="cpu", confidence=confidence)
    with RemoteDetector(url(server, way), confidence=confidence, deadline_s=PATIENT_S) as remote:
        assert remote.confidence == confidence
        assert all(same(remote.detect(picture), local.detect(picture)) for picture in drawn)


@pytest.mark.parametrize("way", WAYS)
def test_a_remote_detector_knows_what_a_local_one_knows(
    server: ModelServer, local: Detector, way: str
) -> None:
    with RemoteDetector(url(server, way)) as remote:
        assert remote.confidence == local.confidence
        assert remote.info == local.info.model_copy(update={"path": Path("signs")})


@pytest.mark.parametrize("way", WAYS)
def test_plain_tritonclient_gets_the_same_boxes_for_an_array(
    server: ModelServer, local: Detector, drawn: list[Image], way: str
) -> None:
    triton = tritonclient.grpc if way == "grpc" else tritonclient.http
    port = server.grpc_port if way == "grpc" else server.http_port
    binary = {} if way == "grpc" else {"binary_data": False}
    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    tensor = triton.InferInput("frame", list(drawn[0].shape), "UINT8")
    tensor.set_data_from_numpy(drawn[0], **binary)
    wanted = [triton.InferRequestedOutput(name, **binary) for name in OUTPUTS]
    result = client.infer("signs", [tensor], outputs=wanted)
    boxes, scores, class_ids = (result.as_numpy(name) for name in OUTPUTS)
    client.close()
    expected = local.detect(drawn[0])
    assert expected
    assert (boxes.dtype, scores.dtype, class_ids.dtype) == (np.float32, np.float32, np.int64)
    assert np.allclose(boxes, [d.box for d in expected], rtol=0, atol=1e-3)
    assert scores.tolist() == [d.confidence for d in expected]
    assert [LABELS[number] for number in class_ids] == [d.label for d in expected]


def test_a_jpeg_is_decoded_as_the_kit_decodes_it(
    server: ModelServer, local: Detector, drawn: list[Image]
) -> None:
    jpeg = encode_jpeg(drawn[0])
    decoded = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    expected = local.detect(decoded)
    text = base64.b64encode(jpeg).decode()
    tensor = {"name": "frame", "shape": [1], "datatype": "BYTES", "data": [text]}
    answer = post(server, {"inputs": [tensor]})
    scores = {output["name"]: output["data"] for output in answer["outputs"]}["scores"]
    assert np.float32(scores).tolist() == [d.confidence for d in expected]


def test_the_metadata_tells_inputs_outputs_version_and_labels(
    server: ModelServer, local: Detector
) -> None:
    with urlopen(server.rest_endpoint, timeout=30) as response:
        known = json.load(response)
    assert known["name"] == "signs"
    assert known["versions"] == [local.info.version]
    assert [(t["name"], t["datatype"], t["shape"]) for t in known["inputs"]] == [
        ("frame", "UINT8", [-1, -1, 3])
    ]
    assert [(t["name"], t["datatype"], t["shape"]) for t in known["outputs"]] == [
        ("boxes", "FP32", [-1, 4]),
        ("scores", "FP32", [-1]),
        ("class_ids", "INT64", [-1]),
    ]
    assert known["parameters"]["labels"] == ",".join(LABELS)


def test_the_metadata_is_told_by_grpc_too(server: ModelServer, local: Detector) -> None:
    client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc_port}")
    assert client.is_server_live()
    assert client.is_model_ready("signs")
    known = client.get_model_metadata("signs", as_json=True)
    client.close()
    assert known["versions"] == [local.info.version]
    assert [t["name"] for t in known["outputs"]] == list(OUTPUTS)


def test_only_the_outputs_that_were_asked_for_come(server: ModelServer) -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    answer = post(server, {"inputs": [frame_tensor(image)], "outputs": [{"name": "scores"}]})
    assert [output["name"] for output in answer["outputs"]] == ["scores"]
    assert answer["outputs"][0]["shape"] == [0]


SMALL = np.zeros((32, 48, 3), np.uint8)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"inputs": []}, "one, 'frame'"),
        ({"inputs": [frame_tensor(SMALL, name="picture")]}, "one, 'frame'"),
        ({"inputs": [frame_tensor(SMALL)] * 2}, "one, 'frame'"),
        ({"inputs": [frame_tensor(SMALL, datatype="FP32")]}, "UINT8"),
        ({"inputs": [frame_tensor(SMALL, shape=[32, 48])]}, "shape"),
        ({"inputs": [frame_tensor(SMALL, shape=[48, 48, 3])]}, "(48, 48, 3)"),
        ({"inputs": [frame_tensor(SMALL, data=[300] * SMALL.size)]}, "0..255"),
        ({"inputs": [frame_tensor(SMALL[:8, :8])]}, "16 or more"),
        ({"inputs": [frame_tensor(SMALL, datatype="BYTES", shape=[1], data=["?"])]}, "base64"),
        ({"inputs": [frame_tensor(SMALL, datatype="BYTES", shape=[1], data=["AAAA"])]}, "decoded"),
        ({"inputs": [frame_tensor(SMALL, datatype="BYTES", data=["AAAA"] * 2)]}, "One picture"),
        ({"inputs": [frame_tensor(SMALL)], "outputs": [{"name": "masks"}]}, "masks"),
        ({"inputs": [frame_tensor(SMALL)], "parameters": {"confidence": 2}}, "0.01 to 1"),
        ({"inputs": [frame_tensor(SMALL)], "parameters": {"confidence": "high"}}, "high"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    server: ModelServer, request_: object, said: str
) -> None:
    code, answer = refused(server, request_)
    assert code == 400
    assert said in answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"inputs": 1}'])
def test_what_is_no_request_at_all_is_refused(server: ModelServer, body: bytes) -> None:
    code, answer = refused(server, body)
    assert 400 <= code < 500
    assert answer["detail"]


def test_grpc_tells_what_is_wrong_as_an_invalid_argument(server: ModelServer) -> None:
    client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc_port}")
    tensor = tritonclient.grpc.InferInput("frame", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([b"no picture"], object))
    with pytest.raises(InferenceServerException, match="cannot be decoded") as caught:
        client.infer("signs", [tensor])
    client.close()
    assert caught.value.status() == str(grpc.StatusCode.INVALID_ARGUMENT)


def test_many_who_ask_at_once_each_get_their_own_answer(
    server: ModelServer, local: Detector, drawn: list[Image]
) -> None:
    def ask(number: int) -> bool:
        way = WAYS[number % 2]
        with RemoteDetector(url(server, way), deadline_s=PATIENT_S) as remote:
            order = np.random.default_rng(number).permutation(len(drawn))
            return all(same(remote.detect(drawn[i]), expected[i]) for i in order)

    expected = [local.detect(picture) for picture in drawn]
    with ThreadPoolExecutor(4) as clients:
        assert list(clients.map(ask, range(4))) == [True] * 4


def test_a_large_picture_goes_through(server: ModelServer, local: Detector) -> None:
    picture = np.full((2448, 3264, 3), 120, np.uint8)
    assert len(encode_picture(picture)) > 4_000_000  # gRPC's own limit
    for way in WAYS:
        with RemoteDetector(url(server, way), deadline_s=PATIENT_S) as remote:
            assert same(remote.detect(picture), local.detect(picture))


def test_a_bad_request_leaves_the_server_well(server: ModelServer, local: Detector) -> None:
    assert refused(server, {"inputs": []})[0] == 400
    assert post(server, {"inputs": [frame_tensor(SMALL)]})["model_version"] == local.info.version

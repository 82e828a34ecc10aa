"""The protocol by hand, and the latency of several detectors."""

from __future__ import annotations

import base64
import json
from urllib.error import HTTPError

import numpy as np
import pytest

from kit.events import Box, Detection, Label
from kit.mlops.drawing.scene import draw_example
from kit.mlops.serving.latency import compare_latency
from kit.mlops.serving.protocol import ask, readable, rest_answer, rest_request
from kit.mlops.serving.server import ModelServer
from kit.vision.detector import Detector
from kit.vision.frames import Image, decode_jpeg, encode_jpeg, fit_frame
from kit.vision.remote import RemoteDetector

SIGN = Detection(label=Label.STOP, confidence=0.75, box=Box(1.5, 2, 30, 40))


@pytest.fixture
def picture() -> Image:
    return fit_frame(draw_example(seed=7, index=0).image)


def test_a_question_carries_the_picture_as_jpeg(picture: Image) -> None:
    (tensor,) = rest_request(picture)["inputs"]
    assert (tensor["name"], tensor["datatype"], tensor["shape"]) == ("frame", "BYTES", [1])
    sent = decode_jpeg(base64.b64decode(tensor["data"][0]))
    assert np.array_equal(sent, decode_jpeg(encode_jpeg(picture)))


def test_the_answer_by_hand_is_the_one_that_the_server_gives(
    server: ModelServer, picture: Image
) -> None:
    answer = ask(server.rest_endpoint, rest_request(picture))
    local = Detector(provider="cpu")
    found = local.detect(decode_jpeg(encode_jpeg(picture)))
    expected = rest_answer(found, version=local.info.version)
    assert found
    assert answer.pop("id")
    assert answer["parameters"].pop("provider") == local.info.provider
    boxes, expected_boxes = (message["outputs"][0].pop("data") for message in (answer, expected))
    assert answer == expected
    assert np.allclose(boxes, expected_boxes, rtol=0, atol=1e-3)


def test_metadata_and_errors_are_asked_for_the_same_way(server: ModelServer) -> None:
    assert ask(server.rest_endpoint)["name"] == server.model
    with pytest.raises(HTTPError, match="400") as caught:
        ask(server.rest_endpoint, {"inputs": []})
    caught.value.close()


def test_a_message_for_people_is_short_and_still_json() -> None:
    message = {**rest_answer([SIGN, SIGN], version="1"), "long": "x" * 5000, "third": 1 / 3}
    text = readable(message)
    assert '"data": [ 1.5, 2.0, 30.0, 40.0, 1.5, 2.0, 30.0, 40.0 ]' in text
    assert "(5,000 characters)" in text
    assert json.loads(text)["third"] == 0.333
    assert len(text) < 1500


def test_latencies_are_told_for_each_detector(server: ModelServer, picture: Image) -> None:
    with RemoteDetector(server.grpc_url, deadline_s=5) as remote:
        found = compare_latency({"here": Detector(), "there": remote}, picture, rounds=3)
    assert list(found) == ["here", "there"]
    assert all(0 < one.p50 <= one.p95 <= one.slowest for one in found.values())
    assert "ms at the median" in str(found["here"])

"""What presenters deploy: the image's recipe and KServe's manifest agree with the code."""

from __future__ import annotations

import ast
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.child import Child
from kit.messaging.ports import free_port
from kit.mlops.serving.server import (
    LARGEST_MESSAGE_BYTES,
    LOCAL,
    RUNTIME,
    ModelServer,
    wait_ready,
)
from kit.vision.detector import Detector
from kit.vision.remote import RemoteDetector
from kit.vision.tensors import MODEL_NAME

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "presenters" / "serving"
RECIPE = re.sub(
    r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (FOLDER / "Containerfile").read_text(encoding="utf-8"))
)
RUNTIME_OBJECT, SERVICE = yaml.safe_load_all((FOLDER / "kserve.yaml").read_text(encoding="utf-8"))


def steps(instruction: str) -> list[str]:
    return re.findall(rf"(?m)^{instruction} (.*)$", RECIPE)


def image_environment() -> dict[str, str]:
    pairs = (pair.split("=", 1) for line in steps("ENV") for pair in line.split())
    return dict(pairs)


def container() -> dict[str, Any]:
    (one,) = RUNTIME_OBJECT["spec"]["containers"]
    return one


def cluster_environment() -> dict[str, str]:
    return {item["name"]: item["value"] for item in container()["env"]}


def test_the_runtime_is_a_class_that_is_there() -> None:
    module, name = RUNTIME.rsplit(".", 1)
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    assert name in [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def test_image_and_cluster_and_code_mean_the_same_server() -> None:
    image, cluster = image_environment(), cluster_environment()
    shared = {name for name in image if name in cluster} - {"MLSERVER_MODEL_NAME"}
    assert len(shared) >= 4
    assert {name: cluster[name] for name in shared} == {name: image[name] for name in shared}
    assert image["MLSERVER_MODEL_IMPLEMENTATION"] == RUNTIME
    assert image["MLSERVER_GRPC_MAX_MESSAGE_LENGTH"] == str(LARGEST_MESSAGE_BYTES)
    assert image["MLSERVER_MODEL_NAME"] == MODEL_NAME


def test_the_ports_agree() -> None:
    image = image_environment()
    ports = [image[f"MLSERVER_{way}_PORT"] for way in ("HTTP", "GRPC", "METRICS")]
    assert steps("EXPOSE") == [" ".join(ports)]
    (port,) = SERVICE["spec"]["predictor"]["model"]["ports"]
    assert str(port["containerPort"]) == image["MLSERVER_HTTP_PORT"]
    annotations = RUNTIME_OBJECT["spec"]["annotations"]
    assert annotations["prometheus.kserve.io/port"] == image["MLSERVER_METRICS_PORT"]


def test_the_service_names_its_runtime_its_format_and_the_protocol() -> None:
    model = SERVICE["spec"]["predictor"]["model"]
    assert (RUNTIME_OBJECT["kind"], SERVICE["kind"]) == ("ServingRuntime", "InferenceService")
    assert model["runtime"] == RUNTIME_OBJECT["metadata"]["name"]
    assert model["protocolVersion"] == "v2"
    assert RUNTIME_OBJECT["spec"]["protocolVersions"] == ["v2"]
    (known,) = RUNTIME_OBJECT["spec"]["supportedModelFormats"]
    assert model["modelFormat"] == {"name": known["name"], "version": known["version"]}
    assert SERVICE["metadata"]["name"] == MODEL_NAME


def test_what_the_image_copies_is_in_the_repository_and_the_model_lies_where_it_is_looked_for() -> (
    None
):
    copies = [line.split() for line in steps("COPY")]
    assert [name for *names, _ in copies for name in names if not (ROOT / name).exists()] == []
    model = image_environment()["MLSERVER_MODEL_URI"]
    assert ["datasets/model/signs.onnx", f"{model}/signs.onnx"] in copies
    assert steps("CMD") == [f'["mlserver", "start", "{model}"]']


def test_the_image_has_a_python_that_mlserver_runs_on_and_no_root() -> None:
    (base,) = steps("FROM")
    assert re.search(r"python:3\.1[12]-", base)
    assert steps("USER") == ["1000"]
    assert container()["securityContext"]["runAsNonRoot"] is True


def test_the_images_settings_start_a_server_that_answers(
    mlserver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(ROOT / "datasets" / "model" / "signs.onnx", folder)
    ports = {way: free_port() for way in ("HTTP", "GRPC", "METRICS")}
    here = {f"MLSERVER_{way}_PORT": str(port) for way, port in ports.items()}
    here |= {"MLSERVER_HOST": LOCAL, "MLSERVER_MODEL_URI": str(folder)}
    environment = image_environment() | here
    for name in [name for name in os.environ if name.startswith("MLSERVER_")]:
        monkeypatch.delenv(name)
    log = tmp_path / "log"
    argv = (str(mlserver), "start", str(folder))
    with Child.program(*argv, name="image", env=environment, log=log) as child:
        server = ModelServer(LOCAL, ports["HTTP"], ports["GRPC"], MODEL_NAME, child)
        wait_ready(server, log)
        with RemoteDetector(server.grpc_url) as detector:
            assert detector.info.version == Detector().info.version

"""Model files that are not what they should be, and providers that are not there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnxruntime
import pytest
from onnx import helper

from kit.errors import ModelError
from kit.vision import providers
from kit.vision.detector import Detector
from tests.vision.onnx_models import red_rectangle, write_model


def test_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no model"):
        Detector(tmp_path / "none.onnx")


def test_empty_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    with pytest.raises(ModelError, match="0 bytes"):
        Detector(tmp_path / "a.onnx")


def test_file_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"weights of something else" * 50)
    with pytest.raises(ModelError, match="cannot be opened"):
        Detector(tmp_path / "a.onnx")


def test_truncated_model_is_told(tmp_path: Path) -> None:
    path = red_rectangle(tmp_path / "a.onnx")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError):
        Detector(path)


@pytest.mark.parametrize(
    "classes",
    [["person", "car"], ["DangerAhead", "SpeedLimit", "Stop"], ["SpeedLimit", "DangerAhead"]],
)
def test_other_classes_are_told(tmp_path: Path, classes: list[str]) -> None:
    path = red_rectangle(tmp_path / "a.onnx", classes=classes)
    expected = f"Expected: SpeedLimit, DangerAhead, Stop. Got: {', '.join(classes)}"
    with pytest.raises(ModelError, match=expected):
        Detector(path)


@pytest.mark.parametrize(
    "key",
    ["classes", "threshold", "nms_iou", "version", "input_width", "input_height", "colour_order"],
)
def test_missing_metadata_is_told(tmp_path: Path, key: str) -> None:
    with pytest.raises(ModelError, match=rf"Got: no {key}"):
        Detector(red_rectangle(tmp_path / "a.onnx", without=key))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threshold", 1.5),
        ("nms_iou", "high"),
        ("input_width", 600),
        ("colour_order", "BGR"),
        ("scale", 1.0),
        ("classes", 3),
    ],
)
def test_wrong_metadata_is_told(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(ModelError, match=f"wrong metadata.*{key}"):
        Detector(red_rectangle(tmp_path / "a.onnx", **{key: value}))


def test_metadata_that_is_not_json_is_told(tmp_path: Path) -> None:
    import onnx

    path = red_rectangle(tmp_path / "a.onnx", without="version")
    model = onnx.load(str(path))
    model.metadata_props.add(key="version", value="one")
    onnx.save(model, str(path))
    with pytest.raises(ModelError, match="not JSON"):
        Detector(path)


def test_model_with_other_inputs_is_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["x"], [name]) for name in ("scores", "boxes")]
    path = write_model(tmp_path / "a.onnx", nodes, inputs=("x",))
    with pytest.raises(ModelError, match=r"not of the kit's kind.*Got: x -> scores, boxes"):
        Detector(path)


def test_model_with_other_outputs_is_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["images"], ["output0"])]
    path = write_model(tmp_path / "a.onnx", nodes, outputs=("output0",))
    with pytest.raises(ModelError, match="Got: images -> output0"):
        Detector(path)


def test_model_with_outputs_of_another_shape_is_told(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["images"], [name]) for name in ("scores", "boxes")]
    with pytest.raises(ModelError, match="outputs of"):
        Detector(write_model(tmp_path / "a.onnx", nodes))


def test_model_that_cannot_run_is_told(tmp_path: Path) -> None:
    shape = [("shape", [5])]
    nodes = [
        helper.make_node("Constant", [], [name], value_ints=values) for name, values in shape
    ] + [helper.make_node("Reshape", ["images", "shape"], [name]) for name in ("scores", "boxes")]
    with pytest.raises(ModelError, match="not of the kit's kind"):
        Detector(write_model(tmp_path / "a.onnx", nodes))


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_gpu_that_this_onnxruntime_lacks_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: providers.Provider
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ModelError, match=f"cannot run on '{provider}'.*onnxruntime-gpu"):
        Detector(red_rectangle(tmp_path / "a.onnx"), provider=provider)


@pytest.mark.filterwarnings("ignore:Specified provider")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_silent_fallback_to_the_cpu_is_an_error(
    claimed_gpu: None, tmp_path: Path, provider: providers.Provider
) -> None:
    """Here onnxruntime claims a GPU and, asked to use it, takes the CPU: it only warns."""
    with pytest.raises(ModelError, match="was asked for and did not start"):
        Detector(red_rectangle(tmp_path / "a.onnx"), provider=provider)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_auto_goes_on_to_the_next_provider_and_says_so(
    claimed_gpu: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    detector = Detector(red_rectangle(tmp_path / "a.onnx"), provider="auto")
    assert detector.info.provider == "CPUExecutionProvider"
    assert [record.args[0] for record in caplog.records] == ["tensorrt", "cuda"]


@pytest.fixture
def claimed_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = list(providers.PROVIDERS.values())
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    monkeypatch.setattr(providers, "ENGINE_CACHE", tmp_path / "cache")


def test_profile_tells_where_operators_ran(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    model = red_rectangle(tmp_path / "a.onnx")
    session = providers.open_file(model, options, ["CPUExecutionProvider"])
    providers._warm_up(session, (32, 32))
    ran = providers.nodes_run(Path(session.end_profiling()))
    assert ran["CPUExecutionProvider", "ArgMax"] == 4 * providers.WARM_UP_RUNS


CUDA, CPU = providers.PROVIDERS["cuda"], providers.PROVIDERS["cpu"]


def test_gpu_that_ran_the_convolutions_is_proven() -> None:
    providers._prove(Counter({(CUDA, "FusedConv"): 9, (CPU, "Shape"): 2}), CUDA)


@pytest.mark.parametrize("ran", [{}, {(CPU, "Conv"): 9}, {(CUDA, "Mul"): 3, (CPU, "FusedConv"): 1}])
def test_convolutions_elsewhere_are_an_error(ran: dict[tuple[str, str], int]) -> None:
    with pytest.raises(ModelError, match="did not run there"):
        providers._prove(Counter(ran), CUDA)

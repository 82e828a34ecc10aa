"""``kit detect`` and ``kit evaluate``, as other programs call them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from kit.cli import main
from kit.vision.photos import read_photo
from tests.vision.onnx_models import RED_SCORE, red_rectangle

Kit = Callable[..., dict[str, Any]]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Finds what is red, and calls it danger."""
    return red_rectangle(tmp_path / "red.onnx")


@pytest.fixture
def kit(model: Path, capsys: pytest.CaptureFixture[str]) -> Kit:
    """Run a command with the red model; give the JSON of its last line, and its exit code."""

    def run(command: str, *args: object) -> dict[str, Any]:
        with pytest.raises(SystemExit) as end:
            main([command, *map(str, args), "--model", str(model), "--json"])
        answer = json.loads(capsys.readouterr().out.splitlines()[-1])
        return {"code": end.value.code or 0, **answer}

    return run


def write_photo(path: Path, box: tuple[int, int, int, int] | None, orientation: int = 1) -> Path:
    """Save a black 600 x 300 photo with a red rectangle, as a PNG with an orientation."""
    pixels = np.zeros((300, 600, 3), np.uint8)
    if box is not None:
        x, y, width, height = box
        pixels[y : y + height, x : x + width] = (255, 0, 0)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    PillowImage.fromarray(pixels).save(path, exif=exif)
    return path


def test_photo_is_answered_with_its_signs(kit: Kit, tmp_path: Path) -> None:
    path = write_photo(tmp_path / "a.png", (100, 50, 40, 30))
    answer = kit("detect", path)
    sign = {"label": "DangerAhead", "confidence": RED_SCORE, "box": [100, 50, 40, 30]}
    assert answer["code"] == 0
    assert (answer["file"], answer["detections"]) == (str(path), [sign])
    assert answer["files"] == [{"file": str(path), "detections": [sign]}]


def test_box_is_in_pixels_of_the_upright_photo(kit: Kit, tmp_path: Path) -> None:
    """Orientation 6: the camera was held upright, and the file lies on its side."""
    path = write_photo(tmp_path / "a.png", (100, 50, 40, 30), orientation=6)
    assert kit("detect", path)["detections"][0]["box"] == [300 - 50 - 30, 100, 30, 40]


def test_several_files_and_folders_are_answered_in_order(kit: Kit, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    paths = [
        write_photo(tmp_path / "z.png", None),
        write_photo(folder / "2.png", (10, 10, 20, 20)),
        write_photo(folder / "10.png", None),
    ]
    answer = kit("detect", paths[0], folder)
    assert [record["file"] for record in answer["files"]] == [str(path) for path in paths]
    assert [len(record["detections"]) for record in answer["files"]] == [0, 1, 0]


def test_confidence_is_taken(kit: Kit, tmp_path: Path) -> None:
    path = write_photo(tmp_path / "a.png", (100, 50, 40, 30))
    assert kit("detect", path, "--confidence", "0.9")["detections"] == []


def test_video_is_answered_frame_by_frame(kit: Kit, tmp_path: Path) -> None:
    path = write_red_video(tmp_path / "ride.avi")
    answer = kit("detect", path)
    assert answer["frames"] == 4
    assert [(sign["frame"], sign["time_s"]) for sign in answer["detections"]] == [
        (1, 0.1),
        (3, 0.3),
    ]
    assert answer["detections"][0]["box"] == pytest.approx([32, 16, 32, 32], abs=2)


def test_pictures_with_boxes_are_written(kit: Kit, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "a.png", (100, 50, 40, 30))
    video = write_red_video(tmp_path / "ride.avi")
    out = tmp_path / "new" / "out"
    kit("detect", photo, video, "--out", out)
    assert (read_photo(out / "a.jpg") != read_photo(photo)).any()
    capture = cv2.VideoCapture(str(out / "ride.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    capture.release()


def test_findings_are_told_to_people(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = write_photo(tmp_path / "a.png", (100, 50, 40, 30))
    empty = write_photo(tmp_path / "b.png", None)
    with pytest.raises(SystemExit):
        main(["detect", str(photo), str(empty), "--model", str(model)])
    told = capsys.readouterr().out
    assert f"{photo}: 1 sign\n" in told
    assert "DangerAhead  88%  40 x 30 at 100, 50" in told
    assert f"{empty}: no signs\n" in told


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.jpg", None, "There is no file"),
        ("empty.jpg", b"", "0 bytes"),
        ("broken.jpg", b"no photo", "cannot be read"),
        ("empty.mp4", b"", "0 bytes"),
        ("broken.mp4", b"no video", "cannot be read"),
    ],
)
def test_bad_file_is_an_error(
    kit: Kit, tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    answer = kit("detect", tmp_path / name)
    assert answer["code"] == 1
    assert problem in answer["error"]


def test_wrong_model_is_an_error(kit: Kit, model: Path, tmp_path: Path) -> None:
    model.write_bytes(b"no model")
    answer = kit("detect", write_photo(tmp_path / "a.png", None))
    assert (answer["code"], "cannot be opened" in answer["error"]) == (1, True)


@pytest.mark.parametrize("args", [["--provider", "npu"], ["--threads", "0"]])
def test_wrong_option_is_wrong_usage(kit: Kit, tmp_path: Path, args: list[str]) -> None:
    assert kit("detect", write_photo(tmp_path / "a.png", None), *args)["code"] == 2


def test_evaluation_of_a_perfect_model(kit: Kit, tmp_path: Path) -> None:
    photos, annotations = write_coco(tmp_path)
    answer = kit("evaluate", "--images", photos, "--annotations", annotations)
    assert answer["code"] == 0
    assert (answer["map50"], answer["map50_95"]) == (1.0, 1.0)
    assert answer["per_class"]["DangerAhead"]["recall"] == 1.0
    assert set(answer["latency_ms"]) >= {"p50", "p95", "p99"}
    assert answer["model"] == "test-1"


def test_evaluation_is_told_to_people(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, annotations = write_coco(tmp_path)
    where = ["--images", str(photos), "--annotations", str(annotations)]
    with pytest.raises(SystemExit):
        main(["evaluate", *where, "--model", str(model)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["DangerAhead", "2", *["1.000"] * 4] in rows
    assert ["all", "2", *["1.000"] * 4] in rows


def test_evaluation_without_annotations_is_an_error(kit: Kit, tmp_path: Path) -> None:
    answer = kit("evaluate", "--images", tmp_path, "--annotations", tmp_path / "none.json")
    assert (answer["code"], "annotations" in answer["error"]) == (1, True)


def test_shipped_model_finds_signs_in_real_photos(capsys: pytest.CaptureFixture[str]) -> None:
    beside = Path(__file__).parents[3] / "shared" / "lego-photos"
    photos = Path(os.environ.get("KIT_REFERENCE_PHOTOS", beside))
    if not photos.is_dir():
        pytest.skip("the real photos are not here: name their folder in KIT_REFERENCE_PHOTOS")
    where = ["--images", str(photos / "images"), "--annotations", str(photos / "annotations.json")]
    with pytest.raises(SystemExit):
        main(["evaluate", *where, "--json"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["map50"] > 0.9


def write_red_video(path: Path) -> Path:
    """A video of four frames, red in the second and the last."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 64))
    for index in range(4):
        frame = np.zeros((64, 128, 3), np.uint8)
        if index % 2:
            frame[16:48, 32:64] = (0, 0, 255)
        writer.write(frame)
    writer.release()
    return path


def write_coco(folder: Path) -> tuple[Path, Path]:
    """Two photos with one sign each, and their annotations."""
    photos = folder / "photos"
    photos.mkdir()
    boxes = {"1.png": (100, 50, 40, 30), "2.png": (300, 100, 60, 60)}
    for name, box in boxes.items():
        write_photo(photos / name, box)
    record = {
        "images": [
            {"id": index, "file_name": name, "width": 600, "height": 300}
            for index, name in enumerate(boxes)
        ],
        "annotations": [
            {"id": index, "image_id": index, "category_id": 7, "bbox": box}
            for index, box in enumerate(boxes.values())
        ],
        "categories": [{"id": 7, "name": "DangerAhead"}],
    }
    annotations = folder / "coco.json"
    annotations.write_text(json.dumps(record))
    return photos, annotations

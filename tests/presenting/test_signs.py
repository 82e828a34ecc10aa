"""Signs to print: in their right size, with cut marks, and as the model knows them."""

from __future__ import annotations

import io
import json
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.cli import main
from kit.errors import ConfigError
from kit.presenting.signs import FACES, Paper, Place, draw_sheets, lay_out, write_signs
from kit.vision.detector import Detector

POINTS_PER_MM = 72 / 25.4


def streams(pdf: bytes) -> str:
    """The page's drawing orders, in words."""
    found = re.findall(rb"FlateDecode >>\s*stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    found += re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    texts = []
    for data in found:
        try:
            texts.append(zlib.decompress(data).decode("latin-1"))
        except zlib.error:
            continue
    return "\n".join(texts)


@pytest.mark.parametrize("paper", list(Paper))
@pytest.mark.parametrize("width_mm", [16.0, 45.0, 90.0])
def test_no_sign_leaves_the_paper_or_touches_another(paper: Paper, width_mm: float) -> None:
    places = lay_out(FACES, width_mm=width_mm, paper=paper)
    across, down = paper.value
    assert [place.face for place in places] == list(FACES)
    for place in places:
        assert 10 <= place.left_mm <= across - width_mm - 10
        assert 30 <= place.bottom_mm <= down - width_mm - 10
    for one, other in ((a, b) for a in places for b in places if a is not b):
        apart = max(abs(one.left_mm - other.left_mm), abs(one.bottom_mm - other.bottom_mm))
        assert one.page != other.page or apart >= width_mm + 8


def test_the_paper_and_the_signs_have_their_right_size(tmp_path: Path) -> None:
    path = tmp_path / "signs.pdf"
    assert write_signs(path, faces=["stop"], width_mm=45) == 1
    pdf = path.read_bytes()
    (box,) = re.findall(rb"/MediaBox \[ ?([\d. ]+)\]", pdf)
    assert [float(n) for n in box.split()] == pytest.approx(
        [0, 0, 210 * POINTS_PER_MM, 297 * POINTS_PER_MM], abs=0.1
    )
    # The picture's own matrix: its width and height in points, upside down as pictures are.
    matrices = re.findall(r"([\d.]+) 0 0\s+-([\d.]+) 0 [\d.]+ cm", streams(pdf))
    sizes = [(float(x), float(y)) for x, y in matrices]
    wanted = 45 * POINTS_PER_MM
    assert any(size == pytest.approx((wanted, wanted), abs=0.1) for size in sizes), sizes


def test_the_ruler_is_as_long_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "signs.pdf"
    write_signs(path, faces=["stop"])
    lines = re.findall(r"([\d.]+) ([\d.]+) m\s+([\d.]+) ([\d.]+) l", streams(path.read_bytes()))
    lengths = [abs(float(x2) - float(x1)) for x1, _, x2, _ in lines]
    assert any(length == pytest.approx(100 * POINTS_PER_MM, abs=0.1) for length in lengths)


def test_the_model_knows_the_printed_signs() -> None:
    places = [Place("danger_exclamation", 0, 82.5, 180.0)]
    (figure,) = draw_sheets(places, width_mm=45, paper=Paper.A4)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=60)
    sheet = cv2.imdecode(np.frombuffer(buffer.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    assert sheet is not None
    found = Detector().detect(sheet.astype(np.uint8))
    assert [detection.label.value for detection in found] == ["DangerAhead"]


@pytest.mark.parametrize(
    ("faces", "width_mm"), [(["unheard_of"], 45.0), ([], 45.0), (["stop"], 5.0), (["stop"], 400.0)]
)
def test_what_cannot_be_printed_is_refused(
    tmp_path: Path, faces: list[str], width_mm: float
) -> None:
    with pytest.raises(ConfigError):
        write_signs(tmp_path / "signs.pdf", faces=faces, width_mm=width_mm)
    assert not (tmp_path / "signs.pdf").exists()


def test_the_command_writes_the_usual_sheets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "signs.pdf"
    with pytest.raises(SystemExit) as end:
        main(["signs", "--out", str(path), "--letter", "--json"])
    assert not end.value.code
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["signs"] == len(FACES)
    assert path.read_bytes().startswith(b"%PDF")

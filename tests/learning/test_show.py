"""Pictures and tables in notebooks."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np

from kit.events import Box, Detection, Label
from kit.learning.show import show_picture, show_strip, table


def test_a_picture_is_scaled_down_to_the_width_asked_for() -> None:
    image = np.full((400, 1200, 3), (0, 0, 255), np.uint8)
    page = show_picture(image, width_px=300).data
    jpeg = base64.b64decode(re.search(r"base64,([^\"]+)", page)[1])
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (100, 300, 3)
    assert shown[50, 150, 2] > 240
    assert shown[50, 150, 0] < 20


def test_a_small_picture_is_not_blown_up() -> None:
    assert 'width="40"' in show_picture(np.zeros((30, 40, 3), np.uint8)).data


def test_a_title_is_shown_as_text_and_not_as_markup() -> None:
    assert "&lt;b&gt;" in show_picture(np.zeros((3, 4, 3), np.uint8), title="<b>").data


def test_a_table_takes_mappings_and_models() -> None:
    detection = Detection(label=Label.STOP, confidence=0.5, box=Box(1, 2, 3, 4))
    assert "<b>confidence</b>" in table(detection).data
    assert "&lt;script&gt;" in table({"<script>": 1}).data
    assert ">0.2157<" in table({"map50": 0.2157352067493271}).data
    assert ">12345678901<" in table({"t_ns": 12345678901}).data


def test_a_strip_shows_every_picture_with_its_title() -> None:
    pictures = [np.zeros((4, 6, 3), np.uint8)] * 3
    page = show_strip(pictures, ["one", "two", "three"]).data
    assert page.count("<img") == 3
    assert all(f"<b>{title}</b>" in page for title in ("one", "two", "three"))

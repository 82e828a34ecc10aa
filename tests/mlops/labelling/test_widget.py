"""The widget's kernel side: what a person's clicks, as the browser sends them, do to the set."""

from __future__ import annotations

import sys

import pytest

from kit.errors import ConfigError
from kit.mlops.acquire.annotated import KINDS, Sign
from kit.mlops.acquire.keeping import load_set
from kit.mlops.labelling.session import LabellingSession
from kit.mlops.labelling.widget import LabellingWidget, boxes_of, signs_from
from kit.watching.harvest import picture_path

# jupyter-bbox-widget 0.7 declares its traits in a way that traitlets has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Traits should be given:DeprecationWarning")

STOP = {"x": 10, "y": 20, "width": 50, "height": 40, "label": "Stop"}


@pytest.fixture
def widget(harvest, tmp_path):
    return LabellingWidget(LabellingSession(harvest, tmp_path / "set"))


def shown(widget):
    """The parts of the page: status, boxes, undo button, trouble."""
    status, boxes, foot, _ = widget.view.children
    undo, trouble = foot.children
    return status, boxes, undo, trouble


def click(widget, what):
    """Do what the browser does when someone clicks Submit or Skip."""
    shown(widget)[1]._handle_custom_msg({"type": what}, [])


def test_the_first_picture_is_shown_with_what_the_model_saw(widget, harvest):
    status, boxes, _, _ = shown(widget)
    entry = widget.session.current
    assert boxes.image_bytes == picture_path(harvest, entry).read_bytes()
    assert boxes.classes == list(KINDS)
    assert len(boxes.colors) == len(KINDS)
    assert "<b>3</b> to go" in status.value
    assert "near threshold" in status.value


def test_submit_saves_the_boxes_and_shows_the_next_picture(widget, tmp_path):
    _, boxes, _, trouble = shown(widget)
    first = boxes.image_bytes
    boxes.bboxes = [STOP]
    click(widget, "submit")
    (photo,) = load_set(tmp_path / "set").photos
    assert photo.signs == (Sign(2, (10.0, 20.0, 60.0, 60.0)),)
    assert photo.path.read_bytes() == first
    assert boxes.image_bytes != first
    assert [box["label"] for box in boxes.bboxes] == ["Stop", "SpeedLimit"]
    assert trouble.value == ""


def test_skip_passes_over(widget, tmp_path):
    click(widget, "skip")
    assert widget.session.waiting == 2
    assert widget.session.done == 0


def test_undo_brings_back_the_picture_and_the_boxes_that_were_drawn(widget):
    _, boxes, undo, _ = shown(widget)
    first = boxes.image_bytes
    boxes.bboxes = [STOP]
    click(widget, "submit")
    undo.click()
    assert boxes.image_bytes == first
    assert boxes.bboxes == [STOP]
    assert widget.session.done == 0


def test_at_the_end_it_says_so_and_undo_still_works(widget):
    status, boxes, undo, _ = shown(widget)
    for _ in range(3):
        click(widget, "submit")
    assert "Nothing is left" in status.value
    assert boxes.bboxes == []
    click(widget, "submit")  # nothing to submit: nothing happens
    assert widget.session.done == 3
    undo.click()
    assert "<b>1</b> to go" in status.value


def test_a_box_that_cannot_be_is_told_and_the_picture_stays(widget):
    _, boxes, _, trouble = shown(widget)
    first = boxes.image_bytes
    boxes.bboxes = [{**STOP, "width": 0}]
    click(widget, "submit")
    assert "box" in trouble.value
    assert boxes.image_bytes == first
    assert widget.session.done == 0
    boxes.bboxes = [STOP]
    click(widget, "submit")
    assert trouble.value == ""
    assert widget.session.done == 1


def test_a_disk_that_is_full_is_told_and_the_picture_stays(widget, tmp_path):
    (tmp_path / "set").write_text("in the way")
    click(widget, "submit")
    assert "set" in shown(widget)[3].value
    assert widget.session.waiting == 3


def test_boxes_become_signs_and_signs_boxes():
    signs = signs_from([STOP, {**STOP, "label": "other"}], size=(600, 400))
    assert [sign.kind for sign in signs] == ["Stop", "other"]
    assert boxes_of(signs) == [STOP, {**STOP, "label": "other"}]


def test_a_missing_package_is_told_with_the_way_to_get_it(harvest, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyter_bbox_widget", None)
    session = LabellingSession(harvest, tmp_path / "set")
    with pytest.raises(ConfigError, match=r"runaway-train-kit\[mlops\]"):
        LabellingWidget(session)

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape

import pytest
from matplotlib import pyplot as plt

from kit.mlops.measuring import charts
from kit.mlops.measuring.gallery import NOTHING, show_gallery, show_pairs
from kit.mlops.measuring.measurement import RobustScore, summarise
from kit.mlops.measuring.report import write_report
from kit.mlops.measuring.sign_free import count_alarms
from tests.mlops.measuring.making import SPEED, Scripted, box, random_set
from tests.mlops.measuring.test_comparison import compared, finder

PLOTS = (
    charts.plot_precision_recall, charts.plot_thresholds, charts.plot_sizes,
    charts.plot_calibration, charts.plot_confusion, charts.plot_latency,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def measured():
    robust = RobustScore("roll:30", 0.5, {"SpeedLimit": 0.5}, 0.6, 0.7)
    alarms = count_alarms(Scripted((SPEED, box(9, 9), 0.9)), frames=2, threshold=0.5)
    whole = summarise(random_set(1), threshold=0.5, took_ms=[1.0, 2.0])
    return replace(whole, robustness=(robust,), sign_free=alarms)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
@pytest.mark.parametrize("names", [("one",), ("one", "other")])
def test_a_plot_names_its_models(measured, plot, names):
    figure = plot(dict.fromkeys(names, measured))
    words = [text.get_text() for text in figure.findobj(plt.Text)]
    if len(names) > 1 or plot in (charts.plot_thresholds, charts.plot_calibration):
        assert all(any(name in word for word in words) for name in names)
    assert figure.axes
    assert figure.axes[0].has_data() or figure.axes[0].texts


def test_the_curve_that_is_drawn_is_the_one_that_was_measured(measured):
    figure = charts.plot_precision_recall({"one": measured})
    for axis in figure.axes:
        (line,) = axis.lines
        assert tuple(line.get_ydata()) == measured.curves[axis.get_title()].precision


def test_robustness_has_a_bar_for_each_transform(measured):
    axis = charts.plot_robustness({"one": measured}).axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0.5]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["roll:30"]


def test_differences_are_drawn_with_the_interval():
    result = compared(finder(), finder(blind_to=(0,)))
    axis = charts.plot_differences(result).axes[0]
    interval = axis.lines[0].get_xdata()
    assert tuple(interval) == (result.interval.low, result.interval.high)


def test_the_page_needs_nothing_from_outside(measured, tmp_path):
    page = write_report(tmp_path / "new" / "report", measured, name="<b>1.0</b>")
    text = page.read_text()
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    assert "<b>1.0</b>" not in text
    assert "&lt;b&gt;1.0&lt;/b&gt;" in text
    for heading in ("Calibration", "Confusion", "Robustness", "False alarms on frames without"):
        assert heading in text
    pictures = min(16, sum(m.kind == "false alarm" for m in measured.mistakes))
    assert text.count("image/jpeg") >= pictures > 0
    figures = json.loads((page.parent / "measurement.json").read_text())
    assert figures["map50"] == round(measured.evaluation.map50, 4)
    assert plt.get_fignums() == []


def test_the_page_of_a_comparison_shows_both_models(tmp_path):
    result = compared(finder(), finder(blind_to=(0,)))
    page = write_report(tmp_path, result.model, name="new", comparison=result)
    text = page.read_text()
    assert "new is better than old" in text
    assert "Where they differ" in text
    assert "old: 1 mistake<" in text
    assert json.loads((tmp_path / "measurement.json").read_text())["against"]["names"] == [
        "new",
        "old",
    ]


def test_a_gallery_shows_each_mistake_with_its_reason(measured):
    html = show_gallery(measured.mistakes[:3]).data
    assert html.count("<img") == 3
    assert all(escape(one.caption) in html for one in measured.mistakes[:3])
    assert show_gallery([]).data == NOTHING


def test_pairs_show_what_each_model_saw():
    result = compared(finder(), finder(blind_to=(0,)))
    html = show_pairs(result.disagreements[:2], result.names).data
    assert html.count("<img") == 4
    assert "new: 0 mistakes" in html
    assert "old: 1 mistake<" in html

"""Many missions: counted and plotted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from kit.runtime.batch import Flown, plot_margins, summarise
from kit.runtime.outcome import Outcome

STOPPED = Outcome(
    ok=True,
    verdict="The train stopped 80 cm before the danger.",
    stopped=True,
    derailed=False,
    stop_margin_m=0.8,
    stop_label="DangerAhead",
    stop_sign_there=True,
    frames=200,
    dropped=1,
    latency_ms=None,
    brake_latency_ms=30.0,
    stages_ms={},
    memory_mb=None,
    duration_s=20.0,
    ended_by="stopped",
    error=None,
    scenario="standard",
    seed=1,
    fps=10.0,
    runtime="processes",
)


@pytest.fixture
def flown(tmp_path: Path) -> list[Flown]:
    derailed = replace(
        STOPPED, ok=False, stopped=False, derailed=True, stop_margin_m=None, brake_latency_ms=None
    )
    nearer = replace(STOPPED, stop_margin_m=0.2, brake_latency_ms=50.0)
    return [Flown(n, o, tmp_path) for n, o in enumerate([STOPPED, nearer, derailed], start=7)]


def test_a_batch_counts_what_came_of_its_missions(flown: list[Flown]) -> None:
    result = summarise(flown)
    assert (result["missions"], result["ok"], result["stopped"], result["derailed"]) == (3, 2, 2, 1)
    assert result["failed"] == [9]
    assert result["margins_m"] == {"least": 0.2, "median": 0.5, "most": 0.8}
    assert result["brake_latency_ms"]["median"] == 40.0
    assert [run["seed"] for run in result["runs"]] == [1, 1, 1]


def test_a_batch_without_any_stop_has_no_margins(flown: list[Flown]) -> None:
    assert summarise(flown[2:])["margins_m"] is None


def test_the_plot_shows_a_bar_for_each_stop(flown: list[Flown], tmp_path: Path) -> None:
    plot_margins(flown, tmp_path / "margins.png")
    image = cv2.imread(str(tmp_path / "margins.png"))
    green = (image[..., 1] > 150) & (image[..., 2] < 60)
    columns = green.any(axis=0)
    assert (columns[1:] & ~columns[:-1]).sum() == 2

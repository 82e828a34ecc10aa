"""Many look at one console, and what they get is measured."""

from __future__ import annotations

import json

import pytest

from kit.cli import main


def test_each_viewer_gets_pictures_and_their_age_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["bench", "viewers", "--viewers", "3", "--seconds", "4", "--json"])
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["viewers"] == 3
    assert 0 <= told["worst_fps"] <= told["mean_fps"]
    assert told["mean_fps"] * 3 * told["seconds"] == pytest.approx(
        told["age_ms"]["count"], rel=0.05
    )
    assert told["age_ms"]["p50"] > 0
    assert told["console"]["part"] == "console"
    assert told["painted_ms"] is None

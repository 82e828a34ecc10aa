"""The bench of bad links runs the real services; no test looks at the time."""

from __future__ import annotations

import json

import pytest

from kit.bench.link_result import Phase, told_link
from kit.bench.outage import measure_link


@pytest.mark.slow
def test_an_outage_costs_pictures_and_no_event() -> None:
    phases = [Phase("5g", 5), Phase("outage", 6), Phase("5g", 8)]
    begun: list[Phase] = []
    found = measure_link(phases, told=begun.append)
    assert begun == phases
    before, during, _ = found.phases
    assert before.pictures > 0
    assert before.control_ms is not None
    assert during.control_ms is not None
    assert during.waiting > before.waiting
    assert found.said > 0
    assert (found.lost, found.out_of_order) == (0, 0)
    assert None not in (*found.picture_back_s, *found.prediction_back_s, found.caught_up_s)
    assert found.ok
    assert json.loads(json.dumps(found.as_dict()))["lost"] == 0
    for word in ("outage", "a picture in", "0 lost"):
        assert word in told_link(found)

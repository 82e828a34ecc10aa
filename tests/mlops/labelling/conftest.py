"""A small harvest that several tests of this room share."""

from __future__ import annotations

import pytest

from kit.events import Label
from kit.watching.granary import Granary
from tests.watching import make


@pytest.fixture
def harvest(tmp_path):
    """Three frames; the second is the most doubtful, the third shows two signs."""
    folder = tmp_path / "harvest"
    store = Granary(folder, pictures=9, max_bytes=10**9)
    signs = {
        0: (make.sign(),),
        1: (make.sign(confidence=0.4),),
        2: (make.sign(20, 30), make.sign(300, 200, 25, label=Label.SPEED_LIMIT)),
    }
    for index, score in enumerate((0.5, 0.9, 0.7)):
        store.keep(*make.harvested(index, score=score, detections=signs[index]))
    return folder

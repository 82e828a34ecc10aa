"""The lesson on bad links: what is worked out for its plot; the notebook itself runs elsewhere."""

from __future__ import annotations

import pytest

from kit.chaos.bad_link import FarEnd, Gauge, NearEnd, Sight
from kit.config import Settings
from kit.events import PictureQuality
from kit.learning.link_plot import Stretch, ages_s, draw_link

S = 1_000_000_000


@pytest.fixture
def far() -> FarEnd:
    """A far end that never began to read."""
    return FarEnd("127.0.0.1:1", settings=Settings(), train_id="t")


def test_between_two_pictures_the_age_grows_with_the_clock() -> None:
    seen = ages_s([(S, S - 50_000_000)], begin_ns=S, end_ns=3 * S)
    assert len(seen) == 20
    assert seen[0] == (0.0, 0.05)
    assert seen[10] == (1.0, 1.05)


def test_a_new_picture_brings_the_age_back() -> None:
    sights = [(S, S), (2 * S, 2 * S - 100_000_000)]
    ages = dict(ages_s(sights, begin_ns=S, end_ns=3 * S))
    assert ages[0.9] == pytest.approx(0.9)
    assert ages[1.0] == pytest.approx(0.1)


def test_before_the_first_picture_there_is_no_age() -> None:
    assert ages_s([], begin_ns=0, end_ns=S) == []
    assert [at for at, _ in ages_s([(S // 2, 0)], begin_ns=0, end_ns=S)] == [
        tenth / 10 for tenth in range(5, 10)
    ]


def test_the_plot_has_the_age_the_quality_the_outbox_and_the_decision(far: FarEnd) -> None:
    near = NearEnd()
    told = PictureQuality(
        step=3, steps=5, width=400, height=267, fps=5, kbit_per_s=300, reason="narrow"
    )
    far.sights.append(Sight(S, S - 1000, 9000))
    near.gauges.append(Gauge(2 * S, 17, told))
    near.decided.append((2 * S, 31.0))
    stretches = [Stretch("5g", S, 2 * S), Stretch("tunnel", 2 * S, 4 * S)]
    figure = draw_link(stretches, near=near, far=far, began_ns=S)
    age, quality, outbox, decision, rate = figure.axes
    assert [text.get_text() for text in age.texts] == ["5g", "tunnel"]
    assert list(quality.lines[0].get_ydata()) == [400]
    assert list(rate.lines[0].get_ydata()) == [5]
    assert list(outbox.lines[0].get_ydata()) == [17]
    assert list(decision.lines[0].get_ydata()) == [31.0]
    assert len(age.lines[0].get_xdata()) == 30

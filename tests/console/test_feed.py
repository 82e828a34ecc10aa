"""What the console hears while the train's history is being caught up."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.config import Settings
from kit.console.feed import Arrival, Feed
from kit.events import Command
from kit.messaging.kafka import KafkaSink
from kit.messaging.kafka.ordered_lane import Pace
from tests.event_strategies import a_command
from tests.waiting import wait_until

NOWHERE = "127.0.0.1:1"


def test_it_shows_what_happens_now_and_passes_over_the_history_that_comes_beside_it(
    kafka_bootstrap: str, train_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.console.feed.LIVE_HOLDS_NS", 3600 * 10**9)  # however slow this is
    settings, outbox = Settings(), tmp_path / "outbox.sqlite"
    with KafkaSink(NOWHERE, settings=settings, outbox=outbox) as sink:
        for _ in range(2000):
            sink.send(a_command(train_id, reason="then"))
    heard: list[str] = []

    def deliver(arrival: Arrival) -> None:
        if isinstance(arrival.event, Command) and arrival.event.train_id == train_id:
            heard.append(arrival.event.reason)

    with Feed(kafka_bootstrap, settings=settings, deliver=deliver) as feed:
        wait_until(lambda: not feed.trouble, lambda: feed.trouble)
        slowly = Pace(window=5, per_s=20)  # history has not come in whole for as long as we wait
        with KafkaSink(
            kafka_bootstrap, settings=settings, outbox=outbox, events_pace=slowly
        ) as sink:

            def both_came() -> bool:
                sink.send(a_command(train_id, reason="now"))
                return heard.count("now") >= 20 and sink.stats.acknowledged >= 20

            wait_until(both_came, lambda: f"live and history: {sink.stats}", pause_s=0.01)
            assert sink.stats.events_waiting > 100, "history is still on its way"
    assert set(heard[heard.index("now") :]) == {"now"}

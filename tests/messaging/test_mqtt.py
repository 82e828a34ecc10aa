"""The MQTT client, against the embedded broker and against mosquitto."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import paho.mqtt.client as paho
import pytest

from kit.errors import BrokerError, ConfigError
from kit.events import Action, Alive, Command, Event
from kit.messaging import link
from kit.messaging.mqtt import MqttClient
from tests.event_strategies import a_command, a_frame, one_of_each
from tests.messaging.servers import (
    Inbox,
    Mosquitto,
    Proxy,
    publish_packet,
    raw_client,
    say_raw,
    text16,
    user_property,
)
from tests.waiting import PATIENCE_S, wait_until

DYING_CLIENT = """
import sys, threading
from kit.messaging.mqtt import MqttClient
client = MqttClient(sys.argv[1], service="capture", train_id=sys.argv[2])
client.start()
print("ready", flush=True)
threading.Event().wait()
"""


def client(url: str, train_id: str, service: str = "test") -> MqttClient:
    return MqttClient(url, service=service, train_id=train_id)


def listen(url: str, train_id: str, topic: str) -> tuple[MqttClient, Inbox]:
    """Return a client that has not started, and its inbox."""
    listener, inbox = client(url, train_id, "listener"), Inbox()
    listener.subscribe(topic, inbox)
    return listener, inbox


def test_every_event_comes_out_as_it_went_in(broker_url: str, train_id: str) -> None:
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/+")
    sent = one_of_each(train_id)[:4]
    with listener, client(broker_url, train_id) as sender:
        for event in sent:
            sender.publish(event)
        came = inbox.wait_for(4)  # each on a topic of its own, so in any order
        assert sorted(came, key=lambda event: event.kind) == sorted(sent, key=lambda e: e.kind)


def test_the_time_of_reception_is_monotonic_nanoseconds(broker_url: str, train_id: str) -> None:
    import time

    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/command")
    with listener, client(broker_url, train_id) as sender:
        before = time.monotonic_ns()
        sender.publish(a_command(train_id))
        inbox.wait_for(1)
    assert before < inbox.received_ns[0] < time.monotonic_ns()


def test_a_large_image_passes(broker_url: str, train_id: str) -> None:
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/frame")
    frame = a_frame(train_id, size=1_000_000)
    with listener, client(broker_url, train_id) as sender:
        sender.publish(frame)
        assert inbox.wait_for(1) == [frame]


def test_an_image_beyond_the_limit_is_dropped_with_a_reason(broker_url: str, train_id: str) -> None:
    with client(broker_url, train_id) as sender:
        sender.publish(a_frame(train_id, size=2_500_000))
        assert sender.stats.dropped == 1
        assert "too long" in sender.stats.last_errors[-1]


def test_a_wildcard_hears_several_trains(broker_url: str, train_id: str) -> None:
    listener, inbox = listen(broker_url, train_id, "train/+/command")
    trains = [f"{train_id}-{n}" for n in range(3)]
    with listener, client(broker_url, train_id) as sender:
        for train in trains:
            sender.publish(a_command(train))
        assert [event.train_id for event in inbox.wait_for(3)] == trains


def test_a_subscription_after_the_start_is_in_force_when_it_returns(
    broker_url: str, train_id: str
) -> None:
    inbox = Inbox()
    with client(broker_url, train_id, "late") as listener, client(broker_url, train_id) as sender:
        listener.subscribe(f"train/{train_id}/command", inbox)
        sender.publish(a_command(train_id))
        inbox.wait_for(1)


def test_two_handlers_of_a_topic_each_get_the_event_once(broker_url: str, train_id: str) -> None:
    listener, first = listen(broker_url, train_id, f"train/{train_id}/command")
    second, last = Inbox(), Inbox()
    with listener, client(broker_url, train_id) as sender:
        listener.subscribe(f"train/{train_id}/command", second)
        listener.subscribe(f"train/{train_id}/state", last)
        sender.publish(one_of_each(train_id)[2])
        sender.publish(one_of_each(train_id)[3])
        last.wait_for(1)
    assert len(first.events) == len(second.events) == 1


def test_who_comes_late_learns_who_is_there(broker_url: str, train_id: str) -> None:
    with client(broker_url, train_id, "capture"):
        listener, inbox = listen(broker_url, train_id, f"train/{train_id}/alive/capture")
        with listener:
            (alive,) = inbox.wait_for(1)
    assert isinstance(alive, Alive)
    assert (alive.service, alive.status) == ("capture", "online")


def statuses(inbox: Inbox, service: str) -> list[str]:
    found = [event for event in inbox.events if isinstance(event, Alive)]
    return [event.status for event in found if event.service == service]


def test_who_stops_says_so(broker_url: str, train_id: str) -> None:
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/alive/+")
    with listener:
        with client(broker_url, train_id, "capture"):
            wait_until(lambda: statuses(inbox, "capture") == ["online"], "capture is there")
        wait_until(
            lambda: statuses(inbox, "capture") == ["online", "offline"], "capture has stopped"
        )


def test_a_service_has_its_own_last_word(broker_url: str, train_id: str) -> None:
    with client(broker_url, train_id, "capture") as service:
        service.publish(
            Alive(train_id=train_id, service="capture", status="offline", detail="no camera")
        )
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/alive/capture")
    with listener:
        (alive,) = inbox.wait_for(1)
    assert isinstance(alive, Alive)
    assert alive.detail == "no camera"


def test_what_follows_the_start_follows_the_greeting(broker_url: str, train_id: str) -> None:
    told: list[bool] = []
    slow = threading.Event()
    client = MqttClient(broker_url, service="capture", train_id=train_id)
    client.on_connection(lambda up: told.append(slow.wait(0.2) or up))
    with client:
        assert told == [True]


def test_the_broker_says_when_a_client_was_killed(broker_url: str, train_id: str) -> None:
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/alive/capture")
    with listener:
        argv = [sys.executable, "-c", DYING_CLIENT, broker_url, train_id]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            inbox.wait_for(1)
            process.send_signal(signal.SIGKILL)
        inbox.wait_for(2)
    last = inbox.events[-1]
    assert isinstance(last, Alive)
    assert (last.status, last.detail) == ("offline", "the connection was lost")


def test_a_lost_connection_comes_back_with_its_subscriptions(
    broker_url: str, train_id: str
) -> None:
    with Proxy(broker_url) as proxy:
        listener, inbox = listen(proxy.url, train_id, f"train/{train_id}/command")
        with listener, client(broker_url, train_id) as sender:
            proxy.cut()
            wait_until(lambda: listener.stats.reconnects >= 1, "the connection is back")
            other = Inbox()
            listener.subscribe(f"train/{train_id}/state", other)  # waits for the old one as well
            sender.publish(a_command(train_id))
            inbox.wait_for(1)


def test_a_service_is_online_again_after_its_connection_was_lost(
    broker_url: str, train_id: str
) -> None:
    with Proxy(broker_url) as proxy:
        listener, inbox = listen(broker_url, train_id, f"train/{train_id}/alive/capture")
        with listener, client(proxy.url, train_id, "capture"):
            inbox.wait_for(1)
            proxy.cut()
            wait_until(lambda: statuses(inbox, "capture").count("online") == 2, "it is back")
            assert statuses(inbox, "capture")[-1] == "online"


def test_the_end_and_the_return_of_the_connection_are_told(broker_url: str, train_id: str) -> None:
    told: list[bool] = []
    with Proxy(broker_url) as proxy:
        service = client(proxy.url, train_id)
        service.on_connection(told.append)
        with service:
            proxy.close_door()
            wait_until(lambda: told == [True, False], "the loss is told")
            proxy.open_door()
            wait_until(lambda: told == [True, False, True], "the return is told")


def test_with_a_session_the_broker_keeps_what_comes_while_a_client_is_dead(
    broker_url: str, train_id: str
) -> None:
    dying = DYING_CLIENT.replace(
        "train_id=sys.argv[2])",
        "train_id=sys.argv[2], session_s=60)\n"
        "client.subscribe(f'train/{sys.argv[2]}/command', lambda event, ns: None)",
    )
    argv = [sys.executable, "-c", dying, broker_url, train_id]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
    sent: list[Event] = [a_command(train_id, reason=str(number)) for number in range(20)]
    with client(broker_url, train_id, "sender") as sender:
        for event in sent:
            sender.publish(event)
        assert sender.flush(PATIENCE_S)
    inbox = Inbox()
    next_one = MqttClient(broker_url, service="capture", train_id=train_id, session_s=60)
    next_one.subscribe(f"train/{train_id}/command", inbox)
    with next_one:
        assert inbox.wait_for(20) == sent


def test_without_a_connection_only_a_stop_is_kept(broker_url: str, train_id: str) -> None:
    with Proxy(broker_url) as proxy:
        listener, inbox = listen(broker_url, train_id, f"train/{train_id}/#")
        with listener, client(proxy.url, train_id) as sender:
            proxy.close_door()
            wait_until(lambda: not sender.stats.connected, "the connection is lost")
            sender.publish(a_frame(train_id))
            sender.publish(a_command(train_id, Action.CRUISE))
            sender.publish(a_command(train_id, Action.STOP))
            assert sender.stats.dropped == 2
            proxy.open_door()
            wait_until(lambda: any(isinstance(e, Command) for e in inbox.events), "a command came")
            wait_until(lambda: sender.stats.connected, "it knows that it is connected")
            sender.publish(one_of_each(train_id)[3])
            wait_until(lambda: any(e.kind == "state" for e in inbox.events), "what followed came")
    found = [event for event in inbox.events if not isinstance(event, Alive)]
    assert [getattr(event, "action", event.kind) for event in found] == [Action.STOP, "state"]


def test_a_frame_is_dropped_while_the_one_before_is_on_its_way(
    broker_url: str, train_id: str
) -> None:
    frame = a_frame(train_id, size=500_000)
    with Proxy(broker_url) as proxy, client(proxy.url, train_id) as sender:
        proxy.freeze()
        for _ in range(100):
            sender.publish(frame)
        assert sender.stats.dropped > 0
        assert sender.stats.connected
        proxy.thaw()


def test_the_newest_frame_comes_through_once_the_network_flows_again(
    broker_url: str, train_id: str
) -> None:
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/frame")
    frame = a_frame(train_id, size=500_000)
    with listener, Proxy(broker_url) as proxy, client(proxy.url, train_id) as sender:
        proxy.freeze()
        for _ in range(100):
            sender.publish(frame)
        proxy.thaw()
        assert sender.flush(PATIENCE_S)
        last = a_frame(train_id, sequence=1000)
        sender.publish(last)
        wait_until(lambda: inbox.events[-1:] == [last], "the newest frame came")


def test_what_was_published_has_left_after_a_flush(broker_url: str, train_id: str) -> None:
    with client(broker_url, train_id) as sender:
        for event in one_of_each(train_id):
            sender.publish(event)
        assert sender.flush(PATIENCE_S)


def test_a_flush_tells_that_something_has_not_left(broker_url: str, train_id: str) -> None:
    with Proxy(broker_url) as proxy, client(proxy.url, train_id) as sender:
        proxy.close_door()
        wait_until(lambda: not sender.stats.connected, "the connection is lost")
        sender.publish(a_command(train_id, Action.STOP))
        assert not sender.flush(0.05)


def test_a_handler_that_fails_is_counted_and_called_again(broker_url: str, train_id: str) -> None:
    calls: list[Event] = []

    def fail_once(event: Event, _received_ns: int) -> None:
        calls.append(event)
        if len(calls) == 1:
            msg = "a bug in a handler"
            raise RuntimeError(msg)

    listener = client(broker_url, train_id, "listener")
    listener.subscribe(f"train/{train_id}/command", fail_once)
    with listener, client(broker_url, train_id) as sender:
        sender.publish(a_command(train_id))
        sender.publish(a_command(train_id))
        wait_until(lambda: len(calls) == 2, "the handler was called again")
        assert listener.stats.failed == 1
        assert "a bug in a handler" in listener.stats.last_errors[-1]


FRAME_TYPE = user_property(b"type", b"kit.train.frame.v1")
HOSTILE = {
    "nothing at all": (b"", b""),
    "no attributes": (b"", b"\xff\xd8\xff"),
    "an unknown type": (user_property(b"type", b"kit.train.frame.v9"), b"x"),
    "an attribute twice": (FRAME_TYPE * 2, b"x"),
    "a name that is no attribute": (user_property(b"Not An Attribute", b"x"), b"x"),
    "a control character": (user_property(b"\x01", b"\x02"), b"x"),
    "a long attribute": (user_property(b"a", b"b" * 8000), b"x"),
    "many attributes": (user_property(b"a", b"b") * 1000, b"x"),
    "no utf-8 in an attribute": (user_property(b"\xff\xfe", b"\xff"), b"x"),
    "a null in an attribute": (user_property(b"a\0b", b"c\0"), b"x"),
    "a surrogate in an attribute": (user_property(b"a", b"\xed\xa0\x80"), b"x"),
    "a byte order mark": (user_property(b"a", b"\xef\xbb\xbfx"), b"x"),
    "a content type that is no utf-8": (b"\x03" + text16(b"\xff\xff"), b"x"),
    "a null as content type": (b"\x03" + text16(b"\0"), b"x"),
    "an unknown property": (b"\x7f\x01", b"x"),
    "a property cut short": (b"\x26\xff", b"x"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_does_not_end_the_listening(
    broker_url: str, train_id: str, name: str
) -> None:
    properties, payload = HOSTILE[name]
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/#")
    with listener, client(broker_url, train_id) as sender:
        topic = f"train/{train_id}/frame".encode()
        say_raw(broker_url, publish_packet(topic, properties, payload))
        command = a_command(train_id)

        def heard() -> bool:
            # A broker may pass on what paho takes for a broken packet: then the connection is
            # made anew, and what was sent meanwhile is lost.
            sender.publish(command)
            return command in inbox.events

        wait_until(heard, "a good event came")
        assert {type(event) for event in inbox.events} <= {Command, Alive}


def test_rejected_messages_are_counted_with_a_reason(broker_url: str, train_id: str) -> None:
    listener, _ = listen(broker_url, train_id, f"train/{train_id}/#")
    with listener, raw_client(broker_url) as hostile:
        for _ in range(30):
            hostile.sendall(publish_packet(f"train/{train_id}/frame".encode(), b"", b"x"))
        wait_until(lambda: listener.stats.rejected == 30, "all were rejected")
        errors = listener.stats.last_errors
    assert len(errors) == 20
    assert "no CloudEvent" in errors[0]


def test_an_event_on_the_topic_of_another_train_is_rejected(broker_url: str, train_id: str) -> None:
    from kit.messaging.bindings import to_mqtt

    message = to_mqtt(a_command("other"), source="test")
    properties = b"\x03" + text16(b"application/json")
    for name, value in message.user_properties:
        properties += user_property(name.encode(), value.encode())
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/command")
    with listener, raw_client(broker_url) as hostile:
        topic = f"train/{train_id}/command".encode()
        hostile.sendall(publish_packet(topic, properties, message.payload))
        wait_until(lambda: listener.stats.rejected == 1, "it was rejected")
    assert inbox.events == []


def test_a_broker_that_is_not_there_is_named(train_id: str) -> None:
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1\b.*refused"):
        client("mqtt://train:geheim@127.0.0.1:1", train_id).start(timeout_s=3)


def test_a_wrong_password_is_refused_and_not_shown(iotcore_url: str, train_id: str) -> None:
    from kit.messaging.url import BrokerUrl

    right = BrokerUrl.parse(iotcore_url)
    wrong = BrokerUrl(right.host, right.port, username="train", password="geheim")
    with pytest.raises(BrokerError, match="password") as caught:
        client(wrong.plain, train_id).start(timeout_s=3)
    assert "geheim" not in str(caught.value)


def test_a_client_does_not_show_its_password(train_id: str) -> None:
    assert "geheim" not in repr(client("mqtt://train:geheim@broker:1", train_id))


@pytest.mark.parametrize("topic", ["", "a#", "a/#/b", "+a", "a\0"])
def test_what_is_no_filter_is_refused(train_id: str, topic: str) -> None:
    with pytest.raises(ConfigError, match="filter"):
        client("mqtt://broker", train_id).subscribe(topic, Inbox())


def test_publishing_before_the_start_is_counted_as_dropped(train_id: str) -> None:
    early = client("mqtt://broker", train_id)
    early.publish(a_frame(train_id))
    assert (early.stats.published, early.stats.dropped) == (0, 1)


def test_stopping_twice_or_before_the_start_does_nothing(broker_url: str, train_id: str) -> None:
    service = client(broker_url, train_id)
    service.stop()
    service.start()
    service.stop()
    service.stop()
    assert not service.stats.connected


def test_a_client_leaves_no_thread(broker_url: str, train_id: str) -> None:
    before = set(threading.enumerate())
    with client(broker_url, train_id):
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) <= before


def test_events_flow_again_after_the_broker_was_killed(
    tmp_path_factory: pytest.TempPathFactory, train_id: str
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with Mosquitto(folder, "allow_anonymous true") as broker:
        listener, inbox = listen(broker.url, train_id, f"train/{train_id}/command")
        with listener, client(broker.url, train_id) as sender:
            broker.kill()
            wait_until(lambda: not sender.stats.connected, "the loss is seen")
            broker.restart()
            clients = (listener, sender)
            wait_until(lambda: all(c.stats.reconnects >= 1 for c in clients), "both came back")
            wait_until(lambda: all(c.stats.connected for c in clients), "both are there")
            listener.subscribe(f"train/{train_id}/state", Inbox())
            sender.publish(a_command(train_id))
            inbox.wait_for(1)


def test_what_comes_is_acknowledged_at_once(
    broker_url: str, train_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried: list[bool] = []
    ask = link.acknowledge_now

    def noted(of: paho.Client) -> None:
        ask(of)
        hurried.append(of.socket() is not None)

    monkeypatch.setattr(link, "acknowledge_now", noted)
    listener, inbox = listen(broker_url, train_id, f"train/{train_id}/command")
    with listener:
        before = len(hurried)
        listener.publish(a_command(train_id))
        inbox.wait_for(1)
        wait_until(lambda: len(hurried) - before >= 2, "the command, and the broker's word for it")
    assert all(hurried[before : before + 2])

"""The control service between a real broker and a hub: all ways to stop, and one to start."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import paho.mqtt.client as paho
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError, HubError
from kit.events import Action, Alive, Command, FrameStamp, Motion, TrainState, arm_proof
from kit.messaging.bindings import MqttMessage, to_mqtt
from kit.messaging.brokers import embedded_mqtt
from kit.messaging.mqtt import MqttClient
from kit.messaging.url import BrokerUrl
from kit.services.control import ControlService, ControlServiceParameters
from kit.services.operator import Operator
from kit.train.motion import ControlParameters
from tests.services.hub_thread import HubThread, hub_thread
from tests.train import hub_bench
from tests.waiting import PATIENCE_S, wait_until

KEY = SecretStr("a key for tests")
PATIENT = ControlParameters(nominal_v=0).model_copy(  # for a busy machine
    update={"max_age_ms": 600_000, "arm_expires_ms": 600_000, **hub_bench.PATIENT}
)


def move(train_id: str, action: Action = Action.CRUISE) -> Command:
    stamp = FrameStamp.new(
        sequence=0, captured_ns=time.monotonic_ns(), captured_at=datetime.now(UTC)
    )
    return Command(
        train_id=train_id, action=action, reason=f"test: {action}", frame=stamp, lease_ms=5000
    )


@pytest.fixture(scope="module")
def hub() -> Iterator[HubThread]:
    with hub_thread() as it:
        yield it


@contextmanager
def control(
    hub: HubThread, url: str, train_id: str, *, key: SecretStr | None = KEY, **changes: object
) -> Iterator[ControlService]:
    """Run the service beside the test, without a guardian, until the end of the block."""
    hub.port.done.clear()
    values = {"rules": PATIENT, "guardian": False, **changes}
    parameters = ControlServiceParameters(train_id=train_id, hub=hub.source, **values)
    service = ControlService(parameters, settings=Settings(mqtt_url=SecretStr(url), arm_key=key))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            service.run()
        except BaseException as error:  # noqa: BLE001  # told by the test's own thread
            failures.append(error)
            service.ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert service.ready.wait(PATIENCE_S)
    assert not failures, failures
    wait_until(lambda: _is(service, Motion.STOPPED), "standing")
    try:
        yield service
    finally:
        service.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def _is(service: ControlService, motion: Motion) -> bool:
    return service.state is not None and service.state.motion is motion


@contextmanager
def outside(url: str, train_id: str) -> Iterator[MqttClient]:
    with MqttClient(url, service="outside", train_id=train_id) as client:
        yield client


def run_up(service: ControlService, hub: HubThread) -> None:
    """Arm the train and let it cruise, on a lease that is longer than anybody may give."""
    service.arm("test")
    wait_until(lambda: service.state is not None and not service.state.latched, "armed")
    order = move(service.parameters.train_id).model_copy(update={"lease_ms": 600_000})
    service._tell("handle", order, time.monotonic_ns())
    wait_until(lambda: hub.powers and hub.powers[-1] == 60, "full power")


Stop = Callable[[ControlService, MqttClient, HubThread], None]
STOPS: dict[str, Stop] = {
    "a decided stop": lambda s, c, h: c.publish(move(s.parameters.train_id, Action.STOP)),
    "an emergency stop over MQTT by anybody": lambda s, c, h: c.publish(
        Command(train_id=s.parameters.train_id, action=Action.EMERGENCY_STOP, reason="by somebody")
    ),
    "the notebook": lambda s, c, h: s.emergency_stop("the notebook"),
    "the hub's own button": lambda s, c, h: h.call(h.hub.press_button),
    "a service that says goodbye": lambda s, c, h: c.publish(
        Alive(train_id=s.parameters.train_id, service="inference", status="offline")
    ),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=list(STOPS))
def test_whatever_stops_it_the_hub_gets_a_brake_and_the_train_is_latched(
    stop: Stop, hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with control(hub, mqtt_url, train_id) as service, outside(mqtt_url, train_id) as client:
        run_up(service, hub)
        stop(service, client, hub)
        wait_until(lambda: hub.port.motor[-1] == 127, "braked")
        wait_until(lambda: _is(service, Motion.STOPPED), "standing")
        assert service.state is not None
        assert service.state.latched
        hub.call(lambda: hub.hub.press_button(pressed=False))


def test_the_operators_emergency_stop_stops_it(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    key = Settings(mqtt_url=SecretStr(mqtt_url), arm_key=KEY)
    with (
        control(hub, mqtt_url, train_id) as service,
        Operator(train_id=train_id, settings=key) as operator,
    ):
        run_up(service, hub)
        operator.emergency_stop("a child on the track")
        operator.wait_for(
            lambda s: s.motion is Motion.STOPPED and s.reason == "a child on the track", PATIENCE_S
        )
        assert operator.state is not None
        assert operator.state.latched
        assert hub.port.motor[-1] == 127


def test_a_broker_that_dies_stops_it(hub: HubThread, train_id: str) -> None:
    with ExitStack() as broker:
        url = broker.enter_context(embedded_mqtt()).url
        with control(hub, url, train_id) as service:
            run_up(service, hub)
            broker.close()
            wait_until(lambda: hub.port.motor[-1] == 127, "braked")
            wait_until(lambda: _is(service, Motion.STOPPED), "standing")
            assert service.state is not None
            assert "'broker' is gone" in service.state.reason


def test_the_end_of_the_service_is_a_brake(hub: HubThread, mqtt_url: str, train_id: str) -> None:
    with control(hub, mqtt_url, train_id) as service:
        run_up(service, hub)
    assert hub.port.motor[-1] == 127
    assert service.trace.passed[-1].data[2] in {0x82, 0x81}


def test_a_hand_moves_it_and_decisions_do_not(hub: HubThread, mqtt_url: str, train_id: str) -> None:
    with (
        control(hub, mqtt_url, train_id, by_hand=True) as service,
        outside(mqtt_url, train_id) as client,
    ):
        service.arm("test")
        wait_until(lambda: service.state is not None and not service.state.latched, "armed")
        client.publish(move(train_id))
        wait_until(lambda: service.counters.get("commands", 0) >= 1, "the command came")
        assert hub.powers == []
        service.drive(30)
        wait_until(lambda: hub.powers and hub.powers[-1] == 30, "driven by hand")
        service.drive(0)
        wait_until(lambda: _is(service, Motion.STOPPED), "standing")  # and its lights are set
        assert hub.port.motor[-1] == 127
        service.shine(70)
        wait_until(lambda: ("light", 70) in hub.port.done, "the light is on")


def test_without_the_key_nobody_arms_from_this_process(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    with (
        control(hub, mqtt_url, train_id, key=None) as service,
        pytest.raises(ConfigError, match="KIT_ARM_KEY"),
    ):
        service.arm("test")


def test_a_booths_pause_becomes_a_rule_of_the_controller(mqtt_url: str) -> None:
    parameters = ControlServiceParameters(resume_after_s=7)
    service = ControlService(parameters, settings=Settings(mqtt_url=SecretStr(mqtt_url)))
    assert service._rules() == ControlParameters(resume_after_s=7)


def test_a_pause_of_an_instant_is_refused(mqtt_url: str) -> None:
    parameters = ControlServiceParameters(resume_after_s=0.1)
    service = ControlService(parameters, settings=Settings(mqtt_url=SecretStr(mqtt_url)))
    with pytest.raises(ConfigError, match="resume_after_s"):
        service._rules()


def test_a_booths_train_goes_on_by_itself_after_a_decided_stop(
    hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    rules = PATIENT.model_copy(update={"resume_after_s": 1.0})
    with (
        control(hub, mqtt_url, train_id, rules=rules) as service,
        outside(mqtt_url, train_id) as client,
    ):
        run_up(service, hub)
        client.publish(move(train_id, Action.STOP))
        wait_until(lambda: hub.port.motor[-1] == 127, "braked")
        began = len(hub.powers)
        wait_until(lambda: _latched(service), "latched")

        def goes_on() -> bool:
            client.publish(move(train_id))
            return len(hub.powers) > began

        wait_until(goes_on, "it goes on", pause_s=0.05)


def _latched(service: ControlService) -> bool:
    return service.state is not None and service.state.latched


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_however_its_process_ends_the_train_is_braked(
    number: signal.Signals, hub: HubThread, mqtt_url: str, train_id: str
) -> None:
    hub.port.done.clear()
    settings = Settings(mqtt_url=SecretStr(mqtt_url), arm_key=KEY)
    rules = {"silence_stop_ms": 500, "silence_slow_ms": 499, "nominal_v": 0, "max_age_ms": 499}
    values = {"train_id": train_id, "hub": hub.source, "rules": rules}
    arguments = ("control", "--parameters", json.dumps(values))
    process = Child.module("kit.services", *arguments, name="control", env=settings.environment())
    with (
        process,
        outside(mqtt_url, train_id) as client,
        Operator(train_id=train_id, settings=settings) as operator,
    ):
        process.ready(timeout_s=PATIENCE_S)
        moving = threading.Event()

        def keep_going() -> None:
            while not moving.wait(0.05):
                client.publish(move(train_id))

        going = threading.Thread(target=keep_going, daemon=True)
        going.start()
        while not hub.powers or hub.powers[-1] != 60:
            with suppress(HubError):  # it was too late again, before it could say that it is armed
                operator.arm(timeout_s=PATIENCE_S)
            wait_until(
                lambda: _standing(operator) or 60 in hub.powers[-1:], "under way, or too late"
            )
        process.signal(number)
        wait_until(lambda: hub.port.motor[-1] == 127, "braked")
        wait_until(lambda: not process.alive, "ended")
        moving.set()
        going.join()
        assert hub.port.motor[-1] == 127


def _standing(operator: Operator) -> bool:
    return operator.state is not None and operator.state.latched


# What a stranger may put on the train's topics.

_KINDS = ["frame", "prediction", "command", "state", "alive/capture", "alive/control", "model"]


def _valid(train_id: str, state: TrainState, used: Command) -> list[MqttMessage]:
    """What a stranger may have overheard, or made up without the key."""
    wrong = arm_proof("another key", train_id=train_id, challenge=state.challenge or "")
    events = [
        move(train_id),
        move(train_id, Action.SLOW),
        Command(train_id=train_id, action=Action.ARM, reason="mine", proof=wrong),
        Command(train_id=train_id, action=Action.ARM, reason="mine", proof="00" * 32),
        state.model_copy(update={"latched": False, "challenge": None}),
        Alive(train_id=train_id, service="decision"),
        used,
    ]
    return [to_mqtt(event, source="stranger") for event in events]


def _properties(content_type: str | None, pairs: list[tuple[str, str]]) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    if content_type:
        properties.ContentType = content_type
    if pairs:
        properties.UserProperty = pairs
    return properties


_word = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
_mess = st.lists(
    st.tuples(
        st.sampled_from(_KINDS),
        st.integers(0, 6),
        st.one_of(
            st.just(None),
            st.binary(max_size=300),
            st.tuples(st.integers(0, 10_000), st.integers(0, 255)),
        ),
        st.sampled_from(["application/json", "image/jpeg", "", "text/plain"]),
        st.lists(st.tuples(_word, _word), max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@dataclass
class Target:
    """A control service, a stranger on its broker, and an arming that has been used up."""

    service: ControlService
    stranger: paho.Client
    used: Command

    def throw(self, topic: str, payload: bytes, properties: Properties) -> None:
        sent = self.stranger.publish(topic, payload, qos=1, properties=properties)
        sent.wait_for_publish(PATIENCE_S)


@pytest.fixture(scope="module")
def target(hub: HubThread, mqtt_url: str) -> Iterator[Target]:
    train_id = "under-fire"
    url = BrokerUrl.parse(mqtt_url)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(url.username, url.password)
    client.connect(url.host, url.port)
    client.loop_start()
    wait_until(client.is_connected, "the stranger is in")
    with control(hub, mqtt_url, train_id) as service, outside(mqtt_url, train_id) as operator:
        assert service.state is not None
        assert service.state.challenge is not None
        challenge = service.state.challenge
        proof = arm_proof(KEY.get_secret_value(), train_id=train_id, challenge=challenge)
        used = Command(train_id=train_id, action=Action.ARM, reason="once", proof=proof)
        operator.publish(used)
        wait_until(lambda: not _latched(service), "armed")
        service.emergency_stop("the fire begins")
        wait_until(lambda: _latched(service) and _is(service, Motion.STOPPED), "latched")
        yield Target(service, client, used)
        assert service.counters["commands"] > 20  # the fire was no mere noise
    client.disconnect()
    client.loop_stop()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(mess=_mess)
def test_nothing_that_a_stranger_puts_on_any_topic_moves_a_latched_train(
    mess: list, target: Target, hub: HubThread
) -> None:
    service, train_id = target.service, target.service.parameters.train_id
    assert service.state is not None
    challenge = service.state.challenge
    samples = _valid(train_id, service.state, target.used)
    for kind, which, harm, content_type, pairs, whole in mess:
        message = samples[which]
        payload = bytearray(harm if isinstance(harm, bytes) else message.payload)
        if isinstance(harm, tuple):
            payload[harm[0] % len(payload)] ^= harm[1]
        true = _properties(message.content_type, [*message.user_properties])
        topic = message.topic if whole else f"train/{train_id}/{kind}"
        target.throw(topic, bytes(payload), true if whole else _properties(content_type, pairs))
    stop = Command(train_id=train_id, action=Action.EMERGENCY_STOP, reason="the fire ends")
    message = to_mqtt(stop, source="test")
    properties = _properties(message.content_type, [*message.user_properties])
    target.throw(message.topic, message.payload, properties)
    # The emergency stop comes after them all, and gives the train a new challenge.
    wait_until(
        lambda: service.state is not None and service.state.challenge != challenge, "all came"
    )
    assert _latched(service)
    assert hub.powers == []

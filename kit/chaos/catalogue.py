"""Every fault that ``kit chaos`` tries, with what must come of it, in the order of trial."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from kit.chaos import faults as f
from kit.chaos import messages as m
from kit.chaos.fault import Effect, Fault, Where
from kit.chaos.wirings import STEP_S, clock_stepped
from kit.services.catalogue import SERVICES
from kit.sim.mishaps import CameraMishap, HubMishap

_SEEING = ("capture", "inference", "decision")
_ENDS = "The mission ends with an emergency stop. Start it again."
_STANDS = (
    "The mission ends, since the train stopped for no sign. With `--stay` it waits to be armed."
)
_GOES_ON = "Nothing: the mission goes on."


def all_faults() -> tuple[Fault, ...]:
    """Return all faults; those of one stage stand together."""
    return (
        *_killed(),
        *_halted(),
        *_half_open(),
        *_brokers(),
        *_camera(),
        *_inference(),
        *_hub(),
        *_messages(),
        *_disk(),
        *_clock(),
        *_bluez(),
        *_supervisor(),
    )


def _killed() -> Iterator[Fault]:
    for name in _SEEING:
        yield Fault(
            name=f"{name}-killed",
            what=f"SIGKILL to the {name} service",
            effect=Effect.STOPS,
            expected="Stops: the broker tells the controller that the service is gone.",
            inject=partial(f.killed, name=name),
            demo=_ENDS,
        )
    yield Fault(
        name="control-killed",
        what="SIGKILL to the control service, which alone holds the hub",
        effect=Effect.STOPS,
        expected="Stops: the guardian, a process of its own, connects to the hub and brakes.",
        inject=partial(f.killed, name="control"),
        demo=_ENDS,
        stand_within_ms=3000,
    )
    yield Fault(
        name="guardian-killed",
        what="SIGKILL to the controller's guardian",
        effect=Effect.STOPS,
        expected="Stops: without a guardian the train does not run. Another one is started.",
        inject=partial(f.gone, name="guardian"),
        demo=_STANDS,
    )
    for name, why in (("streaming", "It serves"), ("console", "It shows")):
        yield Fault(
            name=f"{name}-killed",
            what=f"SIGKILL to the {name}" + (" service" if name in SERVICES else ""),
            effect=Effect.DRIVES_ON,
            expected=f"Drives on. {why} the far side only, which the near side never waits for.",
            inject=partial(f.killed if name in SERVICES else f.gone, name=name),
            demo=_ENDS if name in SERVICES else _GOES_ON,
        )


def _halted() -> Iterator[Fault]:
    for name in _SEEING:
        yield Fault(
            name=f"{name}-halted",
            what=f"SIGSTOP to the {name} service: it hangs, and its connection stays open",
            effect=Effect.STOPS,
            expected="Stops: no fresh decision for 450 ms.",
            inject=partial(f.halted, name=name),
            demo=_STANDS,
        )
    yield Fault(
        name="control-halted",
        what="SIGSTOP to the control service",
        effect=Effect.STOPS,
        expected="Stops: its guardian misses its heartbeat for 400 ms, connects and brakes. "
        "When the service wakes up, it finds the guardian gone and stays stopped.",
        inject=partial(f.halted, name="control"),
        demo=_STANDS,
        stand_within_ms=3000,
    )
    yield Fault(
        name="streaming-halted",
        what="SIGSTOP to the streaming service",
        effect=Effect.DRIVES_ON,
        expected="Drives on: what it does not take is dropped, and nothing waits for it.",
        inject=partial(f.halted, name="streaming"),
        demo=_GOES_ON,
    )


def _half_open() -> Iterator[Fault]:
    for name in (*_SEEING, "control"):
        yield Fault(
            name=f"{name}-cut-off",
            what=f"the wire between {name} and broker carries nothing, and nobody is told",
            effect=Effect.STOPS,
            expected="Stops: no fresh decision for 450 ms. What comes late is too old to move on.",
            inject=partial(f.half_open, name=name),
            demo=_STANDS,
        )
    yield Fault(
        name="streaming-cut-off",
        what="the wire between streaming and broker carries nothing, and nobody is told",
        effect=Effect.DRIVES_ON,
        expected="Drives on.",
        inject=partial(f.half_open, name="streaming"),
        demo=_GOES_ON,
    )


def _brokers() -> Iterator[Fault]:
    yield Fault(
        name="broker-killed",
        what="SIGKILL to the MQTT broker; another one takes its place",
        effect=Effect.STOPS,
        expected="Stops: the controller loses its connection. The services find back.",
        inject=f.broker_killed,
        demo=_ENDS,
    )
    yield Fault(
        name="broker-halted",
        what="SIGSTOP to the MQTT broker",
        effect=Effect.STOPS,
        expected="Stops: no fresh decision for 450 ms.",
        inject=partial(f.halted, name="broker"),
        demo=_STANDS,
    )
    yield Fault(
        name="kafka-killed",
        what="SIGKILL to the Kafka broker, which is started again by its keeper",
        effect=Effect.DRIVES_ON,
        expected="Drives on: events wait on the disk until Kafka is back.",
        inject=f.kafka_killed,
        demo=_GOES_ON,
    )


def _camera() -> Iterator[Fault]:
    silent = "Stops: no fresh decision for 450 ms."
    for mishap, what, expected in (
        (
            CameraMishap.FROZEN,
            "the camera gives the same picture again and again, each as if it were new",
            "Stops: a live picture that repeats itself is no frame. " + silent[7:],
        ),
        (CameraMishap.SILENT, "the camera hangs: connected, and no picture comes", silent),
        (
            CameraMishap.BLACK,
            "the camera's lens is covered: black pictures, with the sensor's noise",
            "Stops: an empty picture is no frame. " + silent[7:],
        ),
        (CameraMishap.UNPLUGGED, "the camera's cable is pulled out, and put back", silent),
    ):
        yield Fault(
            name=f"camera-{mishap.value}",
            what=what,
            effect=Effect.STOPS,
            expected=expected,
            inject=partial(f.camera, mishap=mishap),
            demo=_STANDS,
        )


def _inference() -> Iterator[Fault]:
    yield Fault(
        name="inference-slowed",
        what=f"the inference service runs a tenth of the time, {f.SLOWDOWN} times slower",
        effect=Effect.NEVER_BLIND,
        expected="Stops or goes slowly: it moves on no frame older than 300 ms.",
        inject=partial(f.throttled, name="inference"),
        demo=_STANDS,
        lasts_s=5.0,
    )


def _hub() -> Iterator[Fault]:
    yield Fault(
        name="hub-out-of-reach",
        what="the Bluetooth link breaks, and comes back after 2 s",
        effect=Effect.STOPS,
        expected="Runs on, since nobody can reach the motor; stops at once when the link is back, "
        "where a brake is the first thing written.",
        inject=partial(f.hub, mishap=HubMishap.OUT_OF_REACH),
        demo=_STANDS,
        from_mending=True,
        lasts_s=2.0,
        stand_within_ms=6000,
    )
    yield Fault(
        name="hub-off",
        what="the hub loses its power, and is switched on again",
        effect=Effect.STOPS,
        expected="Rolls out without power, and stays stopped when the hub is back.",
        inject=partial(f.hub, mishap=HubMishap.OFF),
        demo=_STANDS,
        stand_within_ms=4000,
    )
    yield Fault(
        name="hub-button",
        what="someone presses the hub's green button",
        effect=Effect.STOPS,
        expected="Stops: the button is an emergency stop.",
        inject=partial(f.hub, mishap=HubMishap.BUTTON),
        demo=_STANDS,
    )


def _messages() -> Iterator[Fault]:
    yield Fault(
        name="commands-replayed",
        what="the decision hangs, and its earlier commands are sent again, 30 a second",
        effect=Effect.STOPS,
        expected="Stops: a repeated command renews nothing.",
        inject=m.replayed_commands,
        demo=_STANDS,
    )
    yield Fault(
        name="arming-replayed",
        what="the train stands, and an earlier arming is sent again, 50 a second",
        effect=Effect.STAYS,
        expected="Stays latched: each latch asks a new question, which an old answer does not fit.",
        inject=m.replayed_arming,
        demo=_GOES_ON,
    )
    yield Fault(
        name="hostile-messages",
        what="the train stands; forged armings, decisions, states and signs of life come from "
        "someone who holds the broker's password and not the arm key",
        effect=Effect.STAYS,
        expected="Stays latched: only a proof made with the arm key starts it.",
        inject=m.hostile,
        demo=_GOES_ON,
    )
    for name, what, why, inject in (
        (
            "messages-duplicated",
            "every message comes twice",
            "the second of two is not newer.",
            m.duplicated,
        ),
        (
            "messages-reordered",
            "every message comes once more, 150 to 250 ms late and shuffled",
            "older than the newest is not acted on.",
            m.reordered,
        ),
        (
            "messages-stale",
            "forged decisions and predictions about frames of an hour ago, 10 s ago and tomorrow",
            "too old and not yet are refused alike.",
            m.stale,
        ),
        (
            "messages-malformed",
            "cut, random, deeply nested, empty and mislabelled messages, 200 a second",
            "what is no event is counted and dropped.",
            m.malformed,
        ),
        (
            "messages-huge",
            "messages of 10 MB on every topic",
            "the broker refuses them and throws their sender out.",
            m.huge,
        ),
    ):
        yield Fault(
            name=name,
            what=what,
            effect=Effect.DRIVES_ON,
            expected=f"Drives on: {why}",
            inject=inject,
            demo=_GOES_ON,
        )


def _disk() -> Iterator[Fault]:
    yield Fault(
        name="disk-full",
        what="no service can write a byte to any file",
        effect=Effect.DRIVES_ON,
        expected="Drives on: nothing that drives the train needs the disk.",
        inject=partial(f.no_disk, names=SERVICES),
        demo="The mission ends with an emergency stop: see supervisor-disk-full.",
    )
    yield Fault(
        name="disk-full-no-kafka",
        what="Kafka hangs, and the streaming service can write nothing to its disk",
        effect=Effect.DRIVES_ON,
        expected="Drives on: what can be neither sent nor kept is dropped.",
        inject=partial(
            f.both,
            faults=(
                f.kafka_halted,
                partial(f.no_disk, names=("streaming",)),
            ),
        ),
        demo=_GOES_ON,
        lasts_s=4.0,
    )


def _clock() -> Iterator[Fault]:
    for name, step_s in (("clock-forward", STEP_S), ("clock-back", -STEP_S)):
        hours = f"{step_s / 3600:+.0f}"
        yield Fault(
            name=name,
            what=f"the wall clock of all services but streaming is stepped by {hours} h",
            effect=Effect.DRIVES_ON,
            expected="Drives on: only the monotonic clock decides what is fresh.",
            inject=partial(clock_stepped, by_s=step_s),
            demo=_GOES_ON,
            where=Where.CLOCK,
        )


def _bluez() -> Iterator[Fault]:
    yield Fault(
        name="control-killed-bluez",
        what="SIGKILL to the control service while BlueZ holds the link to the hub",
        effect=Effect.STOPS,
        expected="Stops: the guardian finds the link that BlueZ still holds, and brakes over it.",
        inject=partial(f.killed, name="control"),
        demo=_ENDS,
        stand_within_ms=3000,
        where=Where.BLUEZ,
    )


def _supervisor() -> Iterator[Fault]:
    yield Fault(
        name="supervisor-halted",
        what="SIGSTOP to `kit demo`, which minds the services",
        effect=Effect.DRIVES_ON,
        expected="Drives on: the services look after each other.",
        inject=partial(f.halted, name="supervisor"),
        demo="It goes on when it wakes up.",
        where=Where.SUPERVISED,
    )
    yield Fault(
        name="supervisor-killed",
        what="SIGKILL to `kit demo`",
        effect=Effect.STOPS,
        expected="Stops: every service ends with its supervisor, and the controller brakes first.",
        inject=partial(f.gone, name="supervisor"),
        demo="All of its processes end by themselves. Start it again.",
        where=Where.SUPERVISED,
    )
    yield Fault(
        name="supervisor-disk-full",
        what="`kit demo` can write nothing to its disk",
        effect=Effect.STOPS,
        expected="Stops: a mission that cannot be recorded ends with an emergency stop.",
        inject=partial(f.no_disk, names=("supervisor",)),
        demo="It ends with an emergency stop; its result still goes to standard output.",
        where=Where.SUPERVISED,
    )

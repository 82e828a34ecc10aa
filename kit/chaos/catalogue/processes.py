"""Faults of processes: killed, hanging, cut off, with whoever minds them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from kit.chaos import faults as f
from kit.chaos.catalogue.outcomes import ENDS, GOES_ON, SEEING, STANDS
from kit.chaos.fault import Effect, Fault, Where
from kit.services.catalogue import SERVICES


def killed() -> Iterator[Fault]:
    """Yield what is killed."""
    for name in SEEING:
        yield Fault(
            name=f"{name}-killed",
            what=f"SIGKILL to the {name} service",
            effect=Effect.STOPS,
            expected="Stops: the broker tells the controller that the service is gone.",
            inject=partial(f.killed, name=name),
            demo=ENDS,
        )
    yield Fault(
        name="control-killed",
        what="SIGKILL to the control service, which alone holds the hub",
        effect=Effect.STOPS,
        expected="Stops: the guardian, a process of its own, connects to the hub and brakes.",
        inject=partial(f.killed, name="control"),
        demo=ENDS,
        stand_within_ms=3000,
    )
    yield Fault(
        name="guardian-killed",
        what="SIGKILL to the controller's guardian",
        effect=Effect.STOPS,
        expected="Stops: without a guardian the train does not run. Another one is started.",
        inject=partial(f.gone, name="guardian"),
        demo=STANDS,
    )
    for name, why in (("streaming", "It serves"), ("console", "It shows")):
        yield Fault(
            name=f"{name}-killed",
            what=f"SIGKILL to the {name}" + (" service" if name in SERVICES else ""),
            effect=Effect.DRIVES_ON,
            expected=f"Drives on. {why} the far side only, which the near side never waits for.",
            inject=partial(f.killed if name in SERVICES else f.gone, name=name),
            demo=ENDS if name in SERVICES else GOES_ON,
        )


def halted() -> Iterator[Fault]:
    """Yield what hangs."""
    for name in SEEING:
        yield Fault(
            name=f"{name}-halted",
            what=f"SIGSTOP to the {name} service: it hangs, and its connection stays open",
            effect=Effect.STOPS,
            expected="Stops: no fresh decision for 450 ms.",
            inject=partial(f.halted, name=name),
            demo=STANDS,
        )
    yield Fault(
        name="control-halted",
        what="SIGSTOP to the control service",
        effect=Effect.STOPS,
        expected="Stops: its guardian misses its heartbeat for 400 ms, connects and brakes. "
        "When the service wakes up, it finds the guardian gone and stays stopped.",
        inject=partial(f.halted, name="control"),
        demo=STANDS,
        stand_within_ms=3000,
    )
    yield Fault(
        name="streaming-halted",
        what="SIGSTOP to the streaming service",
        effect=Effect.DRIVES_ON,
        expected="Drives on: what it does not take is dropped, and nothing waits for it.",
        inject=partial(f.halted, name="streaming"),
        demo=GOES_ON,
    )


def half_open() -> Iterator[Fault]:
    """Yield whose wire goes dead."""
    for name in (*SEEING, "control"):
        yield Fault(
            name=f"{name}-cut-off",
            what=f"the wire between {name} and broker carries nothing, and nobody is told",
            effect=Effect.STOPS,
            expected="Stops: no fresh decision for 450 ms. What comes late is too old to move on.",
            inject=partial(f.half_open, name=name),
            demo=STANDS,
        )
    yield Fault(
        name="streaming-cut-off",
        what="the wire between streaming and broker carries nothing, and nobody is told",
        effect=Effect.DRIVES_ON,
        expected="Drives on.",
        inject=partial(f.half_open, name="streaming"),
        demo=GOES_ON,
    )


def brokers() -> Iterator[Fault]:
    """Yield what befalls the brokers."""
    yield Fault(
        name="broker-killed",
        what="SIGKILL to the MQTT broker; another one takes its place",
        effect=Effect.STOPS,
        expected="Stops: the controller loses its connection. The services find back.",
        inject=f.broker_killed,
        demo=ENDS,
    )
    yield Fault(
        name="broker-halted",
        what="SIGSTOP to the MQTT broker",
        effect=Effect.STOPS,
        expected="Stops: no fresh decision for 450 ms.",
        inject=partial(f.halted, name="broker"),
        demo=STANDS,
    )
    yield Fault(
        name="kafka-killed",
        what="SIGKILL to the Kafka broker, which is started again by its keeper",
        effect=Effect.DRIVES_ON,
        expected="Drives on: events wait on the disk until Kafka is back.",
        inject=f.kafka_killed,
        demo=GOES_ON,
    )


def bluez() -> Iterator[Fault]:
    """Yield what befalls a link that BlueZ holds."""
    yield Fault(
        name="control-killed-bluez",
        what="SIGKILL to the control service while BlueZ holds the link to the hub",
        effect=Effect.STOPS,
        expected="Stops: the guardian finds the link that BlueZ still holds, and brakes over it.",
        inject=partial(f.killed, name="control"),
        demo=ENDS,
        stand_within_ms=3000,
        where=Where.BLUEZ,
    )


def supervisor() -> Iterator[Fault]:
    """Yield what befalls who minds the services."""
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

"""The command ``kit replay``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import EXIT_INTERRUPTED, JsonFlag, emit

if TYPE_CHECKING:
    from kit.config import Settings
    from kit.events import Event
    from kit.messaging.kafka import KafkaSink
    from kit.messaging.mqtt import MqttClient
    from kit.recording.player import Player

SHIPPED = "datasets/runs/standard"
"""The recorded run that comes with the kit."""


def register(app: typer.Typer) -> None:
    """Add the room's command to the command line."""
    app.command("replay")(replay)


def replay(
    file: Annotated[
        Path | None,
        typer.Argument(help="A recording, or a run's folder; the kit's own if not given."),
    ] = None,
    *,
    speed: Annotated[float, typer.Option(help="How much faster than it was; 0.5 is half.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    train_id: Annotated[
        str, typer.Option(help="Train to play it as; its name begins with 'replay'.")
    ] = "replay",
    only: Annotated[
        list[str] | None,
        typer.Option(help="Play this kind of event only, such as 'frame'; may be repeated."),
    ] = None,
    kafka: Annotated[
        bool, typer.Option(help="Whether to play it to Kafka as well, for consoles.")
    ] = True,
    console: Annotated[bool, typer.Option(help="Whether to serve the console page.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Play a recorded run through the same topics, as if it were now.

    It is played as a train of its own, which no controller drives, so nothing that is played
    can move a train. Brokers that are not named are started. Ctrl-C ends it.
    """
    from kit.config import Settings, share_path
    from kit.messaging.brokers import ensure_brokers
    from kit.recording.player import KINDS, Player
    from kit.recording.reader import Recording

    recording = Recording(file or share_path(SHIPPED))
    player = Player(
        recording,
        train_id=train_id,
        speed=speed,
        loop=loop,
        kinds=only or KINDS,
    )
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals(player))
        settings = stack.enter_context(ensure_brokers(Settings.load(), kafka=kafka))
        outlet = stack.enter_context(_outlet(settings, train_id=train_id, kafka=kafka))
        url = stack.enter_context(_console(settings)) if console and kafka else None
        where = f"; see {url}" if url else ""
        sys.stderr.write(f"Playing {recording.path} as train '{train_id}'{where}\n")
        player.play(outlet.publish)
    played = player.played
    if played.damage:
        sys.stderr.write(f"The recording is damaged: {'; '.join(played.damage)}\n")
    result = {
        "file": str(recording.path),
        "train_id": train_id,
        "events": dict(played.events),
        "loops": played.loops,
        "dropped": outlet.mqtt.stats.dropped,
        "unplayable": played.unplayable,
        "damage": list(played.damage),
    }
    emit(result, as_json=as_json, text=f"Played {played.events.total()} events.")
    if player.stopped and not loop:  # a loop has no other end
        raise typer.Exit(EXIT_INTERRUPTED)


@dataclass(frozen=True)
class _Outlet:
    """Where events are played to."""

    mqtt: MqttClient
    kafka: KafkaSink | None

    def publish(self, event: Event) -> None:
        self.mqtt.publish(event)
        if self.kafka:
            self.kafka.send(event)


@contextmanager
def _outlet(settings: Settings, *, train_id: str, kafka: bool) -> Iterator[_Outlet]:
    """Open MQTT, and Kafka as the streaming service would."""
    from kit.messaging.kafka import KafkaSink
    from kit.messaging.mqtt import MqttClient

    assert settings.mqtt_url is not None
    url = settings.mqtt_url.get_secret_value()
    ca_file = settings.mqtt_ca_file
    with ExitStack() as stack:
        client = stack.enter_context(
            MqttClient(url, service="replay", train_id=train_id, ca_file=ca_file)
        )
        sink = None
        if kafka and settings.kafka_bootstrap:
            sink = KafkaSink(settings.kafka_bootstrap, settings=settings, source="replay")
            stack.enter_context(sink)
        yield _Outlet(client, sink)


@contextmanager
def _ended_by_signals(player: Player) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the playing well."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: signal.signal(n, lambda _number, _frame: player.stop()) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _console(settings: Settings) -> Iterator[str]:
    """Serve the console's page; give its address."""
    from kit.child import Child

    with Child.module(
        "kit.console", "--port", "0", name="console", env=settings.environment()
    ) as child:
        yield child.ready()["url"]

"""The command ``kit bridge``."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import JsonFlag, emit

if TYPE_CHECKING:
    from kit.interop.roles import Older


def register(app: typer.Typer) -> None:
    """Add the bridge's command to the command line."""
    app.command("bridge")(bridge)


def bridge(
    *,
    theirs: Annotated[
        str,
        typer.Option(
            help="Services of the older demo, with commas: capture, inference, decision, "
            "controller, monitoring. The kit's own of these names must not run."
        ),
    ],
    train_id: Annotated[str | None, typer.Option(help="Which train.")] = None,
    controller_topic: Annotated[
        str, typer.Option(help="MQTT topic to which their controller listens.")
    ] = "train-command",
    seconds: Annotated[float, typer.Option(help="How long; 0 until Ctrl-C.")] = 0.0,
    as_json: JsonFlag = False,
) -> None:
    """Join the kit with services of the older demo, so that theirs stand in for ours.

    The brokers are those of KIT_MQTT_URL and KIT_KAFKA_BOOTSTRAP, unless KIT_OLDER_MQTT_URL and
    KIT_OLDER_KAFKA_BOOTSTRAP name others for their side.
    """
    from kit.child import exit_with_parent
    from kit.config import Settings
    from kit.interop.bridge import Bridge

    settings = Settings.load()
    made = Bridge(
        _parsed(theirs),
        train_id=train_id or settings.train_id,
        settings=settings,
        controller_topic=controller_topic,
    )

    def end(_number: int, _frame: FrameType | None) -> None:
        made.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    exit_with_parent()
    names = sorted(made.side.theirs)
    counted = made.run(
        seconds=seconds,
        once_ready=lambda: emit(
            {"ready": names},
            as_json=as_json,
            text=f"The older demo's {', '.join(names)} stand in (Ctrl-C ends it).",
        ),
    )
    emit({"theirs": names, "counters": counted}, as_json=as_json)


def _parsed(theirs: str) -> list[Older]:
    from kit.errors import ConfigError
    from kit.interop.roles import Older

    names = [name.strip() for name in theirs.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Older)]
    if unknown:
        raise ConfigError(
            "The older demo has no such service",
            expected=f"some of {', '.join(Older)}",
            got=", ".join(unknown),
        )
    return [Older(name) for name in names]

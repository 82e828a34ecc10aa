"""The stage of one notebook: whatever it needs around itself, started where missing.

A learner opens one notebook and has no broker, no track and no other service. The runtime
opens all of them at once and has everything. ``open_stage`` makes both the same for the
notebook's cells.
"""

from __future__ import annotations

import html
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError, MissionError
from kit.events import Event, Frame
from kit.labels import say, translated
from kit.messaging.mailbox import LatestMailbox
from kit.messaging.mqtt import MqttClient
from kit.runtime.plan import Plan
from kit.runtime.stack import running_stack

VIRTUAL = "virtual"
"""Stands for the virtual set's camera or hub."""

_left_open: list[Stage] = []

FRAME_TIMEOUT_S = 15.0
"""How long to wait for a frame, seconds."""


class Stage:
    """What a notebook stands on; end it with :meth:`close`, or with the notebook.

    Attributes:
        train_id: Which train.
        settings: Where the brokers are.
        source: What the capture service is to look through.
        hub: What the control service is to connect to.
        started: Names of what was started for this notebook.
        truth: File in which the virtual set writes what the train does; None without one.
        attached: Whether it uses what runs already, as the notebooks of a mission do.
    """

    def __init__(
        self,
        *,
        train_id: str,
        settings: Settings,
        source: str,
        hub: str,
        started: Sequence[str] = (),
        truth: Path | None = None,
        attached: bool = False,
        resources: ExitStack | None = None,
    ) -> None:
        self.train_id = train_id
        self.settings = settings
        self.source = source
        self.hub = hub
        self.started = tuple(started)
        self.truth = truth
        self.attached = attached
        self._resources = resources or ExitStack()

    def next_frame(self, *, timeout_s: float = FRAME_TIMEOUT_S) -> Frame:
        """Wait for the next frame on MQTT.

        Args:
            timeout_s: How long to wait, seconds.

        Raises:
            MissionError: If none came.
        """
        mailbox: LatestMailbox[Frame] = LatestMailbox()

        def receive(event: Event, _received_ns: int) -> None:
            if isinstance(event, Frame):
                mailbox.put(event)

        assert self.settings.mqtt_url is not None
        url = self.settings.mqtt_url.get_secret_value()
        with MqttClient(
            url, service="notebook", train_id=self.train_id, ca_file=self.settings.mqtt_ca_file
        ) as client:
            client.subscribe(f"train/{self.train_id}/frame", receive)
            frame = mailbox.get(timeout_s)
        if frame is None:
            raise MissionError(
                f"No frame came within {timeout_s:g} s",
                fix="look whether the capture service runs for this train",
            )
        return frame

    def before_closing(self, call: Callable[[], None]) -> None:
        """Have a function called when the stage closes, before what it stands on ends."""
        self._resources.callback(call)

    def close(self) -> None:
        """End what was started for this notebook; what ran before goes on."""
        if self in _left_open:
            _left_open.remove(self)
        self._resources.close()

    def _repr_html_(self) -> str:
        what = ", ".join(map(translated, self.started)) or say("nothing: it uses what runs already")
        words = say(
            "Stage for <b>{train}</b>, started for this notebook: {what}.",
            train=html.escape(self.train_id),
            what=html.escape(what),
        )
        return f"<p>{words}</p>"


def open_stage(
    stage: str,
    *,
    train_id: str,
    services: Sequence[str] = (),
    source: str = VIRTUAL,
    hub: str = VIRTUAL,
    scenario: str = "endless",
    seed: int = 1,
    fps: float = 10.0,
) -> Stage:
    """Give a notebook what it needs around itself.

    Args:
        stage: ``auto`` starts what is missing, ``attach`` uses what runs and starts nothing.
        train_id: Which train.
        services: Services that are to run besides this notebook; started with ``auto`` only.
        source: What is looked through; ``virtual`` for the virtual set's camera.
        hub: Which hub is driven; ``virtual`` for the virtual set's.
        scenario: Scenario of the virtual set.
        seed: Varies the scenario.
        fps: Frames a second of the capture service, if it is started here.

    Returns:
        The stage; this process's environment names its brokers, until it is closed. A stage
        that an earlier run of the same cells left open is closed first.

    Raises:
        ConfigError: If ``stage`` is neither, or nothing runs that could be attached to.
        KitError: If something does not start.
    """
    if stage == "attach":
        settings = Settings.load()
        if settings.mqtt_url is None:
            raise ConfigError(
                "There is nothing to attach to",
                expected="the environment variable KIT_MQTT_URL",
                fix="set the notebook's parameter stage to 'auto'",
            )
        return Stage(train_id=train_id, settings=settings, source=source, hub=hub, attached=True)
    if stage != "auto":
        raise ConfigError("No such stage", expected="'auto' or 'attach'", got=stage)
    if hub != VIRTUAL and source == VIRTUAL and "capture" in services:
        raise ConfigError(
            "A real train must not follow the pictures of a virtual track",
            expected="the real camera as source, or the virtual hub",
            got=f"hub '{hub}', source '{source}'",
            fix="run the mission: kit demo --source /dev/video0 --hub ble",
        )
    while _left_open:  # by an earlier run of the same cells: two would drive one train
        _left_open.pop().close()
    plan = Plan.parse(
        scenario=scenario,
        seed=seed,
        fps=fps,
        source=None if source == VIRTUAL else source,
        hub=None if hub == VIRTUAL else hub,
        console=False,
    )
    _tell(say("Starting brokers and the virtual set"))
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="kit-stage-")))
        stack = resources.enter_context(
            running_stack(plan, settings=Settings.load(), logs=folder, truth=folder / "truth.jsonl")
        )
        resources.enter_context(_environment(stack.settings))
        for name in services:
            _tell(f", {translated(name)}")
            values: dict[str, object] = {"train_id": train_id}
            if name == "capture":
                values |= {"source": stack.source, "fps": fps, "loop": True}
            child = Child.module(
                "kit.services",
                name,
                "--parameters",
                json.dumps(values),
                name=name,
                log=folder / f"{name}.log",
            )
            resources.enter_context(child)
            child.ready()
        opened = Stage(
            train_id=train_id,
            settings=stack.settings,
            source=stack.source,
            hub=stack.hub,
            started=["brokers", *(helper.name for helper in stack.helpers), *services],
            truth=folder / "truth.jsonl" if plan.hub is None else None,
            resources=resources.pop_all(),
        )
    _left_open.append(opened)
    _tell(say(": done.\n"))
    return opened


def _tell(words: str) -> None:
    """Give a sign of life below the cell: a busy machine takes its time."""
    sys.stdout.write(words)
    sys.stdout.flush()


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """Let this process and its children find the brokers, and forget them afterwards."""
    wanted = settings.environment()
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

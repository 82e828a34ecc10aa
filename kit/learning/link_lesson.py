"""A train whose way to Kafka can be made bad, while a notebook looks at both of its ends."""

from __future__ import annotations

import io
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kit.chaos.bad_link import Account, FarEnd, NearEnd, account, kafka_behind_link
from kit.chaos.proxy import PROFILES
from kit.child import Child
from kit.errors import ConfigError, MissionError
from kit.labels import say
from kit.learning.link_plot import Stretch, draw_link
from kit.learning.show import rows
from kit.messaging.mqtt import MqttClient

if TYPE_CHECKING:
    from IPython.display import HTML, Image

    from kit.runtime.stage import Stage

START_TIMEOUT_S = 60.0
"""How long it may take until a picture has come through, seconds."""

CATCH_UP_TIMEOUT_S = 60.0
"""How long what had to wait may take to come, seconds."""

REDRAW_EVERY_S = 1.0
"""How often the plot is drawn anew, seconds."""

PLOT_DPI = 80
"""Pixels an inch of the plot, which stays in the executed notebook."""

FIRST_LINK = "5g"
"""How the link is at first."""


@dataclass(frozen=True)
class StretchFigures:
    """What came through one kind of link.

    Attributes:
        link: Its name.
        pictures_per_s: Pictures that came at once, a second.
        age_s: How old they were then, median, seconds; None without any.
        kilobytes: Their size, median, thousands of bytes; None without any.
        waiting: Most events and frames in the outbox.
        decided_ms: From capture to decision on the train, median, milliseconds; None without any.
    """

    link: str
    pictures_per_s: float
    age_s: float | None
    kilobytes: float | None
    waiting: int
    decided_ms: float | None


class LinkLesson:
    """The link, the streaming service in front of it, and what is seen at both ends.

    It ends with :meth:`close` or with its stage.

    Args:
        stage: Where the train is; no other streaming service may run for it.

    Attributes:
        near: The train's end.
        far: The end of the console.

    Raises:
        KitError: If something does not start.
    """

    def __init__(self, stage: Stage) -> None:
        self.near = NearEnd()
        self.stretches: list[Stretch] = []
        self._began_ns = time.monotonic_ns()
        with ExitStack() as resources:
            folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="kit-link-")))
            self._link = resources.enter_context(
                kafka_behind_link(PROFILES[FIRST_LINK], log=folder / "kafka.log")
            )
            settings = stage.settings.model_copy(
                update={"kafka_bootstrap": self._link.bootstrap, "spool_dir": folder}
            )
            assert settings.mqtt_url is not None
            client = MqttClient(
                settings.mqtt_url.get_secret_value(),
                service="lesson",
                train_id=stage.train_id,
                ca_file=settings.mqtt_ca_file,
            )
            resources.enter_context(client)
            client.subscribe(f"train/{stage.train_id}/#", self.near.receive)
            child = Child.module(
                "kit.services",
                "streaming",
                "--parameters",
                json.dumps({"train_id": stage.train_id}),
                name="streaming",
                env=settings.environment(),
                log=folder / "streaming.log",
            )
            self.far = FarEnd(self._link.bootstrap, settings=settings, train_id=stage.train_id)
            resources.enter_context(self.far)
            resources.enter_context(child)
            child.ready(timeout_s=START_TIMEOUT_S)
            self._wait_for_a_picture()
            # From here on the streaming service certainly hears all that we hear.
            self._heard_from = {kind: len(ids) for kind, ids in list(self.near.said.items())}
            self._resources = resources.pop_all()
        stage.before_closing(self.close)

    def watch(self, link: str, *, seconds: float) -> None:
        """Change the link, and draw for a while what that does; the plot stays.

        Args:
            link: Its name, of ``kit.chaos.proxy.PROFILES``.
            seconds: For how long.

        Raises:
            ConfigError: If there is no link of that name.
        """
        from IPython.display import display

        if link not in PROFILES:
            raise ConfigError("No such link", expected=f"one of {', '.join(PROFILES)}", got=link)
        begin_ns = time.monotonic_ns()
        if not self.stretches:
            self._began_ns = begin_ns
        self._link.proxy.conditions = PROFILES[link]
        handle = display(
            self._plot([*self.stretches, self._until_now(link, begin_ns)]), display_id=True
        )
        pause = threading.Event()
        while (left_s := seconds - (time.monotonic_ns() - begin_ns) / 1e9) > 0:
            pause.wait(min(REDRAW_EVERY_S, left_s))
            handle.update(self._plot([*self.stretches, self._until_now(link, begin_ns)]))
        self.stretches.append(self._until_now(link, begin_ns))

    def figures(self) -> list[StretchFigures]:
        """Return what came through, one for each link that was watched, in order."""
        return [self._figures(stretch) for stretch in self.stretches]

    def table(self) -> HTML:
        """Show the same as a table."""
        heads = ("link", "pictures a second", "age", "kB each", "outbox", "capture → decision")
        return rows(heads, map(_cells, self.figures()))

    def account(self, *, timeout_s: float = CATCH_UP_TIMEOUT_S) -> Account:
        """Wait until all that was said so far has come, and tell what became of it.

        Args:
            timeout_s: How long to wait, seconds; what has not come by then counts as lost.
        """
        told = self.far.told
        known = {
            kind: ids[self._heard_from.get(kind, 0) :] for kind, ids in list(self.near.said.items())
        }
        deadline = time.monotonic() + timeout_s
        pause = threading.Event()
        while account(known, told).lost and time.monotonic() < deadline:
            pause.wait(0.1)
        return account(known, told)

    def close(self) -> None:
        """End what was started; safe to call twice."""
        self._resources.close()

    def _wait_for_a_picture(self) -> None:
        deadline, pause = time.monotonic() + START_TIMEOUT_S, threading.Event()
        while not self.far.sights:
            if time.monotonic() > deadline:
                raise MissionError(
                    f"No picture came through the link within {START_TIMEOUT_S:g} s",
                    fix="look whether the capture service runs for this train",
                )
            pause.wait(0.1)

    def _until_now(self, link: str, begin_ns: int) -> Stretch:
        return Stretch(link, begin_ns, time.monotonic_ns())

    def _plot(self, stretches: Sequence[Stretch]) -> Image:
        from IPython.display import Image

        figure = draw_link(stretches, near=self.near, far=self.far, began_ns=self._began_ns)
        with io.BytesIO() as file:
            figure.savefig(file, format="png", dpi=PLOT_DPI)
            return Image(data=file.getvalue(), format="png")

    def _figures(self, stretch: Stretch) -> StretchFigures:
        sights = [sight for sight in list(self.far.sights) if stretch.holds(sight.at_ns)]
        decided = [ms for at_ns, ms in list(self.near.decided) if stretch.holds(at_ns)]
        waiting = [g.waiting for g in list(self.near.gauges) if stretch.holds(g.at_ns)]
        return StretchFigures(
            link=stretch.link,
            pictures_per_s=len(sights) / stretch.seconds,
            age_s=statistics.median(s.age_ms for s in sights) / 1000 if sights else None,
            kilobytes=statistics.median(s.size for s in sights) / 1000 if sights else None,
            waiting=max(waiting, default=0),
            decided_ms=statistics.median(decided) if decided else None,
        )


def _cells(one: StretchFigures) -> tuple[str, ...]:
    return (
        one.link,
        f"{one.pictures_per_s:.1f}",
        say("none came") if one.age_s is None else f"{one.age_s:.2f} s",
        "" if one.kilobytes is None else f"{one.kilobytes:.0f}",
        f"{one.waiting}",
        "" if one.decided_ms is None else f"{one.decided_ms:.0f} ms",
    )

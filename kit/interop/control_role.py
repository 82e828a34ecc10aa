"""Their controller under the kit's: its latch, its lease and its challenge stay in charge."""

from __future__ import annotations

import asyncio
import secrets

from kit.config import Settings
from kit.interop.formats import OlderCommand, encode_command
from kit.interop.older_broker import OlderBroker
from kit.interop.older_train import OlderTrain, rules_for_older_train
from kit.interop.roles import Side, older_mqtt_url
from kit.services.control import ControlService, ControlServiceParameters
from kit.train.controller import Controller
from kit.train.guardian import Guardian


class ControlRole(ControlService):
    """The control service, with their controller in the place of the hub.

    When the bridge vanishes, the broker says "stop" in its name: once, for that is all a last
    will can do. Their controller starts again by itself after that.

    Args:
        parameters: Rules of the kit's controller.
        settings: Where the brokers are, and the arm key.
        side: The older demo's side.
    """

    def __init__(
        self, parameters: ControlServiceParameters, *, settings: Settings, side: Side
    ) -> None:
        super().__init__(parameters, settings=settings)
        self._topic = side.controller_topic
        self._older = OlderBroker(
            older_mqtt_url(self.settings),
            name=f"{parameters.train_id}-bridge-controller",
            ca_file=self.settings.mqtt_ca_file,
            will=(self._topic, encode_command(OlderCommand.STOP)),
        )

    async def _control(self) -> None:
        key = self.settings.arm_key
        rules = rules_for_older_train(self._rules())
        loop = asyncio.get_running_loop()
        train = OlderTrain(
            lambda command: self._older.say(self._topic, encode_command(command)), rules
        )

        def link_changed(connected: bool) -> None:  # noqa: FBT001  # the link's way
            loop.call_soon_threadsafe(train.link_changed, connected)

        self._older.on_connection(link_changed)
        with self._older.open(), Guardian("", enabled=False) as guardian:
            async with (
                train,
                Controller(
                    train,
                    rules,
                    train_id=self.parameters.train_id,
                    arm_key=key.get_secret_value() if key else secrets.token_hex(),
                    on_state=self._publish_state,
                ) as controller,
            ):
                self._loop, self._controller = loop, controller
                self.ready.set()
                await self._beat(guardian, controller)
                self._controller = None

"""Tell trains by MQTT that there is another model to run, and hear what they make of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from kit.config import Settings
from kit.errors import BrokerError, ConfigError
from kit.events import Event, ModelChange, ModelStatus
from kit.messaging.mqtt import MqttClient
from kit.mlops.registry.store import Promotion

SERVICE = "registry"
"""Name under which an announcer is seen."""

SEND_TIMEOUT_S = 10.0
"""How long the broker may take to acknowledge an announcement, seconds."""


@dataclass
class Announcer:
    """Speaks to trains about their models; made by :func:`announcing`."""

    _clients: dict[str, MqttClient]
    _answers: dict[str, ModelChange] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def train_ids(self) -> tuple[str, ...]:
        """Whom it speaks to."""
        return tuple(self._clients)

    def tell(self, promotion: Promotion, *, registry: str) -> None:
        """Announce a promotion to every train.

        Args:
            promotion: What the registry points at now.
            registry: The registry's URL, with no secret in it.

        Raises:
            BrokerError: If the broker did not take it.
        """
        with self._changed:
            self._answers.clear()  # what was retained is about another promotion
        for train_id, client in self._clients.items():
            client.publish(
                ModelChange(
                    train_id=train_id,
                    status=ModelStatus.PROMOTED,
                    model=promotion.version,
                    sha256=promotion.sha256,
                    previous=promotion.previous,
                    registry=registry[:500],
                    reason=f"{promotion.act} by {promotion.by}: {promotion.reason}"[:500],
                )
            )
            if not client.flush(SEND_TIMEOUT_S):
                raise BrokerError(
                    f"The promotion of {promotion.version} was not announced to {train_id}",
                    got=f"no answer from {client.address}",
                    fix="it is promoted; the train looks again when it connects or starts",
                )

    def wait_for_answers(self, promotion: Promotion, timeout_s: float) -> dict[str, ModelChange]:
        """Wait until every train runs, refuses or rolls back the promoted model.

        Args:
            promotion: The one that was told.
            timeout_s: How long to wait for all of them, seconds.

        Returns:
            The answers by train; those that did not answer in time are missing.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._for(promotion)) == len(self._clients), timeout_s
            )
            return self._for(promotion)

    def hear(self, event: Event, _received_ns: int) -> None:
        """Take in what a train says of its model."""
        if isinstance(event, ModelChange) and event.status is not ModelStatus.PROMOTED:
            with self._changed:
                self._answers[event.train_id] = event
                self._changed.notify_all()

    def _for(self, promotion: Promotion) -> dict[str, ModelChange]:
        return {
            train_id: answer
            for train_id, answer in self._answers.items()
            if answer.sha256 == promotion.sha256
        }


@contextmanager
def announcing(train_ids: Sequence[str], *, url: str, settings: Settings) -> Iterator[Announcer]:
    """Hold a connection for each train, so that a broker that is away is known beforehand.

    Args:
        train_ids: Whom to tell.
        url: ``mqtt://[user[:password]@]host[:port]``.
        settings: The broker's certificate authority.

    Raises:
        BrokerError: If the broker cannot be reached.
        ConfigError: If the URL is wrong, or no train is named.
    """
    if not train_ids:
        raise ConfigError("Nobody is to be told", expected="the id of a train or more")
    with ExitStack() as stack:
        clients = {
            train_id: stack.enter_context(
                MqttClient(url, service=SERVICE, train_id=train_id, ca_file=settings.mqtt_ca_file)
            )
            for train_id in dict.fromkeys(train_ids)
        }
        announcer = Announcer(clients)
        for train_id, client in clients.items():
            client.subscribe(f"train/{train_id}/model", announcer.hear)
        yield announcer

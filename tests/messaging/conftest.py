"""Brokers for the tests of messaging."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.messaging.brokers import embedded_mqtt
from tests.messaging.servers import Mosquitto


@pytest.fixture(scope="session")
def iotcore_url() -> Iterator[str]:
    with embedded_mqtt() as broker:
        yield broker.url


@pytest.fixture(scope="session")
def mosquitto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto"), "allow_anonymous true") as broker:
        yield broker.url


@pytest.fixture(params=["iotcore", "mosquitto"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Each test runs once against the embedded broker and once against mosquitto."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url

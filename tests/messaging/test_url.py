"""URLs of MQTT brokers."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import ConfigError
from kit.messaging.url import BrokerUrl

secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def test_a_url_without_port_has_that_of_its_scheme() -> None:
    assert BrokerUrl.parse("mqtt://broker").port == 1883
    assert BrokerUrl.parse("mqtts://broker").port == 8883


def test_only_mqtts_means_tls() -> None:
    assert BrokerUrl.parse("mqtts://broker").tls
    assert not BrokerUrl.parse("mqtt://broker").tls


def test_a_url_without_user_is_anonymous() -> None:
    assert BrokerUrl.parse("mqtt://broker:5").username is None


@given(user=secrets, password=secrets)
def test_user_and_password_survive_whatever_they_hold(user: str, password: str) -> None:
    url = BrokerUrl("127.0.0.1", 1883, username=user, password=password)
    assert BrokerUrl.parse(url.plain) == url


def test_an_ipv6_address_is_put_in_brackets() -> None:
    url = BrokerUrl.parse("mqtt://[::1]:1884")
    assert (url.host, url.address) == ("::1", "[::1]:1884")


def test_neither_address_nor_repr_shows_the_password() -> None:
    url = BrokerUrl.parse("mqtt://train:geheim@broker:1883")
    assert "geheim" not in repr(url)
    assert "geheim" not in url.address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker:1883",
        "http://train:geheim@broker",
        "mqtt://",
        "mqtt://train:geheim@",
        "mqtt://train:geheim@broker:port",
        "mqtt://train:geheim@broker:0",
        "mqtt://train:geheim@broker:70000",
        "mqtt://train:geheim@broker/path",
        "mqtt://train:geheim@broker?query",
        "mqtt://train:geheim@a..b",
        "mqtt://train:geheim@[::1",
        "mqtt://train:geh#eim@broker",
    ],
)
def test_a_wrong_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="MQTT URL") as caught:
        BrokerUrl.parse(url)
    assert "geh" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None

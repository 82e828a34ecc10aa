"""Where a page listens, and to what names it answers."""

from __future__ import annotations

import socket

import pytest

from kit.errors import ConfigError
from kit.web.address import LOOPBACK, listen, names_for, page_url


def test_a_connection_sends_at_once_what_it_is_given() -> None:
    with listen("127.0.0.1", 0, who="The page", fix="wait") as listener:
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_told_with_who_wanted_it_and_the_way_out() -> None:
    with listen("127.0.0.1", 0, who="The first", fix="wait") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"The second cannot listen .* {port}") as refused:
            listen("127.0.0.1", port, who="The second", fix="--port 0")
    assert refused.value.fix == "--port 0"


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", LOOPBACK),
        ("localhost", LOOPBACK),
        ("::1", LOOPBACK),
        ("0.0.0.0", ("*",)),
        ("booth.example.org", ("*",)),
    ],
)
def test_a_page_of_this_machine_answers_to_its_own_names_only(
    host: str, names: tuple[str, ...]
) -> None:
    assert names_for(host) == names


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")]
)
def test_the_address_is_one_that_a_browser_here_can_open(host: str, shown: str) -> None:
    with listen("127.0.0.1", 0, who="The page", fix="wait") as listener:
        assert page_url(host, listener) == f"http://{shown}:{listener.getsockname()[1]}/"

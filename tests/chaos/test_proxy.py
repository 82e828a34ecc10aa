"""The proxy on a wire between a client and a server that echoes."""

from __future__ import annotations

import select
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from kit.chaos.proxy import CLEAR, OUTAGE, PROFILES, Conditions, Proxy, _Way
from tests.waiting import PATIENCE_S, wait_until


class Echo(socketserver.ThreadingTCPServer):
    daemon_threads = True

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.server.served += 1
            while data := self.request.recv(65_536):
                self.request.sendall(data)
            self.server.ended.set()

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.ended = threading.Event()
        self.served = 0


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(f"127.0.0.1:{echo.server_address[1]}") as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    host, port = proxy.address.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        yield connection


def callers(proxy: Proxy) -> list[tuple[str, int]]:
    return [writer.get_extra_info("peername") for writer in list(proxy._writers)]


def said(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := client.recv(count - len(data))):
        data += more
    return data


def test_a_clear_wire_carries_every_byte_both_ways(client: socket.socket) -> None:
    sent = bytes(range(256)) * 4000
    threading.Thread(target=client.sendall, args=(sent,)).start()
    assert said(client, len(sent)) == sent


def test_an_outage_holds_bytes_back_and_ends_no_connection(
    client: socket.socket, proxy: Proxy
) -> None:
    client.sendall(b"before")
    assert said(client, 6) == b"before"
    proxy.conditions = OUTAGE
    client.sendall(b"meanwhile")
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(PATIENCE_S)
    proxy.conditions = CLEAR
    assert said(client, 9) == b"meanwhile"


def test_the_far_end_learns_of_a_client_that_left_only_after_the_outage(
    client: socket.socket, proxy: Proxy, echo: Echo
) -> None:
    client.sendall(b"hello")
    said(client, 5)
    proxy.conditions = OUTAGE
    client.close()
    assert not echo.ended.wait(0.3)
    proxy.conditions = CLEAR
    assert echo.ended.wait(PATIENCE_S)


def test_a_client_that_comes_during_an_outage_is_served_after_it(proxy: Proxy) -> None:
    proxy.conditions = OUTAGE
    host, port = proxy.address.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as client:
        client.sendall(b"late")
        proxy.conditions = CLEAR
        assert said(client, 4) == b"late"


def test_the_far_end_never_hears_of_who_gave_up_during_an_outage(echo: Echo) -> None:
    """Else all attempts of ten minutes come at once when it is over, before who still waits."""
    with Proxy(f"127.0.0.1:{echo.server_address[1]}", conditions=OUTAGE) as proxy:
        host, port = proxy.address.split(":")
        for _ in range(50):
            with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as gone:
                gone.sendall(b"nobody waits for this")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as client:
            client.sendall(b"here")
            wait_until(lambda: callers(proxy) == [client.getsockname()], "the others are forgotten")
            proxy.conditions = CLEAR
            assert said(client, 4) == b"here"
        assert echo.served == 1


def test_a_cut_ends_the_connection_and_the_next_one_works(
    client: socket.socket, proxy: Proxy
) -> None:
    client.sendall(b"once")
    assert said(client, 4) == b"once"
    proxy.cut()
    try:
        ended = client.recv(1) == b""
    except ConnectionResetError:
        ended = True
    assert ended
    host, port = proxy.address.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as again:
        again.sendall(b"twice")
        assert said(again, 5) == b"twice"


def test_with_nobody_behind_it_a_connection_ends(echo: Echo) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Proxy(f"127.0.0.1:{unused.getsockname()[1]}") as proxy:
            host, port = proxy.address.split(":")
            client = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
            with client, suppress(ConnectionResetError):
                assert client.recv(1) == b""


def test_delay_jitter_and_width_say_when_a_piece_arrives() -> None:
    slow = Conditions(delay_ms=100, kbit_per_s=80)
    assert slow.due_s(10.0, after_s=0.0, size=1000) == pytest.approx(10.2)
    assert slow.due_s(10.0, after_s=10.5, size=1000) == pytest.approx(10.6)
    shaky = Conditions(delay_ms=10, jitter_ms=20)
    dues = [shaky.due_s(0.0, after_s=0.0, size=1) for _ in range(200)]
    assert min(dues) >= 0.01
    assert max(dues) <= 0.03
    assert max(dues) > min(dues)


def test_bytes_stay_in_order_on_a_shaky_narrow_wire(client: socket.socket, proxy: Proxy) -> None:
    proxy.conditions = Conditions(delay_ms=2, jitter_ms=10, kbit_per_s=20_000)
    sent = b"".join(number.to_bytes(4) for number in range(20_000))
    threading.Thread(target=client.sendall, args=(sent,)).start()
    assert said(client, len(sent)) == sent


def test_what_connections_of_a_link_send_at_once_comes_one_after_the_other() -> None:
    way = _Way()
    narrow = Conditions(kbit_per_s=8)  # a byte takes a millisecond
    first = way.due_s(narrow, 100.0, after_s=0, size=500)
    of_another = way.due_s(narrow, 100.0, after_s=0, size=500)
    assert (first, of_another) == (100.5, 101.0)


def test_on_a_link_no_piece_overtakes_the_one_before_it() -> None:
    way = _Way()
    due = 0.0
    for _ in range(100):
        later = way.due_s(Conditions(jitter_ms=50), 100.0, after_s=due, size=10)
        assert later >= due
        due = later


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_can_be_named(name: str) -> None:
    assert isinstance(PROFILES[name], Conditions)


def test_a_dead_link_stops_others_but_not_who_stands_at_its_far_end(echo: Echo) -> None:
    talk = "import socket, sys; host, port = sys.argv[1].split(':'); "
    talk += "c = socket.create_connection((host, int(port))); c.sendall(b'hello'); "
    talk += "print('sent', flush=True); print(c.recv(5).decode(), flush=True)"
    upstream = f"127.0.0.1:{echo.server_address[1]}"
    with Proxy(upstream, conditions=OUTAGE, is_link=True) as link:
        host, port = link.address.split(":")
        argv = [sys.executable, "-c", talk, link.address]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "sent\n"
            with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as ours:
                ours.sendall(b"near")
                assert said(ours, 4) == b"near"
            readable, _, _ = select.select([other.stdout], [], [], 0)
            assert not readable
            link.conditions = CLEAR
            assert other.stdout.readline() == "hello\n"


def test_who_calls_from_a_port_that_we_use_elsewhere_is_not_taken_for_us(echo: Echo) -> None:
    """The kernel gives one port to connections that lead to different places."""
    talk = "import socket, sys; host, port = sys.argv[1].split(':'); c = socket.socket(); "
    talk += "c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); "
    talk += "c.bind((host, int(sys.argv[2]))); c.connect((host, int(port))); "
    talk += "c.sendall(b'hello'); print('sent', flush=True); print(c.recv(5).decode(), flush=True)"
    upstream = f"127.0.0.1:{echo.server_address[1]}"
    with (
        Proxy(upstream, conditions=OUTAGE, is_link=True) as link,
        socket.create_server(("127.0.0.1", 0)) as elsewhere,
        socket.socket() as ours,
    ):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ours.bind(("127.0.0.1", 0))
        ours.connect(elsewhere.getsockname())
        argv = [sys.executable, "-c", talk, link.address, str(ours.getsockname()[1])]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "sent\n"
            readable, _, _ = select.select([other.stdout], [], [], 0.3)
            assert not readable
            link.conditions = CLEAR
            assert other.stdout.readline() == "hello\n"

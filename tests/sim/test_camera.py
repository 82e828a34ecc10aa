import itertools
import json
import socket
import struct
import threading
from urllib.parse import urlsplit

import numpy as np
import pytest

from kit.sim.camera import CameraServer, Shot
from tests.waiting import PATIENCE_S, wait_until


class Client:
    def __init__(self, url, *, receive_buffer=None):
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((parts.hostname, parts.port))

    def picture(self):
        header = json.loads(self._block())
        pixels = np.frombuffer(self._block(), np.uint8)
        return header, pixels.reshape(header["height"], header["width"], 3)

    def _block(self):
        (length,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def counting(height=4, width=6):
    numbers = itertools.count(1)

    def shoot():
        image = np.full((height, width, 3), next(numbers) % 256, np.uint8)
        return Shot(image, [{"face": "stop"}])

    return shoot


def test_a_client_gets_a_header_and_the_raw_pixels():
    with CameraServer(counting(), fps=100) as server, Client(server.url) as client:
        header, pixels = client.picture()
    assert set(header) == {"sequence", "captured_ns", "captured_at", "width", "height", "truth"}
    assert (header["width"], header["height"]) == (6, 4)
    assert header["truth"] == [{"face": "stop"}]
    assert pixels.shape == (4, 6, 3)


def test_pictures_come_in_order_and_never_twice():
    with CameraServer(counting(), fps=100) as server, Client(server.url) as client:
        headers = [client.picture()[0] for _ in range(10)]
    for key in ("sequence", "captured_ns"):
        values = [header[key] for header in headers]
        assert values == sorted(set(values))


def test_no_picture_is_taken_while_nobody_watches():
    shots = []

    def shoot():
        shots.append(1)
        return counting()()

    with CameraServer(shoot, fps=100) as server:
        assert not shots
        with Client(server.url) as client:
            client.picture()
        assert shots


def test_a_slow_client_gets_the_newest_picture_not_a_queue():
    taken = []
    shoot = counting(400, 600)

    with (
        CameraServer(shoot, fps=100, on_frame=lambda facts: taken.append(facts["sequence"])) as it,
        Client(it.url, receive_buffer=1 << 16) as client,
    ):
        client.picture()
        wait_until(lambda: len(taken) >= 60)  # the camera goes on while the client does not read
        newest, read = taken[-1], [0]
        while read[-1] < newest:
            read.append(client.picture()[0]["sequence"])
    assert len(read) < 30  # some lay in the system's buffers


def test_two_clients_see_the_same_pictures():
    with (
        CameraServer(counting(), fps=50) as server,
        Client(server.url) as one,
        Client(server.url) as other,
    ):
        seen = set(), set()

        def look():
            for client, sequences in zip((one, other), seen, strict=True):
                sequences.add(client.picture()[0]["sequence"])
            return seen[0] & seen[1]

        wait_until(look)


def test_a_client_that_hangs_up_does_not_disturb_the_other():
    with CameraServer(counting(), fps=100) as server, Client(server.url) as stays:
        with Client(server.url) as goes:
            goes.picture()
        first = stays.picture()[0]["sequence"]
        assert stays.picture()[0]["sequence"] > first


def test_every_picture_is_reported_as_it_leaves():
    facts = []
    with (
        CameraServer(counting(), fps=100, on_frame=facts.append) as server,
        Client(server.url) as client,
    ):
        header, _ = client.picture()
        (reported,) = wait_until(lambda: [f for f in facts if f["sequence"] == header["sequence"]])
    assert reported["captured_ns"] == header["captured_ns"]
    assert reported["truth"] == header["truth"]


def test_a_camera_that_is_too_slow_leaves_pictures_out():
    pause = threading.Event()

    def shoot():
        pause.wait(0.05)  # far longer than the pace allows
        return counting()()

    with CameraServer(shoot, fps=100) as server, Client(server.url) as client:
        sequences = [client.picture()[0]["sequence"] for _ in range(4)]
    assert sequences[-1] - sequences[0] > 3


def test_stopping_ends_the_connection_and_every_thread():
    before = set(threading.enumerate())
    with CameraServer(counting(), fps=100) as server:
        client = Client(server.url)
        client.picture()
    with client, pytest.raises((EOFError, ConnectionError)):
        list(iter(client.picture, None))
    assert set(threading.enumerate()) <= before

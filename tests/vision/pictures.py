"""Pictures, videos and servers for the tests of this room."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import cv2
import numpy as np

from kit.vision.frames import Image, Picture, encode_jpeg

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def plain(value: int, *, width: int = 60, height: int = 40) -> Image:
    """A picture of one grey."""
    return np.full((height, width, 3), value, np.uint8)


def grey_of(image: Image) -> int:
    """The grey of a plain picture, whatever a codec did to it."""
    return round(float(image.mean()))


def picture(sequence: int, *, captured_ns: int | None = None) -> Picture:
    """A picture that was taken a second after the one before it."""
    moment_ns = sequence * 1_000_000_000 if captured_ns is None else captured_ns
    return Picture(plain(sequence % 256), sequence, moment_ns, MOMENT)


def write_video(path: Path, *, frames: int, fps: float = 10.0) -> Path:
    """A video whose frame N has the grey 10 x N."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
    for index in range(frames):
        writer.write(plain(10 * index, width=64, height=48))
    writer.release()
    return path


def virtual_picture(sequence: int, **changes: object) -> bytes:
    """The bytes that the virtual set's camera sends for one picture."""
    image = plain(sequence)
    header = {
        "sequence": sequence,
        "captured_ns": sequence * 1_000_000_000,
        "captured_at": MOMENT.isoformat(),
        "width": image.shape[1],
        "height": image.shape[0],
        "truth": [{"face": "stop", "label": "Stop", "box": [1, 2, 3, 4]}],
        **changes,
    }
    text = json.dumps(header).encode()
    return struct.pack(">I", len(text)) + text + struct.pack(">I", image.nbytes) + image.tobytes()


@contextmanager
def tcp_server(answer: Callable[[Callable[[bytes], None]], None]) -> Iterator[int]:
    """Serve TCP on a free port: ``answer(send)`` is called for each client, then it is cut off."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            try:
                answer(self.request.sendall)
            except OSError:  # the client went away
                return

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        yield from _serve(server)


@contextmanager
def mjpeg_server(greys: Callable[[], Iterator[int]]) -> Iterator[str]:
    """Serve a stream of plain pictures as an IP camera does; each client gets ``greys()``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            try:
                for grey in greys():
                    jpeg = encode_jpeg(plain(grey, width=640, height=480))
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                    self.wfile.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
            except OSError:  # the client went away
                return

        def log_message(self, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        for port in _serve(server):
            yield f"http://127.0.0.1:{port}/stream.mjpg"


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder over HTTP."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        for port in _serve(server):
            yield f"http://127.0.0.1:{port}"


def _serve(server: ThreadingTCPServer) -> Iterator[int]:
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()

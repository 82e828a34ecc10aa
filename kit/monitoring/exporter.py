"""A small web server of a service: its metrics, and whether it does its work.

It listens on 127.0.0.1 only, in threads of its own, and does nothing until it is asked.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from kit.monitoring.metrics import SERVICES, Reading

HOST = "127.0.0.1"
"""Where it listens: nobody outside of this machine is answered."""

REQUEST_TIMEOUT_S = 5.0
"""How long a client may take to ask, seconds."""

_POLL_S = 0.2
_logger = logging.getLogger(__name__)


class Exporter:
    """Answers ``/metrics`` and ``/healthz``; a context manager.

    Args:
        read: Gives the readings of now.
        troubles: Gives the reasons why the service does not do its work; none if it does.
        train_id: Which train.
        service: Which service.
        first_port: Port of the first service; each has one of its own from there on. 0 for any
            free one, which is also taken, with a warning, if the service's own is in use.
    """

    def __init__(
        self,
        read: Callable[[], Iterable[Reading]],
        troubles: Callable[[], Sequence[str]],
        *,
        train_id: str,
        service: str,
        first_port: int = 0,
    ) -> None:
        from kit.monitoring.collector import ServiceCollector, registry_of

        self._about = {"service": service, "train": train_id}
        self._troubles = troubles
        self._registry = registry_of(ServiceCollector(read, train_id=train_id, service=service))
        self._server = _bind(_Handler, service, first_port)
        self._server.exporter = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="exporter", daemon=True
        )

    @property
    def port(self) -> int:
        """Port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Address of the metrics."""
        return f"http://{HOST}:{self.port}/metrics"

    def __enter__(self) -> Self:
        self._thread.start()
        _logger.info("%s: metrics at %s", self._about["service"], self.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the form that a client accepts, and the name of that form."""
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def health(self) -> tuple[HTTPStatus, bytes]:
        """Return whether the service does its work, and why not, as JSON."""
        troubles = list(self._troubles())
        status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
        answer = self._about | {"healthy": not troubles, "troubles": troubles}
        return status, json.dumps(answer, ensure_ascii=False).encode() + b"\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    exporter: Exporter


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        exporter = self.server.exporter
        path = self.path.partition("?")[0]
        if path == "/metrics":
            body, content_type = exporter.metrics(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, body, content_type)
        elif path == "/healthz":
            status, body = exporter.health()
            self._answer(status, body, "application/json")
        else:
            body = b"There is /metrics and /healthz.\n"
            self._answer(HTTPStatus.NOT_FOUND, body, "text/plain; charset=utf-8")

    def log_message(self, _format: str, *args: object) -> None:
        """Keep quiet: a scrape every few seconds is no news."""

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _bind(handler: type[_Handler], service: str, first_port: int) -> _Server:
    place = SERVICES.index(service) if service in SERVICES else len(SERVICES)
    port = first_port + place if first_port else 0
    try:
        return _Server((HOST, port), handler)
    except (OSError, OverflowError) as error:
        if not port:
            raise
        _logger.warning("%s: port %d for metrics cannot be had (%s)", service, port, error)
        return _Server((HOST, 0), handler)  # a monitor must not keep a train from running

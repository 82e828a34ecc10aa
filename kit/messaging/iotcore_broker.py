"""The process of the embedded MQTT broker: ``python -m kit.messaging.iotcore_broker``.

It chooses its port and its password, tells both to its parent over the pipe between them, and
ends with its parent. Nobody else gets to know the password: it is in no argument and no
environment, and the file that iotcore reads it from is gone before the broker listens. Only one
that takes the place of an earlier broker is told that one's URL, through its environment.
"""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
import threading
from pathlib import Path

from kit.child import announce_ready, exit_with_parent
from kit.errors import BrokerError
from kit.messaging.bindings import MAX_IMAGE_BYTES
from kit.messaging.brokers import URL_VARIABLE
from kit.messaging.ports import free_port, wait_listening
from kit.messaging.url import BrokerUrl

USERNAME = "train"
"""Name under which everyone enters the embedded broker."""

LISTEN_TIMEOUT_S = 10.0
"""How long iotcore may take until it listens, seconds."""

# Each topic keeps at most segments x bytes for subscribers that lag; they drop frames anyway.
_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 200
max_outgoing_packet_count = 200
max_segment_size = 2097152
max_segment_count = 3

[v5.kit]
name = "kit"
listen = "{address}"
next_connection_delay_ms = 1

[v5.kit.connections]
connection_timeout_ms = 5000
max_payload_size = {max_payload}
max_inflight_count = 100
dynamic_filters = true

[v5.kit.connections.auth]
{username} = "{password}"
"""


def main() -> None:
    """Serve until the parent ends."""
    exit_with_parent()
    url = _url(os.environ.pop(URL_VARIABLE, None))
    _start(url)
    if not wait_listening(os.getpid(), url.address, timeout_s=LISTEN_TIMEOUT_S):
        raise BrokerError("The embedded MQTT broker does not listen", expected=url.address)
    announce_ready(url=url.plain)
    threading.Event().wait()  # until SIGTERM, which the end of our parent brings


def _url(earlier: str | None) -> BrokerUrl:
    if earlier is not None:
        return BrokerUrl.parse(earlier)
    password = secrets.token_urlsafe(24)
    return BrokerUrl("127.0.0.1", free_port(), username=USERNAME, password=password)


def _start(url: BrokerUrl) -> None:
    """Run iotcore in this process, from a configuration that only we can read."""
    # rumqttd reports every packet as an error when its messages are let through.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    from iotcore import IotCoreBroker

    config = _CONFIG.format(
        address=url.address,
        max_payload=MAX_IMAGE_BYTES + 65_536,
        username=url.username,
        password=url.password,
    )
    with tempfile.TemporaryDirectory(prefix="kit-broker-") as folder:
        path = Path(folder) / "rumqttd.toml"
        path.touch(mode=0o600)
        path.write_text(config)
        broker = IotCoreBroker(config_path=str(path))
    broker.start()


if __name__ == "__main__":
    main()

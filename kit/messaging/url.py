"""URLs of MQTT brokers, which may hold a password and are therefore never shown as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from kit.errors import ConfigError

PLAIN_PORT = 1883
"""Port of MQTT unless the URL names one."""

TLS_PORT = 8883
"""Port of MQTT over TLS unless the URL names one."""

_EXPECTED = "mqtt://[user[:password]@]host[:port], or mqtts:// for TLS"


@dataclass(frozen=True)
class BrokerUrl:
    """Where an MQTT broker is and what opens it.

    Attributes:
        host: Name or address.
        port: TCP port, 1 to 65535.
        tls: Whether to speak TLS and to verify the broker's certificate.
        username: None for an anonymous connection.
        password: None without one; left out of ``repr``.
    """

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> BrokerUrl:
        """Read ``mqtt://[user[:password]@]host[:port]``, or ``mqtts://`` for TLS.

        Args:
            url: The URL; reserved characters in user and password are percent-encoded.

        Raises:
            ConfigError: If it is no such URL; the message does not show it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            (parts.hostname or "").encode("idna")
        except ValueError:  # its text may hold a piece of the password
            raise ConfigError("The MQTT URL is wrong", expected=_EXPECTED) from None
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or port == 0:
            raise ConfigError("The MQTT URL is wrong", expected=_EXPECTED)
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ConfigError("The MQTT URL must end after the port", expected=_EXPECTED)
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=port or (TLS_PORT if tls else PLAIN_PORT),
            tls=tls,
            username=unquote(parts.username) if parts.username is not None else None,
            password=unquote(parts.password) if parts.password is not None else None,
        )

    @property
    def address(self) -> str:
        """``host:port``, fit to be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def plain(self) -> str:
        """The whole URL, password included: for a client or a child's environment only."""
        scheme = "mqtts" if self.tls else "mqtt"
        if self.username is None:
            return f"{scheme}://{self.address}"
        secret = "" if self.password is None else f":{quote(self.password, safe='')}"
        return f"{scheme}://{quote(self.username, safe='')}{secret}@{self.address}"

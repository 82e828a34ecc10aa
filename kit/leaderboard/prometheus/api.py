"""The part of Prometheus's HTTP API that the leaderboard asks; Thanos Query answers the same.

https://prometheus.io/docs/prometheus/latest/querying/api/: an instant query for a selector with a
range in brackets returns the stored samples themselves, each with its own time. A range query would
return values on a grid instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kit.errors import BrokerError, ConfigError, missing_extra

TIMEOUT_S = 30.0
"""How long an answer may take, seconds."""


@dataclass(frozen=True, slots=True)
class Samples:
    """One series.

    Attributes:
        labels: With ``__name__``, if it has a name.
        samples: (seconds since 1970, value), in the order of time.
    """

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


class PrometheusApi:
    """Asks one server; a context manager.

    Args:
        url: Of a Prometheus or a Thanos Query, without ``/api``.
        token: Bearer token, if the server wants one.
        ca_file: Certificate authority of the server, if the system does not know it.

    Raises:
        ConfigError: If the URL or the file cannot be.
    """

    def __init__(self, url: str, *, token: str | None = None, ca_file: str | None = None) -> None:
        try:
            import httpx
        except ImportError as error:
            raise missing_extra("httpx", "leaderboard") from error
        if not url.startswith(("http://", "https://")):
            raise ConfigError(
                "This is no URL of a Prometheus", expected="http://host:port", got=url
            )
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._errors = httpx.HTTPError
        self._client = httpx.Client(
            headers=headers, timeout=TIMEOUT_S, verify=_trust(ca_file), follow_redirects=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def now(self) -> float:
        """Return the server's time, seconds since 1970."""
        return float(self._ask("query", {"query": "time()"})["result"][0])

    def raw(self, selector: str, *, end_s: float, seconds: float) -> list[Samples]:
        """Return the stored samples of a selector in a stretch of time.

        Args:
            selector: Such as ``up{job='x'}``.
            end_s: End of the stretch, seconds since 1970.
            seconds: Its length.
        """
        window = f"{selector}[{max(round(seconds * 1000), 1)}ms]"
        answer = self._ask("query", {"query": window, "time": f"{end_s:.3f}"})
        return [_series(each["metric"], each["values"]) for each in answer["result"]]

    def instant(self, query: str, *, at_s: float) -> list[Samples]:
        """Return what a query gives at a moment; each series has one sample.

        Args:
            query: PromQL that gives a vector or a number.
            at_s: The moment, seconds since 1970.
        """
        answer = self._ask("query", {"query": query, "time": f"{at_s:.3f}"})
        if answer["resultType"] == "scalar":
            return [_series({}, [answer["result"]])]
        return [_series(each["metric"], [each["value"]]) for each in answer["result"]]

    def range(self, query: str, *, start_s: float, end_s: float, step_s: float) -> list[Samples]:
        """Return what a query gives on a grid of moments.

        Args:
            query: PromQL that gives a vector or a number.
            start_s: First moment, seconds since 1970.
            end_s: Last one.
            step_s: Seconds between two.
        """
        parameters = {"query": query, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}"}
        answer = self._ask("query_range", parameters | {"step": f"{step_s:.3f}"})
        return [_series(each["metric"], each["values"]) for each in answer["result"]]

    def series_labels(self, label: str, selector: str) -> list[str]:
        """Return the values that a label has among the series of a selector."""
        answer = self._ask(f"label/{label}/values", {"match[]": selector}, method="GET")
        return [str(value) for value in answer]

    def _ask(self, path: str, parameters: Mapping[str, str], *, method: str = "POST") -> Any:
        where = f"{self.url}/api/v1/{path}"
        how = {"data": parameters} if method == "POST" else {"params": parameters}
        try:
            answer = self._client.request(method, where, **how)  # type: ignore[arg-type]
            body = answer.json()
        except self._errors as error:
            raise BrokerError(
                f"The Prometheus at {self.url} cannot be reached",
                got=f"{type(error).__name__}: {error}",
                fix="look at the URL, the network and the token, and whether it runs",
            ) from error
        except ValueError as error:
            raise BrokerError(
                f"What answers at {self.url} is no Prometheus",
                expected="JSON",
                got=f"status {answer.status_code}, {answer.text[:80]!r}",
            ) from error
        if not isinstance(body, dict) or body.get("status") != "success":
            raise BrokerError(
                f"The Prometheus at {self.url} refuses a query",
                expected="success",
                got=f"status {answer.status_code}, {_reason(body)}",
            )
        return body["data"]


def _series(labels: Mapping[str, str], values: list[list[Any]]) -> Samples:
    return Samples(dict(labels), tuple((float(at), float(value)) for at, value in values))


def _reason(body: Any) -> str:
    return str(body.get("error", body))[:300] if isinstance(body, dict) else str(body)[:300]


def _trust(ca_file: str | None) -> Any:
    import ssl

    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The certificate authority {ca_file} cannot be read", got=str(error)
        ) from error

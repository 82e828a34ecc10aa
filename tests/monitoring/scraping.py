"""Reads what services export, as Prometheus would."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import PATIENCE_S


def fetch(port: int, path: str = "/metrics", *, accept: str = "*/*") -> tuple[int, str, str]:
    """Ask a service; return the status, the type of the answer, and the answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def scrape(port: int) -> dict[str, Metric]:
    """Return the families of a service's metrics by name."""
    status, _, text = fetch(port)
    assert status == 200
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], sample: str, **labels: str) -> float:
    """Return one sample's value; of several that fit, their sum."""
    found = [
        s.value
        for family in families.values()
        for s in family.samples
        if s.name == sample and labels.items() <= s.labels.items()
    ]
    assert found, f"no {sample} with {labels}"
    return sum(found)


def health(port: int) -> tuple[int, dict[str, Any]]:
    """Return the status and the answer of a service's health."""
    status, _, text = fetch(port, "/healthz")
    return status, json.loads(text)


def accepted_by_promtool(text: str) -> None:
    """Let Prometheus's own tool look at what a service exports."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it comes with Debian's package 'prometheus'")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

"""What the tests of all rooms share."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings

from tests.waiting import PATIENCE_S

REQUIRE_ALL = os.environ.get("KIT_REQUIRE_ALL") == "1"
"""Whether a skipped test counts as a failed one: so in CI, where nothing may be missing."""

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# No test asserts how long something took; Hypothesis would, for each of its examples.
settings.register_profile("kit", deadline=None)
settings.load_profile("kit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with one of the two long files of missions, so that they do not fly at once."""
    items.sort(key=lambda item: item.path.name != "test_mission.py")


def _skip_without_torch(report: pytest.CollectReport) -> None:
    """Skip a file that needs torch where there is none; `make venv` does not bring it."""
    if report.failed and "No module named 'torch'" in str(report.longrepr):
        report.outcome = "skipped"
        reason = "Skipped: torch is not installed: run 'make train-venv'"
        report.longrepr = (report.nodeid, 1, reason)


def _skip_is_failure(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (REQUIRE_ALL and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid}: KIT_REQUIRE_ALL=1 allows no skip, but: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _skip_is_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _skip_without_torch(report)
    _skip_is_failure(report)
    return report


@pytest.fixture
def train_id() -> str:
    """A train that no other test knows."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def mqtt_url() -> Iterator[str]:
    """URL of an embedded MQTT broker that the whole session shares."""
    from kit.messaging.brokers import embedded_mqtt

    with embedded_mqtt() as broker:
        yield broker.url


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """``host:port`` of an embedded Kafka broker that the whole session shares."""
    from kit.messaging.brokers import embedded_kafka

    with embedded_kafka() as broker:
        yield broker.bootstrap


# Not of the session: while Playwright runs, its event loop is this thread's, and tests of other
# modules could not run their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A headless Chromium, driven by Playwright's synchronous API; its pages are patient."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"Chromium is not installed: there is no {CHROMIUM}")
    from playwright.sync_api import Page, expect, sync_playwright

    expect.set_options(timeout=1000 * PATIENCE_S)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS), timeout=1000 * PATIENCE_S
        )
        open_page = chromium.new_page

        def patient_page(**options: Any) -> Page:
            page = open_page(**options)
            page.set_default_timeout(1000 * PATIENCE_S)
            return page

        chromium.new_page = patient_page  # type: ignore[method-assign]
        yield chromium
        chromium.close()

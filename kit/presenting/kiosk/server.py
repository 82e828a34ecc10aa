"""Starts a kiosk: its brokers, its page, and a browser that shows nothing else."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from kit.child import Child
from kit.config import Settings
from kit.errors import ConfigError
from kit.messaging.brokers import ensure_brokers
from kit.presenting.kiosk.app import application
from kit.presenting.kiosk.keeper import BrokerKeeper
from kit.presenting.kiosk.kiosk import Kiosk, Options
from kit.presenting.machine_check import browser
from kit.presenting.reset import KIOSK_FILE
from kit.web import server
from kit.web.address import listen, names_for, page_url

BROWSERS = 20
"""How many connections may be open at once."""

CLOSE_S = 1
"""How long browsers may take to go when the kiosk ends, seconds."""

_PORT_TAKEN = "end the kiosk that runs there, or choose another port: --port 0"


def serve(
    options: Options,
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    open_browser: bool = False,
    on_ready: Callable[[str], None],
) -> None:
    """Serve a kiosk until SIGINT or SIGTERM.

    Args:
        options: What it is started with.
        settings: What is configured; brokers that are not named are started and kept, so that
            missions begin sooner.
        host: Address to listen on. Whoever reaches the page can start a train and stop it.
        port: TCP port; 0 for any free one.
        open_browser: Whether to open the page on this machine's screen.
        on_ready: Called with the page's address once browsers can connect.

    Raises:
        ConfigError: If the address cannot be listened on, or there is no browser to open.
        KitError: If a broker does not start.
    """
    program = _browser() if open_browser else None
    with ExitStack() as stack:
        listener = stack.enter_context(listen(host, port, who="The kiosk", fix=_PORT_TAKEN))
        if settings.mqtt_url is None:
            keeper = stack.enter_context(BrokerKeeper())
            settings = settings.model_copy(
                update={"mqtt_url": SecretStr(keeper.url), "mqtt_ca_file": None}
            )
        settings = stack.enter_context(ensure_brokers(settings))
        if settings.arm_key is None:
            settings = settings.model_copy(update={"arm_key": SecretStr(secrets.token_hex(16))})
        token = secrets.token_urlsafe(24)
        url = page_url(host, listener)
        kiosk = Kiosk(options, settings)
        stack.enter_context(_kiosk_file(settings.runs_dir / KIOSK_FILE, url=url, token=token))

        def ready() -> None:
            on_ready(url)
            if program is not None:
                stack.enter_context(_shown(program, url))

        server.serve(
            application(kiosk, token=token, hosts=names_for(host)),
            listener,
            connections=BROWSERS,
            close_s=CLOSE_S,
            websockets=True,
            on_ready=ready,
        )


def _browser() -> str:
    program = browser()
    if program is None:
        raise ConfigError(
            "There is no Chromium to open the kiosk with",
            fix="apt install chromium, or start it with --no-open and open the address yourself",
        )
    return program


@contextmanager
def _shown(program: str, url: str) -> Iterator[None]:
    """Open a browser that fills the screen, with a profile of its own that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="kit-kiosk-", ignore_cleanup_errors=True) as profile,
        Child.program(
            program,
            "--kiosk",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-session-crashed-bubble",
            "--disable-pinch",
            "--overscroll-history-navigation=0",
            url,
            name="browser",
            log=Path(profile) / "browser.log",
        ),
    ):
        yield


@contextmanager
def _kiosk_file(path: Path, *, url: str, token: str) -> Iterator[None]:
    """Tell ``kit reset`` where the kiosk is, in a file that only this user can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": url, "token": token}, file)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)

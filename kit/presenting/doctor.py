"""The doctor: looks at everything that a show needs, and says how to mend what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import SubprocessError

from kit.config import Settings
from kit.errors import KitError
from kit.presenting.broker_check import check_kafka, check_mqtt
from kit.presenting.camera_check import check_camera
from kit.presenting.check import Check, Examination, State, Wanted
from kit.presenting.jetson import check_power, check_temperature
from kit.presenting.machine_check import check_browser, check_clock, check_disk, check_ports
from kit.presenting.model_check import check_gpu, check_model, check_signature
from kit.presenting.radio_check import check_adapter, check_hub

EXAMINATIONS: dict[str, Examination] = {
    "camera": check_camera,
    "bluetooth": check_adapter,
    "hub": check_hub,
    "model": check_model,
    "signature": check_signature,
    "gpu": check_gpu,
    "mqtt": check_mqtt,
    "kafka": check_kafka,
    "disk": check_disk,
    "clock": check_clock,
    "power": check_power,
    "temperature": check_temperature,
    "ports": check_ports,
    "browser": check_browser,
}
"""What is looked at, in the order in which it is told."""

AT_ONCE = 3
"""How many are looked at at the same time: most of it is waiting."""


def examine(
    wanted: Wanted, settings: Settings, *, only: Sequence[str] | None = None
) -> Iterator[Check]:
    """Look at everything.

    Args:
        wanted: What must be there.
        settings: What is configured; brokers that are named are tried, others are started.
        only: Names of `EXAMINATIONS` to look at; all if None.

    Yields:
        The checks in their order, each as soon as it and those before it are done.
    """
    chosen = {name: EXAMINATIONS[name] for name in only or EXAMINATIONS}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor") as pool:
        pending = [
            pool.submit(_look, name, look, wanted, settings) for name, look in chosen.items()
        ]
        for future in pending:
            yield future.result()


def all_fine(checks: Sequence[Check]) -> bool:
    """Tell whether nothing stands in the way of a show."""
    return all(check.ok for check in checks)


def _look(name: str, look: Examination, wanted: Wanted, settings: Settings) -> Check:
    try:
        return look(wanted, settings)
    except KitError as error:
        parts = [error.problem]
        parts += [f"expected {error.expected}"] if error.expected is not None else []
        parts += [f"got {error.got}"] if error.got is not None else []
        return Check(name, State.FAILED, "; ".join(parts), error.fix or "read docs/presenting.md")
    except (OSError, SubprocessError, ImportError) as error:
        logging.getLogger(__name__).exception("the check '%s' broke", name)
        fix = "install the kit again: make venv"
        return Check(name, State.FAILED, f"{type(error).__name__}: {error}", fix)

"""Which services there are, found by name without importing the others."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kit.errors import ConfigError
from kit.services.base import Service

_CLASSES = {
    "capture": ("kit.services.capture", "CaptureService"),
    "inference": ("kit.services.inference", "InferenceService"),
    "decision": ("kit.services.decision", "DecisionService"),
    "control": ("kit.services.control", "ControlService"),
    "streaming": ("kit.services.streaming", "StreamingService"),
}

SERVICES: tuple[str, ...] = tuple(_CLASSES)
"""Names of the services, in the order of the flow."""


def service_class(name: str) -> type[Service[Any]]:
    """Import one service.

    Args:
        name: One of :data:`SERVICES`.

    Raises:
        ConfigError: If there is no service of that name.
    """
    if name not in _CLASSES:
        raise ConfigError("No such service", expected=f"one of {', '.join(SERVICES)}", got=name)
    module, attribute = _CLASSES[name]
    found: type[Service[Any]] = getattr(import_module(module), attribute)
    return found

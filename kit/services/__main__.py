"""Run one service as a process: ``python -m kit.services NAME --parameters JSON``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from typing import Any

from kit.child import announce_ready, exit_with_parent
from kit.errors import ConfigError, KitError
from kit.services.base import Service
from kit.services.catalogue import SERVICES, service_class


def main() -> int:
    """Run the service that the command line names; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m kit.services", description=__doc__)
    parser.add_argument("name", choices=SERVICES)
    parser.add_argument("--parameters", default="{}", help="parameters as a JSON object")
    arguments = parser.parse_args()
    exit_with_parent()
    try:
        service = _build(arguments.name, arguments.parameters)
        threading.Thread(target=_announce, args=(service,), daemon=True).start()
        service.run()
    except KitError as error:
        sys.stderr.write(f"{arguments.name}: {error}\n")
        return 1
    return 0


def _build(name: str, text: str) -> Service[Any]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError("--parameters is no JSON", got=str(error)) from error
    kind = service_class(name)
    return kind(kind.parameters_type.parse(**values))


def _announce(service: Service[Any]) -> None:
    service.ready.wait()
    port = {"metrics_port": service.metrics_port} if service.metrics_port else {}
    announce_ready(service=service.name, **port)


if __name__ == "__main__":
    sys.exit(main())

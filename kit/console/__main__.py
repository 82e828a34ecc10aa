"""``python -m kit.console``: the console as a child process; people run ``kit console``."""

from __future__ import annotations

import argparse
import sys

from kit.child import announce_ready, exit_with_parent
from kit.config import Settings
from kit.console.server import serve
from kit.errors import KitError


def main() -> int:
    """Serve the page until the parent ends; announce ``url`` and ``operator_url``."""
    exit_with_parent()
    parser = argparse.ArgumentParser(prog="python -m kit.console")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 for any free one")
    options = parser.parse_args()
    try:
        serve(
            Settings.load(),
            host=options.host,
            port=options.port,
            on_ready=lambda at: announce_ready(url=at.url, operator_url=at.operator_url),
        )
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

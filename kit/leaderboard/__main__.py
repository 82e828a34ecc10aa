"""``python -m kit.leaderboard``: the service as a child process of another program."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from kit.child import announce_ready, exit_with_parent
from kit.errors import KitError


def main() -> int:
    """Serve until the parent ends; announce the page's address as ``url``."""
    exit_with_parent()
    parser = argparse.ArgumentParser(prog="python -m kit.leaderboard")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 for any free one")
    parser.add_argument("--rules", default="original", help="a rule file's name or path")
    parser.add_argument("--database", default="sqlite://", help="URL of the database")
    parser.add_argument("--keys", type=Path, required=True, help="file of the event's secret")
    parser.add_argument("--starts-at", type=datetime.fromisoformat, help="start, ISO 8601")
    parser.add_argument("--per-person", default="", help="most claims of one person")
    parser.add_argument("--per-address", default="", help="most ill-signed requests of an address")
    options = parser.parse_args()
    try:
        from kit.leaderboard.server import Options, serve

        serve(Options(**vars(options)), on_ready=lambda url, _keys: announce_ready(url=url))
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m kit`` is the ``kit`` command."""

from __future__ import annotations

from kit.cli import main

if __name__ == "__main__":
    main()

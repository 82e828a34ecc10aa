"""One of the kit's commands as a child that never outlives its parent.

``python -m kit.presenting.kept demo --json ...`` does what ``kit demo --json ...`` does. When its
standard input closes it ends, and with it all that it started.
"""

from __future__ import annotations

import sys

from kit.child import exit_with_parent

if __name__ == "__main__":
    exit_with_parent()
    from kit.cli import main

    main(sys.argv[1:])

"""What truly happened on the virtual set, as JSON lines: the referee's notes.

Every line has a ``kind``. Times named ``t_ns`` are of the system-wide monotonic clock. Several
processes may write to one file: a line is one write to its end, which no other can break.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kit.errors import ConfigError


class Journal:
    """A file that gets one JSON object a line, each written out at once; any thread may write.

    Args:
        path: The file; None keeps no notes.
        fresh: Whether to empty the file first.

    Raises:
        ConfigError: If the file cannot be written.
    """

    def __init__(self, path: Path | None, *, fresh: bool = True) -> None:
        self._lock = threading.Lock()
        self._file = None
        if path is None:
            return
        try:
            if fresh:
                path.write_bytes(b"")
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise ConfigError(f"The truth file {path} cannot be written", got=str(error)) from error

    def note(self, kind: str, **facts: Any) -> None:
        """Write a line."""
        if self._file is None:
            return
        line = json.dumps({"kind": kind, **facts}) + "\n"
        with self._lock:
            if not self._file.closed:
                self._file.write(line.encode())

    def close(self) -> None:
        """End the notes; what comes later is lost."""
        if self._file is not None:
            with self._lock:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

"""What all cameras have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Protocol, Self

from kit.errors import ConfigError
from kit.vision.frames import Picture

NS_PER_S = 1_000_000_000
"""Nanoseconds in a second."""


class Camera(ABC):
    """A source of pictures, open from the start; use it as a context manager.

    Attributes:
        name: The source as it may be shown to people, without a password.
        dropped: Pictures that a newer one replaced before anybody read them.
        reopened: How often the source was lost and found again.
        live: Whether it shows the present, so that no two pictures can be the same.
    """

    live: bool = False
    name: str
    dropped: int = 0
    reopened: int = 0

    @abstractmethod
    def read(self) -> Picture | None:
        """Wait for the next picture at the rate asked for.

        Returns:
            The picture, or None when a finite source has ended or the camera was closed, also
            by another thread while this call waits.

        Raises:
            CameraError: If the source gives no more pictures, or a broken one.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the source; may be called twice, and from any thread."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Source(Protocol):
    """A camera's driver or connection; one thread alone uses it."""

    def grab(self) -> Picture:
        """Wait for the source's next picture.

        Raises:
            CameraError: If the source is lost.
        """

    def close(self) -> None:
        """Let go of it."""


class Pace:
    """Chooses pictures so that a steady rate comes out of a faster stream.

    The rate holds on average: a picture that comes early, by less than half a period, is
    taken, and the next one is due at its own time all the same.

    Args:
        fps: Pictures a second wanted, above 0.

    Raises:
        ConfigError: If the rate is not above 0.
    """

    def __init__(self, fps: float) -> None:
        if not fps > 0:
            raise ConfigError("The frame rate is wrong", expected="a number above 0", got=fps)
        self.period_ns = round(NS_PER_S / fps)
        self._due_ns: int | None = None

    def takes(self, time_ns: int) -> bool:
        """Say whether to take the picture of this moment.

        Args:
            time_ns: When it was captured, nanoseconds; if this goes back, as after a restart
                on another machine, the rate begins anew.
        """
        if self._due_ns is None or time_ns < self._due_ns - 2 * self.period_ns:
            self._due_ns = time_ns
        if time_ns < self._due_ns - self.period_ns // 2:
            return False
        behind = time_ns > self._due_ns + self.period_ns
        self._due_ns = (time_ns if behind else self._due_ns) + self.period_ns
        return True

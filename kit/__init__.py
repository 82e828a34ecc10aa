"""The runaway-train kit: a workshop and demo in which a model stops a LEGO train.

Importing the package touches no hardware, network or GPU. Import what you need from its
rooms, for example ``from kit.vision.cameras import open_camera``.
"""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("runaway-train-kit")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

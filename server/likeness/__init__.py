"""Likeness, an XR embodiment server: FLAME faces in sync with their voice, live, tagged as generated."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("likeness")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"

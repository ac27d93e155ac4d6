"""StageClock: the one monotonic clock that all performers of a stage share."""

from collections.abc import Callable
from typing import Final

from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

GRID: Final = 6
"""Performers start on every sixth tick (100 ms), so that the 20 ms voice blocks of all of them coincide."""


class StageClock:
    """Media time from a monotonic time source: no drift, because ticks are counted and never added up.

    After a stall (a suspended machine, a starved process) media time does not jump ahead: `slip` moves
    the origin, so that nobody gets a burst of frames for a moment that has passed.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._origin = now()

    def sample(self) -> int:
        """Samples at 48 kHz since the start."""
        return int((self._now() - self._origin) * SAMPLE_RATE)

    def tick(self) -> int:
        """Whole ticks of 1/60 s since the start."""
        return self.sample() // SAMPLES_PER_FRAME

    def time_of(self, sample: int) -> float:
        """When a sample is due, on the time source."""
        return self._origin + sample / SAMPLE_RATE

    def until(self, sample: int) -> float:
        """Seconds until a sample is due; negative when it is late."""
        return self.time_of(sample) - self._now()

    def slip(self, ticks: int) -> None:
        """Let `ticks` pass without media time."""
        self._origin += ticks / FRAME_RATE

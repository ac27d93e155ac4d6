"""RateLimit: how much of something may come per second."""

from collections.abc import Callable


class RateLimit:
    """A bucket that refills with `rate` units a second and holds `burst`."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._level = burst
        self._then = now()

    def take(self, amount: float = 1.0) -> bool:
        """Take `amount`; False when there is not enough left, and then nothing is taken."""
        now = self._now()
        self._level = min(self._burst, self._level + (now - self._then) * self._rate)
        self._then = now
        if self._level < amount:
            return False
        self._level -= amount
        return True

"""RateLimit: how much of something may come per second."""

from collections import OrderedDict
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

    def give(self, amount: float = 1.0) -> None:
        """Give back what was taken."""
        self._level = min(self._burst, self._level + amount)


class PeerLimits:
    """A RateLimit for each address. Forgets the addresses that were quiet longest, so memory is bounded."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float], most: int = 4096) -> None:
        self._rate, self._burst, self._clock, self._most = rate, burst, clock, most
        self._limits: OrderedDict[str, RateLimit] = OrderedDict()

    def of(self, peer: str) -> RateLimit:
        """This peer's own limit."""
        limit = self._limits.pop(peer, None) or RateLimit(self._rate, self._burst, self._clock)
        self._limits[peer] = limit
        if len(self._limits) > self._most:
            self._limits.popitem(last=False)
        return limit

    def take(self, peer: str) -> bool:
        """Count one more of this peer; False when it has had enough for now."""
        return self.of(peer).take()

"""PeerLimits: how often each network address may do something."""

from collections import OrderedDict
from collections.abc import Callable

from likeness.stage.rate_limit import RateLimit


class PeerLimits:
    """A RateLimit for each address. Forgets the addresses that were quiet longest, so memory is bounded."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float], most: int = 4096) -> None:
        self._rate, self._burst, self._clock, self._most = rate, burst, clock, most
        self._limits: OrderedDict[str, RateLimit] = OrderedDict()

    def take(self, peer: str) -> bool:
        """Count one more of this peer; False when it has had enough for now."""
        limit = self._limits.pop(peer, None) or RateLimit(self._rate, self._burst, self._clock)
        self._limits[peer] = limit
        if len(self._limits) > self._most:
            self._limits.popitem(last=False)
        return limit.take()

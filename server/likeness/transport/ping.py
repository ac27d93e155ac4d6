"""Pinger: this server's own pings on a motion channel, and the pongs that answer them (docs/protocol.md)."""

from collections.abc import Callable

from likeness.performance.client_packets import PONG, Ping, Pong, decode_client, encode_client
from likeness.performance.packet import PacketError


class Pinger:
    """Makes pings and measures the round trip from their pongs. `clock` gives seconds."""

    def __init__(
        self, clock: Callable[[], float], measured: Callable[[float], None] = lambda _: None
    ) -> None:
        """`measured` is told each round trip in seconds."""
        self._clock, self._measured = clock, measured
        self._nonce = 0

    def ping(self) -> bytes:
        """The next ping, with this server's time in ms."""
        self._nonce = (self._nonce + 1) & 0xFFFFFFFF
        return encode_client(Ping(self._nonce, self._clock() * 1000))

    def take(self, datagram: bytes) -> bool:
        """Whether `datagram` is a pong; the newest ping's pong is a round trip."""
        if not datagram or datagram[0] != PONG:
            return False
        try:
            pong = decode_client(datagram)
        except PacketError:
            return False
        if isinstance(pong, Pong) and pong.nonce == self._nonce:
            elapsed = self._clock() - pong.client_time / 1000
            if 0 <= elapsed < 60:
                self._measured(elapsed)
                self._nonce = (self._nonce + 1) & 0xFFFFFFFF  # its copies measure nothing
        return True

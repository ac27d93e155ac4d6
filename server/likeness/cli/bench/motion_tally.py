"""MotionTally: when the frames of many avatars reached many seats, kept small however long it lasts."""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from likeness.performance.packet import HANDS, HEAD_SIZE

BIN: Final = 0.00025
"""Seconds of one bin of the latency histogram."""
BINS: Final = 8000
WINDOW: Final = 1.5
"""Seconds for which the quickest frame counts, at least."""
_HEAD: Final = struct.Struct("<BBHHBBIIH")
_HAND_BYTES: Final = 24


@dataclass(slots=True)
class Pair:
    """One avatar as one seat receives it, since counting began."""

    frames: int = 0
    first: float = 0.0
    last: float = 0.0
    gap: float = 0.0
    """Longest time without a frame, seconds."""

    @property
    def rate(self) -> float:
        """Frames a second."""
        return (self.frames - 1) / (self.last - self.first) if self.last > self.first else 0.0


class MotionTally:
    """Counts frames; the quickest frame of each avatar in the latest seconds, to any seat, is where its delay
    starts from: a server that stalls stops its media clock, and all later frames carry earlier samples.

    Until `begin` only that is looked for.
    """

    def __init__(self) -> None:
        self.pairs: dict[tuple[int, int], Pair] = {}
        """By seat and avatar."""
        self.counting = False
        self.frames = 0
        self._quickest: dict[int, float] = {}
        self._before: dict[int, float] = {}
        self._turned = 0.0
        self._delays = np.zeros((2, BINS), np.int64)
        self.speakers: set[int] = set()
        """Avatars with a live voice: their frames come with their sound, up to two ahead of their time."""
        self._epochs: dict[tuple[int, int], int] = {}
        self._ordered: dict[int, tuple[int, float]] = {}
        self.reactions: list[tuple[int, int, float]] = []
        """Seat, avatar and seconds from an order to the first frame that obeys it."""

    def reset(self) -> None:
        """Forget everything that was counted; the epochs that avatars are in stay known."""
        self.pairs.clear()
        self.frames = 0
        self.counting = False
        self._quickest.clear()
        self._before.clear()
        self._delays[:] = 0
        self.reactions.clear()

    def begin(self) -> None:
        """Count from now on."""
        self.counting = True

    def end(self) -> None:
        """Count no more."""
        self.counting = False

    def expect(self, avatar: int, epoch: int, when: float) -> None:
        """An order was sent: frames of this epoch obey it."""
        self._ordered[avatar] = epoch, when

    def add(self, seat: int, when: float, datagram: bytes) -> None:
        """Motion that arrived."""
        at, size = 0, len(datagram)
        while at + HEAD_SIZE <= size:
            _, flags, avatar, epoch, components, _, _, low, high = _HEAD.unpack_from(datagram, at)
            at += HEAD_SIZE + 2 * components + (_HAND_BYTES if flags & HANDS else 0)
            self._add(seat, avatar, epoch, low | high << 32, when)

    def _add(self, seat: int, avatar: int, epoch: int, sample: int, when: float) -> None:
        delay = when - sample / 48_000
        if when - self._turned > WINDOW:
            self._turned = when
            self._before, self._quickest = self._quickest, {}
        if delay < self._quickest.get(avatar, 1e18):
            self._quickest[avatar] = delay
        key = (seat, avatar)
        if self._epochs.get(key) != epoch:
            self._epochs[key] = epoch
            wanted, sent = self._ordered.get(avatar, (-1, 0.0))
            if epoch == wanted and self.counting:
                self.reactions.append((seat, avatar, when - sent))
        if not self.counting:
            return
        self.frames += 1
        quickest = min(self._quickest[avatar], self._before.get(avatar, 1e18))
        late = int((delay - quickest) / BIN)
        self._delays[int(avatar in self.speakers), late if late < BINS else BINS - 1] += 1
        pair = self.pairs.get(key)
        if pair is None:
            pair = self.pairs[key] = Pair(first=when, last=when)
        elif when - pair.last > pair.gap:
            pair.gap = when - pair.last
        pair.frames += 1
        pair.last = when

    def late(self, percent: float, speaking: bool = False) -> float:
        """Seconds beyond the quickest frame of the same avatar, at a percentile of the frames of those who
        speak live, or of the others."""
        total = self._delays[int(speaking)].cumsum()
        return (
            float(np.searchsorted(total, percent / 100 * total[-1]) + 1) * BIN if total[-1] else float("nan")
        )

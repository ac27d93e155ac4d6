"""Microphone: the jitter buffer of a live voice, from packets as they arrive to hops on the media clock.

The face of a sound needs `look_ahead` more samples of it, and the sound is relayed that much later, so that
both carry the same media sample. A packet that arrives at media time t is therefore placed to end at
t + look_ahead. Frames may be made up to `slack` samples late (they go out ahead of their sound by more than
that), so jitter costs nothing until it exceeds the slack; then silence is put in, and the voice is
that much later until it can be moved forward again in a pause. Where frames have to wait for one another, the
stage sets a `margin`: packets are placed that much later, so that the wait is not taken from the slack.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import SAMPLE_RATE, SAMPLES_PER_FRAME

Int16 = NDArray[np.int16]

HOP: Final = SAMPLES_PER_FRAME
PAUSE: Final = 12
"""Hops without sound after which the microphone counts as silent and is placed anew when it returns."""
QUIET: Final = 300
"""Peak below which a stretch may be left out to catch up, about -40 dB."""
SPARE: Final = int(0.030 * SAMPLE_RATE)
"""Delay beyond what the jitter needs; more of it is left out in the next pause."""
EXCESS: Final = int(0.250 * SAMPLE_RATE)
"""Delay that is cut at once, even in a word: the network held a pile of packets back."""
WINDOW: Final = SAMPLE_RATE
"""Stretch of sound over which the least delay is watched."""
RING: Final = 4 * SAMPLE_RATE
"""Sound that is kept: more than one message may hold, the look-ahead and all delays together."""


class Microphone:
    """One live voice. All samples are positions on the performer's media clock, 48 kHz.

    Args:
        start: the sample of the first frame that this voice shall drive, a multiple of 800.
        look_ahead: samples that the lip-sync needs beyond a frame.
        slack: how late, in samples, a frame may still be made.
    """

    def __init__(self, start: int, look_ahead: int, slack: int) -> None:
        self._look_ahead = look_ahead
        self._slack = slack
        self._hop = start + look_ahead - HOP
        """Where the next hop for the lip-sync starts."""
        self._end = self._hop
        """Up to here there is sound or inserted silence."""
        self._ring = np.zeros(RING, np.int16)
        """Sample s lies at s % RING; what nothing has come for is silence."""
        self._missing = PAUSE
        self._least = 0
        self._watched = 0
        self.margin = 0
        """Samples by which the voice is placed later than its look-ahead asks for. A change takes effect in
        the next pause, not in a word."""
        self._kept = 0
        """The margin that the voice has."""
        self.closing = False
        """It is being put away once it has been heard to its end."""
        self.dropped = 0
        """Samples left out to catch up."""
        self.inserted = 0
        """Samples of silence put in because sound came too late."""

    @property
    def next_frame(self) -> int:
        """The frame that the next hop completes."""
        return self._hop + HOP - self._look_ahead

    @property
    def silent(self) -> bool:
        """No sound has come for 0.2 s."""
        return self._missing >= PAUSE

    def ready(self, hops: int = 1) -> bool:
        """Whether so many whole hops of sound are here."""
        return self._end - self._hop >= hops * HOP

    def push(self, pcm: Int16, clock: int) -> None:
        """Add sound, int16[n] at 48 kHz, that arrived at media time `clock`."""
        count = len(pcm)
        if not count:
            return
        goal = clock + self._look_ahead + self.margin
        if self.silent:
            self._skip_to(goal - count)
            self._least, self._watched, self._kept = EXCESS, 0, self.margin
        elif self.margin != self._kept and _quiet(pcm):
            # Silence for more of it; of less, the surplus is caught up with like any other delay.
            self._skip_to(self._end + max(0, self.margin - self._kept))
            self._kept = self.margin
        self._missing = 0
        delay = self._end + count - goal
        pcm = self._catch_up(pcm, delay)[: max(0, self._hop + RING - HOP - self._end)]
        self._write(self._end, pcm)
        self._end += len(pcm)

    def take_hop(self) -> Int16:
        """The next 800 samples; silence is put in for what is not here yet."""
        first, self._hop = self._hop, self._hop + HOP
        if self._end < self._hop:
            if self._end <= first:
                self._missing += 1
            self.inserted += self._hop - max(self._end, first) if not self.silent else 0
            self._skip_to(self._hop)
        return self.read(first, HOP)

    def late(self, clock: int) -> bool:
        """The next frame cannot wait any longer."""
        return self.next_frame <= (clock if self.silent else clock + self._kept - self._slack)

    def read(self, first: int, count: int) -> Int16:
        """int16[count] from `first` on, silence where there is nothing. At most what RING keeps."""
        at = first % RING
        if at + count <= RING:
            sound = self._ring[at : at + count].copy()
        else:
            sound = np.concatenate((self._ring[at:], self._ring[: at + count - RING]))
        if first + count > self._end:
            sound[max(0, self._end - first) :] = 0
        return sound

    def _skip_to(self, end: int) -> None:
        """Silence up to a sample."""
        if end > self._end:
            first = max(self._end, end - RING)
            self._write(first, np.zeros(end - first, np.int16))
            self._end = end

    def _write(self, first: int, pcm: Int16) -> None:
        at, count = first % RING, len(pcm)
        before = min(count, RING - at)
        self._ring[at : at + before] = pcm[:before]
        self._ring[: count - before] = pcm[before:]

    def _catch_up(self, pcm: Int16, delay: int) -> Int16:
        """Leave sound out when the voice has been later than it need be."""
        self._least = min(self._least, delay)
        self._watched += len(pcm)
        cut = 0
        if delay > EXCESS:
            cut = min(len(pcm), delay - SPARE)
        elif self._watched >= WINDOW:
            if self._least <= SPARE:
                self._least, self._watched = EXCESS, 0
            elif _quiet(pcm):  # not in a word: in its pauses
                cut = min(len(pcm), self._least)
                self._least -= cut  # as much of this pause as it takes, packet after packet
        self.dropped += cut
        return pcm[cut:]


def _quiet(pcm: Int16) -> bool:
    return int(np.abs(pcm.astype(np.int32)).max()) < QUIET

"""Drawn: what a browser drew and heard, as columns, and what follows from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL_WINDOW = 1024
"""Samples over which the page takes the loudness of what is heard."""
_LAGS_MS = np.arange(-250.0, 251.0, 1.0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a page kept of a stay; times in ms of the page's clock, samples at 48 kHz.

    Of each picture: time [N], sample of the face that was drawn [N], lip gap of the drawn mesh in mm [N].
    Of each picture with voice: sync_time, heard, offset_ms [M]: which sample was heard by the receiver's
    clock, and how far it is ahead of the drawn one (positive: the sound is early).
    Every 10 ms: level_time, level [L]: loudness of what is heard, 0..1.
    """

    time: Floats
    sample: Floats
    lip: Floats
    sync_time: Floats
    heard: Floats
    offset_ms: Floats
    level_time: Floats
    level: Floats

    @classmethod
    def of(cls, history: dict[str, Any]) -> "Drawn":
        """From `lips`, `sync` and `levels` of window.likeness."""
        lips, levels = history["lips"], history["levels"]
        sync = [row for row in history["sync"] if None not in (row["heard"], row["offsetMs"])]
        return cls(
            _column(lips, "time"),
            _column(lips, "sample"),
            _column(lips, "metres") * 1000,
            _column(sync, "time"),
            _column(sync, "heard"),
            _column(sync, "offsetMs"),
            _column(levels, "time"),
            _column(levels, "rms"),
        )

    def during(self, first: float, last: float) -> "Drawn":
        """The stretch in which the samples from `first` to `last` were drawn."""
        keep = (self.sample >= first) & (self.sample <= last)
        if not keep.any():
            return self._between(np.inf, -np.inf)
        return self._between(float(self.time[keep].min()), float(self.time[keep].max()))

    def latest(self, seconds: float) -> "Drawn":
        """The last pictures."""
        return self._between(float(self.time[-1]) - 1000 * seconds, np.inf)

    def correlation(self) -> float:
        """Of lip gap and loudness around each picture (a tenth of a second); nan where too little is known.

        Picture by picture, so that it holds for a browser that draws few of them; pictures in which the
        media clock stood still are left out.
        """
        live = np.diff(self.sample, prepend=-1) > 0
        if live.sum() < 10 or len(self.level_time) < 10:
            return float("nan")
        loudness = np.convolve(np.sqrt(self.level), np.ones(10) / 10, "same")
        return float(np.corrcoef(self.lip[live], np.interp(self.time[live], self.level_time, loudness))[0, 1])

    def sound_lag_ms(self, pcm: NDArray[np.int16], start: float) -> float:
        """How far the sound itself is ahead of the receiver's clock, ms, by its loudness.

        pcm, start: the voice as the server made it, and its media sample. The loudness that the page
        measured is compared with the voice's around `heard` + lag; the best lag is returned, nan where
        nothing fits. This does not trust the RTP clock that `heard` comes from.
        """
        inside = (self.level_time >= self.sync_time.min(initial=np.inf)) & (
            self.level_time <= self.sync_time.max(initial=-np.inf)
        )
        if inside.sum() < 50:
            return float("nan")
        heard = np.interp(self.level_time[inside], self.sync_time, self.heard)
        level = np.sqrt(self.level[inside])
        power = np.concatenate([[0.0], np.cumsum((pcm / 32768.0) ** 2)])
        scores: list[float] = []
        for lag in _LAGS_MS:
            end = heard + lag * 48 - start
            last = np.clip(end, 0, len(pcm)).astype(int)
            first = np.clip(end - LEVEL_WINDOW, 0, len(pcm)).astype(int)
            true = np.sqrt(np.sqrt(np.maximum(power[last] - power[first], 0) / LEVEL_WINDOW))
            scores.append(float(np.corrcoef(level, true)[0, 1]) if true.std() > 0 else -1.0)
        best = int(np.argmax(scores))
        return float(_LAGS_MS[best]) if scores[best] > 0.5 else float("nan")

    def _between(self, begin: float, end: float) -> "Drawn":
        drawn = (self.time >= begin) & (self.time <= end)
        synced = (self.sync_time >= begin) & (self.sync_time <= end)
        levelled = (self.level_time >= begin) & (self.level_time <= end)
        return Drawn(
            self.time[drawn],
            self.sample[drawn],
            self.lip[drawn],
            self.sync_time[synced],
            self.heard[synced],
            self.offset_ms[synced],
            self.level_time[levelled],
            self.level[levelled],
        )


def _column(rows: list[dict[str, Any]], name: str) -> Floats:
    return np.array([row[name] for row in rows], float)

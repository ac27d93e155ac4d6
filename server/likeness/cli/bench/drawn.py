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
    """One row per drawn frame: time in ms, samples at 48 kHz, lip gap in mm, loudness 0..1.

    heard, level: nan where the page did not know. A row's `drawn` is the media sample of the face in the
    picture, `heard` that of the sound by the receiver's clock.
    """

    t: Floats
    heard: Floats
    drawn: Floats
    lip: Floats
    level: Floats
    voiced: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: list[dict[str, Any]]) -> "Drawn":
        """From `window.likeness.history()`."""

        def column(name: str, scale: float = 1.0) -> Floats:
            return np.array([np.nan if row[name] is None else row[name] * scale for row in rows], float)

        voiced = np.array([bool(row["voiced"]) for row in rows])
        return cls(
            column("t"), column("heard"), column("drawn"), column("lip", 1000), column("level"), voiced
        )

    def between(self, first: float, last: float) -> "Drawn":
        """Rows whose drawn sample is within [first, last]."""
        keep = (self.drawn >= first) & (self.drawn <= last)
        return Drawn(
            self.t[keep],
            self.heard[keep],
            self.drawn[keep],
            self.lip[keep],
            self.level[keep],
            self.voiced[keep],
        )

    def offset_ms(self) -> Floats:
        """Heard minus drawn of each row, ms: positive when the sound is early. nan where not known."""
        return (self.heard - self.drawn) / 48

    def lip_at(self, sample: float) -> float:
        """Lip gap, mm, when a media sample was drawn."""
        return float(np.interp(sample, self.drawn, self.lip))

    def correlation(self) -> float:
        """Of lip gap and loudness, both smoothed over a tenth of a second; nan below ten rows."""
        known = np.isfinite(self.level)
        if known.sum() < 10:
            return float("nan")
        t = self.t[known]
        grid = np.arange(t[0], t[-1], 10.0)
        lip, level = np.interp(grid, t, self.lip[known]), np.interp(grid, t, np.sqrt(self.level[known]))
        window = np.ones(10) / 10
        return float(np.corrcoef(np.convolve(lip, window, "same"), np.convolve(level, window, "same"))[0, 1])

    def sound_lag_ms(self, pcm: NDArray[np.int16], start: float) -> float:
        """How far the sound itself is ahead of the receiver's clock, ms, by its loudness.

        pcm, start: the voice as the server made it, and its media sample. The page's loudness of what is
        heard is compared with the voice's at `heard` + lag; the best lag is returned, nan where too little
        is known. This does not trust the RTP clock that `heard` comes from.
        """
        known = np.isfinite(self.heard) & np.isfinite(self.level)
        if known.sum() < 20:
            return float("nan")
        power = np.concatenate([[0.0], np.cumsum((pcm / 32768.0) ** 2)])
        level = np.sqrt(self.level[known])
        scores: list[float] = []
        for lag in _LAGS_MS:
            end = self.heard[known] + lag * 48 - start
            last = np.clip(end, 0, len(pcm)).astype(int)
            first = np.clip(end - LEVEL_WINDOW, 0, len(pcm)).astype(int)
            true = np.sqrt(np.sqrt(np.maximum(power[last] - power[first], 0) / LEVEL_WINDOW))
            scores.append(float(np.corrcoef(level, true)[0, 1]) if true.std() > 0 else -1.0)
        best = int(np.argmax(scores))
        return float(_LAGS_MS[best]) if scores[best] > 0.5 else float("nan")

"""What was drawn, as arrays: rows of the page's history."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """Columns of `window.likeness.history()`: times in ms, samples at 48 kHz, lip gap in mm, level 0..1."""

    t: Floats
    heard: Floats
    drawn: Floats
    lip: Floats
    level: Floats
    voiced: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: list[dict[str, Any]]) -> "Drawn":
        def column(name: str) -> Floats:
            return np.array([np.nan if r[name] is None else r[name] for r in rows], float)

        return cls(
            column("t"), column("heard"), column("drawn"), column("lip") * 1000, column("level"),
            np.array([r["voiced"] for r in rows], bool),
        )  # fmt: skip

    def between(self, first: float, last: float) -> "Drawn":
        """Rows whose drawn sample is within [first, last]."""
        keep = (self.drawn >= first) & (self.drawn <= last)
        return Drawn(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def offset_ms(self) -> Floats:
        """Heard minus drawn, ms, where both are known: positive when the sound is early."""
        offset = (self.heard - self.drawn) / 48
        return offset[np.isfinite(offset)]

    def lip_at(self, sample: float) -> float:
        """Lip gap, mm, of the drawn mesh at a media sample."""
        return float(np.interp(sample, self.drawn, self.lip))

    def correlation(self) -> float:
        """Of lip gap and loudness, both as the ear and eye take them: over a tenth of a second."""
        if len(self.t) < 10:
            return float("nan")
        grid = np.arange(self.t[0], self.t[-1], 10.0)
        lip, level = (np.interp(grid, self.t, values) for values in (self.lip, np.sqrt(self.level)))
        window = np.ones(10) / 10
        return float(np.corrcoef(np.convolve(lip, window, "same"), np.convolve(level, window, "same"))[0, 1])

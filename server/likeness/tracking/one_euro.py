"""The One Euro filter (Casiez et al. 2012), vectorised: still hands are smooth, fast moves are not late."""

import numpy as np

from likeness.tracking.face import Float32


class OneEuro:
    """Filters arrays of one fixed shape.

    minimum_cutoff: Hz at rest; beta: Hz per (unit/s) of speed; derivative_cutoff: Hz. Each may be an
    array that broadcasts to the values' shape, so that lids and lips can be faster than brows.
    """

    def __init__(
        self,
        minimum_cutoff: float | Float32 = 1.0,
        beta: float | Float32 = 0.5,
        derivative_cutoff: float = 1.0,
    ) -> None:
        self._minimum_cutoff = minimum_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._value: Float32 | None = None
        self._slope: Float32 | None = None

    def reset(self) -> None:
        """Forget the past: the next value passes unchanged."""
        self._value = self._slope = None

    def step(self, value: Float32, seconds: float) -> Float32:
        """The filtered value, `seconds` after the last one (clipped to 1 ms .. 1 s)."""
        dt = min(max(seconds, 1e-3), 1.0)
        if self._value is None or self._slope is None:
            self._value, self._slope = value.astype(np.float32), np.zeros_like(value, np.float32)
            return self._value
        raw_slope = (value - self._value) / dt
        slope = (self._slope + _alpha(self._derivative_cutoff, dt) * (raw_slope - self._slope)).astype(
            np.float32
        )
        self._slope = slope
        cutoff = self._minimum_cutoff + self._beta * np.abs(slope)
        self._value = (self._value + _alpha(cutoff, dt) * (value - self._value)).astype(np.float32)
        return self._value


def _alpha(cutoff: float | Float32, dt: float) -> float | Float32:
    return 1.0 / (1.0 + 1.0 / (2 * np.pi * cutoff * dt))

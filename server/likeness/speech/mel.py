"""Short-time spectra of 48 kHz sound for the lip-sync network and the acoustic model.

One spectrum serves both. The window (25.6 ms) and the bin spacing (31.25 Hz) are those of a 512-point
transform at 16 kHz, the rate at which speech models are trained; taken straight from 48 kHz sound, with the
bins above 8 kHz left out, no resampling filter adds to the look-ahead.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HOP: Final = 400
"""Samples between spectra at 48 kHz: 120 a second, two for each 60 Hz frame."""
WINDOW: Final = 1230
"""Samples under the window at 48 kHz (410 at 16 kHz)."""
BINS: Final = 257
_FFT: Final = 1536
BANDS: Final = 64
FLOOR: Final = 1e-8
"""Power added before the logarithm: -80 dB below a full-scale sine."""


def power_spectrum(frames: Tensor) -> Tensor:
    """Power [..., 257] of frames [..., n] of sound in -1..1; a full-scale sine has power 1 at its bin.

    n is WINDOW at 48 kHz, or WINDOW // 3 at 16 kHz (training data); both give the same bins.
    """
    n = frames.shape[-1]
    window = torch.hamming_window(n, periodic=False, dtype=frames.dtype)
    size = _FFT if n == WINDOW else _FFT // 3
    spectrum = torch.fft.rfft(frames * (window * (2.0 / window.sum())), n=size)[..., :BINS]
    return spectrum.real.square() + spectrum.imag.square()


class Filterbank:
    """Log power under many filters, of live sound: one transform and one product for all of them."""

    def __init__(self, filters: Tensor, background: Tensor) -> None:
        """filters [257, B] on the bins of `power_spectrum`; background [B] is added before the logarithm."""
        window = torch.hamming_window(WINDOW, periodic=False)
        self._window = window * (2.0 / window.sum())
        # Squares of real and imaginary parts lie side by side: their sum is left to the product.
        self._matrix = filters.repeat_interleave(2, 0)
        self._background = background
        self._frames = torch.zeros(0, 0, _FFT)

    def __call__(self, sound: Tensor) -> Tensor:
        """[N, T, B] of sound [N, S] in -1..1 at 48 kHz: T windows of WINDOW samples, HOP apart."""
        frames = sound.unfold(1, WINDOW, HOP)
        rows, ticks = frames.shape[:2]
        if self._frames.shape[:2] != (rows, ticks):
            self._frames = torch.zeros(rows, ticks, _FFT)
        torch.mul(frames, self._window, out=self._frames[..., :WINDOW])
        spectrum = torch.view_as_real(torch.fft.rfft(self._frames)[..., :BINS])
        power = spectrum.square().view(rows * ticks, 2 * BINS)
        return torch.addmm(self._background, power, self._matrix).log_().view(rows, ticks, -1)


def hertz_to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mels of frequencies in Hz (O'Shaughnessy)."""
    return 2595.0 * np.log10(1.0 + hertz / 700.0)


def mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies in Hz of mels."""
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def mel_matrix(frequencies: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """Triangular mel filters [257, 64] over 50..7800 Hz, each of unit sum.

    `frequencies` [257] are the frequencies that the bins stand for: the true ones, or warped ones when a
    longer or shorter vocal tract is imitated in training.
    """
    edges = mel_to_hertz(np.linspace(hertz_to_mel(np.array(50.0)), hertz_to_mel(np.array(7800.0)), BANDS + 2))
    f = np.arange(BINS) * 31.25 if frequencies is None else frequencies
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (f[:, None] - low) / (centre - low)
    falling = (high - f[:, None]) / (high - centre)
    weights = np.minimum(rising, falling).clip(0.0)
    for band in range(BANDS):
        if weights[:, band].sum() < 0.5:  # a low band narrower than the bin spacing: take the nearest bin
            nearest = int(np.argmin(np.abs(f - centre[band])))
            weights[nearest, band] = max(weights[nearest, band], 0.5)
    return (weights / weights.sum(0)).astype(np.float32)


class VoiceMean:
    """What is known of each speaker's average spectrum; rows are speakers.

    `level` [N, 1] and `shape` [N, B] add up to the mean log spectrum of the speaker's voice; `seen` [N, 1] is
    how much voice (in ticks, capped) they rest on; `peak` [N, 1] is the slowly falling maximum of the level.
    All are views of one `table` [N, B + 3].
    """

    __slots__ = ("level", "peak", "seen", "shape", "table")

    def __init__(self, table: Tensor) -> None:
        self.table = table
        self.level, self.seen, self.peak = table[:, 0:1], table[:, 1:2], table[:, 2:3]
        self.shape = table[:, 3:]

    @staticmethod
    def fresh(speakers: int, prior: Tensor) -> "VoiceMean":
        """Nothing heard yet: the average voice `prior` [B] at an unknown level."""
        mean = VoiceMean(torch.zeros(speakers, prior.shape[0] + 3))
        mean.level.fill_(-8.0)
        mean.shape.copy_(prior.expand(speakers, -1))
        mean.peak.fill_(QUIET)
        return mean


QUIET: Final = -13.0
"""Mean log power of a voice that is barely there (-56 dB): below, nothing is learned."""
_BELOW_PEAK: Final = 4.5  # within 20 dB of the recent peak counts as voice
_PEAK_FALL: Final = 0.005  # a tick: 1.3 dB a second
_LEVEL_PRIOR, _SHAPE_PRIOR = 2.0, 24.0  # ticks of voice that the prior is worth: a level is learned at once
_MEMORY: Final = 150.0  # ticks of voice: 2.5 s


def track_mean(bands: Tensor, mean: VoiceMean) -> tuple[Tensor, Tensor]:
    """Follow each speaker's mean spectrum, causally and only while there is voice.

    bands: log power [N, T, 2, B], two spectra a tick; the first 64 bands give the level, further ones may
    follow. Returns the mean to subtract at each tick [N, T, B] (it knows that tick and those before) and
    whether the tick counted as voice [N, T]. `mean` is updated in place.
    """
    tick = bands.mean(2)
    levels = bands[..., :BANDS].mean(3)
    level, loud = levels.mean(2, keepdim=True), levels.amax(2, keepdim=True)
    means: list[Tensor] = []
    voiced: list[Tensor] = []
    for t in range(bands.shape[1]):
        now = loud[:, t]
        peak = torch.maximum(now, mean.peak - _PEAK_FALL)
        # A sudden rise means that what was taken for voice was background: trust it less.
        rise = (peak - mean.peak).clamp_(0.0, 8.0)
        active = ((now > peak - _BELOW_PEAK) & (now > QUIET)).to(bands.dtype)
        seen = mean.seen.mul_(rise.mul_(-0.7).exp_()).add_(active).clamp_(max=_MEMORY)
        mean.level.addcdiv_(active * (level[:, t] - mean.level), seen + _LEVEL_PRIOR)
        deviation = tick[:, t] - level[:, t]
        mean.shape.add_(deviation.sub_(mean.shape).mul_(active / (seen + _SHAPE_PRIOR)))
        mean.peak.copy_(peak)
        means.append(mean.level + mean.shape)
        voiced.append(active[:, 0])
    return torch.stack(means, 1), torch.stack(voiced, 1)

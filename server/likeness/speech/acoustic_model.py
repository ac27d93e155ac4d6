"""The CMU US-English acoustic model (phonetically tied mixtures), batched over speakers.

The model is carried by the pocketsphinx package (BSD licence) and was trained on real speech of many people:
what a small network trained on synthetic voices cannot know. Only its 42 context-independent phones of three
states are used here: 42 codebooks of 128 Gaussians for each of three streams (cepstra, their differences,
second differences), evaluated as matrix products.

File layouts: SphinxTrain's "s3" binary files and PocketSphinx's `sendump`.
"""

import importlib.util
import math
import struct
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness.errors import MachineError
from likeness.speech.mel import BINS, hertz_to_mel, mel_to_hertz

STATES: Final = 126
"""HMM states: phone p has states 3p, 3p + 1, 3p + 2."""
FEATURES: Final = 39
"""Numbers in a feature vector."""
FRAMES: Final = 9
"""Spectra (120 a second) that one feature vector looks at."""
CENTRE: Final = 3.6
"""How far behind the newest of these spectra the vector's instant lies, in spectra (30 ms)."""
_CEPSTRA, _FILTERS, _CODEBOOKS, _GAUSSIANS = 13, 25, 42, 128
# Power of white noise 80 dB below full scale, in each bin. The model never heard digital silence: without a
# background, the closures of synthetic voices are like nothing it knows.
_BACKGROUND: Final = 4.4e-11
_AT_ONCE: Final = 32  # speakers a product: more leave the processor's cache
_EPSILON: Final = 1e-10
_UNIT: Final = 2**23 / math.log(2)
_WEIGHT_UNIT: Final = 1024 * math.log(1.0001)  # mixture weights are stored as -log in this unit


class AcousticModel:
    """Log-likelihoods of 126 phone states, and the features they are computed from."""

    def __init__(self, folder: Path | None = None) -> None:
        """Read the model from `folder` (default: the one inside the pocketsphinx package).

        Raises MachineError when it is missing or not the expected model.
        """
        self.folder = folder or model_folder() / "en-us"
        self.phones: Final = read_phones(self.folder / "mdef")
        means = _read_gaussians(self.folder / "means")
        variances = np.maximum(_read_gaussians(self.folder / "variances"), 1e-4)
        weights = _read_weights(self.folder / "sendump")
        # log N(x) = [x^2, x] . linear + constant, codebook-major so that one product serves all speakers
        linear = np.concatenate([-0.5 / variances, means / variances], -1)  # [42, 3, 128, 26]
        constant = -0.5 * (np.log(2 * np.pi * variances) + means * means / variances).sum(-1)
        # in units of float32's exponent field, see `_exponentials`
        self._linear = torch.from_numpy(
            (_UNIT * linear).astype(np.float32).transpose(1, 0, 2, 3).reshape(3, -1, 2 * _CEPSTRA).copy()
        )
        self._constant = torch.from_numpy(
            (_UNIT * constant).astype(np.float32).transpose(1, 0, 2).reshape(3, -1, 1).copy()
        )
        by_codebook = weights.reshape(3, _GAUSSIANS, _CODEBOOKS, 3).transpose(0, 2, 3, 1)
        self._weights = np.ascontiguousarray(by_codebook).reshape(-1, 3, _GAUSSIANS)
        self._rooms = {columns: _Room(columns) for columns in (1, _AT_ONCE // 2, _AT_ONCE)}
        self.filters: Final = torch.from_numpy(_mel_filters())
        """The model's own 25 mel filters [257, 25]."""
        self.background: Final = _BACKGROUND * self.filters.sum(0)
        """Power [25] of the background that the model is given under each of them."""
        speech = self._speech_mean(means, weights)
        # Differences in time and cosines over the bands are both linear: one product does both.
        both = np.einsum("kf,bc->fbkc", _dynamics(), _cosines()).reshape(FRAMES * _FILTERS, -1)
        less = np.zeros((_FILTERS, 3 * _CEPSTRA), np.float32)
        less[:, :_CEPSTRA] = -_cosines()
        self._features = torch.from_numpy(np.concatenate([both, less]))
        self._speech = torch.zeros(3 * _CEPSTRA)
        self._speech[:_CEPSTRA] = torch.from_numpy(speech)

    def log_mels(self, power: Tensor) -> Tensor:
        """The model's own 25 log mel energies [..., 25] of power spectra [..., 257] (full-scale sine = 1)."""
        return torch.log(power @ self.filters + self.background)

    def features(self, log_mels: Tensor, mean: Tensor) -> Tensor:
        """Feature vectors [N, 39] from 9 consecutive log-mel frames [N, 9, 25], oldest first.

        `mean` [N, 25], or [25] for all, is the mean of the voice alone, without silence; what the model
        expects of voice is added back.
        """
        known = torch.cat([log_mels.flatten(1), mean.expand(len(log_mels), -1)], 1)
        return torch.addmm(self._speech, known, self._features)

    def log_likelihood(self, features: Tensor) -> Tensor:
        """Log-likelihood [N, 126] of each state for feature vectors [N, 39]. Not thread-safe."""
        out = torch.empty(len(features), STATES)
        for first in range(0, len(features), _AT_ONCE):
            part = features[first : first + _AT_ONCE]
            n = len(part)
            # Whole vectors: products and reductions over odd lengths are slow.
            room = self._rooms[1 if n == 1 else _AT_ONCE // 2 if 2 * n <= _AT_ONCE else _AT_ONCE]
            out[first : first + n] = self._score(part, room)[:, :n].T
        return out

    def _score(self, features: Tensor, room: "_Room") -> Tensor:
        """[126, columns] for the first columns."""
        x = features.T.view(3, _CEPSTRA, -1)
        n = x.shape[2]
        room.inputs[:, _CEPSTRA:, :n] = x
        torch.mul(x, x, out=room.inputs[:, :_CEPSTRA, :n])
        for stream in range(3):
            torch.addmm(
                self._constant[stream], self._linear[stream], room.inputs[stream], out=room.scores[stream]
            )
        best = _greatest(room.by_codebook)
        # exp(x) within 3 % of x in units of the exponent field, x <= 0, written into the bits of the result.
        # A number's bits, read as an integer, are close to its logarithm (Schraudolph, "A fast, compact
        # approximation of the exponential function", 1999); 486411 spreads the error evenly. Three times as
        # fast as exp, and 3 % is far below what a Gaussian mixture knows.
        scaled = room.by_codebook.sub_(best - float((127 << 23) - 486_411)).relu_()
        room.bits.copy_(scaled)
        np.matmul(self._weights, room.shares, out=room.mixed)
        mixed = torch.from_numpy(room.mixed).view(3, STATES, -1).add_(_EPSILON).prod(0).log_()
        top = best.view(3, _CODEBOOKS, 1, -1).sum(0)
        return mixed.view(_CODEBOOKS, 3, -1).add_(top, alpha=1.0 / _UNIT).view(STATES, -1)

    def transitions(self) -> NDArray[np.float64]:
        """State transition probabilities [42, 3, 4] for 10 ms steps; column 3 leaves the phone."""
        data = (self.folder / "transition_matrices").read_bytes()
        at = _after_header(data) + 4
        count, rows, columns, size = struct.unpack_from("<4i", data, at)
        matrices = np.frombuffer(data, "<f4", size, at + 16).reshape(count, rows, columns).astype(np.float64)
        return matrices / matrices.sum(2, keepdims=True)

    def _speech_mean(self, means: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean cepstrum [13] that the model expects of voice, all speech phones alike."""
        shares = weights[0].reshape(_GAUSSIANS, _CODEBOOKS, 3)
        expected = np.einsum("dps,pdk->psk", shares / shares.sum(0), means[:, 0])
        speech = [i for i, p in enumerate(self.phones) if p not in ("SIL", "+NSN+", "+SPN+")]
        return expected[speech].mean((0, 1)).astype(np.float32)


class _Room:
    """Where the scores of some columns (speakers) are worked out, kept: fresh memory costs page faults."""

    def __init__(self, columns: int) -> None:
        self.inputs = torch.zeros(3, 2 * _CEPSTRA, columns)
        self.scores = torch.zeros(3, _CODEBOOKS * _GAUSSIANS, columns)
        self.by_codebook = self.scores.view(3 * _CODEBOOKS, _GAUSSIANS, columns)
        self.bits = torch.zeros(3 * _CODEBOOKS, _GAUSSIANS, columns, dtype=torch.int32)
        self.shares = self.bits.view(torch.float32).numpy()
        self.mixed = np.zeros((3 * _CODEBOOKS, 3, columns), np.float32)


def _greatest(scores: Tensor) -> Tensor:
    """The greatest [B, 1, columns] of [B, G, columns]."""
    books, _, columns = scores.shape
    # Reductions are quick over rows of whole vectors: first over rows of 32, then within them.
    rows = scores.view(books, -1, _AT_ONCE).amax(1)
    return rows.view(books, -1, columns).amax(1, keepdim=True)


def model_folder() -> Path:
    """The folder with the model (`en-us`) and `cmudict-en-us.dict` of the pocketsphinx package.

    Raises MachineError when the package or the model is missing.
    """
    spec = importlib.util.find_spec("pocketsphinx")
    if spec is None or spec.origin is None:
        raise MachineError("the pocketsphinx package is missing: install it with `pip install pocketsphinx`")
    folder = Path(spec.origin).parent / "model" / "en-us"
    if not (folder / "en-us" / "mdef").is_file():
        raise MachineError(f"{folder} has no en-us model: reinstall it with `pip install -U pocketsphinx`")
    return folder


def read_phones(path: Path) -> tuple[str, ...]:
    """The 42 phone names of a binary `mdef`, in the order of the model's codebooks."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<i", data, 8)
    at = 12 + length + 40
    return tuple(name.decode() for name in data[at : at + 400].split(b"\0")[:_CODEBOOKS])


def _after_header(data: bytes) -> int:
    return data.index(b"endhdr\n") + 7


def _read_gaussians(path: Path) -> NDArray[np.float32]:
    """Means or variances [42, 3, 128, 13]."""
    data = path.read_bytes()
    at = _after_header(data)
    magic, codebooks, streams, gaussians = struct.unpack_from("<4i", data, at)
    if magic != 0x11223344 or (codebooks, streams, gaussians) != (_CODEBOOKS, 3, _GAUSSIANS):
        raise MachineError(f"{path} is not the expected acoustic model: reinstall pocketsphinx 5")
    size = _CODEBOOKS * 3 * _GAUSSIANS * _CEPSTRA
    values = np.frombuffer(data, "<f4", size, at + 20 + 4 * streams)
    return values.reshape(_CODEBOOKS, 3, _GAUSSIANS, _CEPSTRA)


def _read_weights(path: Path) -> NDArray[np.float32]:
    """Mixture weights [3, 128, 126] of the context-independent states, the first 126 of 5126."""
    stored = np.frombuffer(path.read_bytes(), np.uint8, 3 * _GAUSSIANS * 5126, 640)
    independent = stored.reshape(3, _GAUSSIANS, 5126)[:, :, :STATES].astype(np.float32)
    return np.exp(-_WEIGHT_UNIT * independent).astype(np.float32)


def _mel_filters() -> NDArray[np.float32]:
    """Filters [257, 25] as in PocketSphinx: 130..6800 Hz, edges on bins, unit area, pre-emphasis 0.97.

    Scaled from our power (full-scale sine = 1) to that of a Hamming-windowed int16 signal.
    """
    spacing = 31.25
    low, high = hertz_to_mel(np.array(130.0)), hertz_to_mel(np.array(6800.0))
    edges = mel_to_hertz(low + np.arange(_FILTERS + 2) * (high - low) / (_FILTERS + 1))
    edges = np.floor(edges / spacing + 0.5) * spacing
    f = np.arange(BINS) * spacing
    bank = np.zeros((BINS, _FILTERS))
    for i in range(_FILTERS):
        start, centre, stop = edges[i : i + 3]
        height = 2.0 / (stop - start)
        rising, falling = (f - start) / (centre - start), (stop - f) / (stop - centre)
        bank[:, i] = np.minimum(rising, falling).clip(0.0) * height
        if bank[:, i].sum() < 0.5 * height:
            bank[int(np.argmin(np.abs(f - centre))), i] = height
    emphasis = np.abs(1 - 0.97 * np.exp(-2j * np.pi * np.arange(BINS) / 512)) ** 2
    scale = (np.hamming(410).sum() / 2 * 32768.0) ** 2
    return (bank * (emphasis * scale)[:, None]).astype(np.float32)


def _cosines() -> NDArray[np.float32]:
    """Orthonormal DCT-II [25, 13] with the model's lifter 1 + 11 sin(pi k / 22)."""
    k, j = np.arange(_CEPSTRA), np.arange(_FILTERS)
    table = np.cos(np.pi * k * (j[:, None] + 0.5) / _FILTERS) * np.sqrt(2.0 / _FILTERS)
    table[:, 0] = np.sqrt(1.0 / _FILTERS)
    return (table * (1.0 + 11.0 * np.sin(np.pi * k / 22.0))).astype(np.float32)


def _dynamics() -> NDArray[np.float32]:
    """Weights [3, 9] that take 9 spectra at 120 Hz (oldest first) to value, difference and second difference.

    The model was trained on 100 frames a second: c[t], c[t+2] - c[t-2], c[t+3] - c[t+1] - c[t-1] + c[t-3];
    instants between our spectra are interpolated linearly.
    """

    def at(offset: float) -> NDArray[np.float64]:
        position = FRAMES - 1 - CENTRE + 1.2 * offset
        row = np.zeros(FRAMES)
        left = min(max(math.floor(position + 1e-9), 0), FRAMES - 2)
        share = min(max(position - left, 0.0), 1.0)
        row[left], row[left + 1] = 1.0 - share, share
        return row

    rows = [at(0), at(2) - at(-2), at(3) - at(1) - at(-1) + at(-3)]
    return np.stack(rows).astype(np.float32)

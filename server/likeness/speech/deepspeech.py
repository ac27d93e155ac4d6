"""The speech features VOCA was trained on: character logits of Mozilla DeepSpeech 0.1.0 in windows of 16 at
60 Hz.

The recogniser itself is supplied by the user as an ONNX file; here is everything around it. It needs the
whole utterance (it reads in both directions, and features are normalised over the utterance), so it cannot
run live.
"""

from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, MachineError

Float32 = NDArray[np.float32]
CHARACTERS: Final = 29
"""Logits a frame: 26 letters, blank, apostrophe, and the CTC gap."""
WINDOW: Final = 16
"""Frames of logits that VOCA looks at: frame i sees i - 8 .. i + 7."""
_RATE, _CEPSTRA, _CONTEXT = 16_000, 26, 9


class Recogniser(Protocol):
    """DeepSpeech: feature rows in, character logits out."""

    def logits(self, rows: Float32) -> Float32:
        """Logits float32 [T, 29] of normalised rows float32 [T, 494] (19 frames of 26), 50 a second."""
        ...


class OnnxRecogniser:
    """DeepSpeech 0.1.0 exported to ONNX with its graph's names: `input_node`, `input_lengths` -> `logits`."""

    def __init__(self, path: Path) -> None:
        """Raises MachineError without the onnxruntime package, InputError for another model."""
        try:
            import onnxruntime  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MachineError("DeepSpeech needs onnxruntime: `pip install onnxruntime`") from error
        if not path.is_file():
            raise InputError(f"{path} does not exist: docs/voca.md says which DeepSpeech file is needed")
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"{path} cannot be read as an ONNX model: {error}") from error
        names = {node.name for node in self._session.get_inputs()}
        if "input_node" not in names:
            raise InputError(f"{path} has inputs {sorted(names)}; DeepSpeech 0.1.0 has `input_node`")
        self._lengths = "input_lengths" in names

    def logits(self, rows: Float32) -> Float32:
        """See `Recogniser`."""
        inputs: dict[str, NDArray[Any]] = {"input_node": rows[None]}
        if self._lengths:
            inputs["input_lengths"] = np.array([len(rows)], np.int32)
        return np.asarray(self._session.run(["logits"], inputs)[0], np.float32).reshape(-1, CHARACTERS)


def voca_windows(pcm: Float32, recogniser: Recogniser) -> Float32:
    """VOCA's input float32 [T, 16, 29] at 60 Hz of a whole utterance, T = round(seconds * 60).

    pcm: float32 [S] in -1..1 at 16 kHz.
    """
    rows = feature_rows(np.round(np.clip(pcm, -1, 1) * 32767).astype(np.int16))
    logits = recogniser.logits(rows)
    if logits.shape[1:] != (CHARACTERS,):
        raise InputError(f"the recogniser gave logits of shape {logits.shape}; VOCA needs (T, {CHARACTERS})")
    frames = max(1, round(len(pcm) / _RATE * 60))
    return windows(resample_frames(logits, frames))


def feature_rows(pcm: NDArray[np.int16]) -> Float32:
    """Normalised rows float32 [T, 494]: every second of 26 cepstra with 9 neighbours on either side.

    Normalised by the mean and deviation of all values of the utterance, as DeepSpeech does.
    """
    cepstra = mfcc(pcm)[::2]
    padded = np.pad(cepstra, ((_CONTEXT, _CONTEXT), (0, 0)))
    size = 2 * _CONTEXT + 1
    rows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0).transpose(0, 2, 1)
    rows = rows.reshape(len(cepstra), size * _CEPSTRA)
    return ((rows - rows.mean()) / (rows.std() + 1e-12)).astype(np.float32)


def mfcc(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """26 cepstra [T, 26] every 10 ms of 16 kHz sound, as the python_speech_features package computes them.

    25 ms rectangular windows, pre-emphasis 0.97, 512-point spectrum, 26 mel filters over 0..8 kHz, logarithm,
    orthonormal DCT, lifter 22, the first cepstrum replaced by the log energy.
    """
    length, step, size = 400, 160, 512
    signal = pcm.astype(np.float64)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    count = 1 if len(signal) <= length else 1 + -(-(len(signal) - length) // step)
    signal = np.pad(signal, (0, max(0, (count - 1) * step + length - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(signal, length)[::step][:count]
    power = np.abs(np.fft.rfft(frames, size)) ** 2 / size
    energy = np.maximum(power.sum(1), np.finfo(float).eps)
    filtered = np.log(np.maximum(power @ _filters(size).T, np.finfo(float).eps))
    k, j = np.arange(_CEPSTRA)[:, None], np.arange(26)
    cosines = np.cos(np.pi * k * (2 * j + 1) / 52) * np.sqrt(2 / 26)
    cosines[0] = np.sqrt(1 / 26)
    cepstra = (filtered @ cosines.T) * (1 + 11 * np.sin(np.pi * np.arange(_CEPSTRA) / 22))
    cepstra[:, 0] = np.log(energy)
    return cepstra


def resample_frames(logits: Float32, frames: int) -> Float32:
    """Rows [T, 29] at 50 a second interpolated to `frames` rows at 60 a second."""
    source = np.arange(len(logits)) / 50.0
    target = np.arange(frames) / 60.0
    return np.stack([np.interp(target, source, column) for column in logits.T], 1).astype(np.float32)


def windows(rows: Float32) -> Float32:
    """Windows [T, 16, 29] around each row, zero beyond the ends."""
    padded = np.pad(rows, ((WINDOW // 2, WINDOW // 2), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0)[: len(rows)]
    return np.ascontiguousarray(view.transpose(0, 2, 1))


def _filters(size: int) -> NDArray[np.float64]:
    """Mel triangles [26, size / 2 + 1] with edges on bins, not normalised."""
    top = 2595 * np.log10(1 + (_RATE / 2) / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, 28) / 2595) - 1)
    edges = np.floor((size + 1) * hertz / _RATE).astype(int)
    bank = np.zeros((26, size // 2 + 1))
    for i in range(26):
        low, centre, high = edges[i : i + 3]
        bank[i, low:centre] = (np.arange(low, centre) - low) / max(centre - low, 1)
        bank[i, centre:high] = (high - np.arange(centre, high)) / max(high - centre, 1)
    return bank

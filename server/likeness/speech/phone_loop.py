"""Which phone is being said: a fixed-lag forward-backward pass over a loop of all phones, for many speakers.

The hidden Markov model has the acoustic model's 126 states (42 phones of three), its transition
probabilities, and phone-to-phone probabilities counted in the pronunciation dictionary that comes with it.
A frame's posterior uses everything before it and `LAG` frames after it, so that it can be computed live.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness.speech.acoustic_model import STATES

LAG: Final = 2
"""Frames (60 a second) that a posterior waits for."""


class PhoneLoop:
    """The model's matrix and the recursion; the state of each speaker lives with the caller."""

    def __init__(
        self,
        transitions: NDArray[np.float64],
        followers: NDArray[np.float64],
        acoustic_scale: float,
        language_scale: float = 0.8,
    ) -> None:
        """transitions [42, 3, 4] for 10 ms steps, followers [42, 42] phone bigrams (rows sum to 1).

        `acoustic_scale` flattens the likelihoods: neighbouring frames are not independent.
        """
        self._matrix = torch.from_numpy(_loop_matrix(transitions, followers, language_scale))
        self._backward = self._matrix.T.contiguous()
        self.acoustic_scale = acoustic_scale

    def evidence(self, log_likelihood: Tensor) -> Tensor:
        """Scaled likelihoods [N, 126], the best state 1, floored so that no frame is impossible."""
        best = log_likelihood.amax(1, keepdim=True)
        return torch.exp((log_likelihood - best) * self.acoustic_scale) + 1e-8

    def forward(self, belief: Tensor, evidence: Tensor) -> Tensor:
        """The next filtered belief [N, 126] after one frame of evidence [N, 126]."""
        after = (belief @ self._matrix) * evidence
        return after / after.sum(1, keepdim=True)

    def smooth(self, belief: Tensor, later: list[Tensor]) -> Tensor:
        """State posteriors [N, 126] of the frame of `belief`, given the evidence of the frames `later`."""
        weight = torch.ones_like(belief)
        for evidence in reversed(later):
            weight = (evidence * weight) @ self._backward
            weight = weight / weight.amax(1, keepdim=True)
        posterior = belief * weight
        return posterior / posterior.sum(1, keepdim=True)

    @staticmethod
    def start(speakers: int) -> Tensor:
        """The belief before anything was heard: every state alike [N, 126]."""
        return torch.full((speakers, STATES), 1.0 / STATES)


def count_followers(dictionary: Path, phones: tuple[str, ...]) -> NDArray[np.float64]:
    """Phone bigram probabilities [42, 42] from a CMU-style pronunciation dictionary.

    Four word boundaries in five are taken to be without a pause.
    """
    index = {phone: i for i, phone in enumerate(phones)}
    silence = index["SIL"]
    counts = np.full((len(phones), len(phones)), 0.5)
    for line in dictionary.read_text(encoding="utf-8", errors="replace").splitlines():
        word = [index[p] for p in line.split()[1:] if p in index]
        for before, after in zip([silence, *word], [*word, silence], strict=True):
            counts[before, after] += 1
    last, first = counts[:, silence].copy(), counts[silence].copy()
    first[silence] = 0
    counts += 0.8 * np.outer(last, first / first.sum())
    return counts / counts.sum(1, keepdims=True)


def _loop_matrix(
    transitions: NDArray[np.float64], followers: NDArray[np.float64], language_scale: float
) -> NDArray[np.float32]:
    """State transition matrix [126, 126] at 60 frames a second."""
    stay_power = 100.0 / 60.0  # the model's probabilities are per 10 ms
    language = followers**language_scale
    language /= language.sum(1, keepdims=True)
    phones = len(followers)
    matrix = np.zeros((3 * phones, 3 * phones))
    for phone in range(phones):
        for state in range(3):
            row = 3 * phone + state
            stay = transitions[phone, state, state] ** stay_power
            leave = 1.0 - stay
            matrix[row, row] = stay
            # At 60 frames a second a state can be passed over: 15 % of the time it lasts no frame at all.
            if state < 2:
                matrix[row, row + 1] = leave * 0.85
            if state == 0:
                matrix[row, row + 2] += leave * 0.15
            else:
                matrix[row, ::3] += leave * (0.15 if state == 1 else 1.0) * language[phone]
    return matrix.astype(np.float32)

"""What the acoustic model says, from a small network that was taught by it (`tools/lipsync/distil.py`).

The mixtures of `acoustic_model` weigh 16,128 Gaussians for every speaker and instant: half of all that live
lips cost. The phone loop takes a fifth of their log-likelihoods: that much three small layers say as well.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness.errors import InputError
from likeness.speech.acoustic_model import FEATURES, STATES


class AcousticNetwork:
    """Layers of rectified sums over a feature vector and its squares."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """arrays as in the lip-sync's weights (`load_weights`): acoustic_middle and acoustic_spread [39],
        acoustic{k}_weight [inputs, outputs] and acoustic{k}_bias of each layer. Raises InputError.
        """
        try:
            self._middle = torch.from_numpy(arrays["acoustic_middle"].astype(np.float32))
            self._scale = torch.from_numpy((1 / arrays["acoustic_spread"]).astype(np.float32))
            self._layers: list[tuple[Tensor, Tensor]] = []
            while f"acoustic{len(self._layers)}_weight" in arrays:
                name = f"acoustic{len(self._layers)}"
                weight, bias = (arrays[f"{name}_{part}"].astype(np.float32) for part in ("weight", "bias"))
                self._layers.append((torch.from_numpy(weight), torch.from_numpy(bias)))
            ends = self._layers[0][0].shape[0], self._layers[-1][0].shape[1]
        except (KeyError, IndexError) as error:
            raise InputError(
                f"the lip-sync weights have no acoustic network ({error}): train them with this version's "
                "tools/lipsync"
            ) from error
        if ends != (2 * FEATURES, STATES):
            raise InputError(
                f"the acoustic network takes {ends[0]} numbers and gives {ends[1]}; expected {2 * FEATURES} "
                f"and {STATES}: train it with this version's tools/lipsync"
            )

    @property
    def parameters(self) -> int:
        """How many numbers it has learned."""
        return sum(weight.numel() + bias.numel() for weight, bias in self._layers)

    def log_likelihood(self, features: Tensor) -> Tensor:
        """Log-likelihood [N, 126] of each state for feature vectors [N, 39], up to a constant for each
        vector.
        """
        known = (features - self._middle).mul_(self._scale)
        x = torch.cat([known, known * known], 1)
        for weight, bias in self._layers[:-1]:
            x = torch.addmm(bias, x, weight).relu_()
        weight, bias = self._layers[-1]
        return torch.addmm(bias, x, weight)

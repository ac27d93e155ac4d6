"""The lip-sync network, one 60 Hz tick at a time for any number of speakers.

A causal convolutional network: log-mel spectra at 120 Hz, a convolution of stride 2, residual convolutions
with growing dilation, one linear head. It is trained by `tools/lipsync`; normalisation layers are folded
into the weights. Each layer needs only three of its own past inputs, so a tick touches three rows a layer
and speaker.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from likeness.errors import InputError
from likeness.speech.articulation import CHANNELS, CLASSES
from likeness.speech.mel import BANDS

WEIGHTS: Final = Path(__file__).parent / "weights" / "lipsync.npz"
OUTPUTS: Final = len(CHANNELS) + 1 + len(CLASSES)
"""The head: 8 curve logits, 1 closure logit, 32 phone-class logits."""


class LipSyncNetwork:
    """Weights and the recent past of up to `capacity` speakers."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], capacity: int) -> None:
        """arrays as written by `tools/lipsync` (see `load_weights`)."""
        self.dilations: Final = tuple(int(d) for d in arrays["dilations"])
        self._first = torch.from_numpy(arrays["first_weight"].astype(np.float32))  # [4 * 64, C]
        self._first_bias = torch.from_numpy(arrays["first_bias"].astype(np.float32))
        self._layers = [
            (
                torch.from_numpy(arrays[f"layer{i}_weight"].astype(np.float32)),  # [3 C, C], oldest tap first
                torch.from_numpy(arrays[f"layer{i}_bias"].astype(np.float32)),
            )
            for i in range(len(self.dilations))
        ]
        self._head = torch.from_numpy(arrays["head_weight"].astype(np.float32))  # [C, OUTPUTS]
        self._head_bias = torch.from_numpy(arrays["head_bias"].astype(np.float32))
        width = self._head.shape[0]
        if self._first.shape[0] != 4 * BANDS or self._head.shape[1] != OUTPUTS:
            raise InputError(
                f"the lip-sync weights have shapes {tuple(self._first.shape)} and {tuple(self._head.shape)}; "
                f"expected ({4 * BANDS}, C) and (C, {OUTPUTS}): train them with this version's tools/lipsync"
            )
        self._input = torch.zeros(capacity, 2 * BANDS)
        # One table holds what every layer heard: for each speaker, a ring of 2 d rows for each dilation d.
        self._sizes = torch.tensor([2 * d for d in self.dilations])[:, None]
        self._rows = int(self._sizes.sum())
        self._starts = torch.cumsum(self._sizes, 0) - self._sizes
        self._halves = self._sizes // 2
        self._past = torch.zeros(capacity * self._rows, width)
        # What a layer heard before does not wait for the layer below: one product for all layers.
        self._before = torch.stack([weight[: 2 * width] for weight, _ in self._layers])
        self._biases = torch.stack([bias for _, bias in self._layers])[:, None]
        self._newest = [weight[2 * width :].contiguous() for weight, _ in self._layers]

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""
        layers = sum(w.numel() + b.numel() for w, b in self._layers)
        return (
            layers
            + self._first.numel()
            + self._first_bias.numel()
            + self._head.numel()
            + self._head_bias.numel()
        )

    def reset(self, slot: int) -> None:
        """Forget what a speaker said."""
        self._input[slot] = 0.0
        self._past[slot * self._rows : (slot + 1) * self._rows] = 0.0

    def step(self, slots: Tensor, clock: Tensor, bands: Tensor) -> Tensor:
        """Head outputs [N, OUTPUTS] (logits) after one more tick.

        slots int64 [N]; clock int64 [N], how many ticks each of them has had before; bands [N, 2, 64]
        normalised log-mel spectra of the tick.
        """
        n, layers = len(slots), len(self._layers)
        now = bands.flatten(1)
        both = torch.cat([self._input.index_select(0, slots), now], 1)
        x = torch.addmm(self._first_bias, both, self._first).relu_()
        self._input.index_copy_(0, slots, now)
        base = slots * self._rows + self._starts  # [layers, N]
        oldest = base + clock % self._sizes
        middle = base + (clock + self._halves) % self._sizes
        past = self._past.index_select(0, torch.stack([oldest, middle], 2).flatten())
        sums = torch.baddbmm(self._biases, past.view(layers, n, -1), self._before)
        heard: list[Tensor] = []
        for k, weight in enumerate(self._newest):
            heard.append(x)
            x = x + sums[k].addmm_(x, weight).relu_()
        self._past.index_copy_(0, oldest.flatten(), torch.cat(heard))
        return torch.addmm(self._head_bias, x, self._head)


def load_weights(path: Path = WEIGHTS) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the settings (JSON in `meta`) of a weights file; InputError when it is not one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        settings: dict[str, Any] = json.loads(str(arrays.pop("meta")))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} is not a lip-sync weights file ({error}): make one with tools/lipsync"
        ) from error
    return arrays, settings

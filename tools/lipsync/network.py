"""The lip-sync network as it is trained; `likeness.speech.lipsync_network` runs the same one tick by tick."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from likeness.speech.lipsync_network import OUTPUTS
from likeness.speech.mel import BANDS

DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)


class Network(nn.Module):
    """Causal: output t knows the spectra of ticks up to t."""

    def __init__(
        self, width: int = 128, dilations: tuple[int, ...] = DILATIONS, dropout: float = 0.05
    ) -> None:
        super().__init__()
        self.dilations = dilations
        self.first = nn.Conv1d(BANDS, width, 4, stride=2, bias=False)
        self.first_norm = nn.BatchNorm1d(width)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 3, dilation=d, bias=False) for d in dilations])
        self.norms = nn.ModuleList([nn.BatchNorm1d(width) for _ in dilations])
        self.drop = nn.Dropout1d(dropout)
        self.head = nn.Conv1d(width, OUTPUTS, 1)

    def forward(self, mels: Tensor) -> Tensor:
        """[B, T, 2, 64] normalised log-mels to logits [B, T, OUTPUTS]."""
        x = F.pad(mels.flatten(1, 2).mT * INPUT_SCALE, (2, 0))
        x = F.relu(self.first_norm(self.first(x)))
        for layer, norm, dilation in zip(self.layers, self.norms, self.dilations, strict=True):
            x = x + F.relu(norm(layer(F.pad(x, (2 * dilation, 0)))))
        return self.head(self.drop(x)).mT


INPUT_SCALE = 0.4


def folded(state: dict[str, Tensor], dilations: tuple[int, ...] = DILATIONS) -> dict[str, NDArray[Any]]:
    """The arrays that `LipSyncNetwork` reads, normalisation folded into the weights."""

    def fold(weight: Tensor, norm: str) -> tuple[Tensor, Tensor]:
        gain = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + 1e-5)
        return weight * gain[:, None, None], state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain

    def rows(weight: Tensor) -> NDArray[np.float32]:  # [out, in, taps] -> [taps * in, out]
        return np.ascontiguousarray(weight.permute(2, 1, 0).reshape(-1, weight.shape[0]).float().numpy())

    weight, bias = fold(state["first.weight"] * INPUT_SCALE, "first_norm")
    arrays: dict[str, NDArray[Any]] = {"dilations": np.array(dilations), "first_weight": rows(weight)}
    arrays["first_bias"] = bias.float().numpy()
    for i in range(len(dilations)):
        weight, bias = fold(state[f"layers.{i}.weight"], f"norms.{i}")
        arrays[f"layer{i}_weight"], arrays[f"layer{i}_bias"] = rows(weight), bias.float().numpy()
    arrays["head_weight"] = np.ascontiguousarray(state["head.weight"][:, :, 0].T.float().numpy())
    arrays["head_bias"] = state["head.bias"].float().numpy()
    return arrays

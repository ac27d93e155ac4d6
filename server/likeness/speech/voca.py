"""VOCA (Cudeiro et al., "Capture, Learning, and Synthesis of 3D Speaking Styles", CVPR 2019) as a guest.

Its weights are the authors', under a non-commercial licence, and are never shipped: `tools/voca` converts the
published TensorFlow checkpoint (docs/voca.md). The network turns windows of DeepSpeech logits into vertex
offsets of FLAME's mesh; these are solved onto a head's expression components and jaw.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from likeness.errors import InputError
from likeness.speech.deepspeech import CHARACTERS, WINDOW, Recogniser, voca_windows
from likeness.speech.lipsync import to_media_rate

Float32 = NDArray[np.float32]
SUBJECTS: Final = 8
VERTICES: Final = 5023
VARIABLES: Final[dict[str, tuple[int, ...]]] = {
    "VOCA/SpeechEncoder/batch_norm/beta": (1,),
    "VOCA/SpeechEncoder/batch_norm/gamma": (1,),
    "VOCA/SpeechEncoder/batch_norm/moving_mean": (1,),
    "VOCA/SpeechEncoder/batch_norm/moving_variance": (1,),
    "VOCA/SpeechEncoder/conv1/weights": (3, 1, CHARACTERS + SUBJECTS, 32),
    "VOCA/SpeechEncoder/conv1/biases": (32,),
    "VOCA/SpeechEncoder/conv2/weights": (3, 1, 32, 32),
    "VOCA/SpeechEncoder/conv2/biases": (32,),
    "VOCA/SpeechEncoder/conv3/weights": (3, 1, 32, 64),
    "VOCA/SpeechEncoder/conv3/biases": (64,),
    "VOCA/SpeechEncoder/conv4/weights": (3, 1, 64, 64),
    "VOCA/SpeechEncoder/conv4/biases": (64,),
    "VOCA/SpeechEncoder/fc1/weights": (64 + SUBJECTS, 128),
    "VOCA/SpeechEncoder/fc1/biases": (128,),
    "VOCA/SpeechEncoder/fc2/weights": (128, 50),
    "VOCA/SpeechEncoder/fc2/biases": (50,),
    "VOCA/ExpressionLayer/expression_offset/weights": (50, 3 * VERTICES),
    "VOCA/ExpressionLayer/expression_offset/biases": (3 * VERTICES,),
}
"""Names and shapes of the published checkpoint: 809,561 weights, and four numbers of normalisation."""


class VocaNetwork:
    """The published network, evaluated in torch."""

    def __init__(self, variables: Mapping[str, NDArray[Any]]) -> None:
        """variables: the checkpoint's arrays under their TensorFlow names.

        Raises InputError when one is missing or has another shape.
        """
        for name, shape in VARIABLES.items():
            if name not in variables:
                raise InputError(f"VOCA's weights lack {name}: convert the checkpoint with tools/voca")
            if variables[name].shape != shape or not np.isfinite(variables[name]).all():
                found = variables[name].shape
                raise InputError(f"VOCA's {name} has shape {found}, expected finite numbers of shape {shape}")
        self._w = {name: torch.from_numpy(np.array(variables[name], np.float32)) for name in VARIABLES}

    @staticmethod
    def load(path: Path) -> "VocaNetwork":
        """Read a file written by `tools/voca`; InputError when it is not one."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return VocaNetwork({name: file[name] for name in file.files})
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} is not a converted VOCA checkpoint ({error}): see docs/voca.md"
            ) from None

    @torch.inference_mode()
    def offsets(self, windows: Float32, subject: int) -> Float32:
        """Vertex offsets float32 [N, 5023, 3] in metres for windows [N, 16, 29], in one of 8 styles."""
        if windows.shape[1:] != (WINDOW, CHARACTERS):
            raise InputError(f"VOCA needs windows (N, {WINDOW}, {CHARACTERS}), not {windows.shape}")
        if not 0 <= subject < SUBJECTS:
            raise InputError(f"VOCA has speaking styles 0..{SUBJECTS - 1}, not {subject}")
        w, prefix = self._w, "VOCA/SpeechEncoder"
        norm = f"{prefix}/batch_norm"
        x = torch.from_numpy(np.ascontiguousarray(windows, np.float32))
        x = (x - w[f"{norm}/moving_mean"]) * torch.rsqrt(w[f"{norm}/moving_variance"] + 1e-5)
        x = x * w[f"{norm}/gamma"] + w[f"{norm}/beta"]
        style = F.one_hot(torch.tensor(subject), SUBJECTS).float()
        x = torch.cat([x, style.expand(*x.shape[:2], -1)], 2).mT  # [N, 37, 16]
        for layer in ("conv1", "conv2", "conv3", "conv4"):
            kernel = w[f"{prefix}/{layer}/weights"][:, 0].permute(2, 1, 0)
            # TensorFlow's SAME at stride 2 and even length pads one frame after and none before.
            x = torch.relu(F.conv1d(F.pad(x, (0, 1)), kernel, w[f"{prefix}/{layer}/biases"], stride=2))
        x = torch.cat([x[:, :, 0], style.expand(len(x), -1)], 1)
        x = torch.tanh(x @ w[f"{prefix}/fc1/weights"] + w[f"{prefix}/fc1/biases"])
        x = x @ w[f"{prefix}/fc2/weights"] + w[f"{prefix}/fc2/biases"]
        layer = "VOCA/ExpressionLayer/expression_offset"
        out: Tensor = x @ w[f"{layer}/weights"] + w[f"{layer}/biases"]
        return out.view(-1, VERTICES, 3).numpy()


class OffsetSolver:
    """Vertex offsets to expression and jaw, by least squares, fast enough for every frame.

    The face is v = x + w (R(jaw) - I) (x - joint) + C vec(R(jaw) - I) with x = template + expression . psi:
    FLAME with only expression and jaw moving. Each step of the solution uses the exact face and the slopes
    at rest.
    """

    def __init__(
        self,
        template: Float32,
        expression: Float32,
        jaw_weight: Float32,
        jaw_joint: Float32,
        jaw_corrective: Float32 | None = None,
        *,
        rest: float = 1e-7,
        iterations: int = 3,
    ) -> None:
        """template [V, 3] m, expression [V, 3, E], jaw_weight [V] skinning weights of the jaw, jaw_joint [3].

        jaw_corrective [V, 3, 9] are the pose blend shapes of the jaw's rotation. `rest` pulls psi to zero.
        """
        count = expression.shape[2]
        self._template = template.astype(np.float32)
        self._basis = np.ascontiguousarray(expression, np.float32).reshape(-1, count)
        self._weight = jaw_weight.astype(np.float32)[:, None]
        self._joint = jaw_joint.astype(np.float32)
        none = np.zeros((*template.shape, 9), np.float32)
        self._corrective = none if jaw_corrective is None else jaw_corrective.astype(np.float32)
        self._iterations = iterations
        slopes = np.concatenate([self._basis, self._jaw_slopes()], 1).astype(np.float64)
        normal = slopes.T @ slopes
        normal[np.arange(count), np.arange(count)] += rest * len(template)
        self._solve = np.linalg.solve(normal, slopes.T).astype(np.float32)
        pull = np.linalg.solve(normal, np.eye(count + 3)[:, :count]) * rest * len(template)
        self._pull = pull.astype(np.float32)

    def solve(self, offsets: Float32) -> tuple[Float32, Float32]:
        """psi float32 [E] and jaw float32 [3] (axis-angle, rad) that best explain offsets [V, 3]."""
        count = self._basis.shape[1]
        psi, jaw = np.zeros(count, np.float32), np.zeros(3, np.float32)
        wanted = self._template + offsets
        for _ in range(self._iterations):
            residual = (wanted - self._face(psi, jaw)).ravel()
            change = (self._solve @ residual - self._pull @ psi).astype(np.float32)
            psi += change[:count]
            jaw += change[count:]
        return psi, jaw

    def _face(self, psi: Float32, jaw: Float32) -> Float32:
        turn = (_rotation(jaw) - np.eye(3)).astype(np.float32)
        x = self._template + (self._basis @ psi).reshape(-1, 3)
        posed = x + self._corrective @ turn.ravel()
        return (posed + self._weight * ((posed - self._joint) @ turn.T)).astype(np.float32)

    def _jaw_slopes(self) -> NDArray[np.float64]:
        """How the template's vertices move with each component of the jaw's rotation at rest, [3 V, 3]."""
        arm = (self._template - self._joint).astype(np.float64)
        columns: list[NDArray[np.float64]] = []
        for axis in np.eye(3):
            skew = np.cross(np.eye(3), axis)
            turned = self._weight * np.cross(axis, arm) + self._corrective @ skew.ravel()
            columns.append(turned.ravel())
        return np.stack(columns, 1)


@dataclass(frozen=True, slots=True)
class VocaPerformance:
    """A whole utterance at 60 Hz: expression float32 [T, E], jaw float32 [T, 3] (axis-angle, rad)."""

    expression: Float32
    jaw: Float32


class VocaLipSync:
    """VOCA on a head: recordings in, psi and jaw out. Not live: its recogniser reads whole utterances."""

    def __init__(
        self, network: VocaNetwork, recogniser: Recogniser, solver: OffsetSolver, subject: int = 0
    ) -> None:
        """`solver` belongs to a head of FLAME's 5,023 vertices; `subject` is the style, 0..7."""
        self._network, self._recogniser, self._solver = network, recogniser, solver
        self.subject = subject

    def animate(
        self, pcm: Float32, rate: int, *, progress: Callable[[float], None] | None = None
    ) -> VocaPerformance:
        """The face of a whole recording: mono float32 [S] in -1..1 at `rate`."""
        from scipy.signal import resample_poly

        sound = to_media_rate(pcm, rate)
        if not len(sound):
            raise InputError("the recording is empty: VOCA needs at least one frame of sound")
        windows = voca_windows(resample_poly(sound, 1, 3).astype(np.float32), self._recogniser)
        solved: list[tuple[Float32, Float32]] = []
        for start in range(0, len(windows), 60):
            offsets = self._network.offsets(windows[start : start + 60], self.subject)
            solved += [self._solver.solve(frame) for frame in offsets]
            if progress is not None:
                progress(len(solved) / len(windows))
        return VocaPerformance(np.stack([psi for psi, _ in solved]), np.stack([jaw for _, jaw in solved]))


def _rotation(axis_angle: Float32) -> NDArray[np.float64]:
    """Rotation matrix of an axis-angle vector (Rodrigues)."""
    angle = float(np.linalg.norm(axis_angle))
    x, y, z = (float(v) for v in axis_angle)
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-8:
        return np.eye(3) + skew + 0.5 * skew @ skew
    return np.eye(3) + np.sin(angle) / angle * skew + (1 - np.cos(angle)) / angle**2 * (skew @ skew)

"""TorchFlame: batched, differentiable FLAME evaluation, for fitting."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from likeness.head.model import NECK, PARENTS, ROOT, HeadModel


class TorchFlame(nn.Module):
    """Vertices and joints of a batch of faces; gradients flow to every argument.

    The same formula as `BakedHead`, with the identity free.

    Args:
        model: the head; its arrays become buffers.
        dtype: of the buffers and of all arithmetic.
    """

    template: Tensor
    dirs: Tensor
    lid_dirs: Tensor
    pose_dirs: Tensor
    regressor: Tensor
    weights: Tensor

    def __init__(self, model: HeadModel, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.identity_count = model.identity_count
        self.expression_count = model.expression_count
        v = model.vertex_count
        lids = model.eyelid_dirs if model.eyelid_dirs is not None else np.zeros((v, 3, 2), np.float32)

        def buffer(name: str, value: NDArray[np.float32]) -> None:
            self.register_buffer(name, torch.tensor(value, dtype=dtype))

        buffer("template", model.v_template)
        buffer("dirs", model.shapedirs.reshape(v * 3, -1).T)
        buffer("lid_dirs", lids.reshape(v * 3, 2).T)
        buffer("pose_dirs", model.posedirs.reshape(v * 3, -1).T)
        buffer("regressor", model.joint_regressor)
        buffer("weights", model.weights)

    def forward(
        self,
        identity: Tensor | None = None,
        expression: Tensor | None = None,
        jaw: Tensor | None = None,
        neck: Tensor | None = None,
        eyes: Tensor | None = None,
        head_rotation: Tensor | None = None,
        head_translation: Tensor | None = None,
        eyelids: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Vertices [B,V,3] and joints [B,5,3], metres.

        Each argument is [B,...], or [1,...] to be shared by the batch; None is zero. identity [B,S],
        expression [B,E], eyelids [B,2], eyes [B,2,3] left and right, the rest [B,3]; rotations are
        axis-angle in rad.
        """
        given = (identity, expression, jaw, neck, eyes, head_rotation, head_translation, eyelids)
        batch = max((len(g) for g in given if g is not None), default=1)

        def fill(value: Tensor | None, *shape: int) -> Tensor:
            if value is None:
                return self.template.new_zeros(batch, *shape)
            return value.to(self.template.dtype).expand(batch, *shape)

        coefficients = torch.cat(
            [fill(identity, self.identity_count), fill(expression, self.expression_count)], 1
        )
        pose = torch.cat([fill(_joint(p), 1, 3) for p in (head_rotation, neck, jaw)] + [fill(eyes, 2, 3)], 1)
        rotations = rotation_matrices(pose)
        v = len(self.template)
        shaped = self.template + (coefficients @ self.dirs).view(batch, v, 3)
        # Joints follow identity and expression, as in smplx, but not our lids.
        joints = self.regressor @ shaped
        shaped = shaped + (fill(eyelids, 2) @ self.lid_dirs).view(batch, v, 3)
        identity_matrix = torch.eye(3, dtype=shaped.dtype, device=shaped.device)
        features = (rotations[:, 1:] - identity_matrix).reshape(batch, -1)
        posed = shaped + (features @ self.pose_dirs).view(batch, v, 3)
        world, place = _chain(rotations, joints)
        offset = place - (world @ joints[..., None])[..., 0]
        blended = torch.einsum("vj,bjak->bvak", self.weights, torch.cat([world, offset[..., None]], -1))
        moved = fill(head_translation, 3)[:, None]
        vertices = (blended[..., :3] @ posed[..., None])[..., 0] + blended[..., 3] + moved
        return vertices, place + moved


def rotation_matrices(axis_angle: Tensor) -> Tensor:
    """Rotation matrices [...,3,3] of axis-angle vectors [...,3] (Rodrigues); smooth at zero."""
    squared = (axis_angle * axis_angle).sum(-1)[..., None, None]
    # Near zero the quotients' gradients are 0/0: there the series is used, the angle kept away from 0.
    small = squared < 1e-6
    angle = torch.where(small, torch.ones_like(squared), squared).sqrt()
    a = torch.where(small, 1 - squared / 6, angle.sin() / angle)
    b = torch.where(small, 0.5 - squared / 24, (1 - angle.cos()) / (angle * angle))
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(*axis_angle.shape[:-1], 3, 3)
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return eye + a * cross + b * (cross @ cross)


def _joint(value: Tensor | None) -> Tensor | None:
    return None if value is None else value[:, None]


def _chain(rotations: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """World rotations [B,5,3,3] and positions [B,5,3] down the joint tree."""
    world, place = [rotations[:, ROOT]], [joints[:, ROOT]]
    for joint in range(NECK, len(PARENTS)):
        parent = PARENTS[joint]
        world.append(world[parent] @ rotations[:, joint])
        arm = (joints[:, joint] - joints[:, parent])[..., None]
        place.append(place[parent] + (world[parent] @ arm)[..., 0])
    return torch.stack(world, 1), torch.stack(place, 1)

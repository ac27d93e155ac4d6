"""The open head under an identity: one geometry, with lids and lips that meet on its own surface."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from tools.head import jaw
from tools.head.closure import with_sealed_lips
from tools.head.face import EYE_RADIUS
from tools.head.falloff import Array
from tools.head.identity import rigid_displacement
from tools.head.lashes import LidRibbon
from tools.head.open_head import MOUTH_CENTRE, OpenHead
from tools.head.part import Part
from tools.head.skin import eye_centre, lid_margins
from tools.head.topology import vertex_normals


@dataclass(frozen=True, slots=True)
class Figure:
    """A character's geometry in millimetres.

    Attributes:
        dense: [D,3] sculpted skin; skin: [fine,3] its fine vertices, lips sealed; parts: the open head's
            parts, re-shaped.
        centres: eye centre per side; radius: of the eyeballs; joints: [5,3].
        expressions: component and eyelid displacements of the fine skin, and of all parts [V,3].
    """

    head: OpenHead
    coefficients: dict[str, float]
    dense: Array
    skin: Array
    parts: list[Part]
    centres: dict[int, Array]
    radius: float
    joints: Array
    targets: dict[str, Array]


def shape_figure(head: OpenHead, coefficients: dict[str, float]) -> Figure:
    """The head under identity coefficients, with lids and lips that meet on its own surface."""
    dense = head.dense + sum(
        (c * head.identity_dense[n] for n, c in coefficients.items()), np.zeros_like(head.dense)
    )
    dense = _mouth_inside(head, dense)
    n = head.cage.fine_count
    skin = with_sealed_lips(dense[:n], head.closure.contact.lips)
    move = sum((c * head.identity[k] for k, c in coefficients.items()), np.zeros_like(head.vertices))
    vertices = head.vertices + move
    vertices[:n] = skin
    parts = [
        Part(p.name, vertices[s : s + len(p.vertices)], p.faces, p.uv)
        for p, s in zip(head.parts, head.start, strict=False)
    ]
    parts = [_inside(p, dense, head) if p.name in ("teeth_upper", "teeth_lower") else p for p in parts]
    centres = {}
    for side in (-1, 1):
        c = eye_centre(side)
        centres[side] = c + sum(
            (v * rigid_displacement(k, c[None], c)[0] for k, v in coefficients.items()), np.zeros(3)
        )
    radius = EYE_RADIUS * (1 + 0.035 * coefficients.get("eye_size", 0.0))
    joints = head.regressor @ vertices
    lashes = LidRibbon(parts[-1], head.lashes.root, head.lashes.side)
    targets = dict(head.expressions)

    def on_parts(d: Array, lid: bool) -> Array:
        out = np.zeros_like(head.vertices)
        out[:n] = d
        out[head.slice("lashes")] = lashes.follow(skin, d, lid)
        return out

    full = head.closure.seal_lips(skin, jaw.OPEN_ANGLE, joints[2])
    half = head.closure.seal_lips(skin, jaw.OPEN_ANGLE / 2, joints[2])
    targets["mouthCloseJawOpen"] = on_parts(2 * full - 4 * half, False)
    targets["mouthClose"] = on_parts(full, False) - targets["mouthCloseJawOpen"]
    for name, side in (("eyelidLeft", 1), ("eyelidRight", -1)):
        margins = lid_margins(head.cage, skin, side, centres[side])
        d = head.closure.close_lid(skin, side, centres[side], margins, radius)
        targets[name] = on_parts(np.where(np.abs(d).max(1, keepdims=True) < 0.03, 0, d), True)
    return Figure(head, coefficients, dense, skin, parts, centres, radius, joints, targets)


def _mouth_inside(head: OpenHead, dense: Array) -> Array:
    """The skin with the mouth's bag drawn in wherever a narrow face would let it through."""
    bag = np.flatnonzero((head.masks.bag > 0.97) & (head.dense[:, 2] < 8))
    outer = head.masks.inner < 0.05
    normal = vertex_normals(dense, head.cage.dense_faces)
    tree = cKDTree(dense[outer])
    out = dense.copy()
    core = np.array([0, MOUTH_CENTRE[1] - 6, 0.0])
    for _ in range(8):
        _, k = tree.query(out[bag])
        depth = ((dense[outer][k] - out[bag]) * normal[outer][k]).sum(1)
        through = depth < 3.0
        if not through.any():
            break
        out[bag[through]] = core + (out[bag[through]] - core) * [0.86, 0.90, 0.96]
    return out


def _inside(part: Part, dense: Array, head: OpenHead) -> Part:
    """Teeth narrowed until no molar shows through a narrow cheek."""
    outer = head.masks.inner < 0.05
    normal = vertex_normals(dense, head.cage.dense_faces)[outer]
    tree = cKDTree(dense[outer])
    v = part.vertices.copy()
    front = v[:, 2].max()
    for _ in range(8):
        back = v[:, 2] < front - 8
        _, k = tree.query(v[back])
        if (((dense[outer][k] - v[back]) * normal[k]).sum(1) > 2.0).all():
            break
        v[:, 0] *= 0.93
        v[:, 2] = front + (v[:, 2] - front) * 0.93
    return Part(part.name, v, part.faces, part.uv)

"""A stranger's head whose truth is known: the open head warped by formulas and re-meshed to 5,023 vertices.

It has another expression basis, another joint regressor, no names and no eyelids.
"""

from dataclasses import dataclass

import fast_simplification
import numpy as np
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from likeness.head import CONTROLS, BakedHead, Head, HeadModel
from likeness.head.mesh import Surface, vertex_normals

OUTER_PARTS = ("skin", "ear_left", "ear_right", "eye_left", "eye_right")


@dataclass(frozen=True)
class Copy:
    """The head's file arrays, its model, and the true displacement of every control [52,V,3] in metres."""

    arrays: dict[str, np.ndarray]
    model: HeadModel
    truth: np.ndarray


def warp(points: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Another person's proportions, pose and place: smooth, one to one, millimetres to centimetres."""
    p = points * (1 + strength * (np.array([1.05, 0.94, 1.03]) - 1))
    x, y, z = p.T
    wave = np.stack(
        [
            0.0025 * np.sin(18 * y + 0.3) * np.sign(x) * np.minimum(np.abs(x) / 0.02, 1)
            + 0.0008 * np.sin(30 * z),
            0.003 * np.sin(22 * z + 9 * y) + 0.0015 * np.cos(28 * x),
            0.003 * np.sin(25 * y + 1.0) + 0.002 * np.cos(24 * x) * np.sin(12 * y),
        ],
        1,
    )
    p = p + strength * wave
    pitch = 0.07 * strength
    turn = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return 1.04 * p @ turn.T + [0.004, -0.03, 0.05]


def control_shapes(head: Head) -> np.ndarray:
    """Posed displacement [52,V,3] of each control alone, fully on."""
    baked = BakedHead(head.model)
    still = (np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32))
    p = head.rig.apply(np.eye(52, dtype=np.float32))
    shapes = [
        baked.vertices(p.expression[k], p.eyelids[k], p.jaw[k], still[0], p.eyes[k], still[1], still[2])
        for k in range(52)
    ]
    return np.array(shapes, np.float64) - head.model.v_template


def copy_of(
    head: Head, seed: int = 0, vertices: int = 5023, components: int = 100, strength: float = 1.0
) -> Copy:
    """Make the stranger from the open head."""
    rng = np.random.default_rng(seed)
    source = head.model
    kept = np.concatenate([np.arange(*source.parts[p]) for p in OUTER_PARTS])
    number = np.full(source.vertex_count, -1)
    number[kept] = np.arange(len(kept))
    faces = number[source.faces[(number[source.faces] >= 0).all(1)]]
    neutral = source.v_template[kept].astype(np.float64)
    points, new_faces = remesh(neutral, faces, vertices, rng)
    labels = source.weights[kept] @ np.array([0, 0, 1.0, 3, 4])
    old = Surface(neutral, faces, 0.004)
    contact = old.nearest(points, vertex_normals(points, new_faces))
    weights = contact.at(source.weights[kept].astype(np.float64), faces)
    eyeball = contact.at(labels, faces) > 1.5
    weights[eyeball] = np.round(weights[eyeball])
    weights /= weights.sum(1, keepdims=True)
    moves = np.stack([contact.at(s[kept], faces) for s in control_shapes(head)])
    template = warp(points, strength)
    truth = np.stack([warp(points + m, strength) for m in moves]) - template
    joints = warp((source.joint_regressor @ source.v_template).astype(np.float64), strength)
    arrays = {
        "v_template": template,
        "f": new_faces,
        "shapedirs": np.concatenate(
            [rng.normal(0, 1e-3, (vertices, 3, 20)), basis(truth, template, weights, components, rng)], 2
        ),
        "identity_names": np.array([f"b{i}" for i in range(20)]),
        "posedirs": np.zeros((vertices, 3, 36)),
        "J_regressor": regressor(template, joints),
        "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "weights": weights,
    }
    return Copy(arrays, HeadModel.from_arrays(arrays, "copy", "copy"), truth)


def remesh(
    points: np.ndarray, faces: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Other vertices and triangles on the same surface: quadric decimation, then splits up to the count."""
    target = int(len(faces) * count / len(points) * 0.97)
    out, tris = fast_simplification.simplify(
        points.astype(np.float32), faces.astype(np.int32), target_count=target
    )
    while len(out) > count:
        target -= 60
        out, tris = fast_simplification.simplify(
            points.astype(np.float32), faces.astype(np.int32), target_count=target
        )
    out, tris = out.astype(np.float64), tris.astype(np.int64)
    split = rng.permutation(len(tris))[: count - len(out)]
    bary = rng.dirichlet([4, 4, 4], len(split))
    inserted = np.einsum("nk,nkd->nd", bary, out[tris[split]])
    new = np.arange(len(out), count)
    a, b, c = tris[split].T
    fans = np.concatenate([np.stack([a, b, new], 1), np.stack([b, c, new], 1), np.stack([c, a, new], 1)])
    whole = np.concatenate([np.delete(tris, split, 0), fans])
    order = rng.permutation(count)
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    return np.concatenate([out, inserted])[order], place[whole]


def basis(
    truth: np.ndarray, template: np.ndarray, weights: np.ndarray, components: int, rng: np.random.Generator
) -> np.ndarray:
    """[V,3,components]: a mixture that spans the true shapes, a jaw-like shape and smooth distractors."""
    joints = [CONTROLS.index(n) for n in CONTROLS if n.startswith(("eyeLook", "jaw")) and n != "jawForward"]
    skin = (weights[:, 3:].sum(1) < 0.5)[:, None]
    shapes = [t * skin for k, t in enumerate(truth) if k not in joints and np.abs(t).max() > 1e-4]
    shapes += [truth[k] * skin for k in joints if CONTROLS[k].startswith("eyeLook")]
    shapes.append(truth[CONTROLS.index("jawOpen")] * 0.5)
    near = np.exp(-((np.linalg.norm(template - template[template[:, 2].argmax()], axis=1) / 0.08) ** 2))
    while len(shapes) < components:
        wave = rng.normal(0, 40, 3)
        field = np.sin(template @ wave + rng.uniform(0, 6))[:, None] * rng.normal(0, 0.002, 3)
        shapes.append(field * near[:, None])
    flat = np.array(shapes).reshape(len(shapes), -1)
    _, size, rows = np.linalg.svd(flat, full_matrices=False)
    mixing = np.linalg.qr(rng.normal(size=(components, components)))[0]
    spread = np.maximum(size[:components], size[0] * 1e-3)
    mixed = mixing @ (rows[:components] * (spread / np.sqrt(components))[:, None])
    return mixed.reshape(components, len(template), 3).transpose(1, 2, 0)


def regressor(template: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """[5,V] sparse non-negative rows that sum to 1 and give the joints."""
    out = np.zeros((5, len(template)))
    tree = cKDTree(template)
    for j, joint in enumerate(joints):
        _, near = tree.query(joint, k=400)
        near = near[::3]
        solved, _ = nnls(
            np.concatenate([template[near].T, np.full((1, len(near)), 10.0)]), np.append(joint, 10.0)
        )
        out[j, near] = solved / solved.sum()
    return out

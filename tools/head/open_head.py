"""The open head: all parts in one FLAME-format model with identity, expressions, eyelids and rig."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from tools.head import ear, identity, jaw, organs
from tools.head.cage import Cage, build_cage
from tools.head.closure import Closure, with_sealed_lips
from tools.head.expression import build_expressions
from tools.head.face import SEAM_Y, neutral_face
from tools.head.falloff import Array, smoothstep
from tools.head.handles import HandleSolver
from tools.head.lashes import LidRibbon, build_lashes
from tools.head.part import Part
from tools.head.rig import build_rig
from tools.head.skin import Masks, build_masks, eye_centre, sculpt
from tools.head.topology import Faces, vertex_normals
from tools.head.unwrap import Unwrap, unwrap

LANDMARKS = Path(__file__).with_name("landmarks.npz")
JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = (-1, 0, 1, 1, 1)
JOINT_PLACES = np.array([[0, -215, -108], [0, -105, -92], jaw.HINGE, eye_centre(1), eye_centre(-1)], float)
MOUTH_CENTRE = np.array([0, SEAM_Y, 27.0])


@dataclass(frozen=True, slots=True)
class OpenHead:
    """The neutral head and everything that moves it, in millimetres.

    Attributes:
        cage, masks, closure, lashes, unwrap: the machinery it was made with.
        dense: [D,3] sculpted skin before sealing, and identity_dense {name: [D,3]} on it.
        parts: meshes in order, the skin first; start: offset of each in the arrays below, with the total at
            the end.
        identity, expressions: {name: [V,3]}; eyelids [V,3,2] (left, right).
        weights: [V,5]; regressor: [5,V].
    """

    cage: Cage
    masks: Masks
    closure: Closure
    lashes: LidRibbon
    unwrap: Unwrap
    dense: Array
    identity_dense: dict[str, Array]
    parts: list[Part]
    start: NDArray[np.int64]
    identity: dict[str, Array]
    expressions: dict[str, Array]
    eyelids: Array
    weights: Array
    regressor: Array

    @property
    def vertices(self) -> Array:
        """All parts' vertices [V,3]."""
        return np.concatenate([p.vertices for p in self.parts])

    @property
    def faces(self) -> Faces:
        """All parts' faces [F,3]."""
        return np.concatenate([p.faces + s for p, s in zip(self.parts, self.start, strict=False)])

    def slice(self, name: str) -> slice:
        """The range of one part's vertices."""
        k = [p.name for p in self.parts].index(name)
        return slice(int(self.start[k]), int(self.start[k + 1]))


def build_open_head() -> OpenHead:
    """The whole head from the landmark file; about ten seconds."""
    cage = build_cage(neutral_face(LANDMARKS))
    masks = build_masks(cage)
    n = cage.fine_count
    cage_jaw = jaw.cage_weights(cage)
    solver = HandleSolver(cage)
    closure = Closure(cage, masks, solver, cage_jaw)
    dense = sculpt(cage, masks)
    skin = with_sealed_lips(dense[:n], closure.contact.lips)
    expressions = build_expressions(cage, solver, closure, skin, masks.inner)
    lashes = build_lashes(cage, skin)
    local = ear.local_ear(ear.skin_near_ear(dense, cage.dense_faces))
    skin_uv = unwrap(cage, skin, cage.fine_faces)
    parts = [
        Part("skin", skin, cage.fine_faces, skin_uv.uv[:n]),
        ear.ear(1, local),
        ear.ear(-1, local),
        organs.eyeball(1),
        organs.eyeball(-1),
        organs.upper_teeth(),
        organs.lower_teeth(),
        organs.tongue(),
        lashes.part,
    ]
    start = np.cumsum([0, *(len(p.vertices) for p in parts)])
    identity_dense = _identity_on_skin(dense, cage, masks)
    basis = {name: _identity_on_parts(name, d, parts, lashes, closure) for name, d in identity_dense.items()}
    moves = {name: _expression_on_parts(name, d, parts, lashes) for name, d in expressions.components.items()}
    lids = np.stack([_expression_on_parts("eyelid", d, parts, lashes) for d in expressions.eyelids], -1)
    weights = _weights(parts, closure.jaw_weights, lashes)
    regressor = _regressor(parts, start)
    return OpenHead(
        cage,
        masks,
        closure,
        lashes,
        skin_uv,
        dense,
        identity_dense,
        parts,
        start,
        basis,
        moves,
        lids,
        weights,
        regressor,
    )


def _identity_on_skin(dense: Array, cage: Cage, masks: Masks) -> dict[str, Array]:
    normal = vertex_normals(dense, cage.dense_faces)
    place = identity.Place(dense, normal, 1 - masks.inner)
    return {name: identity.skin_displacement(name, place) for name in identity.FIELDS}


def _identity_on_parts(
    name: str, dense: Array, parts: list[Part], lashes: LidRibbon, closure: Closure
) -> Array:
    skin = with_sealed_lips(dense[: len(parts[0].vertices)], closure.contact.lips)
    out = [skin]
    for part in parts[1:]:
        v = part.vertices
        if part.name.startswith("eye_"):
            out.append(identity.rigid_displacement(name, v, eye_centre(1 if part.name == "eye_left" else -1)))
        elif part.name in ("teeth_upper", "teeth_lower", "tongue"):
            out.append(identity.rigid_displacement(name, v, MOUTH_CENTRE))
        elif part.name == "lashes":
            out.append(lashes.follow(parts[0].vertices, skin, False))
        else:
            out.append(identity.FIELDS[name](identity.Place(v, np.zeros_like(v), np.zeros(len(v)))))
    return np.concatenate(out)


def _expression_on_parts(name: str, skin: Array, parts: list[Part], lashes: LidRibbon) -> Array:
    out = [skin]
    for part in parts[1:]:
        v = part.vertices
        d = np.zeros_like(v)
        if part.name == "lashes":
            d = lashes.follow(parts[0].vertices, skin, name.startswith("eye"))
        elif name == "jawForward" and part.name in ("teeth_lower", "tongue"):
            d[:] = [0, -0.5, 6.0]
        elif name == "tongueOut" and part.name == "tongue":
            t = smoothstep(-35, 15, v[:, 2])
            d = np.c_[-0.12 * v[:, 0] * t, -9 * t**2 + 3.5 * t, 32 * t]
        out.append(d)
    return np.concatenate(out)


def _weights(parts: list[Part], skin_jaw: Array, lashes: LidRibbon) -> Array:
    """Skin weights [V,5]; lashes, on the lids, go with the skull."""
    del lashes
    out = []
    for part in parts:
        w = np.zeros((len(part.vertices), 5))
        w[:, 1] = smoothstep(-205, -110, part.vertices[:, 1])
        w[:, 0] = 1 - w[:, 1]
        turn = {"skin": skin_jaw, "teeth_lower": 1.0, "tongue": 0.92}.get(part.name, 0.0) + np.zeros(len(w))
        w *= (1 - turn)[:, None]
        w[:, 2] = turn
        if part.name.startswith("eye_"):
            w[:] = 0
            w[:, 3 if part.name == "eye_left" else 4] = 1
        out.append(w)
    return np.concatenate(out)


def _regressor(parts: list[Part], start: NDArray[np.int64]) -> Array:
    """Joints as symmetric convex combinations of vertices [5,V]."""
    total = int(start[-1])
    out = np.zeros((5, total))
    skin = parts[0].vertices
    _, opposite = cKDTree(skin).query(skin * [-1, 1, 1])
    middle = (skin + skin[opposite]) / 2
    for k in range(3):
        goal = JOINT_PLACES[k]
        near = np.argsort(np.abs(skin[:, 1] - goal[1]) + 0.05 * np.linalg.norm(skin - goal, axis=1))[:400:4]
        system = np.vstack([middle[near, 1:].T, np.full((1, len(near)), 100.0)])
        share, _ = nnls(system, np.r_[goal[1:], 100.0])
        share /= share.sum()
        np.add.at(out[k], near, share / 2)
        np.add.at(out[k], opposite[near], share / 2)
    for k, name in ((3, "eye_left"), (4, "eye_right")):
        s = start[[p.name for p in parts].index(name)]
        v = next(p for p in parts if p.name == name).vertices
        share, _ = nnls(np.vstack([v.T, np.full((1, len(v)), 100.0)]), np.r_[JOINT_PLACES[k], 100.0])
        out[k, s : s + len(v)] = share / share.sum()
    return out


def regions(head: OpenHead) -> dict[str, NDArray[np.int64]]:
    """Named vertex sets."""
    n = head.cage.fine_count
    p = head.parts[0].vertices
    m = head.masks
    face, lips, inner = m.face[:n], m.lips[:n], m.inner[:n]
    x, y, z = p.T
    ax = np.abs(x)
    skin = (inner < 0.5) & (z > -60)
    jaw_open = head.closure.jaw_weights
    box = {
        "face": (face > 0.5) & (inner < 0.5),
        "lips": (lips > 0.5) & (m.bag[:n] < 0.5),
        "lips_upper": (lips > 0.5) & (m.bag[:n] < 0.5) & (jaw_open < 0.5),
        "lips_lower": (lips > 0.5) & (m.bag[:n] < 0.5) & (jaw_open >= 0.5),
        "mouth": m.bag[:n] > 0.5,
        "nose": skin & (ax < 21) & (y > -46) & (y < 2) & (z > 18),
        "forehead": skin & (y > 27) & (y < 78) & (z > -25) & (face > 0.5),
        "chin": skin & (y < -84) & (y > -118) & (ax < 32) & (z > -10),
        "neck": (y < -125) & (y > -215) & (inner < 0.5),
    }
    for label, side in (("left", 1), ("right", -1)):
        centre = eye_centre(side)
        r = np.linalg.norm(p - centre, axis=1)
        here = x * side > 0
        box[f"lids_{label}"] = skin & here & (r < 21) & (np.abs(y - centre[1]) < 13)
        box[f"brow_{label}"] = skin & here & (ax > 6) & (ax < 56) & (y > 13) & (y < 27) & (z > -10)
        box[f"cheek_{label}"] = skin & here & (ax > 22) & (ax < 62) & (y < -14) & (y > -58) & (lips < 0.2)
        box[f"socket_{label}"] = (m.socket_left if side > 0 else m.socket_right)[:n] > 0.5
    out = {name: np.flatnonzero(chosen) for name, chosen in box.items()}
    for name in (
        "ear_left",
        "ear_right",
        "eye_left",
        "eye_right",
        "teeth_upper",
        "teeth_lower",
        "tongue",
        "lashes",
    ):
        s = head.slice(name)
        out[name] = np.arange(s.start, s.stop)
    return out


def texture_coordinates(head: OpenHead) -> tuple[Array, Faces]:
    """vt [U,2] and ft [F,3] of the whole model; parts other than the skin have one texture vertex per
    vertex."""
    vt, ft = [head.unwrap.uv], [head.unwrap.faces]
    start = len(head.unwrap.uv)
    for part in head.parts[1:]:
        vt.append(part.uv)
        ft.append(part.faces + start)
        start += len(part.uv)
    return np.concatenate(vt), np.concatenate(ft)


def write_open_head(head: OpenHead, path: Path) -> None:
    """Writes the model in metres, with the keys that likeness.head.head_file reads."""
    names = list(head.expressions)
    rig = build_rig(names)
    shape = np.stack([*head.identity.values(), *head.expressions.values()], -1) / 1000
    faces = head.faces
    first = np.full(468, -1)
    for t in range(len(head.cage.fine_faces) - 1, -1, -1):
        for i in head.cage.fine_faces[t]:
            if i < 468:
                first[i] = t
    bary = (faces[first] == np.arange(468)[:, None]).astype(np.float32)
    vt, ft = texture_coordinates(head)
    areas = regions(head)
    total = len(head.vertices)
    arrays: dict[str, NDArray[np.generic]] = {
        "v_template": (head.vertices / 1000).astype(np.float32),
        "f": faces.astype(np.int32),
        "shapedirs": shape.astype(np.float16),
        "posedirs": np.zeros((total, 3, 36), np.float16),
        "J_regressor": head.regressor.astype(np.float32),
        "kintree_table": np.array([PARENTS, range(5)], np.int32),
        "weights": head.weights.astype(np.float32),
        "joint_names": np.array(JOINTS),
        "identity_names": np.array(list(head.identity)),
        "expression_names": np.array(names),
        "eyelid_dirs": (head.eyelids / 1000).astype(np.float16),
        "lip_pair": np.array([13, 14], np.int32),
        "part_names": np.array([p.name for p in head.parts]),
        "part_ranges": np.array(
            [(s, s + len(p.vertices)) for p, s in zip(head.parts, head.start, strict=False)], np.int32
        ),
        "region_names": np.array(list(areas)),
        "region_starts": np.cumsum([0, *(len(a) for a in areas.values())]).astype(np.int32),
        "region_vertices": np.concatenate(list(areas.values())).astype(np.int32),
        "mediapipe_face": first.astype(np.int32),
        "mediapipe_bary": bary,
        "uv": np.concatenate([p.uv for p in head.parts]).astype(np.float32),
        "vt": vt.astype(np.float32),
        "ft": ft.astype(np.int32),
        "rig_expression": rig.expression.astype(np.float32),
        "rig_corrective": rig.corrective.astype(np.float32),
        "rig_pairs": rig.pairs.astype(np.int32),
        "rig_jaw": rig.jaw.astype(np.float32),
        "rig_eyelids": rig.eyelids.astype(np.float32),
        "rig_eyes": rig.eyes.astype(np.float32),
        "licence": np.array("Apache-2.0. Made by tools/head from code; see NOTICE."),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]

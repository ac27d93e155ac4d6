"""Writing a head as an avatar: one skinned .glb that any glTF viewer shows and our clients drive by names."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from likeness.head.frame import Float32
from likeness.head.glb import Document, glb_bytes
from likeness.head.mesh import vertex_normals
from likeness.head.model import JOINT_NAMES, PARENTS, HeadModel

EYELID_TARGETS: Final = ("eyelidLeft", "eyelidRight")
FLOAT, UNSIGNED_INT, UNSIGNED_BYTE = 5126, 5125, 5121
VERTEX_DATA, INDEX_DATA = 34962, 34963
SMALLEST_MOVE: Final = 1e-5
"""Metres per unit of a component; what moves less is left out of its morph target."""
SMALLEST_TURN: Final = 0.02
PART_LOOKS: Final = {
    "teeth": ((0.86, 0.82, 0.74), 0.35),
    "tongue": ((0.62, 0.27, 0.27), 0.45),
    "eye": ((0.93, 0.92, 0.90), 0.15),
    "lashes": ((0.05, 0.04, 0.04), 0.9),
    "": ((0.78, 0.60, 0.50), 0.6),
}
"""Base colour (linear) and roughness by the start of a part's name; a guest head has no textures."""


def avatar_glb(model: HeadModel, identity: Float32 | None = None, extras: Document | None = None) -> bytes:
    """A head as the bytes of a .glb.

    Five joints (root, neck, jaw, left_eye, right_eye), a mesh per part of the head, and in each mesh a morph
    target per expression component and eyelid that moves it, named like the component, `eyelidLeft` or
    `eyelidRight`, in sparse accessors. Pose correctives (posedirs) have no place in glTF and are left out.

    Args:
        model: the head.
        identity: [S] coefficients; None is the mean.
        extras: merged into `extras.likeness` of asset, scene and root joint.
    """
    shaped = model.shaped(identity).astype(np.float64)
    joints = model.joint_regressor.astype(np.float64) @ shaped
    likeness: Document = {
        "generated": True,
        "head": model.name,
        "components": list(model.expression_names),
        "rights": model.licence,
        **(extras or {}),
    }
    out = GlbWriter()
    nodes = _joint_nodes(joints)
    nodes[0]["extras"] = {"likeness": likeness}
    materials: list[Document] = []
    meshes: list[Document] = []
    for name, start, stop in _parts(model):
        mesh = _mesh(model, shaped, start, stop, out)
        if mesh is not None:
            mesh["name"] = name
            mesh["primitives"][0]["material"] = len(materials)
            materials.append(_material(name))
            nodes.append({"name": name, "mesh": len(meshes), "skin": 0})
            meshes.append(mesh)
    nodes.append({"name": "avatar", "children": [0, *range(len(JOINT_NAMES), len(nodes))]})
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse[:, 3, :3] = -joints  # glTF stores matrices column by column
    document: Document = {
        "asset": {"version": "2.0", "generator": "likeness", "extras": {"likeness": likeness}},
        "scene": 0,
        "scenes": [{"nodes": [len(nodes) - 1], "extras": {"likeness": likeness}}],
        "nodes": nodes,
        "skins": [
            {
                "joints": list(range(len(JOINT_NAMES))),
                "skeleton": 0,
                "inverseBindMatrices": out.add(inverse.reshape(-1, 16), FLOAT, "MAT4"),
            }
        ],
        "meshes": meshes,
        "materials": materials,
        "accessors": out.accessors,
        "bufferViews": out.views,
        "buffers": [{"byteLength": len(out.blob)}],
    }
    return glb_bytes(document, bytes(out.blob))


@dataclass(slots=True)
class GlbWriter:
    """The binary chunk with its views and accessors."""

    blob: bytearray = field(default_factory=bytearray)
    views: list[Document] = field(default_factory=list[Document])
    accessors: list[Document] = field(default_factory=list[Document])

    def view(self, data: bytes, target: int | None = None) -> int:
        view: Document = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        self.views.append(view if target is None else {**view, "target": target})
        self.blob += data + b"\0" * (-len(data) % 4)
        return len(self.views) - 1

    def add(
        self, values: NDArray[Any], kind: int, shape: str, target: int | None = None, **more: object
    ) -> int:
        view = self.view(np.ascontiguousarray(values).tobytes(), target)
        count = {"bufferView": view, "componentType": kind, "count": len(values), "type": shape}
        self.accessors.append({**count, **more})
        return len(self.accessors) - 1

    def sparse(self, values: Float32, threshold: float) -> int:
        """A VEC3 accessor that is zero except in rows that exceed the threshold."""
        rows = np.flatnonzero(np.abs(values).max(1) > threshold)
        if not len(rows):
            rows = np.zeros(1, np.int64)
        kept = values[rows]
        self.accessors.append(
            {
                "componentType": FLOAT,
                "count": len(values),
                "type": "VEC3",
                "min": np.minimum(kept.min(0), 0).tolist(),
                "max": np.maximum(kept.max(0), 0).tolist(),
                "sparse": {
                    "count": len(rows),
                    "indices": {
                        "bufferView": self.view(rows.astype(np.uint32).tobytes()),
                        "componentType": UNSIGNED_INT,
                    },
                    "values": {"bufferView": self.view(np.ascontiguousarray(kept).tobytes())},
                },
            }
        )
        return len(self.accessors) - 1


def _parts(model: HeadModel) -> list[tuple[str, int, int]]:
    covered = sorted((a, b, n) for n, (a, b) in model.parts.items())
    edges = [0, *(x for a, b, _ in covered for x in (a, b)), model.vertex_count]
    # Parts are used only where they divide the mesh without gaps and no face crosses them.
    if not covered or edges[1:-1:2] != edges[:-2:2] or edges[-1] != edges[-2]:
        return [("head", 0, model.vertex_count)]
    owner = np.searchsorted([b for _, b, _ in covered], model.faces, side="right")
    if (owner != owner[:, :1]).any():
        return [("head", 0, model.vertex_count)]
    return [(n, a, b) for a, b, n in covered]


def _joint_nodes(joints: NDArray[np.float64]) -> list[Document]:
    nodes: list[Document] = []
    for k, name in enumerate(JOINT_NAMES):
        place = joints[k] - (joints[PARENTS[k]] if k else 0)
        node: Document = {"name": name, "translation": [round(float(v), 7) for v in place]}
        children = [j for j, parent in enumerate(PARENTS) if parent == k]
        nodes.append({**node, "children": children} if children else node)
    return nodes


def _mesh(
    model: HeadModel, shaped: NDArray[np.float64], start: int, stop: int, out: GlbWriter
) -> Document | None:
    inside = (model.faces >= start).all(1) & (model.faces < stop).all(1)
    faces = model.faces[inside] - start
    if not len(faces):
        return None
    vertices = shaped[start:stop]
    normals = vertex_normals(vertices, faces)
    joints, weights = _strongest_four(model.weights[start:stop])
    position = vertices.astype(np.float32)
    bounds = {"min": position.min(0).tolist(), "max": position.max(0).tolist()}
    attributes = {
        "POSITION": out.add(position, FLOAT, "VEC3", VERTEX_DATA, **bounds),
        "NORMAL": out.add(normals.astype(np.float32), FLOAT, "VEC3", VERTEX_DATA),
        "JOINTS_0": out.add(joints, UNSIGNED_BYTE, "VEC4", VERTEX_DATA),
        "WEIGHTS_0": out.add(weights, UNSIGNED_BYTE, "VEC4", VERTEX_DATA, normalized=True),
    }
    if model.uv is not None:
        attributes["TEXCOORD_0"] = out.add(model.uv[start:stop], FLOAT, "VEC2", VERTEX_DATA)
    indices = out.add(faces.astype(np.uint32).ravel(), UNSIGNED_INT, "SCALAR", INDEX_DATA)
    names, targets = _targets(model, vertices, faces, normals, start, stop, out)
    primitive: Document = {"attributes": attributes, "indices": indices}
    if not names:
        return {"primitives": [primitive]}
    primitive["targets"] = targets
    return {"primitives": [primitive], "extras": {"targetNames": names}, "weights": [0.0] * len(names)}


def _targets(
    model: HeadModel,
    vertices: NDArray[np.float64],
    faces: NDArray[np.int32],
    normals: NDArray[np.float64],
    start: int,
    stop: int,
    out: GlbWriter,
) -> tuple[list[str], list[Document]]:
    dirs, all_names = model.expression_dirs[start:stop], list(model.expression_names)
    if model.eyelid_dirs is not None:
        dirs = np.concatenate([dirs, model.eyelid_dirs[start:stop]], 2)
        all_names += EYELID_TARGETS
    names: list[str] = []
    targets: list[Document] = []
    for k, name in enumerate(all_names):
        move = np.ascontiguousarray(dirs[:, :, k])
        if np.abs(move).max() > SMALLEST_MOVE:
            turn = (vertex_normals(vertices + move, faces) - normals).astype(np.float32)
            names.append(name)
            targets.append(
                {"POSITION": out.sparse(move, SMALLEST_MOVE), "NORMAL": out.sparse(turn, SMALLEST_TURN)}
            )
    return names, targets


def _strongest_four(weights: Float32) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Joint numbers and weights [V,4]; each row of weights sums to exactly 255."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    top = np.take_along_axis(weights, order, 1).astype(np.float64)
    steps = np.floor(top / top.sum(1, keepdims=True) * 255).astype(np.int64)
    steps[:, 0] += 255 - steps.sum(1)
    return np.where(steps > 0, order, 0).astype(np.uint8), steps.astype(np.uint8)


def _material(part: str) -> Document:
    colour, roughness = next(look for start, look in PART_LOOKS.items() if part.startswith(start))
    return {
        "name": part,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*colour, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": roughness,
        },
    }

"""Writes a skinned, morphing character as one binary glTF 2.0 file."""

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.head.falloff import Array
from tools.head.topology import Faces

FLOAT, UNSIGNED_INT, UNSIGNED_SHORT, UNSIGNED_BYTE = 5126, 5125, 5123, 5121
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
PLACE_STEP, NORMAL_STEP, UV_STEP = 2.0**-18, 2.0**-8, 2.0**-14
"""What numbers are rounded to (m, 1, 1): finer than anyone sees, and such files compress well."""


@dataclass(frozen=True, slots=True)
class Material:
    """A metallic-roughness material; images are encoded JPEG or PNG bytes; `wrinkles` is a texture that
    extras.likeness names for clients that know it."""

    name: str
    colour: tuple[float, float, float, float] = (1, 1, 1, 1)
    roughness: float = 0.6
    base: bytes | None = None
    normal: bytes | None = None
    rough: bytes | None = None
    wrinkles: bytes | None = None
    alpha: str = "OPAQUE"
    cutoff: float = 0.4
    double_sided: bool = False
    specular: float | None = None
    clearcoat: float | None = None
    sheen: tuple[float, float, float] | None = None
    extras: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Morph:
    """One target: position and normal offsets [V,3] (m)."""

    name: str
    position: Array
    normal: Array


@dataclass(frozen=True, slots=True)
class Mesh:
    """One drawn mesh in metres: vertices, normals, uv, linear colours [V,3|4] 0..1, joint weights [V,5],
    targets."""

    name: str
    vertices: Array
    normals: Array
    faces: Faces
    uv: Array
    colour: Array
    weights: Array
    material: Material
    morphs: tuple[Morph, ...] = ()


class _Buffer:
    """The binary chunk with its views and accessors."""

    def __init__(self) -> None:
        self.blob = bytearray()
        self.views: list[dict[str, object]] = []
        self.accessors: list[dict[str, object]] = []

    def view(self, data: bytes, target: int | None = None) -> int:
        view: dict[str, object] = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        self.blob += data + b"\0" * (-len(data) % 4)
        self.views.append(view)
        return len(self.views) - 1

    def add(self, accessor: dict[str, object]) -> int:
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def floats(
        self,
        a: Array,
        kind: str,
        bounds: bool = False,
        target: int | None = ARRAY_BUFFER,
        step: float = 0.0,
    ) -> int:
        data = np.ascontiguousarray(_rounded(a, step), np.float32)
        accessor: dict[str, object] = {
            "bufferView": self.view(data.tobytes(), target),
            "componentType": FLOAT,
            "count": len(data),
            "type": kind,
        }
        if bounds:
            accessor |= {"min": data.min(0).tolist(), "max": data.max(0).tolist()}
        return self.add(accessor)

    def bytes4(self, a: NDArray[np.uint8], normalized: bool) -> int:
        data = np.ascontiguousarray(a, np.uint8)
        accessor: dict[str, object] = {
            "bufferView": self.view(data.tobytes(), ARRAY_BUFFER),
            "componentType": UNSIGNED_BYTE,
            "count": len(data),
            "type": "VEC4",
        }
        if normalized:
            accessor["normalized"] = True
        return self.add(accessor)

    def indices(self, faces: Faces, count: int) -> int:
        small = count <= 65535
        data = np.ascontiguousarray(faces.ravel(), np.uint16 if small else np.uint32)
        return self.add(
            {
                "bufferView": self.view(data.tobytes(), ELEMENT_BUFFER),
                "componentType": UNSIGNED_SHORT if small else UNSIGNED_INT,
                "count": len(data),
                "type": "SCALAR",
            }
        )

    def sparse(self, a: Array, threshold: float, step: float) -> int:
        """A VEC3 accessor that is zero except where a row exceeds the threshold."""
        data = np.ascontiguousarray(_rounded(a, step), np.float32)
        rows = np.flatnonzero(np.abs(data).max(1) > threshold)
        if len(rows) == 0:
            rows = np.array([0])
        small = len(data) <= 65535
        values = data[rows]
        accessor: dict[str, object] = {
            "componentType": FLOAT,
            "count": len(data),
            "type": "VEC3",
            "sparse": {
                "count": len(rows),
                "indices": {
                    "bufferView": self.view(rows.astype(np.uint16 if small else np.uint32).tobytes()),
                    "componentType": UNSIGNED_SHORT if small else UNSIGNED_INT,
                },
                "values": {"bufferView": self.view(values.tobytes())},
            },
            "min": np.minimum(values.min(0), 0).tolist(),
            "max": np.maximum(values.max(0), 0).tolist(),
        }
        return self.add(accessor)


def _rounded(a: Array, step: float) -> Array:
    return np.round(a / step) * step if step else a


def write_glb(
    path: Path,
    meshes: list[Mesh],
    joints: Array,
    joint_names: tuple[str, ...],
    parents: tuple[int, ...],
    extras: dict[str, object],
) -> None:
    """Writes meshes bound to joints (rest places [J,3] m, no rest rotation); extras go to asset, scene and
    root joint."""
    buffer = _Buffer()
    nodes: list[dict[str, object]] = []
    for k, name in enumerate(joint_names):
        place = joints[k] - (joints[parents[k]] if parents[k] >= 0 else 0)
        node: dict[str, object] = {"name": name, "translation": [round(float(v), 7) for v in place]}
        below = [j for j, p in enumerate(parents) if p == k]
        if below:
            node["children"] = below
        nodes.append(node)
    nodes[0]["extras"] = {"likeness": extras}
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse[:, 3, :3] = -joints  # column-major
    gltf: dict[str, object] = {}
    images = _Images(buffer)
    materials: list[dict[str, object]] = []
    seen: dict[int, int] = {}
    out_meshes: list[dict[str, object]] = []
    for mesh in meshes:
        if id(mesh.material) not in seen:
            seen[id(mesh.material)] = len(materials)
            materials.append(_material(mesh.material, images))
        out_meshes.append(_mesh(mesh, seen[id(mesh.material)], buffer))
    children = [0]
    for k, mesh in enumerate(meshes):
        children.append(len(nodes))
        nodes.append({"name": mesh.name, "mesh": k, "skin": 0})
    nodes.append({"name": "avatar", "children": children})
    gltf["asset"] = {"version": "2.0", "generator": "likeness tools/head", "extras": {"likeness": extras}}
    gltf["scene"] = 0
    gltf["scenes"] = [{"nodes": [len(nodes) - 1], "extras": {"likeness": extras}}]
    gltf["nodes"] = nodes
    gltf["skins"] = [
        {
            "joints": list(range(len(joints))),
            "skeleton": 0,
            "inverseBindMatrices": buffer.floats(inverse.reshape(-1, 16), "MAT4", target=None),
        }
    ]
    gltf["meshes"] = out_meshes
    gltf["materials"] = materials
    if images.images:
        gltf |= {
            "images": images.images,
            "textures": images.textures,
            "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 33071}],
        }
    used = sorted({name for m in materials for name in m.get("extensions", {})})  # pyright: ignore
    if used:
        gltf["extensionsUsed"] = used
    gltf["accessors"], gltf["bufferViews"] = buffer.accessors, buffer.views
    gltf["buffers"] = [{"byteLength": len(buffer.blob)}]
    text = json.dumps(gltf, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    blob = bytes(buffer.blob)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack("<III", 0x46546C67, 2, 12 + 8 + len(text) + 8 + len(blob))
    path.write_bytes(
        head
        + struct.pack("<II", len(text), 0x4E4F534A)
        + text
        + struct.pack("<II", len(blob), 0x004E4942)
        + blob
    )


class _Images:
    """Images and textures, each image stored once."""

    def __init__(self, buffer: _Buffer) -> None:
        self._buffer = buffer
        self._seen: dict[int, int] = {}
        self.images: list[dict[str, object]] = []
        self.textures: list[dict[str, object]] = []

    def texture(self, data: bytes) -> dict[str, object]:
        if id(data) not in self._seen:
            kind = "image/png" if data[:4] == b"\x89PNG" else "image/jpeg"
            self.images.append({"bufferView": self._buffer.view(data), "mimeType": kind})
            self.textures.append({"source": len(self.images) - 1, "sampler": 0})
            self._seen[id(data)] = len(self.textures) - 1
        return {"index": self._seen[id(data)]}


def _material(m: Material, images: _Images) -> dict[str, object]:
    pbr: dict[str, object] = {
        "baseColorFactor": list(m.colour),
        "metallicFactor": 0,
        "roughnessFactor": m.roughness,
    }
    out: dict[str, object] = {"name": m.name, "pbrMetallicRoughness": pbr}
    if m.base:
        pbr["baseColorTexture"] = images.texture(m.base)
    if m.rough:
        pbr["metallicRoughnessTexture"] = images.texture(m.rough)
        pbr["roughnessFactor"] = 1
    if m.normal:
        out["normalTexture"] = images.texture(m.normal)
    if m.alpha != "OPAQUE":
        out["alphaMode"] = m.alpha
    if m.alpha == "MASK":
        out["alphaCutoff"] = m.cutoff
    if m.double_sided:
        out["doubleSided"] = True
    extensions: dict[str, object] = {}
    if m.specular is not None:
        extensions["KHR_materials_specular"] = {"specularFactor": m.specular}
    if m.clearcoat is not None:
        extensions["KHR_materials_clearcoat"] = {
            "clearcoatFactor": m.clearcoat,
            "clearcoatRoughnessFactor": 0.04,
        }
    if m.sheen is not None:
        extensions["KHR_materials_sheen"] = {"sheenColorFactor": list(m.sheen), "sheenRoughnessFactor": 0.6}
    if extensions:
        out["extensions"] = extensions
    if m.extras:
        out["extras"] = m.extras
    if m.wrinkles:
        told = dict(m.extras.get("likeness", {}))  # pyright: ignore[reportArgumentType, reportCallIssue]
        out["extras"] = m.extras | {"likeness": told | {"wrinkles": images.texture(m.wrinkles)["index"]}}
    return out


def _mesh(mesh: Mesh, material: int, buffer: _Buffer) -> dict[str, object]:
    order = np.argsort(-mesh.weights, axis=1)[:, :4]
    top = np.take_along_axis(mesh.weights, order, 1)
    top = top / top.sum(1, keepdims=True)
    quantised = np.floor(top * 255).astype(int)
    quantised[:, 0] += 255 - quantised.sum(1)  # weights must sum to one exactly
    order = np.where(quantised > 0, order, 0)
    colour = np.ones((len(mesh.vertices), 4))
    colour[:, : mesh.colour.shape[1]] = np.clip(mesh.colour, 0, 1)
    attributes = {
        "POSITION": buffer.floats(mesh.vertices, "VEC3", True, step=PLACE_STEP),
        "NORMAL": buffer.floats(mesh.normals, "VEC3", step=NORMAL_STEP),
        "TEXCOORD_0": buffer.floats(mesh.uv, "VEC2", step=UV_STEP),
        "COLOR_0": buffer.bytes4(np.round(colour * 255).astype(np.uint8), True),
        "JOINTS_0": buffer.bytes4(order.astype(np.uint8), False),
        "WEIGHTS_0": buffer.bytes4(quantised.astype(np.uint8), True),
    }
    primitive: dict[str, object] = {
        "attributes": attributes,
        "indices": buffer.indices(mesh.faces, len(mesh.vertices)),
        "material": material,
    }
    out: dict[str, object] = {"name": mesh.name, "primitives": [primitive]}
    if mesh.morphs:
        primitive["targets"] = [
            {
                "POSITION": buffer.sparse(m.position, 1e-5, PLACE_STEP),
                "NORMAL": buffer.sparse(m.normal, 0.02, 2 * NORMAL_STEP),
            }
            for m in mesh.morphs
        ]
        out["extras"] = {"targetNames": [m.name for m in mesh.morphs]}
        out["weights"] = [0.0] * len(mesh.morphs)
    return out

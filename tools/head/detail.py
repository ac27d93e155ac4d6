"""Coarser versions of meshes for far seats and stand-alone headsets."""

import io
from dataclasses import replace
from functools import lru_cache

import fast_simplification
import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from tools.head.cards import Hair, cards_faces
from tools.head.gltf import Material, Mesh, Morph


def simplified(mesh: Mesh, share: float) -> Mesh:
    """The mesh with about `share` of its triangles; attributes come from the nearest old vertex."""
    v, f = fast_simplification.simplify(
        (mesh.vertices * 1000).astype(np.float32),
        mesh.faces.astype(np.int32),
        target_count=max(12, int(share * len(mesh.faces))),
    )
    _, near = cKDTree(mesh.vertices).query(np.asarray(v, float) / 1000)
    morphs = tuple(Morph(m.name, m.position[near], m.normal[near]) for m in mesh.morphs)
    return replace(
        mesh,
        vertices=np.asarray(v, float) / 1000,
        normals=mesh.normals[near],
        faces=np.asarray(f, np.int64),
        uv=mesh.uv[near],
        colour=mesh.colour[near],
        weights=mesh.weights[near],
        morphs=morphs,
    )


def thinned(hair: Hair, step: int, widen: float) -> Hair:
    """Every `step`-th ribbon, `widen` times as broad and with every second row; what is not a ribbon
    stays."""
    solid = hair.ribbon < 0
    keep_faces = hair.faces[solid[hair.faces].all(1)]
    index = [np.flatnonzero(solid)]
    faces = [np.searchsorted(index[0], keep_faces)]
    start = len(index[0])
    vertices = hair.vertices.copy()
    for k in np.unique(hair.ribbon[~solid])[::step]:
        mine = np.flatnonzero(hair.ribbon == k).reshape(-1, 2)
        rows = mine[np.unique(np.r_[np.arange(0, len(mine), 2), len(mine) - 1])]
        pair = vertices[rows]
        middle = pair.mean(1, keepdims=True)
        vertices[rows] = middle + (pair - middle) * widen
        index.append(rows.ravel())
        faces.append(cards_faces(len(rows)) + start)
        start += 2 * len(rows)
    chosen = np.concatenate(index)
    return Hair(
        vertices[chosen],
        hair.normals[chosen],
        np.concatenate(faces),
        hair.uv[chosen],
        hair.colour[chosen],
        hair.root[chosen],
        hair.ribbon[chosen],
    )


def smaller_images(material: Material, size: int, done: dict[int, bytes]) -> Material:
    """The material with images of at most `size`; `done` remembers what was scaled, so that images stay
    shared."""
    out = {}
    for slot in ("base", "normal", "rough"):
        data: bytes | None = getattr(material, slot)
        if data is None:
            continue
        if id(data) not in done:
            done[id(data)] = _smaller(data, size)
        out[slot] = done[id(data)]
    return replace(material, wrinkles=None, **out)


@lru_cache(8)
def _smaller(data: bytes, size: int) -> bytes:
    image = Image.open(io.BytesIO(data))
    kind = image.format or "PNG"
    image.thumbnail((size, size), Image.Resampling.LANCZOS if kind == "JPEG" else Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"quality": 82} if kind == "JPEG" else {"optimize": True}))
    return buffer.getvalue()

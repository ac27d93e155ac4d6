"""Coarser versions of meshes for far seats and stand-alone headsets."""

import io
from dataclasses import replace
from functools import lru_cache

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

from tools.head.cards import Hair, cards_faces, part_of
from tools.head.falloff import smoothstep
from tools.head.gltf import Material, Mesh, Morph
from tools.head.hair_growth import CENTRE
from tools.head.surface import Surface
from tools.head.topology import edges, vertex_normals


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


def _caps(hair: Hair, surface: Surface) -> NDArray[np.int64]:
    """The vertices of a hair's cap: what is no ribbon and lies close to where it grows."""
    height = np.linalg.norm(hair.vertices - surface.vertices[hair.root], axis=1)
    return np.flatnonzero((hair.ribbon < 0) & (height < 16))


def blended(hair: Hair, surface: Surface) -> Hair:
    """The hair with its cap in the colour of the ribbons around, a little darker."""
    ribbons, cap = np.flatnonzero(hair.ribbon >= 0), _caps(hair, surface)
    if len(ribbons) == 0:
        return hair
    _, near = cKDTree(hair.vertices[ribbons]).query(hair.vertices[cap], 40)
    colour = hair.colour.copy()
    colour[cap] = 0.85 * hair.colour[ribbons][near].mean(1)
    return replace(hair, colour=colour)


def filled(hair: Hair, surface: Surface) -> Hair:
    """The hair with its cap swollen to half the depth of the ribbons over it, so that few of them make it
    look full."""
    ribbons = hair.vertices[hair.ribbon >= 0]
    cap = _caps(hair, surface)
    if len(ribbons) == 0 or len(cap) == 0:
        return hair
    way = hair.vertices[cap] - CENTRE
    here = np.linalg.norm(way, axis=1)
    out = ribbons - CENTRE
    far = np.linalg.norm(out, axis=1)
    _, near = cKDTree(out / far[:, None]).query(way / here[:, None], 90)
    rise = np.clip(np.percentile(far[near], 30, axis=1) - here, 0, 34)
    tree = cKDTree(hair.vertices[cap])
    _, beside = tree.query(hair.vertices[cap], 24)
    for _ in range(3):
        rise = rise[beside].mean(1)
    border, _, count = edges(hair.faces[np.isin(hair.faces, cap).all(1)])
    rim = np.unique(border[count == 1])
    reach = cKDTree(hair.vertices[rim]).query(hair.vertices[cap])[0] if len(rim) else np.full(len(cap), 99.0)
    vertices = hair.vertices.copy()
    vertices[cap] += way / here[:, None] * (rise * smoothstep(0, 22, reach) * 0.8)[:, None]
    swollen = vertex_normals(vertices, hair.faces)
    normals = hair.normals.copy()
    normals[cap] = swollen[cap]
    return replace(hair, vertices=vertices, normals=normals)


def above(ribbons: Hair, base: Hair) -> Hair:
    """The ribbons that come out of a base somewhere."""
    tree = cKDTree(base.vertices)
    _, k = tree.query(ribbons.vertices)
    out = ((ribbons.vertices - base.vertices[k]) * base.normals[k]).sum(1) > 0.0
    seen = np.bincount(ribbons.ribbon, out) > 1.5
    return part_of(ribbons, seen[ribbons.ribbon])


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

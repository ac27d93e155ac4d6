"""The control cage: the face with eyelids, mouth bag, skull, neck and bust around it, about 1,500
vertices."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from tools.head import solid
from tools.head.face import EYE_RADIUS, EYE_RIGHT_CENTRE, LID_THICKNESS, LIP_HALF_WIDTH, SEAM_Y, Face
from tools.head.falloff import Array
from tools.head.topology import (
    EYE_RIGHT,
    LIP_RINGS,
    OVAL_LEFT,
    Faces,
    averaging_matrix,
    bilaplacian,
    loop_subdivide,
)

RINGS = 22
"""Rings of 36 vertices from the face's outline to the bust's edge."""


@dataclass(frozen=True, slots=True)
class Cage:
    """The cage and the named loops in it.

    Attributes:
        vertices: [C,3] mm; the first 468 are the face's landmarks.
        control: [C,3] control points whose subdivision surface passes through `vertices`.
        faces: [T,3].
        mirror: landmark opposite to each landmark [468].
        head_rings: [22,36], from the face's outline to the bust.
        mouth_rings: [6,20], from the lip seam inwards; mouth_end closes the bag.
        socket_right, socket_left: [3,16] rings from the lid margin behind the eyeball.
        outline: [36] the face's outline.
        dense: operator from control points to the twice subdivided surface, dense_faces its triangles.
        fine_count: vertices of the once subdivided surface: the first of the dense ones; fine_faces its
            triangles.
    """

    vertices: Array
    control: Array
    faces: Faces
    mirror: NDArray[np.int64]
    head_rings: NDArray[np.int64]
    mouth_rings: NDArray[np.int64]
    mouth_end: int
    socket_right: NDArray[np.int64]
    socket_left: NDArray[np.int64]
    outline: NDArray[np.int64]
    dense: sp.csr_matrix
    dense_faces: Faces
    fine_count: int
    fine_faces: Faces

    def opposite(self, i: int) -> int:
        """The landmark on the other side."""
        return int(self.mirror[i])


class _Mesh:
    """A growing triangle mesh."""

    def __init__(self, vertices: Array, faces: Faces) -> None:
        self.vertices = [*vertices]
        self.faces = [tuple(int(i) for i in t) for t in faces]

    def ring(self, points: Array) -> list[int]:
        start = len(self.vertices)
        self.vertices.extend(points)
        return list(range(start, start + len(points)))

    def stitch(self, a: list[int], b: list[int], flip: bool) -> None:
        """Triangles between two closed rings of equal length, diagonals alternating."""
        n = len(a)
        for i in range(n):
            j = (i + 1) % n
            if i % 2:
                pair = [(a[i], a[j], b[j]), (a[i], b[j], b[i])]
            else:
                pair = [(a[i], a[j], b[i]), (a[j], b[j], b[i])]
            self.faces.extend(t[::-1] if flip else t for t in pair)


def build_cage(face: Face) -> Cage:
    """The cage around a face."""
    mesh = _Mesh(face.vertices, face.faces)
    sockets = {side: _add_socket(mesh, face, side) for side in (-1, 1)}
    mouth, mouth_end = _add_mouth(mesh, face)
    outline = [*OVAL_LEFT, *(int(face.mirror[i]) for i in OVAL_LEFT[17:0:-1])]
    rings = _head_rings(face)
    previous, head = outline, []
    for points in rings:
        ring = mesh.ring(points)
        for i in range(36):
            j = (i + 1) % 36
            a, b = previous, ring
            pair = (
                [(a[i], b[i], a[j]), (a[j], b[i], b[j])]
                if i < 18
                else [(a[i], b[j], a[j]), (a[i], b[i], b[j])]
            )
            mesh.faces.extend(t[::-1] for t in pair)
        head.append(ring)
        previous = ring
    vertices, faces = np.array(mesh.vertices, float), np.array(mesh.faces, np.int64)
    half_edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    if len(np.unique(half_edges, axis=0)) != len(half_edges):
        raise ValueError("the cage is not consistently oriented: check the ring stitching in cage.py")
    vertices = _fair_seam(vertices, faces, np.array(outline), head)
    first, fine_faces = loop_subdivide(faces, len(vertices))
    second, dense_faces = loop_subdivide(fine_faces, first.shape[0])
    dense = (second @ first).tocsr()
    control = vertices.copy()
    for _ in range(4):
        control += 0.75 * (vertices - (dense @ control)[: len(vertices)])
    return Cage(
        vertices=vertices,
        control=control,
        faces=faces,
        mirror=face.mirror,
        head_rings=np.array(head),
        mouth_rings=np.array(mouth),
        mouth_end=mouth_end,
        socket_right=np.array(sockets[-1]),
        socket_left=np.array(sockets[1]),
        outline=np.array(outline),
        dense=dense,
        dense_faces=dense_faces,
        fine_count=first.shape[0],
        fine_faces=fine_faces,
    )


def _add_socket(mesh: _Mesh, face: Face, side: int) -> list[list[int]]:
    """Three rings behind a lid margin: the lid's thickness, its inner side, the socket."""
    ids = EYE_RIGHT if side < 0 else [int(face.mirror[i]) for i in EYE_RIGHT]
    centre = EYE_RIGHT_CENTRE * [-side, 1, 1]
    off = face.vertices[ids] - centre
    distance = np.linalg.norm(off, axis=1, keepdims=True)
    way = off / distance

    def spread(factor: float, radius: float) -> Array:
        angle = np.arctan2(np.hypot(way[:, 0], way[:, 1]), way[:, 2])[:, None]
        around = np.arctan2(way[:, 1], way[:, 0])[:, None]
        a = np.minimum(angle * factor + 0.18, 2.0)
        return radius * np.c_[np.sin(a) * np.cos(around), np.sin(a) * np.sin(around), np.cos(a)]

    inner = way * np.maximum(distance - LID_THICKNESS, EYE_RADIUS + 0.05) * [1, 0.965, 1]
    previous, rings = ids, []
    for points in (inner, spread(1.12, EYE_RADIUS + 0.35), spread(1.45, EYE_RADIUS + 1.0)):
        ring = mesh.ring(points + centre)
        mesh.stitch(previous, ring, side < 0)
        rings.append(ring)
        previous = ring
    return rings


def _add_mouth(mesh: _Mesh, face: Face) -> tuple[list[list[int]], int]:
    """Six rings from the seam back, and the vertex that closes the bag."""
    seam = LIP_RINGS[3]
    p = face.vertices[seam]
    upward = np.array([1 if 0 < i < 10 else (-1 if i > 10 else 0) for i in range(20)])
    u = p[:, 0] / LIP_HALF_WIDTH
    arch = np.sqrt(np.clip(1 - (np.abs(u) / 0.95) ** 2, 0, 1))

    def bag(back: float, height: float, width: float) -> Array:
        y = p[:, 1] * 0 + SEAM_Y - 0.8 * np.abs(u) ** 3 + upward * height * (0.25 + 0.75 * arch)
        return np.c_[p[:, 0] * width, y, p[:, 2] - back]

    previous, rings = seam, []
    shapes = (
        (2.2, 0.5, 0.975),
        (4.4, 3.2, 0.97),
        (5.8, 9, 1.0),
        (14, 13.5, 1.07),
        (30, 14.5, 1.0),
        (48, 12, 0.75),
    )
    for shape in shapes:
        ring = mesh.ring(bag(*shape))
        mesh.stitch(previous, ring, True)
        rings.append(ring)
        previous = ring
    end = mesh.ring(np.mean([mesh.vertices[i] for i in previous], 0)[None] - [0, 0, 4])[0]
    for i in range(20):
        mesh.faces.append((previous[(i + 1) % 20], previous[i], end))
    return rings, end


def _head_rings(face: Face) -> Array:
    """[22,36,3]: rings laid from the face's outline over skull, neck and bust, relaxed on the solid."""
    q = face.vertices
    way: dict[int, list[tuple[float, float, float]]] = {
        0: [
            (0, 85, 5),
            (0, 116, -70),
            (0, 95, -135),
            (0, 38, -176),
            (0, -40, -160),
            (0, -95, -142),
            (0, -160, -150),
            (0, -235, -178),
            (0, -300, -185),
        ],
        4: [
            (66, 62, -40),
            (70, 85, -80),
            (66, 60, -125),
            (52, 10, -150),
            (46, -50, -136),
            (46, -100, -132),
            (60, -165, -145),
            (85, -235, -172),
            (95, -300, -178),
        ],
        8: [
            (74, -12, -75),
            (75, -5, -95),
            (70, -20, -108),
            (60, -50, -112),
            (55, -90, -110),
            (57, -130, -112),
            (90, -195, -120),
            (165, -232, -118),
            (207, -300, -118),
        ],
        12: [
            (55, -90, -55),
            (54, -94, -66),
            (53, -102, -74),
            (52, -115, -80),
            (51, -135, -84),
            (50, -165, -84),
            (62, -205, -75),
            (105, -245, -62),
            (130, -300, -55),
        ],
        15: [
            (30, -120, -18),
            (33, -124, -28),
            (35, -128, -38),
            (34, -138, -48),
            (31, -155, -54),
            (28, -180, -56),
            (30, -215, -50),
            (48, -250, -40),
            (58, -300, -22),
        ],
        18: [
            (0, -123, -5),
            (0, -126, -16),
            (0, -128, -28),
            (0, -134, -36),
            (0, -150, -40),
            (0, -180, -46),
            (0, -218, -50),
            (0, -250, -38),
            (0, -300, -16),
        ],
    }
    keys = sorted(way)
    points = np.array([[q[OVAL_LEFT[k]], *np.array(way[k])] for k in keys], float)
    half = PchipInterpolator(keys, points, axis=0)(np.arange(19))
    half[:, 0] = q[OVAL_LEFT]
    half[..., 1] += np.where(half[..., 1] < -150, np.clip((-150 - half[..., 1]) / 50, 0, 1) * 12, 0)
    half[:, -1, 1] = -300
    full = np.concatenate([half, (half * [-1, 1, 1])[17:0:-1]])
    step = np.linalg.norm(np.diff(full, axis=1), axis=2).mean(0)
    along = np.r_[0, np.cumsum(step)]
    t = np.linspace(0, 1, RINGS + 1)
    t = np.interp((0.8 * t + 0.2 * t**2) * along[-1], along, np.arange(len(along)))
    rings = np.stack([PchipInterpolator(np.arange(len(p)), p)(t) for p in full], 1)
    for turn in range(60):
        flat = solid.project(solid.head, rings[1:].reshape(-1, 3), 4 if turn else 14)
        rings[1:] = flat.reshape(RINGS, 36, 3)
        if turn == 59:
            break
        mean = (rings[2:] + rings[:-2] + np.roll(rings[1:-1], 1, 1) + np.roll(rings[1:-1], -1, 1)) / 4
        rings[1:-1] += 0.5 * (mean - rings[1:-1])
        edge = rings[-1]
        edge = edge + 0.3 * ((np.roll(edge, 1, 0) + np.roll(edge, -1, 0)) / 2 - edge)
        edge[:, 1] = -300
        rings[-1] = edge
        other = np.concatenate([rings[:, :1], rings[:, :0:-1]], 1)
        rings = (rings + other * [-1, 1, 1]) / 2
    return rings[1:]


def _fair_seam(vertices: Array, faces: Faces, outline: NDArray[np.int64], head: list[list[int]]) -> Array:
    """Biharmonic blend where the face meets the skull, held softly so that the forehead keeps its curve."""
    count = len(vertices)
    energy = bilaplacian(faces, count)
    free = np.zeros(count, bool)
    free[outline] = True
    free |= averaging_matrix(faces, count) @ free.astype(float) > 0
    for ring in head[:3]:
        free[ring] = True
    free[[i for ring in LIP_RINGS for i in ring]] = False
    f, c = np.flatnonzero(free), np.flatnonzero(~free)
    hold = sp.diags(np.where(np.isin(f, outline) | (f < 468), 0.25, 0.06))
    out = vertices.copy()
    out[f] = sl.spsolve(
        (energy[f][:, f] + hold).tocsc(), -(energy[f][:, c] @ vertices[c]) + hold @ vertices[f]
    )
    return out

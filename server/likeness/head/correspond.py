"""Laying one head over another: which point of the open head is which point of a guest.

First place and identity are fitted (Gauss-Newton on point-to-plane distances, landmarks weighing much at
first and little in the end), then the vertices are freed under a bending penalty (non-rigid ICP, after Amberg
et al. 2007, "Optimal step nonrigid ICP algorithms for surface registration", with a bi-Laplacian of the
displacement for the stiffness term). Both heads bring skinning, and that holds the landmarks: the eyes'
joints, the place where the jaw's weights part the lips, the nose's tip above it. No landmark numbers of
anybody's topology are needed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from numpy.typing import NDArray
from scipy.spatial import KDTree

from likeness.errors import InputError
from likeness.head.flame_numpy import rotation_matrices
from likeness.head.mesh import Contact, Floats, Ints, Surface, edges_of, vertex_normals
from likeness.head.model import JAW, LEFT_EYE, RIGHT_EYE, HeadModel

IDENTITY_STEPS = 25
FREE_STEPS = (
    (30.0, 0.012),
    (10.0, 0.008),
    (3.0, 0.006),
    (1.0, 0.005),
    (0.3, 0.004),
    (0.1, 0.004),
    (0.1, 0.004),
)
"""Stiffness of bending, and the distance in metres beyond which pairs are not believed."""
PULL = 0.15
"""Weight of point-to-point beside point-to-plane distances: how much surfaces resist sliding."""
SOFT_PLACES, SOFT_WIDTH, SOFT_SIZE = 32, 0.06, 0.003
"""Number, width (m) and unit (m) of the soft shifts that help our identities to fit a guest."""
RIDGE = 1e-4
"""Weight that keeps vertices without any pair near their start."""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """The open head laid over a guest.

    `laid` [Vs,3] are the open head's vertices in the guest's shape, in the open head's frame and size; the
    guest's own vertices p are there at `scale * rotation @ p + shift`. `contact` says where on `laid` each of
    the guest's vertices lies; `trust` [V] is 1 where that is sure and 0 where the guest has something that
    the open head has not.
    """

    laid: Floats
    rotation: Floats
    scale: float
    shift: Floats
    contact: Contact
    trust: Floats

    def home(self, moves: Floats) -> Floats:
        """Displacements [...,3] in the open head's frame, turned and scaled into the guest's."""
        return moves @ self.rotation / self.scale


def correspond(
    source: HeadModel, target: HeadModel, progress: Callable[[float], None] = lambda share: None
) -> Correspondence:
    """Lay `source` over `target`.

    Raises:
        InputError: the two do not look like heads of one kind: the eyes' joints do not fit, or most of the
            guest lies far from the result.
    """
    fit = _Fit(source, target)
    for step in range(IDENTITY_STEPS):
        fit.identity_step(max(0.03 * 0.85**step, 0.006), max(0.8**step, 0.05))
        progress(0.4 * (step + 1) / IDENTITY_STEPS)
    free = _FreeMesh(source, fit.vertices())
    for k, (stiffness, reach) in enumerate(FREE_STEPS):
        free.step(fit.points, fit.normals, fit.labels, stiffness, reach)
        progress(0.4 + 0.6 * (k + 1) / len(FREE_STEPS))
    contact = free.contact(fit.points, fit.normals, fit.labels)
    trust = np.clip(2 - contact.distance / 0.004, 0, 1)
    if (trust > 0).mean() < 0.4:
        raise InputError(
            f"head {target.name!r} does not fit the open head: only {100 * (trust > 0).mean():.0f} % of its "
            "surface could be matched. Is it a head in metres, y up, facing +z, with FLAME's joints?"
        )
    return Correspondence(free.laid, fit.rotation, fit.scale, fit.shift, contact, trust)


def _landmarks(
    ours: HeadModel, our_place: Floats, theirs: HeadModel, their_place: Floats
) -> tuple[Floats, Floats]:
    """Rows [M,Vs] and [M,V] that pick the same points on both heads: eyes, and mouth and nose where found."""
    rows: list[list[Floats]] = []
    for model, place in ((ours, our_place), (theirs, their_place)):
        picked = [model.joint_regressor[joint].astype(np.float64) for joint in (LEFT_EYE, RIGHT_EYE)]
        eyes = np.array([row @ place for row in picked])
        for found in _mouth_and_nose(model, np.asarray(place, np.float64), eyes):
            row = np.zeros(model.vertex_count)
            if len(found):
                row[found] = 1 / len(found)
            picked.append(row)
        rows.append(picked)
    both = [(a, b) for a, b in zip(*rows, strict=True) if a.any() and b.any()]
    return np.array([a for a, _ in both]), np.array([b for _, b in both])


def _mouth_and_nose(model: HeadModel, place: Floats, eyes: Floats) -> tuple[Ints, Ints]:
    """Vertices where the lips meet in the middle, and the nose's tip; empty where none is found."""
    apart, middle = float(np.linalg.norm(eyes[0] - eyes[1])), eyes.mean(0)
    jaw = model.weights[:, JAW]
    skin = model.weights[:, LEFT_EYE:].sum(1) < 0.5
    central = (
        skin & (np.abs(place[:, 0] - middle[0]) < 0.15 * apart) & (place[:, 2] > middle[2] - 0.2 * apart)
    )
    central &= (place[:, 1] < middle[1] - 0.5 * apart) & (place[:, 1] > middle[1] - 1.8 * apart)
    upper, lower = np.flatnonzero(central & (jaw < 0.5)), np.flatnonzero(central & (jaw > 0.5))
    none = np.zeros(0, np.int64)
    if not len(upper) or not len(lower):
        return none, none
    # The seam: upper and lower lip close together, as far in front as such a pair is found.
    found = KDTree(place[lower]).query(place[upper])
    distance, partner = (np.asarray(part) for part in found)
    touching = np.flatnonzero(distance < 0.08 * apart)
    if not len(touching):
        return none, none
    first = touching[np.argmax(place[upper[touching], 2])]
    seam = np.array([upper[first], lower[partner[first]]])
    height = place[seam, 1].mean()
    bridge = skin & (np.abs(place[:, 0] - middle[0]) < 0.25 * apart)
    bridge &= (place[:, 1] < middle[1] - 0.1 * apart) & (place[:, 1] > height + 0.2 * apart)
    if not bridge.any():
        return seam, none
    tip = np.flatnonzero(bridge)[np.argmax(place[bridge, 2])]
    return seam, np.array([tip])


def _soft_shifts(model: HeadModel) -> Floats:
    """[V,3,3N]: millimetres of shift along each axis around N places spread over the head."""
    place = model.v_template.astype(np.float64)
    chosen = [int(np.argmax(place[:, 2]))]
    nearest = np.linalg.norm(place - place[chosen[0]], axis=1)
    while len(chosen) < SOFT_PLACES:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.linalg.norm(place - place[chosen[-1]], axis=1))
    distance = np.linalg.norm(place[:, None] - place[chosen], axis=2)
    bumps = SOFT_SIZE * np.exp(-((distance / SOFT_WIDTH) ** 2))
    return (bumps[:, None, :, None] * np.eye(3)[None, :, None, :]).reshape(len(place), 3, -1)


def joint_labels(model: HeadModel) -> Floats:
    """[V]: how much a vertex follows the jaw, and 3 or 4 for the eyeballs: tells touching surfaces apart."""
    weights = model.weights.astype(np.float64)
    return weights[:, JAW] + 3 * weights[:, LEFT_EYE] + 4 * weights[:, RIGHT_EYE]


class _Fit:
    """Similarity of the guest and identity of the open head, improved step by step."""

    def __init__(self, source: HeadModel, target: HeadModel) -> None:
        self._source, self._target = source, target
        self.labels = joint_labels(target)
        self._source_labels = joint_labels(source)
        # Our identities, and soft local shifts for what they cannot say.
        self._dirs = np.concatenate([source.identity_dirs.astype(np.float64), _soft_shifts(source)], 2)
        self._identity = np.zeros(self._dirs.shape[2])
        self._template = target.v_template.astype(np.float64)
        self._target_normals = vertex_normals(self._template, target.faces)
        theirs = (target.joint_regressor @ target.v_template).astype(np.float64)[[LEFT_EYE, RIGHT_EYE]]
        ours = (source.joint_regressor @ source.v_template).astype(np.float64)[[LEFT_EYE, RIGHT_EYE]]
        apart = float(np.linalg.norm(theirs[0] - theirs[1]))
        if apart < 1e-3 or theirs[0, 0] <= theirs[1, 0]:
            raise InputError(
                f"head {target.name!r}: its left eye's joint should lie at larger x than the right one's, "
                "about 6 cm away; the joints are in another order, or the head faces away from +z."
            )
        self.rotation = np.eye(3)
        self.scale = float(np.linalg.norm(ours[0] - ours[1])) / apart
        self.shift = ours.mean(0) - self.scale * theirs.mean(0)
        # Where the nose's tip is depends on how the head is held, and the other way round: twice is enough.
        for _ in range(3):
            self._marks, self._marked = _landmarks(source, source.v_template, target, self.points)
            self._align()

    def _align(self) -> None:
        """The similarity that brings the guest's landmarks onto ours (Umeyama 1991)."""
        theirs, ours = self._marked @ self._template, self._marks @ self._source.v_template
        a, b = theirs - theirs.mean(0), ours - ours.mean(0)
        u, size, vt = np.linalg.svd(b.T @ a)
        signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
        self.rotation = (u * signs) @ vt
        self.scale = float((size * signs).sum() / (a * a).sum())
        self.shift = ours.mean(0) - self.scale * theirs.mean(0) @ self.rotation.T

    @property
    def points(self) -> Floats:
        """The guest's vertices [V,3] in the open head's frame."""
        return self.scale * self._template @ self.rotation.T + self.shift

    @property
    def normals(self) -> Floats:
        return self._target_normals @ self.rotation.T

    def vertices(self) -> Floats:
        """The open head's vertices [Vs,3] under the present identity."""
        return self._source.v_template + self._dirs @ self._identity

    def identity_step(self, reach: float, marks: float) -> None:
        """One Gauss-Newton step: pairs within `reach` metres, landmarks weighing `marks` of all pairs."""
        surface = Surface(self.vertices(), self._source.faces, 0.015, self._source_labels)
        points = self.points
        contact = surface.nearest(points, self.normals, self.labels)
        near = contact.distance < reach
        if near.sum() < 50:
            raise InputError(
                f"head {self._target.name!r} does not look like a head: its surface is nowhere near ours."
            )
        face, bary = contact.face[near], contact.bary[near]
        picked = Contact(face, bary, contact.distance[near])
        place = picked.at(surface.vertices, surface.faces)
        normal = picked.at(surface.normals, surface.faces)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        p = points[near]
        # Residual: n.(p moved - place moved by identity); unknowns: identity, turn, shift, growth.
        dirs = np.einsum("nk,nkde->nde", bary, self._dirs[surface.faces[face]])
        centre = p.mean(0)
        arm = p - centre
        eye = np.broadcast_to(np.eye(3), (len(p), 3, 3))
        cross = np.stack([np.cross(e, arm) for e in np.eye(3)], 2)
        columns = np.concatenate([-dirs, cross, eye, arm[:, :, None]], 2)
        gap = place - p
        flat = np.einsum("nd,ndk->nk", normal, columns)
        weight = 1 / (1 + (contact.distance[near] / (0.3 * reach)) ** 2)
        rows = np.concatenate(
            [flat * weight[:, None], (PULL * weight[:, None, None] * columns).reshape(-1, columns.shape[2])]
        )
        right = np.concatenate(
            [np.einsum("nd,nd->n", normal, gap) * weight, (PULL * weight[:, None] * gap).ravel()]
        )
        # Landmarks: the same residual, point to point.
        q = self._marked @ points
        mark_arm = q - centre
        mark_columns = np.concatenate(
            [
                -np.einsum("mv,vde->mde", self._marks, self._dirs),
                np.stack([np.cross(e, mark_arm) for e in np.eye(3)], 2),
                np.broadcast_to(np.eye(3), (len(q), 3, 3)),
                mark_arm[:, :, None],
            ],
            2,
        )
        strength = marks * np.sqrt(len(p) / len(q))
        rows = np.concatenate([rows, strength * mark_columns.reshape(-1, columns.shape[2])])
        right = np.concatenate([right, strength * (self._marks @ surface.vertices - q).ravel()])
        # Prior: identity coefficients of unit deviation against millimetres of distance.
        s = len(self._identity)
        prior = np.zeros(columns.shape[2])
        prior[:s] = 0.0005 * np.sqrt(len(p)) * 0.3
        gram = rows.T @ rows + np.diag(prior**2 + 1e-12)
        pull = rows.T @ right
        pull[:s] -= prior[:s] ** 2 * self._identity
        x = np.linalg.solve(gram, pull)
        self._identity = np.clip(self._identity + x[:s], -4, 4)
        turn = rotation_matrices(x[None, s : s + 3])[0]
        grow = float(np.clip(1 + x[s + 6], 0.8, 1.25))
        self.rotation = turn @ self.rotation
        self.shift = grow * turn @ (self.shift - centre) + centre + x[s + 3 : s + 6]
        self.scale *= grow


class _FreeMesh:
    """The open head's vertices, each free to move, bending resisted."""

    def __init__(self, source: HeadModel, start: Floats) -> None:
        self._faces = source.faces
        self._labels = joint_labels(source)
        self._start = start
        self.laid = start.copy()
        laplacian = _laplacian(start, source.faces)
        self._bending = (laplacian.T @ laplacian).tocsc()

    def contact(self, points: Floats, normals: Floats, labels: Floats) -> Contact:
        """Where on the present surface the guest's vertices lie."""
        return Surface(self.laid, self._faces, 0.012, self._labels).nearest(points, normals, labels)

    def step(self, points: Floats, normals: Floats, labels: Floats, stiffness: float, reach: float) -> None:
        count = len(self.laid)
        contact = self.contact(points, normals, labels)
        near = contact.distance < reach
        weight = 1 / (1 + (contact.distance[near] / (0.5 * reach)) ** 2)
        rows = np.repeat(np.arange(int(near.sum())), 3)
        columns = self._faces[contact.face[near]].ravel()
        pick = sp.csr_matrix((contact.bary[near].ravel(), (rows, columns)), (int(near.sum()), count))
        n, there = normals[near], points[near]
        still = self._start
        alone = stiffness * self._bending + RIDGE * sp.eye(count)
        pulled = pick.T @ sp.diags((PULL * weight) ** 2) @ pick
        along = pick.T @ (weight[:, None] ** 2 * n * (n * there).sum(1, keepdims=True))
        right = alone @ still + pick.T @ ((PULL * weight)[:, None] ** 2 * there) + along

        def system(flat: Floats) -> Floats:
            x = flat.reshape(count, 3)
            across = (weight**2 * (n * (pick @ x)).sum(1))[:, None] * n
            return (alone @ x + pulled @ x + pick.T @ across).ravel()

        # Point-to-plane distances couple the three coordinates. Conjugate gradients solve the coupled system,
        # helped by a factorised one in which each coordinate feels a third of every plane.
        third = pick.T @ sp.diags(weight**2 / 3) @ pick
        factors = sl.splu(
            sp.csc_matrix(alone + pulled + third),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

        def nearly(flat: Floats) -> Floats:
            return factors.solve(flat.reshape(count, 3)).ravel()

        size = (3 * count, 3 * count)
        whole, helper = sl.LinearOperator(size, system), sl.LinearOperator(size, nearly)
        solved, _ = sl.cg(whole, right.ravel(), self.laid.ravel(), rtol=1e-7, maxiter=200, M=helper)
        self.laid = np.asarray(solved).reshape(count, 3)


def _laplacian(vertices: Floats, faces: Ints) -> sp.csr_matrix:
    """Uniform graph Laplacian; loose parts (eyes, teeth) lean on the nearest vertices of the largest."""
    count = len(vertices)
    edges = edges_of(faces)
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), (count, count))
    pieces: NDArray[np.int32]
    _, pieces = sp.csgraph.connected_components(graph, directed=False)
    main = pieces == np.bincount(pieces).argmax()
    loose = np.flatnonzero(~main)
    if len(loose):
        body = np.flatnonzero(main)
        _, near = KDTree(vertices[body]).query(vertices[loose], k=3)
        links = np.stack([np.repeat(loose, 3), body[near].ravel()], 1)
        edges = np.concatenate([edges, links])
    both = np.concatenate([edges, edges[:, ::-1]])
    adjacency = sp.coo_matrix((np.ones(len(both)), both.T), (count, count)).tocsr()
    degree = np.asarray(adjacency.sum(1)).ravel()
    return sp.csr_matrix(sp.eye(count) - sp.diags(1 / np.maximum(degree, 1)) @ adjacency)

"""Deriving a guest head's rig from the open head's: deformation transfer, then a solve on the guest's basis.

1. `correspond` lays the open head over the guest.
2. Each control's shape is carried over by deformation transfer (Sumner and Popovic 2004, "Deformation
   transfer for triangle meshes", in the Poisson form of Botsch et al. 2006) from the open head to the laid
   one, which has the same triangles, and read off at the guest's vertices. Left and right are mirror images.
3. Shapes that the open head plays with the jaw's joint get the guest's joint first; what the joint cannot do,
   and every other shape, is solved onto the guest's expression components by least squares, weighted by area,
   with what lies outside the shape's region held still, and components that add next to nothing left out.
   Components that are one-sided by their name (a blend shape called like a control) stay non-negative.
4. The rig is played back on the guest and compared with the carried shapes: the round-trip error.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from scipy.optimize import lsq_linear

from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.correspond import Correspondence, correspond
from likeness.head.flame_numpy import BakedHead, rotation_matrices
from likeness.head.frame import Float32
from likeness.head.guest import control_of
from likeness.head.load import Head
from likeness.head.mesh import Floats, Ints, edges_of
from likeness.head.model import JAW, HeadModel
from likeness.head.rig import Rig

RIDGE = 1e-3
"""What a coefficient of 1 costs, as a share of the shape's size: large opposite ones do not pay."""
SMALLEST_SHARE = 0.002
"""Components that contribute less than this share of a shape are left out."""
HOLD = 0.01
"""How much a vertex holds to the plainly carried displacement against the gradients of its triangles."""
SMOOTHING = 12
"""Rings over which the gradient of the laying map is smoothed."""
OUTSIDE = 30.0
"""Weight of vertices outside a shape's region against those inside: what should be still stays still."""
JAW_USE = 1e-3
"""Radians of jaw rotation from which a control counts as one that the jaw's joint plays."""
STILL = 2e-5
"""Metres below which a vertex of the open head counts as unmoved by a control."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A derived rig and what was measured on the way."""

    rig: Rig
    eyelid_dirs: Float32
    """[V,3,2], carried over from the open head; the guest's own where it has them."""
    lip_pair: tuple[int, int]
    """The guest's vertices nearest to the open head's."""
    shapes: Float32
    """[52,V,3] m: what each control should do on the guest, as carried over."""
    size: Float32
    """[52] mean displacement of each carried shape over the vertices that it moves, m."""
    error: Float32
    """[52] round-trip error: mean vertex error over mean displacement; 0 for shapes that do nothing."""
    jaw_share: float
    """Share of jawOpen's displacement that the jaw's joint plays, 0..1."""
    matched: float
    """Share of the guest's vertices that lie on the open head's surface."""


def derive_rig(
    open_head: Head, target: HeadModel, progress: Callable[[float], None] = lambda share: None
) -> Derived:
    """Derive a rig for `target`, whose mean identity is fitted.

    Raises:
        InputError: the guest does not look like a head in FLAME's format (see `correspond`).
    """
    laid = correspond(open_head.model, target, lambda share: progress(0.7 * share))
    carried = _Carried(open_head, target, laid)
    progress(0.8)
    solver = _Solver(target, laid.trust)
    rig = _rig(open_head, target, carried, solver)
    progress(0.95)
    played = play(target, rig, carried.eyelid_dirs)
    skin = target.weights[:, 3:].sum(1) < 0.5  # the eyeballs turn by their joints; nothing is solved there
    size, error = round_trip(carried.shapes, played, laid.trust * skin)
    share = _jaw_share(target, rig, carried.eyelid_dirs, played[CONTROL_INDEX["jawOpen"]])
    progress(1.0)
    return Derived(
        rig=_with_error(rig, error),
        eyelid_dirs=carried.eyelid_dirs,
        lip_pair=carried.lip_pair,
        shapes=carried.shapes.astype(np.float32),
        size=size,
        error=error,
        jaw_share=share,
        matched=float((laid.trust > 0).mean()),
    )


def play(model: HeadModel, rig: Rig, eyelid_dirs: Float32 | None = None) -> Floats:
    """Displacement [52,V,3] in metres of each control alone, fully on, on the mean identity."""
    baked, alone = BakedHead(model), np.eye(CONTROL_COUNT, dtype=np.float32)
    return np.stack([play_one(baked, rig, controls, eyelid_dirs) for controls in alone])


def play_one(baked: BakedHead, rig: Rig, controls: Float32, eyelid_dirs: Float32 | None = None) -> Floats:
    """Displacement [V,3] in metres of one set of controls [52] on a head of the mean identity."""
    model = baked.model
    p = rig.apply(controls[None])
    rest, zero = np.zeros(2, np.float32), np.zeros(3, np.float32)
    out = baked.vertices(p.expression[0], rest, p.jaw[0], zero, p.eyes[0], zero, zero)
    move = out.astype(np.float64) - model.v_template
    lids = eyelid_dirs if eyelid_dirs is not None else model.eyelid_dirs
    return move if lids is None else move + lids @ p.eyelids[0]


def round_trip(wanted: Floats, played: Floats, trust: Floats) -> tuple[Float32, Float32]:
    """Size [52] (m) and relative error [52] of played shapes [52,V,3] against wanted ones, by trust [V]."""
    length = np.linalg.norm(wanted, axis=2) * trust
    gap = np.linalg.norm(played - wanted, axis=2) * trust
    moved = length > STILL
    size = np.where(moved.any(1), length.sum(1) / np.maximum(moved.sum(1), 1), 0)
    error = np.where(length.sum(1) > 1e-9, gap.sum(1) / np.maximum(length.sum(1), 1e-9), 0)
    return size.astype(np.float32), error.astype(np.float32)


class _Carried:
    """The open head's control shapes, correctives and eyelids, on the guest's vertices."""

    def __init__(self, open_head: Head, target: HeadModel, laid: Correspondence) -> None:
        model, rig = open_head.model, open_head.rig
        neutral = model.v_template.astype(np.float64)
        shapes = play(model, rig)
        # Eyes turn by their joints on the guest too: their own displacement is no part of the shape to solve.
        eyes = model.weights[:, 3:].sum(1) > 0.5
        shapes[:, eyes] = 0
        pairs = np.einsum("vce,ek->kvc", model.expression_dirs, rig.corrective).astype(np.float64)
        lids = (
            np.zeros((2, *neutral.shape))
            if model.eyelid_dirs is None
            else model.eyelid_dirs.transpose(2, 0, 1)
        )
        everything = np.concatenate([shapes, pairs, lids])
        moved = laid.contact.at(
            _transfer(neutral, model.faces, laid.laid, everything).transpose(1, 2, 0), model.faces
        )
        home = laid.home(moved.transpose(2, 0, 1)) * laid.trust[:, None]
        count = len(pairs)
        self.shapes = home[:CONTROL_COUNT]
        self.pairs = home[CONTROL_COUNT : CONTROL_COUNT + count]
        carried_lids = home[CONTROL_COUNT + count :].transpose(1, 2, 0).astype(np.float32)
        self.eyelid_dirs = (
            np.ascontiguousarray(carried_lids) if target.eyelid_dirs is None else target.eyelid_dirs
        )
        points = laid.scale * target.v_template @ laid.rotation.T + laid.shift
        upper, lower = model.lip_pair or (0, 0)
        self.lip_pair = (
            target.lip_pair
            if target.lip_pair is not None
            else (
                _nearest(points, target, laid.laid[upper], False),
                _nearest(points, target, laid.laid[lower], True),
            )
        )


def _nearest(points: Floats, target: HeadModel, place: Floats, on_jaw: bool) -> int:
    """The vertex nearest to a place among those that follow the jaw, or those that do not."""
    follows = target.weights[:, JAW] > 0.5
    distance = np.linalg.norm(points - place, axis=1) + np.where(follows == on_jaw, 0, 1)
    return int(np.argmin(distance))


def _transfer(neutral: Floats, faces: Ints, laid: Floats, moves: Floats) -> Floats:
    """Displacements [K,Vs,3] of `laid` that deform its triangles as `moves` do those of `neutral`.

    Sumner and Popovic use the source's deformation gradients F as they are, in world axes. A guest's cheek
    may slope and stretch differently from ours, so each F is first carried into the guest's local frame:
    J F J^-1, with J the smoothed gradient of the map that lays one head over the other.
    """
    rest = _frames(neutral, faces)
    inverse = np.linalg.inv(rest)
    gradient, area = _gradients(laid, faces)
    weights = sp.diags(np.repeat(area, 3))
    local = _smoothed(_frames(laid, faces) @ inverse, faces, area, len(laid))
    local_faces = local[faces].mean(1)
    local_back = np.linalg.inv(local_faces)
    normal = _unit_normals(laid, faces)
    tangent = np.eye(3) - normal[:, :, None] * normal[:, None, :]
    stiffness = (gradient.T @ weights @ gradient).tocsc()
    hold = HOLD * stiffness.diagonal().mean()
    system = sl.splu(
        sp.csc_matrix(stiffness + hold * sp.eye(len(laid))),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    out = np.zeros((len(moves), *laid.shape))
    for k, move in enumerate(moves):
        if np.abs(move).max() < STILL:
            continue
        turned = local_faces @ _frames(neutral + move, faces) @ inverse @ local_back
        wanted = ((turned - np.eye(3)) @ tangent).transpose(0, 2, 1).reshape(-1, 3)
        plain = np.einsum("vab,vb->va", local, move)
        out[k] = system.solve(gradient.T @ (weights @ wanted) + hold * plain)
    return out


def _smoothed(values: Floats, faces: Ints, area: Floats, count: int) -> Floats:
    """Face values [F,3,3] averaged to vertices [V,3,3] and smoothed over a few rings."""
    rows, columns = faces.ravel(), np.repeat(np.arange(len(faces)), 3)
    spread = sp.csr_matrix((np.repeat(area, 3), (rows, columns)), (count, len(faces)))
    total = np.maximum(np.asarray(spread.sum(1)).ravel(), 1e-20)
    smooth = (spread @ values.reshape(-1, 9)) / total[:, None]
    edges = edges_of(faces)
    both = np.concatenate([edges, edges[:, ::-1]])
    ring = sp.csr_matrix((np.ones(len(both)), both.T), (count, count)) + sp.eye(count)
    ring = sp.diags(1 / np.asarray(ring.sum(1)).ravel()) @ ring
    for _ in range(SMOOTHING):
        smooth = ring @ smooth
    smooth[total < 1e-19] = np.eye(3).ravel()
    return smooth.reshape(-1, 3, 3)


def _unit_normals(vertices: Floats, faces: Ints) -> Floats:
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)


def _frames(vertices: Floats, faces: Ints) -> Floats:
    """[F,3,3]: columns are two edges and the scaled normal of each triangle (the paper's equation 2)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.sqrt(np.linalg.norm(normal, axis=1, keepdims=True)), 1e-12)
    return np.stack([b - a, c - a, normal], 2)


def _gradients(vertices: Floats, faces: Ints) -> tuple[sp.csr_matrix, Floats]:
    """The operator [3F,V] from vertex values to their gradient on each triangle, and the areas [F]."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    unit = normal / double[:, None]
    rows, columns, values = [], [], []
    face = np.arange(len(faces))
    for k in range(3):
        opposite = corners[:, (k + 2) % 3] - corners[:, (k + 1) % 3]
        slope = np.cross(unit, opposite) / double[:, None]
        for axis in range(3):
            rows.append(3 * face + axis)
            columns.append(faces[:, k])
            values.append(slope[:, axis])
    matrix = sp.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        (3 * len(faces), len(vertices)),
    )
    return matrix, double / 2


class _Solver:
    """Solves displacement fields onto a guest's expression components."""

    def __init__(self, target: HeadModel, trust: Floats) -> None:
        self._dirs = target.expression_dirs.astype(np.float64).reshape(-1, target.expression_count)
        self._share = _vertex_areas(target) * trust
        # A component named like a control is one-sided: half a smile the other way is no expression.
        self._lowest = np.array([0.0 if control_of(n) else -np.inf for n in target.expression_names])

    def solve(self, shapes: Floats) -> Floats:
        """Coefficients [K,E] of shapes [K,V,3]."""
        return np.array([self._solve_one(shape) for shape in shapes]).reshape(len(shapes), -1)

    def _solve_one(self, shape: Floats) -> Floats:
        length = np.linalg.norm(shape, axis=1)
        out = np.zeros(self._dirs.shape[1])
        if length.max() < STILL:
            return out
        outside = np.clip(1 - length / (0.05 * length.max()), 0, 1)
        weight = self._share * (1 + (OUTSIDE - 1) * outside)
        weight /= (self._share * (1 - outside)).sum()
        weighted = self._dirs * np.repeat(weight, 3)[:, None]
        gram, pull = weighted.T @ self._dirs, weighted.T @ shape.ravel()
        power = float((weight[:, None] * shape * shape).sum())
        gram += RIDGE**2 * power * np.eye(len(gram))
        # Components that add next to nothing are left out, then the rest is solved again.
        kept = np.diag(gram) > 0
        for _ in range(2):
            out[:] = 0
            out[kept] = _bounded(gram[np.ix_(kept, kept)], pull[kept], self._lowest[kept])
            kept = np.abs(out) * np.sqrt(np.diag(gram)) > SMALLEST_SHARE * np.sqrt(power)
        return np.where(kept, out, 0)


def _bounded(gram: Floats, pull: Floats, lowest: Floats) -> Floats:
    """min x'Gx/2 - p'x with x >= lowest."""
    try:
        factor = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        factor = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) * np.eye(len(gram)))
    right = np.linalg.solve(factor, pull)
    if np.isinf(lowest).all():
        return np.linalg.solve(factor.T, right)
    return lsq_linear(factor.T, right, (lowest, np.full(len(lowest), np.inf)), method="bvls").x


def _vertex_areas(model: HeadModel) -> Floats:
    corners = model.v_template.astype(np.float64)[model.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 6
    return sum(
        (np.bincount(model.faces[:, k], area, model.vertex_count) for k in range(3)),
        np.zeros(model.vertex_count),
    )


def _rig(open_head: Head, target: HeadModel, carried: _Carried, solver: _Solver) -> Rig:
    source = open_head.rig
    shapes = carried.shapes.copy()
    # What the lids' own directions do is not asked of the expression components again.
    lids = source.eyelids.astype(np.float64).T @ carried.eyelid_dirs.astype(np.float64).transpose(
        2, 0, 1
    ).reshape(2, -1)
    shapes -= lids.reshape(shapes.shape)
    jaw = np.zeros((3, CONTROL_COUNT), np.float32)
    for k in range(CONTROL_COUNT):
        if np.abs(source.jaw[:, k]).max() > JAW_USE:
            jaw[:, k] = _fit_jaw(target, shapes[k], source.jaw[:, k])
            shapes[k] = _beyond_jaw(target, shapes[k], jaw[:, k])
    expression = solver.solve(shapes)
    corrective = solver.solve(carried.pairs)
    return Rig(
        expression=expression.T.astype(np.float32),
        corrective=corrective.T.astype(np.float32),
        pairs=source.pairs,
        jaw=jaw,
        eyelids=source.eyelids,
        eyes=source.eyes,
    )


def _fit_jaw(target: HeadModel, shape: Floats, start: Float32) -> Float32:
    """The jaw rotation [3] whose skinning comes closest to a shape on the vertices that follow the jaw."""
    weight = target.weights[:, JAW].astype(np.float64)
    chosen = weight > 0.1
    arm = target.v_template[chosen] - target.joint_regressor[JAW] @ target.v_template
    wanted, w = shape[chosen], weight[chosen]
    dirs = target.posedirs[chosen][:, :, 9:18].astype(np.float64)

    def moved(theta: Floats) -> Floats:
        turn = rotation_matrices(theta[None])[0] - np.eye(3)
        offset = dirs @ turn.ravel()
        return w[:, None] * ((arm + offset) @ turn.T) + offset

    theta = start.astype(np.float64)
    for _ in range(10):
        base = moved(theta)
        columns = np.stack([(moved(theta + 1e-5 * e) - base) / 1e-5 for e in np.eye(3)], 2)
        rows = (columns * w[:, None, None]).reshape(-1, 3)
        right = ((wanted - base) * w[:, None]).ravel()
        step = np.linalg.lstsq(rows, right, rcond=None)[0]
        theta = theta + step
        if np.abs(step).max() < 1e-7:
            break
    return theta.astype(np.float32)


def _beyond_jaw(target: HeadModel, shape: Floats, theta: Float32) -> Floats:
    """What of a posed shape is left for the expression: the rest turned back through the skinning."""
    posed = _jaw_only(target, theta)
    weight = target.weights[:, JAW].astype(np.float64)[:, None, None]
    turn = (1 - weight) * np.eye(3) + weight * rotation_matrices(theta[None])[0]
    return np.linalg.solve(turn, (shape - posed)[:, :, None])[:, :, 0]


def _jaw_only(target: HeadModel, theta: Float32) -> Floats:
    zero = np.zeros(3, np.float32)
    still = np.zeros(target.expression_count, np.float32)
    vertices = BakedHead(target).vertices(
        still, np.zeros(2, np.float32), theta, zero, np.zeros((2, 3), np.float32), zero, zero
    )
    return vertices.astype(np.float64) - target.v_template


def _jaw_share(target: HeadModel, rig: Rig, lids: Float32, played: Floats) -> float:
    """Share of a played jawOpen that the joint alone plays: projection of the joint's part on the whole."""
    alone = _jaw_only(target, rig.jaw[:, CONTROL_INDEX["jawOpen"]])
    return float((alone * played).sum() / max(float((played * played).sum()), 1e-12))


def _with_error(rig: Rig, error: Float32) -> Rig:
    return Rig(rig.expression, rig.corrective, rig.pairs, rig.jaw, rig.eyelids, rig.eyes, error)

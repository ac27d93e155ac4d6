"""The expression components: one for every control that is not a joint or an eyelid, and correctives for
pairs.

Handles are written for the person's right side with +x meaning outwards; `_both`, `_right` and `_left` place
them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.head import jaw
from tools.head.cage import Cage
from tools.head.closure import STILL_NOSE, Closure
from tools.head.face import EYE_RADIUS, LIP_HALF_WIDTH
from tools.head.falloff import Array, bump, curve_distance, smoothstep
from tools.head.handles import HandleSolver, Moves
from tools.head.skin import eye_centre, lid_margins, lid_ring
from tools.head.topology import LIP_RINGS, vertex_normals

Move = tuple[float, float, float]
LipMove = Callable[[float, int, int], Move]
"""(u from -1 right corner to +1 left, +1 upper / -1 lower / 0 corner, ring 0..3) -> move."""

BROWS = [107, 66, 105, 63, 70, 55, 65, 52, 53, 46, 9, 8]
LID_NEIGHBOURS = [247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25, 130]
CHIN = [152, 148, 377, 175, 171, 396, 199, 200, 208, 428, 176, 400, 149, 378]
CHEEK = [
    50,
    280,
    101,
    330,
    117,
    346,
    118,
    347,
    123,
    352,
    116,
    345,
    187,
    411,
    147,
    376,
    213,
    433,
    215,
    435,
    58,
    288,
    172,
    397,
    132,
    361,
    234,
    454,
    127,
    356,
]

PARTING = (
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthFunnel",
    "mouthRoll",
    "mouthShrug",
    "mouthClose",
    "puckerJawOpen",
    "smileJawOpen",
    "jawForward",
)
"""Components under which the two sides of the lips' seam move differently."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """Displacements [fine,3] mm by component name, and the two eyelids (left, right)."""

    components: dict[str, Array]
    eyelids: tuple[Array, Array]


class _Sculptor:
    """Turns handle moves into displacements of the fine skin."""

    def __init__(self, cage: Cage, solver: HandleSolver, vertices: Array, inner: Array) -> None:
        self.cage, self.solver, self.vertices = cage, solver, vertices
        self.operator = cage.dense[: cage.fine_count]
        self.normals = vertex_normals(vertices, cage.fine_faces)
        self.skin = 1 - inner[: cage.fine_count]
        self.eyes = [
            *(i for s in (-1, 1) for i in lid_ring(cage, s)),
            *cage.socket_left.ravel(),
            *cage.socket_right.ravel(),
        ]
        self.brows = self.pair(BROWS)
        self.lids = self.pair(LID_NEIGHBOURS)
        self.lips = sorted({i for ring in LIP_RINGS for i in ring})
        self.outline = [int(i) for i in cage.outline]
        self.out: dict[str, Array] = {}

    def pair(self, ids: list[int]) -> list[int]:
        return list(dict.fromkeys([*ids, *(self.cage.opposite(i) for i in ids)]))

    def right(self, moves: Moves) -> dict[int, Move]:
        return {i: (-m[0], m[1], m[2]) for i, m in moves.items()}

    def left(self, moves: Moves) -> dict[int, Move]:
        return {self.cage.opposite(i): m for i, m in moves.items()}

    def across(self, still: list[int]) -> list[int]:
        """The same vertices on the other side; those that are no landmarks come in pairs anyway."""
        return [self.cage.opposite(i) if i < 468 else i for i in still]

    def both(self, moves: Moves) -> dict[int, Move]:
        return self.right(moves) | self.left(moves)

    def shape(self, moves: Moves, still: list[int]) -> Array:
        return self.operator @ self.solver.solve(moves, [int(i) for i in still])

    def lip_moves(self, move: LipMove) -> dict[int, Move]:
        """A lip function laid on the four rings, fading into the mouth's first rings."""
        out: dict[int, Move] = {}
        seam = LIP_RINGS[3]

        def which(j: int) -> int:
            return 1 if 0 < j < 10 else (-1 if j > 10 else 0)

        for k, ring in enumerate(LIP_RINGS):
            for j, i in enumerate(ring):
                out[i] = move(self.cage.vertices[i, 0] / LIP_HALF_WIDTH, which(j), k)
        for ring, share in zip(self.cage.mouth_rings[:4], (0.9, 0.7, 0.45, 0.0), strict=True):
            for j, i in enumerate(ring):
                m = move(self.cage.vertices[seam[j], 0] / LIP_HALF_WIDTH, which(j), 3)
                out[int(i)] = (m[0] * share, m[1] * share, m[2] * share)
        return out

    def sided(self, name: str, moves: Moves, still: list[int]) -> None:
        self.out[f"{name}Right"] = self.shape(self.right(moves), still)
        self.out[f"{name}Left"] = self.shape(self.left(moves), self.across(still))

    def sided_lips(
        self, name: str, move: Callable[[float, int, int, int], Move], extra: Moves, still: list[int]
    ) -> None:
        for side, label in ((-1, "Right"), (1, "Left")):
            moves = self.lip_moves(lambda u, up, k, s=side: move(u, up, k, s))
            moves |= self.right(extra) if side < 0 else self.left(extra)
            self.out[f"{name}{label}"] = self.shape(moves, still if side < 0 else self.across(still))

    def swell(self, name: str, curve: list[Move], width: float, amount: float) -> None:
        """Adds a ridge (or groove) along a curve given on the person's left to name+Left and its mirror to
        name+Right."""
        for side, label in ((-1, "Right"), (1, "Left")):
            path = np.array(curve) * [side, 1, 1]
            d = (
                self.normals
                * (bump(curve_distance(self.vertices, path), width) * amount * self.skin)[:, None]
            )
            self.out[f"{name}{label}"] += d


def _arc(u: float) -> float:
    return float(np.sqrt(max(0.0, 1 - min(abs(u), 1.0) ** 2)))


def _step(a: float, b: float, x: float) -> float:
    return float(smoothstep(a, b, x))


def build_expressions(
    cage: Cage, solver: HandleSolver, closure: Closure, vertices: Array, inner: Array
) -> Expressions:
    """All components on the fine neutral skin [fine,3]."""
    s = _Sculptor(cage, solver, vertices, inner)
    _brows_cheeks_nose(s)
    _mouth_corners(s)
    _lips(s)
    _jaw(s, closure)
    eyelids = _eyes(s, closure)
    for name, d in s.out.items():
        if not name.startswith(PARTING):  # shapes that do not part the lips keep the seam shut
            d[closure.contact.lips] = d[closure.contact.lips].mean(1)[:, None]
    for name, d in s.out.items():  # drop what nobody sees, so that the files stay sparse
        s.out[name] = np.where(np.abs(d).max(1, keepdims=True) < 0.03, 0, d)
    return Expressions(s.out, (eyelids[0], eyelids[1]))


def _brows_cheeks_nose(s: _Sculptor) -> None:
    mouth = s.lips + CHIN
    around = s.eyes + CHEEK + mouth + s.outline
    s.sided(
        "browDown",
        {
            107: (-2.2, -4.5, 0.3),
            66: (-1.2, -5, 0.5),
            105: (0, -4, 0.2),
            63: (0, -2.2, 0),
            55: (-2.8, -5, 1.0),
            65: (-1.7, -5.5, 1.0),
            52: (0, -4.5, 0.5),
            53: (0, -2.2, 0),
            108: (-0.8, -1.8, 0),
            69: (0, -1.6, 0),
        },
        around + STILL_NOSE[3:],
    )
    s.swell("browDown", [(4.5, 15, 25), (5.5, 26, 24)], 2.2, -0.9)
    s.swell("browDown", [(9, 17, 24), (12, 24, 22)], 4, 0.8)
    rise = s.both(
        {
            107: (0, 6.5, 0),
            66: (0, 4.5, 0),
            105: (0, 1.5, 0),
            55: (0.3, 7, 0),
            65: (0, 5, 0),
            52: (0, 1.5, 0),
            108: (0, 4, 0),
            69: (0, 2.8, 0),
        }
    )
    rise |= {9: (0, 5.5, 0), 151: (0, 3.5, 0), 8: (0, 3.0, 0)}
    s.out["browInnerUp"] = s.shape(rise, around + STILL_NOSE + [70, 300, 46, 276])
    s.sided(
        "browOuterUp",
        {
            70: (0, 6, -0.5),
            63: (0, 7, 0),
            105: (0, 5.5, 0),
            66: (0, 2.2, 0),
            46: (0, 5.5, -0.5),
            53: (0, 6.5, 0),
            52: (0, 5, 0),
            65: (0, 1.7, 0),
            71: (0, 3.3, 0),
            68: (0, 4, 0),
            104: (0, 3.5, 0),
        },
        around + STILL_NOSE + [9, 107, 336, 55, 285],
    )
    puff = {
        187: (8, 0, 6),
        205: (4.5, 0, 7),
        50: (3, 1, 3.5),
        147: (6, 0, 3),
        192: (8, 0, 4.5),
        214: (8, 0, 6),
        207: (7, 0, 9),
        216: (6, 0, 8.5),
        212: (4.5, 0, 7.5),
        213: (6, 0, 3),
        206: (2, 0, 4),
    }
    moves = s.both(puff) | s.lip_moves(lambda u, up, k: (-2.2 * u, 0, 1.6))
    s.out["cheekPuff"] = s.shape(moves, s.eyes + s.brows + s.lids + STILL_NOSE + s.outline + CHIN)
    s.sided(
        "cheekSquint",
        {
            50: (0.5, 4, 1.8),
            101: (0, 4, 1.8),
            118: (0, 3.5, 1.5),
            117: (0.5, 3.5, 1.2),
            119: (0, 3, 1.2),
            205: (0.5, 2.5, 1.2),
            36: (0, 2.5, 1),
            111: (0, 2.5, 0.6),
            100: (0, 3, 1),
        },
        s.eyes + STILL_NOSE + s.brows + mouth + s.outline,
    )
    s.sided(
        "noseSneer",
        {
            129: (0.8, 4.5, 0.5),
            49: (0.8, 3.5, 0.5),
            48: (0.8, 3, 0.5),
            64: (0.8, 3, 0.3),
            102: (1, 4, 0.5),
            98: (0.3, 2, 0.2),
            122: (-0.3, 2, 0.8),
            196: (-0.3, 1.5, 0.8),
            55: (-1.2, -2, 0.4),
            203: (0.5, 3.5, 0.8),
            206: (0.5, 2.5, 0.6),
            39: (0, 1.5, 0),
            40: (0, 1.5, 0),
            37: (0, 1, 0),
        },
        s.eyes + CHEEK + [4, 1, 2, 168, 6, 61, 291, 17, 0, 267, 269] + CHIN + s.outline,
    )
    s.swell("noseSneer", [(19.5, -31, 24), (24, -42, 21)], 2.6, -0.8)


def _mouth_corners(s: _Sculptor) -> None:
    top = s.eyes + s.brows + s.outline + CHIN

    def reach(side: int, u: float, power: float, limit: float = 1.1) -> float:
        return float(np.clip(side * u, 0, limit)) ** power

    def smile(u: float, up: int, k: int, side: int) -> Move:
        a = reach(side, u, 1.0, 1.05)
        thin = (
            (0.9 if up < 0 else -0.7) * a * (k < 3)
        )  # the seam's two sides move alike: the lips stay closed
        return side * 8.5 * a**1.2, 6.4 * a**2.0 + thin, -6 * a**1.5 - 0.8 * a

    s.sided_lips(
        "mouthSmile",
        smile,
        {
            205: (3, 5.5, 3.6),
            50: (2.2, 4.6, 3.8),
            187: (3.6, 4.2, 2.0),
            206: (2.6, 3.5, 1.0),
            207: (5, 3.5, 0.9),
            216: (5.5, 4.5, -0.6),
            212: (6, 3.2, -2.3),
            214: (4.4, 2, 0.4),
            101: (0.8, 3.4, 2.4),
            118: (0, 2.4, 1.5),
            36: (1.5, 3.6, 2.0),
            117: (0.6, 2.6, 1.8),
            147: (2.2, 1.5, 0.8),
        },
        top + STILL_NOSE[:12],
    )
    s.swell("mouthSmile", [(20.5, -33, 24), (27, -44, 20.5), (34, -55, 15), (37.5, -66, 9)], 3.4, -1.7)
    s.swell("mouthSmile", [(34, -31, 20), (43, -40, 13)], 9, 1.9)
    s.swell("mouthSmile", [(33.5, -64, 10), (35, -70, 8)], 3.0, -0.8)

    def frown(u: float, up: int, k: int, side: int) -> Move:
        del up, k
        w = reach(side, u, 1.5)
        return side * 2.0 * w, -8.5 * w, -1.8 * w

    s.sided_lips(
        "mouthFrown",
        frown,
        {
            212: (1.2, -5.5, 0),
            216: (0.8, -3.2, 0),
            202: (1, -5, 0.6),
            204: (0.5, -2.5, 0),
            200: (0, 0.8, 0.6),
        },
        s.eyes + s.brows + STILL_NOSE + s.outline + CHIN[:6],
    )
    s.swell("mouthFrown", [(29, -72, 14), (33, -82, 10)], 3.0, -1.2)

    def dimple(u: float, up: int, k: int, side: int) -> Move:
        del up, k
        w = reach(side, u, 1.6)
        return side * 5.5 * w, 0.8 * w, -4 * w

    s.sided_lips("mouthDimple", dimple, {216: (2, 1, 1), 212: (2, 0, 1)}, top + STILL_NOSE)
    s.swell("mouthDimple", [(33, -60, 12), (34, -71, 10)], 3.0, -1.4)

    def stretch(u: float, up: int, k: int, side: int) -> Move:
        w = reach(side, u, 1.3)
        return side * 9.5 * w, -3.4 * w - (1.0 * w if up < 0 and k < 3 else 0), -5 * w

    s.sided_lips(
        "mouthStretch",
        stretch,
        {212: (5, -3.5, -1), 216: (5, -1, -1), 214: (4, -1.5, 0), 135: (2.5, -2.5, 0), 207: (3, -0.5, 0)},
        top + STILL_NOSE,
    )

    def press(u: float, up: int, k: int, side: int) -> Move:
        w = _step(-0.35, 0.35, side * u) * (1 - 0.5 * abs(u))
        dy = (-2.0 if up > 0 else (2.2 if up < 0 else 0)) * w * (1 if k < 2 else 0.2)
        return 0, dy if k < 3 else 0.0, (-1.6 if k in (1, 2) else -0.5) * w

    s.sided_lips("mouthPress", press, {}, top + STILL_NOSE)

    def lower_down(u: float, up: int, k: int, side: int) -> Move:
        del k
        w = (up < 0) * _step(-0.45, 0.35, side * u) * (1 - min(abs(u), 1.0) ** 3)
        return side * 0.8 * w, -7.5 * w, 0.6 * w

    s.sided_lips(
        "mouthLowerDown", lower_down, {}, s.eyes + s.brows + STILL_NOSE + s.outline + [175, 152, 199]
    )

    def upper_up(u: float, up: int, k: int, side: int) -> Move:
        del k
        w = (up > 0) * _step(-0.45, 0.35, side * u) * (1 - min(abs(u), 1.0) ** 3)
        return side * 0.6 * w, 6.5 * w, 0.3 * w

    s.sided_lips(
        "mouthUpperUp",
        upper_up,
        {206: (1, 2.8, 1.2), 203: (0.8, 2.8, 1), 129: (0.5, 1.8, 0), 205: (0.8, 2.2, 1.2)},
        s.eyes + s.brows + s.outline + CHIN + [4, 1, 2],
    )
    s.swell("mouthUpperUp", [(20.5, -34, 24), (27, -46, 20.5)], 3.0, -1.0)


def _lips(s: _Sculptor) -> None:
    far = s.eyes + s.brows + s.lids + s.outline
    low = [152, 175]
    half = LIP_HALF_WIDTH
    s.out["mouthLeft"] = s.shape(
        s.lip_moves(lambda u, up, k: (8 * (1 - 0.15 * u), 1.0 * u, -2.0 * u - 0.5)), far + STILL_NOSE + low
    )
    s.out["mouthRight"] = s.shape(
        s.lip_moves(lambda u, up, k: (-8 * (1 + 0.15 * u), -1.0 * u, 2.0 * u - 0.5)), far + STILL_NOSE + low
    )
    s.out["mouthPucker"] = s.shape(
        s.lip_moves(
            lambda u, up, k: (
                -u * half * 0.44,
                (0.8 if up > 0 else -0.8) * _arc(u) * (k < 2),
                (4.5, 7, 7, 5.5)[k] * (1 - 0.15 * u * u) + 2.5 * u * u,
            )
        ),
        far + STILL_NOSE[:10] + low,
    )
    s.out["mouthFunnel"] = s.shape(
        s.lip_moves(
            lambda u, up, k: (
                -u * half * 0.30,
                (3.8 if up > 0 else -4.8 if up < 0 else 0)
                * (0.55 + 0.45 * _arc(u))
                * (0.9, 1.0, 1.05, 1.05)[k],
                (4.5, 7.5, 7.5, 5)[k] + 1.5 * u * u,
            )
        ),
        far + STILL_NOSE[:10] + low,
    )
    still = far + STILL_NOSE + CHIN
    s.out["mouthRollLower"] = s.shape(
        s.lip_moves(
            lambda u, up, k: (
                (0, (3.5, 3.0, 1.2, 0.8)[k] * _arc(u), (-2.2, -5, -5.5, -4)[k] * _arc(u))
                if up < 0
                else (0, -0.3 * _arc(u), -0.3 * _arc(u))
            )
        ),
        still,
    )
    s.out["mouthRollUpper"] = s.shape(
        s.lip_moves(
            lambda u, up, k: (
                (0, (-2.8, -3.0, -1.4, -0.8)[k] * _arc(u), (-1.8, -5, -5.5, -4)[k] * _arc(u))
                if up > 0
                else (0, 0.2 * _arc(u), -0.3 * _arc(u))
            )
        ),
        still,
    )
    shrug = s.lip_moves(
        lambda u, up, k: (
            (0, 4.2 * (0.5 + 0.5 * _arc(u)), (1.8, 2.4, 1.5, 0.8)[k])
            if up < 0
            else (0, 2.4 * (0.3 + 0.7 * _arc(u)), 0.8)
        )
    )
    shrug |= {
        199: (0, 3.4, 1.6),
        200: (0, 4.4, 0.7),
        175: (0, 2.3, 1.0),
        18: (0, 4.5, 0.5),
        83: (0, 4.5, 0.5),
        313: (0, 4.5, 0.5),
    }
    s.out["mouthShrugLower"] = s.shape(shrug, far + STILL_NOSE)
    s.out["mouthShrugUpper"] = s.shape(
        s.lip_moves(
            lambda u, up, k: (0, (3.0 if up > 0 else 2.4) * (0.3 + 0.7 * _arc(u)), 1.0 if up > 0 else 0.8)
        ),
        far + STILL_NOSE[:6] + CHIN,
    )


def _jaw(s: _Sculptor, closure: Closure) -> None:
    weight = closure.jaw_weights
    s.out["jawForward"] = weight[:, None] * np.array([0, -0.5, 6.0])
    s.out["tongueOut"] = np.zeros_like(s.vertices)
    full = closure.seal_lips(s.vertices, jaw.OPEN_ANGLE, jaw.HINGE)
    half = closure.seal_lips(s.vertices, jaw.OPEN_ANGLE / 2, jaw.HINGE)
    # value at c is c*first + c^2*second; rotation is not linear, and the lips must meet at one half too
    s.out["mouthCloseJawOpen"] = 2 * full - 4 * half
    s.out["mouthClose"] = full - s.out["mouthCloseJawOpen"]
    # correctives: with the jaw down the smile's corners stay up and thin, cheeks hollow; rounded lips stay
    # narrow
    for side, label in ((-1, "Right"), (1, "Left")):
        moves = s.lip_moves(
            lambda u, up, k, d=side: (
                d * 1.5 * max(0.0, d * u) ** 2,
                (2.2 if up <= 0 else 0.4) * max(0.0, d * u) ** 2,
                -1.2 * max(0.0, d * u) ** 2,
            )
        )
        inward = {
            216: (-1.0, 1.0, -1.2),
            212: (-1.0, 1.2, -1.2),
            207: (-1.2, 0.6, -1.0),
            214: (-1.2, 0.5, -0.8),
            187: (-0.8, 0, -0.6),
        }
        moves |= s.right(inward) if side < 0 else s.left(inward)
        s.out[f"smileJawOpen{label}"] = s.shape(moves, s.eyes + s.brows + STILL_NOSE + s.outline + CHIN)
    s.out["puckerJawOpen"] = s.shape(
        s.lip_moves(lambda u, up, k: (-u * 5.0, (-1.5 if up > 0 else 3.0 if up < 0 else 0.4) * _arc(u), 1.5))
        | s.both(
            {
                214: (-2, 0, -0.8),
                207: (-2.2, 0, -0.8),
                192: (-1.6, 0, -0.6),
                212: (-2.4, 0.4, -0.4),
                216: (-2.2, 0.2, -0.2),
            }
        ),
        s.eyes + s.brows + s.lids + s.outline + STILL_NOSE[:10] + [152, 175],
    )


def _eyes(s: _Sculptor, closure: Closure) -> list[Array]:
    eyelids: list[Array] = []
    for side, label in ((1, "Left"), (-1, "Right")):
        centre = eye_centre(side)
        margins = lid_margins(s.cage, s.vertices, side, centre)

        def lid(
            close: float,
            raise_lower: float,
            look: float,
            lift: float,
            d: int = side,
            c: Array = centre,
            m=margins,
        ) -> Array:
            return closure.lid_field(
                s.vertices, d, c, m, EYE_RADIUS, close=close, raise_lower=raise_lower, look=look, lift=lift
            )

        eyelids.append(closure.close_lid(s.vertices, side, centre, margins))
        s.out[f"eyeSquint{label}"] = lid(0.20, 0.30, 0, 0.4) + 0.5 * s.out[f"cheekSquint{label}"]
        s.out[f"eyeWide{label}"] = lid(-0.22, -0.06, 0, 0)
        s.out[f"eyeLookDown{label}"] = lid(0, 0, -13, 0.3)
        s.out[f"eyeLookUp{label}"] = lid(0, 0, 9, 0.2)
    return eyelids

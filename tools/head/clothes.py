"""Clothes: shells, collars and lapels laid around the solid of neck and shoulders."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.head import solid
from tools.head.falloff import Array, bump, smoothstep
from tools.head.look import ClothesLook
from tools.head.part import grid_faces
from tools.head.topology import Faces, vertex_normals

AROUND = 72
AXIS_Z = -104.0
BOTTOM = -300.0
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Cloth:
    """A garment's piece: vertices, normals, faces, linear colours."""

    vertices: Array
    normals: Array
    faces: Faces
    colour: Array


def laid(theta: Array, y: Array, offset: Array | float) -> Array:
    """Points at an angle around the body's axis and a height, `offset` mm off the solid (found by
    bisection)."""
    theta, y, thick = np.broadcast_arrays(theta, y, offset)
    shape = theta.shape
    way = np.stack([np.sin(theta), np.zeros(shape), np.cos(theta)], -1)
    low, high = np.zeros(shape), np.full(shape, 330.0)
    base = np.stack([np.zeros(shape), y, np.full(shape, AXIS_Z)], -1)
    for _ in range(22):
        middle = (low + high) / 2
        inside = solid.head((base + way * middle[..., None]).reshape(-1, 3)).reshape(shape) < thick
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return base + way * low[..., None]


def angles() -> Array:
    """The columns of a closed shell, 0 in front, increasing to the person's left."""
    return np.linspace(0, 2 * np.pi, AROUND, endpoint=False)


def shell(top: Array, offset: Callable[[Array, Array], Array], rows: int, smoothing: int = 4) -> Array:
    """A closed shell [rows,AROUND,3] from the neckline `top` per angle down to the bust's edge.

    Args:
        offset: distance from the solid (mm) for angles and t = 0 (neckline) .. 1 (bottom).
    """
    theta, t = np.meshgrid(angles(), np.linspace(0, 1, rows))
    out = laid(theta, top + (BOTTOM - top) * t**1.15, offset(theta, t))
    for _ in range(smoothing):
        mean = (out[4:] + out[2:-2] + np.roll(out[3:-1], 1, 1) + np.roll(out[3:-1], -1, 1)) / 4
        out[3:-1] += 0.5 * (mean - out[3:-1])
    return out


def _piece(points: Array, colour: Array | Colour, closed: bool, flip: bool = False) -> Cloth:
    """A grid [R,C,3] as cloth; colour [R,C,3] or one."""
    v = points.reshape(-1, 3)
    f = grid_faces(points.shape[0], points.shape[1], closed)
    f = f[:, ::-1] if flip else f
    tint = np.broadcast_to(np.asarray(colour, float), points.shape).reshape(-1, 3)
    return Cloth(v, vertex_normals(v, f), f, tint)


def _hemmed(points: Array, depth: float = 6.0) -> Array:
    """The shell with its upper edge folded inwards."""
    inner = points[0] * [0.965, 1, 1]
    inner[:, 2] = AXIS_Z + (inner[:, 2] - AXIS_Z) * 0.965
    inner[:, 1] -= depth
    return np.concatenate([inner[None], points])


def _folds(theta: Array, t: Array) -> Array:
    """Soft folds hanging from the shoulders."""
    return (1.3 * np.sin(3 * theta + 9 * t) + 0.9 * np.sin(7 * theta - 5 * t + 1)) * smoothstep(0.2, 0.6, t)


def _crew(look_colour: Colour, lift: float = 0.0, low: float = 0.0) -> Cloth:
    """A knitted sweater's body."""
    c = np.cos(angles())
    top = -152 - low - 24 * np.clip(c, 0, 1) ** 2 + 12 * np.clip(-c, 0, 1)

    def offset(a: Array, t: Array) -> Array:
        roll = 3.2 * np.exp(-(((t - 0.04) / 0.035) ** 2))
        return 3.0 + lift + 5.0 * smoothstep(0, 0.10, t) + roll + _folds(a, t)

    points = _hemmed(shell(top, offset, 28))
    rib = np.where(np.arange(AROUND) % 2 == 0, 1.0, 0.72)[None, :, None] * np.ones((len(points), 1, 1))
    rib[5:] = 0.93 + 0.07 * rib[5:]
    # cable stitch: faint vertical ropes down the front
    rope = 0.90 + 0.10 * np.cos(angles() * 9)[None, :, None] * np.ones((len(points), 1, 1))
    rib[5:] *= rope[5:]
    colour = np.array(look_colour) * rib
    colour[0] *= 0.4
    return _piece(points, colour, True)


def _fold_collar(
    colour: Colour,
    top: float,
    height: float,
    fall: float,
    point: float,
    gap: float,
    lift: float,
    dip: float = 0.0,
) -> Cloth:
    """A shirt collar: a standing band folded over, open by `gap` radians in front, with points."""
    theta = np.linspace(gap, 2 * np.pi - gap, 61)
    c = np.cos(theta)
    y = top - 24 * np.clip(c, 0, 1) ** 2 + 12 * np.clip(-c, 0, 1) - dip * smoothstep(0.62, 1.0, c)
    near = np.exp(-(((theta - gap) / 0.5) ** 2)) + np.exp(-(((2 * np.pi - gap - theta) / 0.5) ** 2))
    rows = [
        laid(theta, y - 8, lift),
        laid(theta, y, lift + 0.5),
        laid(theta, y + height, lift + 1.5),
        laid(theta, y + height + 1.5, lift + 4.5),
        laid(theta, y + height - 3, lift + 6.5),
        laid(theta, y - 0.3 * fall, lift + 7.5),
        laid(theta, y - fall - point * near, lift + 8.0),
    ]
    return _piece(
        np.stack(rows), np.array(colour) * np.array([0.55, 0.7, 0.95, 1, 1, 1, 0.9])[:, None, None], False
    )


def sweater(look: ClothesLook) -> list[Cloth]:
    """A knitted crew-neck sweater."""
    return [_crew(look.colour)]


def sweater_and_shirt(look: ClothesLook) -> list[Cloth]:
    """A sweater with a shirt's collar showing."""
    return [_crew(look.colour, 2.0, 8.0), _fold_collar(look.second, -150, 8, 10, 14, 0.16, 2.5)]


def high_collar(look: ClothesLook) -> list[Cloth]:
    """A dark dress with a standing collar edged in lace, a pleated yoke and a row of buttons."""
    theta = angles()
    c = np.cos(theta)
    top = -143 - 12 * np.clip(c, 0, 1) ** 2 + 8 * np.clip(-c, 0, 1)

    def offset(a: Array, t: Array) -> Array:
        collar = 2.2 + 1.6 * bump(t - 0.22, 0.05)
        pleat = 1.1 * np.sin(a * 20) * smoothstep(0.28, 0.5, t) * smoothstep(0.3, 0.9, np.cos(a))
        return collar + 5.5 * smoothstep(0.20, 0.42, t) + pleat + _folds(a, t)

    points = _hemmed(shell(top, offset, 32, smoothing=2), 5)
    tone = np.ones((len(points), AROUND, 1))
    tone[1:8:2] *= 0.75
    pleats = (
        1
        + 0.5
        * np.cos(theta * 20)[None, :, None]
        * smoothstep(0.3, 0.9, c)[None, :, None]
        * smoothstep(9, 14, np.arange(len(points)))[:, None, None]
    )
    colour = np.array(look.colour) * tone * pleats
    colour[0] *= 0.4
    pieces = [_piece(points, colour, True)]
    rows = []
    for t in np.linspace(0, 1, 4):
        wave = np.sin(theta * 24) * t
        ring = points[1].copy()
        out = ring - [0, 0, AXIS_Z]
        out[:, 1] = 0
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        rows.append(ring + out * (0.5 + 0.8 * t + wave)[:, None] + np.array([0, -3.0 + 7.0 * t, 0]))
    lace = np.array(look.second) * (0.8 + 0.2 * np.cos(theta * 24))[None, :, None]
    pieces.append(_piece(np.array(rows)[::-1], lace * np.ones((4, 1, 1)), True))
    pieces += [_button(float(y), 0.0, 9.0, 3.0, look.third) for y in np.linspace(-205, -290, 6)]
    return pieces


def _button(y: float, theta: float, offset: float, radius: float, colour: Colour) -> Cloth:
    """A small dome on the chest."""
    centre = laid(np.array([theta]), np.array([y]), offset)[0]
    way = np.array([np.sin(theta), 0, np.cos(theta)])
    side = np.array([np.cos(theta), 0, -np.sin(theta)])
    a = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rows = [
        centre + way * h + (np.cos(a)[:, None] * side + np.sin(a)[:, None] * [0, 1, 0]) * r
        for r, h in ((radius, -1.0), (radius * 0.9, 0.8), (radius * 0.5, 1.4), (0.01, 1.5))
    ]
    return _piece(np.array(rows), np.array(colour), True, flip=True)


def _edge(t: Array, start: float, depth: float) -> tuple[Array, Array]:
    """A coat's front edge for t = 0 (beside the neck) .. 1 (bottom): angle and height."""
    y = -160 + (depth + 160) * t
    return start * (1 - t) ** 0.8 + 0.05, y


def coat(
    colour: Colour,
    lapel: Colour,
    *,
    start: float = 0.85,
    depth: float = -292.0,
    width: float = 0.34,
    lift: float = 9.5,
    collar: float = 16.0,
) -> list[Cloth]:
    """An open coat: body, lapels folded back, and a collar behind the neck."""
    t = np.linspace(0, 1, 30)
    edge_angle, edge_y = _edge(t, start, depth)
    theta, _ = np.meshgrid(np.linspace(0, 1, 61), t)
    around = edge_angle[:, None] + theta * (2 * np.pi - 2 * edge_angle[:, None])
    c = np.cos(around)
    back = -152 + 12 * np.clip(-c, 0, 1)
    share = smoothstep(0.0, 0.16, theta) * smoothstep(1.0, 0.84, theta)
    height = edge_y[:, None] * (1 - share) + (back + (BOTTOM - back) * t[:, None] ** 1.1) * share
    height = np.minimum(height, back + 10)
    body = laid(
        around,
        height,
        lift + 1.5 * smoothstep(0, 0.1, t)[:, None] + _folds(around, t[:, None] * np.ones_like(around)),
    )
    tone = 0.9 + 0.1 * np.cos(around * 5)[..., None]
    pieces = [_piece(body, np.array(colour) * tone, False)]
    w = width * (1 - 0.55 * t) * np.where((t > 0.16) & (t < 0.22), 0.72, 1.0)
    w = np.where(t > 0.93, w * np.clip((1 - t) / 0.07, 0.15, 1), w)
    for side in (1, -1):
        rows = [
            laid(side * (edge_angle + w * k), edge_y + 10 * k * (1 - t), lift + h)
            for k, h in ((0.0, -1.0), (0.02, 3.0), (0.35, 5.5), (0.7, 6.0), (0.97, 5.5), (1.0, 0.5))
        ]
        pieces.append(
            _piece(
                np.array(rows),
                np.array(lapel) * np.array([0.45, 1.25, 1.15, 1.15, 1.25, 0.25])[:, None, None],
                False,
                flip=side > 0,
            )
        )
    behind = np.linspace(start - 0.1, 2 * np.pi - start + 0.1, 45)
    cb = np.cos(behind)
    y = -158 + 14 * np.clip(-cb, 0, 1) - 6 * np.clip(cb, 0, 1)
    rows = [
        laid(behind, y - 4, lift - 1),
        laid(behind, y + collar, lift),
        laid(behind, y + collar + 1, lift + 4),
        laid(behind, y + collar * 0.3, lift + 8),
        laid(behind, y - 16, lift + 7),
    ]
    pieces.append(
        _piece(np.array(rows), np.array(lapel) * np.array([0.5, 0.9, 1.1, 1, 0.85])[:, None, None], False)
    )
    return pieces


def _shirt(colour: Colour, dip: float = 0.0) -> Cloth:
    """A plain shirt front under a coat, open in a V of depth `dip`."""
    c = np.cos(angles())
    top = -149 - 20 * np.clip(c, 0, 1) ** 2 + 12 * np.clip(-c, 0, 1) - dip * smoothstep(0.62, 1.0, c)
    points = _hemmed(shell(top, lambda a, t: 2.5 + 1.5 * smoothstep(0, 0.2, t) + 0 * a, 20), 4)
    return _piece(points, np.array(colour) * np.ones((len(points), AROUND, 3)), True)


def _blob(
    centre: Array, radii: tuple[float, float, float], turn: float, colour: Colour, pinch: float = 0.0
) -> Cloth:
    """An ellipsoid turned about z, pinched towards its inner end: half a bow."""
    a, b = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, 10), np.linspace(0, 2 * np.pi, 16, endpoint=False), indexing="ij"
    )
    p = np.stack([np.cos(a), np.sin(a) * np.cos(b), np.sin(a) * np.sin(b)], -1) * radii
    p[..., 1] *= 1 - pinch * smoothstep(1, -1, p[..., 0] / radii[0])
    c, s = np.cos(turn), np.sin(turn)
    p = np.stack([p[..., 0] * c - p[..., 1] * s, p[..., 0] * s + p[..., 1] * c, p[..., 2]], -1)
    tone = 0.85 + 0.25 * np.sin(b * 4 + p[..., 0] / 4)[..., None]
    return _piece(p + centre, np.array(colour) * tone, True, flip=True)


def _bow(colour: Colour, y: float, size: float) -> list[Cloth]:
    """A bow tie."""
    knot = laid(np.array([0.0]), np.array([y]), 9.0)[0]
    out = [_blob(knot + np.array([0, 0, 1.5]), (4.5, 5.0, 4.5), 0.0, colour)]
    for side in (1, -1):
        turn = 0.12 * -side + (np.pi if side < 0 else 0)
        out.append(
            _blob(
                knot + np.array([side * size * 0.62, -1.0, -0.02 * size]),
                (size * 0.62, size * 0.36, 4.0),
                turn,
                colour,
                0.55,
            )
        )
    return out


def coat_and_bow(look: ClothesLook) -> list[Cloth]:
    """A dark coat, white shirt with a standing collar, black bow tie."""
    return [
        _shirt(look.second),
        _fold_collar(look.second, -143, 10, 4, 10, 0.14, 2.0),
        *_bow(look.third, -168, 30),
        *coat(look.colour, look.colour),
    ]


def coat_and_jabot(look: ClothesLook) -> list[Cloth]:
    """A baroque coat with buttons over a white shirt with a ruffled jabot."""
    t = np.linspace(0, 1, 22)
    across = np.linspace(-1, 1, 15)
    u, v = np.meshgrid(across, t)
    width = 0.10 + 0.16 * v
    depth = 9 + 4.5 * np.sin(u * 9 + 1.5 * np.sin(v * 7)) * (0.3 + 0.7 * v) + 3 * np.sin(v * 16)
    jabot = laid(u * width, -152 - 108 * v, depth)
    tone = (0.82 + 0.18 * np.sin(u * 9 + 1.5 * np.sin(v * 7)))[..., None]
    band = laid(
        *np.meshgrid(np.linspace(0, 2 * np.pi, 60), np.array([-131.0, -139, -149, -159])),
        np.array([[2.5], [4.5], [5.0], [3.0]]),
    )
    fold = np.array(look.second) * (0.8 + 0.2 * np.sin(np.arange(4) * 2.4))[:, None, None]
    pieces = [
        _shirt(look.second),
        _piece(band, fold, False),
        _piece(jabot, np.array(look.second) * tone, False),
    ]
    pieces += coat(look.colour, look.colour, start=0.72, width=0.16, collar=6.0)
    pieces += [
        _button(
            float(y),
            float(_edge(np.array([(y + 160) / -132]), 0.72, -292.0)[0][0]) + 0.10,
            12.0,
            5.0,
            look.third,
        )
        for y in (-215, -240, -265, -288)
    ]
    return pieces


def open_collar(look: ClothesLook) -> list[Cloth]:
    """A jacket over an open shirt."""
    neck = [_shirt(look.second, 34.0), _fold_collar(look.second, -147, 6, 12, 16, 0.10, 3.0, 34.0)]
    return [*neck, *coat(look.colour, look.colour)]


def bare_shoulders(look: ClothesLook) -> list[Cloth]:
    """An evening gown of the 1840s: shoulders bare, a wide pleated bertha edged with lace."""
    theta = angles()
    c = np.cos(theta)
    top = (
        -246
        + 8 * np.abs(np.sin(theta))
        - 6 * bump(np.abs(theta - np.pi) - np.pi, 0.3)
        + 6 * np.clip(-c, 0, 1)
    )

    def offset(a: Array, t: Array) -> Array:
        pleat = 0.8 * np.sin(a * 30)
        return 3.0 + 6.0 * smoothstep(0.0, 0.25, t) + pleat

    points = _hemmed(shell(top, offset, 16, smoothing=0), 4)
    tone = (0.85 + 0.25 * np.cos(theta * 30))[None, :, None] * np.ones((len(points), 1, 1))
    pieces = [_piece(points, np.array(look.colour) * tone, True)]
    rows = []
    for t in np.linspace(0, 1, 4):
        rows.append(laid(theta, top + 3 - 13 * t, 4.0 + 5 * t + 1.6 * np.sin(theta * 22) * t))
    lace = np.array(look.second) * (0.8 + 0.2 * np.cos(theta * 22))[None, :, None]
    return [*pieces, _piece(np.array(rows), lace * np.ones((4, 1, 1)), True)]


def v_neck(look: ClothesLook) -> list[Cloth]:
    """A soft top with a shallow V neckline."""
    theta = angles()
    c = np.cos(theta)
    top = -164 - 42 * smoothstep(0.55, 1.0, c) - 8 * np.clip(c, 0, 1) + 14 * np.clip(-c, 0, 1)
    points = _hemmed(shell(top, lambda a, t: 3.0 + 3.5 * smoothstep(0, 0.1, t) + _folds(a, t), 28))
    colour = np.array(look.colour) * np.ones((len(points), AROUND, 3))
    colour[:2] *= 0.6
    return [_piece(points, colour, True)]


GARMENTS: dict[str, Callable[[ClothesLook], list[Cloth]]] = {
    "sweater": sweater,
    "sweater_and_shirt": sweater_and_shirt,
    "high_collar": high_collar,
    "coat_and_bow": coat_and_bow,
    "coat_and_jabot": coat_and_jabot,
    "open_collar": open_collar,
    "bare_shoulders": bare_shoulders,
    "v_neck": v_neck,
}
"""Garments by name."""

"""The identity basis: named proportions of head and face, sex and ageing, as displacement fields.

A coefficient of 1 is about one standard deviation of adults; -3..3 stays human. Fields keep lips sealed (both
sides
of the seam move alike) and move each eye with its lids as one rigid piece, so that lids still close on the
eyeball.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.head.face import SEAM_Y
from tools.head.falloff import Array, bump, curve_distance, fold, smoothstep
from tools.head.skin import eye_centre

Field = Callable[["Place"], Array]


@dataclass(frozen=True, slots=True)
class Place:
    """Points to displace: position [N,3], |x|, sign of x, unit normals, and 1 where outer skin (0 inside
    mouth and sockets)."""

    p: Array
    normal: Array
    skin: Array

    @property
    def x(self) -> Array:
        return self.p[:, 0]

    @property
    def ax(self) -> Array:
        return np.abs(self.p[:, 0])

    @property
    def y(self) -> Array:
        return self.p[:, 1]

    @property
    def z(self) -> Array:
        return self.p[:, 2]

    @property
    def sign(self) -> Array:
        return np.sign(self.p[:, 0])

    def move(self, dx: Array | float = 0.0, dy: Array | float = 0.0, dz: Array | float = 0.0) -> Array:
        zero = np.zeros(len(self.p))
        return np.stack([zero + dx, zero + dy, zero + dz], 1)

    def ridge(self, curve: list[tuple[float, float, float]], width: float, amount: float) -> Array:
        """Along the normal, on both sides, around a curve given on the person's left."""
        d = bump(curve_distance(fold(self.p), curve), width) * amount * self.skin
        return self.normal * d[:, None]

    @property
    def head(self) -> Array:
        """1 on the head, 0 on the bust."""
        return smoothstep(-230, -120, self.y)


def _nose(a: Place) -> Array:
    return bump(a.x, 16) * bump(a.y + 30, 16) * smoothstep(15, 35, a.z)


def _front(a: Place, start: float, full: float) -> Array:
    return smoothstep(start, full, a.z)


def _tip(a: Place) -> Array:
    return bump(a.ax, 12) * bump(a.y + 33, 10) * smoothstep(24, 36, a.z)


def _eye_local(a: Place, sigma: float = 30.0) -> tuple[Array, Array]:
    """Offset from the nearer eye's centre, and a weight that is 1 around the eyeball and fades beyond."""
    centre = np.where(a.x[:, None] >= 0, eye_centre(1), eye_centre(-1))
    off = a.p - centre
    return off, smoothstep(sigma + 8, 18, np.linalg.norm(off, axis=1))


def _eye_size(a: Place) -> Array:
    off, _ = _eye_local(a)
    w = smoothstep(60, 17, np.linalg.norm(off, axis=1)) * smoothstep(0, 16, a.ax)
    return off * (0.035 * w)[:, None]


def _eye_tilt(a: Place) -> Array:
    off, w = _eye_local(a, 26)
    turn = np.radians(2.6) * a.sign
    return np.stack([-off[:, 1] * turn, off[:, 0] * turn, 0 * turn], 1) * w[:, None]


def _eye_open(a: Place) -> Array:
    """The lids' margins rolled apart on the eyeball: 4 degrees the upper, 1.5 the lower, none at canthi."""
    off, _ = _eye_local(a)
    angle = np.degrees(np.arctan2(off[:, 1], off[:, 2]))
    near = smoothstep(26, 16, np.linalg.norm(off, axis=1)) * (off[:, 2] > 0)
    wide = np.clip(1 - (off[:, 0] / 16.0) ** 2, 0, 1) * near
    turn = 4.0 * smoothstep(-2, 10, angle) * smoothstep(60, 24, angle)
    turn = np.radians((turn - 1.5 * smoothstep(-4, -14, angle) * smoothstep(-60, -28, angle)) * wide)
    return np.stack([0 * turn, off[:, 2] * turn, -off[:, 1] * turn], 1)


def _jowls(a: Place) -> Array:
    return (
        a.ridge([(38, -80, 6), (43, -92, -2)], 9, 2.6)
        + a.ridge([(32, -76, 13), (33, -90, 8)], 4.5, -1.0)
        + a.move(0, -1.6 * bump(a.ax - 40, 14) * bump(a.y + 88, 14) * _front(a, -40, 0), 0)
    )


def _bags(a: Place) -> Array:
    return a.ridge([(21, -9, 18), (30, -12.5, 16), (40, -10.5, 11)], 4.0, 1.1) + a.ridge(
        [(18, -12, 18), (27, -17.5, 15.5), (38, -16.5, 12), (45, -10, 6)], 2.6, -1.2
    )


def _nasolabial(a: Place) -> Array:
    return a.ridge([(20.5, -34, 24), (26.5, -45, 21), (33, -58, 15), (36, -70, 11)], 2.8, -1.2) + a.ridge(
        [(27, -36, 22), (35, -48, 17), (41, -62, 10)], 6, 1.1
    )


def _forehead_lines(a: Place) -> Array:
    out = a.move()
    for y in (36, 46, 56, 66):
        out = out + a.ridge([(0, y - 1.5, 22), (12, y, 21), (24, y + 1.5, 16), (38, y - 1, 6)], 2.4, -0.45)
        out = out + a.ridge([(0, y + 3.5, 22), (12, y + 5, 21), (24, y + 6.5, 16), (38, y + 4, 6)], 3.0, 0.25)
    return out + a.ridge([(4.5, 17, 24), (5.5, 26, 24), (6.5, 33, 23)], 2.2, -0.7)


def _sag(a: Place) -> Array:
    """Soft tissue sinking: brows' tails, cheeks, mouth corners, nose tip; lips thinner."""
    dy = -1.5 * bump(a.ax - 44, 12) * bump(a.y - 16, 10) - 1.4 * bump(a.ax - 34, 16) * bump(
        a.y + 45, 22
    ) * _front(a, -25, 5)
    dy = dy - 1.0 * bump(a.ax - 25, 8) * bump(a.y - SEAM_Y, 9) * _front(a, 0, 14) - 1.2 * _tip(a)
    dy = dy + 0.8 * (-bump(a.y + 59, 4.5) + bump(a.y + 73, 5)) * bump(a.ax, 22) * _front(a, 10, 25)
    dz = -1.0 * bump(a.ax, 22) * bump(a.y - SEAM_Y, 9) * _front(a, 10, 25) - 0.9 * bump(a.ax - 38, 12) * bump(
        a.y + 24, 12
    )
    return a.move(0, dy, dz)


def _skeleton_age(a: Place) -> Array:
    """Bone: orbits wider, jaw and mid-face resorbed, nose and ears longer."""
    return a.move(
        0, -1.0 * _nose(a), -1.0 * bump(a.y - SEAM_Y, 16) * bump(a.ax, 28) * _front(a, 5, 20)
    ) + a.move(
        -0.8 * a.sign * bump(a.ax - 55, 14) * bump(a.y - 30, 18),
        0,
        -1.0 * bump(a.ax - 52, 12) * bump(a.y - 32, 16) * _front(a, -45, -5),
    )


def _feminine(a: Place) -> Array:
    """The mean woman minus the mean man, per standard deviation: smaller, rounder, softer."""
    dx = -0.028 * a.x * a.head - 0.06 * a.x * bump(a.y + 88, 30) * smoothstep(-90, -40, a.z)
    dx = dx - 0.07 * a.x * bump(a.y + 36, 10) * bump(a.ax, 24) * _front(a, 10, 30)
    dx = dx - 0.075 * a.x * bump(a.y + 165, 60) - 0.05 * a.x * smoothstep(-200, -260, a.y)
    dy = 2.2 * smoothstep(-70, -112, a.y) * smoothstep(-230, -140, a.y) + 1.0 * bump(a.y - 19, 9) * bump(
        a.ax - 32, 22
    ) * _front(a, 0, 15)
    dy = (
        dy
        + 0.7 * (bump(a.y + 59, 5) - bump(a.y + 73, 5)) * bump(a.ax, 22) * _front(a, 10, 25)
        + 0.8 * _tip(a)
    )
    dz = -1.6 * bump(a.y - 17, 10) * bump(a.ax - 16, 22) * _front(a, 5, 20) + 1.2 * bump(a.y - 48, 18) * bump(
        a.ax, 40
    ) * _front(a, -10, 10)
    dz = (
        dz
        - 1.2 * bump(a.y + 103, 14) * _front(a, -20, 5)
        - 1.3 * _nose(a)
        + 0.8 * bump(a.ax - 40, 14) * bump(a.y + 28, 14) * _front(a, -15, 5)
    )
    dz = dz - 3.5 * bump(a.ax, 16) * bump(a.y + 148, 24) * _front(a, -75, -45)
    return a.move(dx, dy, dz)


def _ear_flare(a: Place) -> Array:
    out = smoothstep(64, 84, a.ax) * bump(a.y + 16, 45) * bump(a.z + 85, 30)
    return a.move(3.0 * a.sign * out, 0, 1.2 * out)


def _ear_size(a: Place) -> Array:
    w = smoothstep(62, 74, a.ax) * bump(a.y + 16, 50) * bump(a.z + 82, 34)
    return a.move(0.04 * (a.ax - 66) * a.sign * w, 0.07 * (a.y + 18) * w, 0.07 * (a.z + 72) * w)


FIELDS: dict[str, Field] = {
    "head_width": lambda a: a.move(0.045 * a.x * a.head),
    "skull_depth": lambda a: a.move(0, 0, -5 * smoothstep(-40, -150, a.z) * a.head),
    "forehead_height": lambda a: a.move(0, 5 * smoothstep(25, 110, a.y)),
    "forehead_width": lambda a: a.move(2.2 * a.sign * bump(a.ax - 60, 16) * bump(a.y - 36, 24)),
    "forehead_slope": lambda a: a.move(0, 0, -4 * smoothstep(22, 75, a.y) * smoothstep(-60, 0, a.z)),
    "face_length": lambda a: a.move(0, -5 * smoothstep(-20, -110, a.y) * smoothstep(-240, -130, a.y)),
    "brow_ridge": lambda a: a.move(
        0,
        -1.0 * bump(a.y - 19, 8) * bump(a.ax - 28, 22) * _front(a, 0, 15),
        2.0 * bump(a.y - 19, 9) * bump(a.ax - 24, 24) * _front(a, 0, 15),
    ),
    "brow_height": lambda a: a.move(0, 2.0 * bump(a.y - 20, 10) * bump(a.ax - 28, 26) * _front(a, -10, 10)),
    "brow_tilt": lambda a: a.move(
        0, (0.075 * (a.ax - 26)) * bump(a.y - 19, 10) * bump(a.ax - 28, 26) * _front(a, -15, 8)
    ),
    "eye_spacing": lambda a: a.move(1.3 * a.sign * _eye_local(a)[1]),
    "eye_size": _eye_size,
    "eye_height": lambda a: a.move(0, 1.2 * _eye_local(a)[1]),
    "eye_depth": lambda a: a.move(0, 0, -1.3 * _eye_local(a)[1]),
    "eye_tilt": _eye_tilt,
    "eye_open": _eye_open,
    "lid_fold": lambda a: (
        a.ridge([(20, 8, 17), (30, 11.5, 16.5), (41, 8.5, 11), (47, 2, 5)], 4.0, 1.2)
        + a.move(0, -1.3 * bump(a.ax - 38, 12) * bump(a.y - 10, 5) * _front(a, 0, 10))
    ),
    "eye_bags": _bags,
    "nose_width": lambda a: a.move(0.11 * a.x * bump(a.y + 36, 10) * bump(a.ax, 26) * _front(a, 10, 30)),
    "nose_length": lambda a: a.move(0, -2.6 * _nose(a)),
    "nose_protrusion": lambda a: a.move(0, 0, 2.6 * _nose(a)),
    "nose_bridge": lambda a: a.move(0, 0, 1.9 * bump(a.x, 9) * bump(a.y + 5, 13) * _front(a, 10, 25)),
    "nose_hump": lambda a: a.move(0, 0, 1.6 * bump(a.x, 8) * bump(a.y + 16, 8) * _front(a, 15, 28)),
    "nose_tip_up": lambda a: a.move(0, 1.9 * _tip(a), 0.4 * _tip(a)),
    "nose_tip_bulb": lambda a: a.move(0.13 * a.x * _tip(a), 0, 1.0 * _tip(a)),
    "cheekbones": lambda a: a.move(
        1.8 * a.sign * bump(a.ax - 52, 13) * bump(a.y + 22, 12) * _front(a, -30, 0),
        0,
        1.6 * bump(a.ax - 46, 14) * bump(a.y + 22, 12) * _front(a, -30, 0),
    ),
    "cheek_fullness": lambda a: a.move(
        2.4 * a.sign * bump(a.ax - 46, 15) * bump(a.y + 50, 20) * _front(a, -30, 0),
        0,
        1.8 * bump(a.ax - 40, 15) * bump(a.y + 48, 20) * _front(a, -30, 0),
    ),
    "jaw_width": lambda a: a.move(0.06 * a.x * bump(a.y + 85, 38) * smoothstep(-95, -50, a.z)),
    "jaw_drop": lambda a: a.move(
        1.0 * a.sign * bump(a.ax - 48, 16) * bump(a.y + 84, 20),
        -3.0 * bump(a.ax - 50, 18) * bump(a.y + 86, 20) * smoothstep(-90, -40, a.z),
    ),
    "chin_forward": lambda a: a.move(0, 0, 2.8 * bump(a.y + 103, 20) * _front(a, -30, 5) * bump(a.ax, 45)),
    "chin_height": lambda a: a.move(
        0, -2.6 * smoothstep(-84, -112, a.y) * smoothstep(-190, -125, a.y) * _front(a, -40, 0)
    ),
    "chin_width": lambda a: a.move(0.12 * a.x * bump(a.y + 104, 16) * bump(a.ax, 34) * _front(a, -30, 0)),
    "mouth_width": lambda a: a.move(
        0.075 * a.x * bump(a.y - SEAM_Y, 14) * bump(a.ax - 20, 18) * _front(a, 0, 15)
    ),
    "mouth_height": lambda a: a.move(0, 1.6 * bump(a.y - SEAM_Y, 20) * bump(a.ax, 40) * _front(a, -15, 10)),
    "mouth_forward": lambda a: a.move(0, 0, 2.0 * bump(a.y - SEAM_Y, 18) * bump(a.ax, 30) * _front(a, 0, 18)),
    "mouth_corners": lambda a: a.move(0, 1.3 * bump(a.ax - 25, 9) * bump(a.y - SEAM_Y, 9) * _front(a, 0, 14)),
    "lip_upper": lambda a: a.move(
        0,
        1.3 * bump(a.ax, 24) * bump(a.y + 57.5, 5) * _front(a, 10, 25),
        1.0 * bump(a.ax, 22) * bump(a.y + 60, 6) * _front(a, 10, 25),
    ),
    "lip_lower": lambda a: a.move(
        0,
        -1.4 * bump(a.ax, 24) * bump(a.y + 75.5, 6) * _front(a, 10, 25),
        1.1 * bump(a.ax, 22) * bump(a.y + 72, 6.5) * _front(a, 10, 25),
    ),
    "ear_size": _ear_size,
    "ear_flare": _ear_flare,
    "neck_width": lambda a: a.move(
        0.08 * a.x * bump(a.y + 170, 55), 0, -2.5 * bump(a.y + 160, 50) * smoothstep(-90, -130, a.z)
    ),
    "neck_length": lambda a: a.move(0, -6.0 * smoothstep(-122, -205, a.y)),
    "throat": lambda a: a.move(
        0,
        -4.0 * bump(a.ax, 34) * bump(a.y + 122, 16) * bump(a.z + 25, 30),
        1.5 * bump(a.ax, 30) * bump(a.y + 132, 16) * _front(a, -60, -20),
    ),
    "shoulders": lambda a: a.move(0.06 * a.x * smoothstep(-190, -250, a.y)),
    "fullness": lambda a: a.move(
        2.2 * a.sign * bump(a.ax - 48, 18) * bump(a.y + 62, 30) * smoothstep(-70, -20, a.z)
        + 0.05 * a.x * bump(a.y + 165, 55),
        -2.0 * bump(a.ax, 34) * bump(a.y + 120, 16) * bump(a.z + 25, 34),
        1.2 * bump(a.ax - 40, 18) * bump(a.y + 58, 26) * _front(a, -30, 5),
    ),
    "feminine": _feminine,
    "age_bone": _skeleton_age,
    "age_sag": _sag,
    "nasolabial": _nasolabial,
    "jowls": _jowls,
    "cheek_hollow": lambda a: a.ridge([(44, -44, 6), (47, -62, -4)], 11, -2.0),
    "temple_hollow": lambda a: a.ridge([(56, 24, -14), (60, 38, -24)], 12, -2.0),
    "forehead_lines": _forehead_lines,
}
"""Displacement per unit coefficient, mm."""

EYE_FREE = {"eye_size", "eye_tilt", "eye_open", "lid_fold", "eye_bags"}
"""Fields that may deform the eye's surroundings; all others carry each eye rigidly."""


def skin_displacement(name: str, place: Place) -> Array:
    """One field [N,3] on skin."""
    d = FIELDS[name](place)
    if name in EYE_FREE:
        return d
    for side in (-1, 1):
        centre = eye_centre(side)
        near = smoothstep(27, 17.5, np.linalg.norm(place.p - centre, axis=1))
        d = d + near[:, None] * (_at_point(name, centre) - d)
    return d


def rigid_displacement(name: str, points: Array, centre: Array) -> Array:
    """One field on a stiff part (eyeball, teeth, tongue): moved as a whole; eyeballs also grow."""
    move = np.tile(_at_point(name, centre), (len(points), 1))
    if name == "eye_size":
        move = (points - centre) * 0.035
    return np.zeros_like(points) if name in EYE_FREE - {"eye_size"} else move


def _at_point(name: str, point: Array) -> Array:
    here = Place(point[None], np.array([[0.0, 0, 1]]), np.zeros(1))
    return FIELDS[name](here)[0]

"""Skin textures: albedo, normal and roughness painted in 3D on the character's own surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from tools.head.cage import Cage
from tools.head.ear import root
from tools.head.face import SEAM_Y
from tools.head.falloff import Array, bump, curve_distance, smoothstep
from tools.head.look import SkinLook
from tools.head.part import Part
from tools.head.raster import Map, bled, jpeg, rasterise, srgb
from tools.head.skin import Masks, eye_centre, lid_ring, nostril_mask
from tools.head.topology import edges, vertex_normals
from tools.head.unwrap import Unwrap


@dataclass(frozen=True, slots=True)
class SkinTextures:
    """Encoded images."""

    albedo: bytes
    normal: bytes
    rough: bytes
    wrinkles: bytes


class Patterns:
    """Noise over the skin: the same for all characters of one head, so one of these serves them all."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, float, int], Map] = {}

    def noise(self, p: Map, scale: float, key: int) -> Map:
        """Smooth noise of about unit size at neutral-head positions p [size,size,3], `scale` mm across."""
        known = (len(p), scale, key)
        if known not in self._kept:
            lattice = np.random.default_rng(key).normal(size=(48, 48, 48)).astype(np.float32)
            at = [(p[..., k] / scale + 5).ravel() for k in range(3)]
            drawn = map_coordinates(lattice, at, order=1, mode="grid-wrap").reshape(p.shape[:2]) * 1.3
            self._kept[known] = drawn.astype(np.float32)
        return self._kept[known]


@dataclass(slots=True)
class _Canvas:
    """Positions (mm) and masks per texel; albedo (linear) and height (mm) being painted."""

    patterns: Patterns
    p: Map
    lip: Map
    face: Map
    socket: Map
    mouth: Map
    nostril: Map
    ear: Map
    lash_line: Map
    hit: NDArray[np.bool_]
    colour: Map
    height: Map

    def mix(self, mask: Map | Array, colour: tuple[float, float, float]) -> None:
        m = np.clip(mask, 0, 1)[..., None].astype(np.float32)
        self.colour = self.colour * (1 - m) + np.array(colour, np.float32) * m

    def noise(self, scale: float, key: int) -> Map:
        return self.patterns.noise(self.p, scale, key)


def paint_skin(
    cage: Cage,
    masks: Masks,
    unwrap: Unwrap,
    dense: Array,
    base: Array,
    ears: Part,
    look: SkinLook,
    scalp: Array,
    scalp_colour: tuple[float, float, float],
    brow: Array,
    brow_colour: tuple[float, float, float],
    lashes: float,
    size: int,
    patterns: Patterns,
) -> SkinTextures:
    """Paints one character.

    Args:
        dense: the character's dense skin as sculpted; base: the neutral head's, on which patterns are laid,
            so that
            lips and lids stay where they belong.
        ears: the left ear (both share a tile); scalp, brow: how much hair grows on each dense vertex, 0..1;
            lashes: their length factor, which gives the line they grow from its strength.
    """
    n = cage.fine_count
    uv, faces, corners = _dense_uv(cage, unwrap)
    flat = vertex_normals(dense[:n], cage.fine_faces)
    first, _, _ = edges(cage.fine_faces)
    flat = np.concatenate([flat, (flat[first[:, 0]] + flat[first[:, 1]]) / 2])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    attributes = np.c_[
        base,
        vertex_normals(dense, cage.dense_faces),
        flat,
        masks.lips,
        masks.face,
        masks.socket_right + masks.socket_left,
        masks.bag,
        nostril_mask(base),
        scalp,
        brow,
        dense,
    ]
    image, hit = rasterise(uv, faces, attributes, size, corners)
    ear_attributes = np.zeros((len(ears.vertices), attributes.shape[1] + 1))
    ear_attributes[:, :3] = ears.vertices
    ear_attributes[:, 3:6] = ear_attributes[:, 6:9] = vertex_normals(ears.vertices, ears.faces)
    ear_attributes[:, 16:19] = ears.vertices
    skirt = root(ears)  # there it looks like the skin beside it
    outer = np.flatnonzero(masks.inner < 0.05)
    _, beside = cKDTree(base[outer]).query(ears.vertices)
    for k in (10, 14):
        ear_attributes[:, k] = attributes[outer[beside], k] * skirt
    ear_attributes[:, -1] = 1 - skirt
    ear_image, ear_hit = rasterise(ears.uv, ears.faces, ear_attributes, size, ears.faces)
    image = np.concatenate([image, np.zeros((size, size, 1), np.float32)], 2)
    image[ear_hit] = ear_image[ear_hit]
    hit = hit | ear_hit
    image = bled(image, hit)
    c = _Canvas(
        patterns,
        image[..., :3],
        image[..., 9],
        image[..., 10],
        image[..., 11],
        image[..., 12],
        image[..., 13],
        image[..., 19],
        _lash_line(cage, base, image),
        hit,
        np.ones((size, size, 3), np.float32) * np.array(look.tone, np.float32),
        np.zeros((size, size), np.float32),
    )
    if look.drawn:
        return _drawn(c, look, image[..., 14], scalp_colour, image[..., 15], brow_colour)
    rough = _paint(c, look, lashes)
    roots = np.clip(image[..., 14], 0, 1)
    c.mix(roots**1.4 * 0.85 * np.clip(1 + 0.16 * c.noise(0.9, 21) * (1 - roots), 0, 1), scalp_colour)
    c.mix(image[..., 15] * 0.42 * np.clip(0.85 + 0.30 * c.noise(0.7, 22), 0, 1), brow_colour)
    normal = _normal_map(c, image[..., 3:6], image[..., 6:9], image[..., 16:19])
    half = size // 2
    packed = np.stack([np.full_like(rough, 1.0), rough, np.zeros_like(rough)], 2)
    packed = packed.reshape(half, 2, half, 2, 3).mean((1, 3))
    return SkinTextures(
        jpeg(srgb(c.colour)),
        jpeg(np.round((normal * 0.5 + 0.5) * 255).astype(np.uint8), 88),
        jpeg(np.round(np.clip(packed, 0, 1) * 255).astype(np.uint8), 80),
        jpeg(np.round(np.clip(wrinkle_heights(c, look), 0, 1) * 255).astype(np.uint8), 84),
    )


def _drawn(
    c: _Canvas,
    look: SkinLook,
    scalp: Map,
    scalp_colour: tuple[float, float, float],
    brow: Map,
    brow_colour: tuple[float, float, float],
) -> SkinTextures:
    """Flat colours with clear borders, as a draughtsman would fill them."""
    y, z = c.p[..., 1], c.p[..., 2]
    ax = np.abs(c.p[..., 0])
    tone = np.array(look.tone)
    cheek = smoothstep(15.5, 12.5, np.hypot(ax - 42, (y + 30) * 1.15)) * (z > -30)
    c.mix(0.55 * cheek * look.redness, tuple(tone * [1.0, 0.62, 0.60]))
    c.mix(0.35 * smoothstep(9, 6, np.hypot(ax, y + 33)) * (z > 25), tuple(tone * [1.0, 0.66, 0.62]))
    c.mix(0.5 * c.ear, tuple(tone * [1.0, 0.80, 0.76]))
    lip = smoothstep(0.42, 0.52, c.lip)
    c.mix(lip * look.lip_strength, look.lips)
    c.mix(bump(y - SEAM_Y, 0.9) * lip * 0.8, (0.16, 0.04, 0.03))
    c.mix(smoothstep(0.4, 0.6, c.nostril) * 0.8, tuple(tone * 0.3))
    c.mix(smoothstep(0.05, 0.5, c.socket) * 0.8, tuple(tone * [0.85, 0.6, 0.6]))
    c.mix(smoothstep(0.3, 0.8, c.mouth), (0.20, 0.04, 0.04))
    c.mix(smoothstep(1.9, 1.2, c.lash_line) * (c.p[..., 1] > -4), (0.03, 0.015, 0.01))
    c.mix(smoothstep(0.35, 0.45, scalp), scalp_colour)
    c.mix(smoothstep(0.25, 0.35, brow) * 0.96, brow_colour)
    flat = np.full((64, 64, 3), (128, 128, 255), np.uint8)
    matt = np.full((64, 64, 3), (255, 200, 0), np.uint8)
    level = np.full((64, 64, 3), 128, np.uint8)
    return SkinTextures(jpeg(srgb(c.colour), 90), jpeg(flat), jpeg(matt), jpeg(level))


def _lash_line(cage: Cage, base: Array, image: Map) -> Map:
    """Distance of each texel to the nearer lid margin, mm (99 away from the eyes and inside the sockets)."""
    out = np.full(image.shape[:2], 99.0, np.float32)
    for side in (-1, 1):
        ring = base[[*lid_ring(cage, side), lid_ring(cage, side)[0]]]
        near = (np.linalg.norm(image[..., :3] - eye_centre(side), axis=2) < 20) & (image[..., 11] < 0.5)
        out[near] = np.minimum(out[near], curve_distance(image[near][:, :3].astype(float), ring))
    return out


def _dense_uv(cage: Cage, unwrap: Unwrap) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Texture faces of the dense mesh: texture edges' midpoints, and the dense vertex of each face corner."""
    edge, inverse, _ = edges(unwrap.faces)
    uv = np.concatenate([unwrap.uv, unwrap.uv[edge].mean(1)])
    m, count = len(unwrap.faces), len(unwrap.uv)
    a, b, c = count + inverse[:m], count + inverse[m : 2 * m], count + inverse[2 * m :]
    f = unwrap.faces
    faces = np.concatenate([np.c_[f[:, 0], a, c], np.c_[f[:, 1], b, a], np.c_[f[:, 2], c, b], np.c_[a, b, c]])
    return uv, faces, cage.dense_faces


def _paint(c: _Canvas, look: SkinLook, lashes: float) -> Map:
    """Albedo and height onto the canvas; returns roughness."""
    x, y, z = c.p[..., 0], c.p[..., 1], c.p[..., 2]
    ax = np.abs(x)
    n12, n5, n2, n1, n05 = (c.noise(s, k) for k, s in enumerate((14, 5.5, 2.2, 1.0, 0.55)))
    tone = np.array(look.tone)
    blood = tuple(tone * [1.04, 0.60, 0.56])
    deep = tuple(tone * [0.76, 0.60, 0.64])
    pale = tuple(tone * [1.04, 1.10, 0.92])
    skin = 1 - c.ear
    cheek = bump(ax - 43, 18) * bump(y + 33, 18)
    nose = bump(x, 13) * bump(y + 34, 11) * (z > 28)
    wings = bump(ax - 17, 6) * bump(y + 36, 8)
    chin = bump(x, 15) * bump(y + 104, 12)
    red = 0.62 * cheek + 0.52 * nose + 0.28 * chin + 0.45 * wings + 0.16 * bump(ax - 12, 8) * bump(y - 22, 12)
    red = red * skin + 0.42 * c.ear
    c.mix(red * (0.78 + 0.30 * n5 + 0.12 * n2) * look.redness, blood)
    fine = bump(ax - 40, 16) * bump(y + 38, 14) + 0.8 * nose  # where small vessels show
    c.mix(
        0.17 * look.redness * look.pores * fine * smoothstep(0.55, 1.4, np.abs(c.noise(1.8, 17))) * skin,
        blood,
    )
    c.mix((0.45 * smoothstep(22, 62, y) + 0.25 * bump(y + 62, 14) * bump(ax - 12, 14)) * c.face, pale)
    eye = np.sqrt((ax - 31.9) ** 2 + ((y - 1.7) * 1.25) ** 2 + (z - 9.8) ** 2 * 0.6)
    c.mix(look.lids * bump(eye - 15, 6.5) * (z > -10), deep)
    c.mix(0.7 * look.lids * bump(ax - 22, 7) * bump(y + 6, 7) * (z > 0), deep)
    beard = (
        smoothstep(-40, -52, y)
        * smoothstep(60, 48, ax * 0.9)
        * (1 - smoothstep(-118, -140, y))
        * smoothstep(-45, -20, z)
        * (1 - c.lip)
    )
    c.mix(beard * look.shadow, tuple(tone * [0.58, 0.74, 0.92]))
    c.mix((n05 > 1.05) * beard * look.shadow, tuple(tone * 0.3))
    c.colour *= (1 + 0.045 * n12 + 0.045 * n5 + 0.04 * n2 + 0.05 * n1 + 0.03 * n05)[..., None]
    c.colour[..., 1:] *= (1 - 0.045 * n5 - 0.035 * n2)[..., None]
    c.mix(
        smoothstep(1.25, 1.7, c.noise(7, 9)) * 0.5 * look.spots * (1 - c.lip) * (y > -20),
        tuple(tone * [0.68, 0.60, 0.53]),
    )
    c.mix(
        smoothstep(1.6, 2.1, c.noise(2.6, 14)) * 0.5 * look.spots * c.face, tuple(tone * [0.70, 0.54, 0.48])
    )
    lip = smoothstep(0.33, 0.62, c.lip)
    c.mix(lip * look.lip_strength, look.lips)
    c.colour *= (1 - 0.10 * np.clip(c.noise(1.6, 3), -1, 1) * lip)[..., None]
    # the line where lips meet: soft, for it stays on the lips when they part
    seam = bump(y - (SEAM_Y - 0.5 * (ax / 25) ** 3 - 0.6 * bump(ax, 5)), 0.8) * lip
    c.mix(seam * 0.34 * smoothstep(27, 19, ax), tuple(0.40 * np.array(look.lips)))
    c.mix(smoothstep(0.16, 0.72, gaussian_filter(c.nostril, 3)) * 0.85, tuple(tone * [0.20, 0.11, 0.11]))
    c.mix(smoothstep(0.05, 0.5, c.socket) * 0.8, tuple(tone * [0.85, 0.52, 0.55]))
    inner = bump(np.hypot(ax - 17.2, (y - 0.3) * 1.0), 2.4) * (z > 5)  # the pink of the inner canthus
    c.mix(inner * 0.6, (0.50, 0.20, 0.17))
    c.mix(0.30 * bump(eye - 13.0, 2.6) * (z > 2) * (y > 1.5), deep)  # the upper lid itself
    c.mix(smoothstep(0.3, 0.8, c.mouth), (0.20, 0.05, 0.05))
    upper = (y > -3.5) * 1.0
    lined = bump(c.lash_line, 0.65 + 0.35 * lashes * upper) * (0.62 + 0.25 * lashes * upper)
    c.mix(lined, tuple(tone * [0.16, 0.12, 0.12]))
    c.height += 0.036 * n05 + 0.022 * n1 + 0.009 * n2
    porous = (0.5 + 0.9 * (cheek + nose + wings + 0.5 * chin)) * c.face * (1 - lip)
    c.height -= 0.075 * smoothstep(0.75, 1.2, c.noise(0.9, 6)) * porous * look.pores
    c.height *= (1 - 0.5 * lip) * look.pores
    c.height += lip * 0.10 * c.noise(1.7, 8)
    c.height, c.colour = (
        np.ascontiguousarray(c.height, np.float32),
        np.ascontiguousarray(c.colour, np.float32),
    )
    _wrinkles(c, look, n12, n5)
    rough = (
        look.roughness
        + 0.05 * n5
        + 0.045 * n1
        - 0.10 * bump(x, 20) * bump(y + 25, 30) * (z > 20)
        - 0.08 * bump(y - 45, 25) * bump(ax, 40) * c.face
    )
    rough = rough - 0.22 * lip - 0.12 * bump(eye - 13, 3) * (z > 0) + 0.1 * beard * (look.shadow > 0.1)
    rough = np.where(c.mouth > 0.25, 0.95, rough)
    return np.clip(rough, 0.22, 0.95).astype(np.float32)


def _wrinkles(c: _Canvas, look: SkinLook, n12: Map, n5: Map) -> None:
    """Lines of the forehead, eyes, mouth and neck, as grooves with a faint shade."""
    strong = look.wrinkles
    weak = max(strong, 0.12)
    front = (c.p[..., 2] > -60) & (c.ear < 0.5)
    where = np.c_[np.abs(c.p[front][:, 0]), c.p[front][:, 1]]
    texels = np.flatnonzero(front)
    height, colour = c.height.reshape(-1), c.colour.reshape(-1, 3)  # views: painted in place
    shade = np.array(look.tone) * [0.62, 0.5, 0.52]

    def groove(line: list[tuple[float, float]], width: float, depth: float) -> None:
        if depth < 0.02:
            return
        low, high = np.min(line, 0) - 8, np.max(line, 0) + 8
        near = np.flatnonzero(((where > low) & (where < high)).all(1))
        at = texels[near]
        rough5, rough12 = n5.ravel()[at], n12.ravel()[at]
        d = curve_distance(where[near], line) + 0.25 * rough5
        ends = [end for end in (line[0], line[-1]) if end[0] > 0]  # what crosses the middle has none there
        rest = np.min([np.linalg.norm(where[near] - end, axis=1) for end in ends], 0)
        fade = smoothstep(0.0, min(9.0, 0.3 * np.linalg.norm(np.subtract(line[-1], line[0]))), rest)
        cut = bump(d, width * 1.15) * (1 + 0.25 * rough5) * np.clip(1 + 0.6 * rough12, 0.15, 2)
        height[at] += (0.26 * bump(d - 2.6 * width, 1.8 * width) - cut) * depth * fade
        m = np.clip(0.22 * depth * fade * bump(d, width * 1.5), 0, 1)[:, None]
        colour[at] = colour[at] * (1 - m) + shade * m

    for y, depth in ((36, 0.55), (44.5, 0.65), (53, 0.65), (61.5, 0.55)):
        groove([(0, y - 1.2), (9, y + 0.6), (20, y + 1.8), (31, y + 1.0), (43, y - 3)], 0.75, depth * strong)
    for tilt in (12, -2, -15):
        t = np.radians(tilt)
        groove(
            [
                (49, 1 + tilt * 0.25),
                (55, 1 + tilt * 0.25 + 6 * np.sin(t)),
                (62, tilt * 0.25 + 14 * np.sin(t)),
            ],
            0.6,
            0.5 * strong,
        )
    groove([(20, -11.5), (28, -15.0), (37, -14.5), (44, -9)], 0.7, 0.4 * weak)
    groove([(23, -7.5), (30, -9.6), (38, -8.5)], 0.5, 0.35 * strong)
    groove([(24, -16), (32, -20), (42, -19)], 0.6, 0.3 * strong)
    groove([(5, 16), (6, 24), (7, 31)], 0.7, 0.6 * strong)
    groove([(20, -34), (26, -45), (32, -58), (36, -70)], 0.8, 0.5 * weak)
    groove([(30, -72), (33, -84), (33, -94)], 0.8, 0.4 * strong)
    for y in (-150, -172, -195):
        groove([(0, y), (25, y + 2), (50, y + 8)], 0.9, 0.4 * weak)


def _normal_map(c: _Canvas, detailed: Map, flat: Map, p: Map) -> Map:
    """Tangent-space normals: the dense surface against the fine mesh's shading normal, plus the painted
    height."""
    du, dv = np.gradient(p, axis=1), np.gradient(p, axis=0)
    lu = np.linalg.norm(du, axis=2, keepdims=True) + 1e-3
    lv = np.linalg.norm(dv, axis=2, keepdims=True) + 1e-3
    flat = flat / (np.linalg.norm(flat, axis=2, keepdims=True) + 1e-6)
    t, b = du / lu, -dv / lv
    t = t - flat * (t * flat).sum(2, keepdims=True)
    b = b - flat * (b * flat).sum(2, keepdims=True)
    t /= np.linalg.norm(t, axis=2, keepdims=True) + 1e-6
    b /= np.linalg.norm(b, axis=2, keepdims=True) + 1e-6
    detailed = detailed / (np.linalg.norm(detailed, axis=2, keepdims=True) + 1e-6)
    n = np.stack([(detailed * t).sum(2), (detailed * b).sum(2), np.maximum((detailed * flat).sum(2), 0.3)], 2)
    n[..., 0] -= np.gradient(c.height, axis=1) / np.maximum(lu[..., 0], 0.03)
    n[..., 1] += np.gradient(c.height, axis=0) / np.maximum(lv[..., 0], 0.03)
    hidden = (c.mouth > 0.3) | (c.socket > 0.5)
    n[hidden] = [0, 0, 1]
    return n / np.linalg.norm(n, axis=2, keepdims=True)


FOREHEAD = tuple(
    [(0, y - 1.0), (9, y + 0.8), (20, y + 2.0), (32, y + 1.0), (44, y - 3.5)]
    for y in (30, 37.5, 45.5, 53.5, 61)
)
SMILE = (
    [(19.5, -31), (25, -42), (31.5, -55), (35.5, -68), (36, -76)],
    [(38, -50), (41, -60), (41, -70)],
)
FROWN = (
    [(4.5, 12), (5.5, 20), (6.5, 29), (7.5, 35)],
    [(9.5, 20), (10.5, 27), (11, 33)],
    [(0, 5.0), (4, 5.6), (8, 7.0)],
    [(7, -2), (10, -6), (12, -11)],
    [(4, -4), (6, -9), (8, -13)],
)
CROW = (
    [(48.5, 3.5), (55, 8.5), (62, 14)],
    [(49, 0.5), (56, 2.5), (64, 4.5)],
    [(48.5, -2), (55, -4), (62, -7)],
    [(47, -5), (53, -9.5), (58, -15)],
    [(20, -9.5), (28, -12.0), (37, -11.2), (44, -7)],
    [(23, -13), (31, -16.5), (40, -15.5), (47, -11)],
)


def wrinkle_heights(c: _Canvas, look: SkinLook) -> Map:
    """What expressions fold, at half the size: heights in red (forehead and smile lines), green (frown and
    chin), blue (crow's feet), 0.5 level, 0 and 1 a millimetre below and above."""
    p = c.p[::2, ::2]
    n5, n12 = c.noise(5.5, 31)[::2, ::2], c.noise(12, 32)[::2, ::2]
    out = np.zeros((*p.shape[:2], 3), np.float32)
    front = (
        (p[..., 2] > -60) & (c.ear[::2, ::2] < 0.5) & (c.mouth[::2, ::2] < 0.3) & (c.socket[::2, ::2] < 0.3)
    )
    where = np.c_[np.abs(p[front][:, 0]), p[front][:, 1]]
    depth = 0.30 + 0.45 * look.wrinkles
    heights = out.reshape(-1, 3)  # a view: painted in place
    texels = np.flatnonzero(front)
    for channel, lines, width, share in (
        (0, FOREHEAD, 1.25, 1.0),
        (0, SMILE[:1], 1.6, 1.25),
        (0, SMILE[1:], 1.4, 0.4 * look.wrinkles + 0.1),
        (1, FROWN, 1.1, 0.9),
        (2, CROW, 0.85, 0.75),
    ):
        for line in lines:
            low, high = np.min(line, 0) - 9, np.max(line, 0) + 9
            near = np.flatnonzero(((where > low) & (where < high)).all(1))
            at = texels[near]
            r5, r12 = n5.ravel()[at], n12.ravel()[at]
            d = curve_distance(where[near], line) + 0.3 * r5
            ends = np.linalg.norm(where[near][:, None] - np.array(line)[[0, -1]][None], axis=2).min(1)
            fade = 1.0 if channel == 0 and line[0][0] == 0 else smoothstep(0.0, 4.0, ends)
            cut = bump(d, width) * (1 + 0.2 * r5) * np.clip(1 + 0.4 * r12, 0.3, 1.5)
            roll = 0.45 * bump(d - 2.4 * width, 1.5 * width)
            heights[at, channel] += (roll - cut) * depth * share * fade
    x, y = p[..., 0], p[..., 1]
    chin = bump(x, 15) * bump(y + 100, 10) * front
    out[..., 1] += 0.22 * chin * c.noise(1.8, 33)[::2, ::2]
    return gaussian_filter(out, (0.7, 0.7, 0)) * 0.5 + 0.5


__all__ = ["Patterns", "SkinTextures", "paint_skin"]

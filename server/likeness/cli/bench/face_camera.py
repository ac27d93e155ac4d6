"""FaceCamera: pictures of an avatar as a webcam would take them, drawn in this process without a browser.

For measuring and testing trackers: it reads the avatar's own .glb (geometry, morph targets, skinning, colour
textures) and draws it in perspective with simple light. Pixels are exact to the triangle; there is no shadow,
no gloss and no antialiasing, much like a cheap camera's sharpened picture.
"""

import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import KDTree

from likeness.head.character import load_character
from likeness.head.flame_numpy import rotation_matrices
from likeness.head.frame import Float32
from likeness.head.glb import Document, Glb, object_of, read_glb, texts_of
from likeness.head.load import load_head
from likeness.head.mesh import vertex_normals
from likeness.head.model import JOINT_NAMES, HeadModel

Picture = NDArray[np.uint8]

_Drawn = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
BARE: Final = ("hair", "beard", "clothes")
"""Meshes that a face has no need of."""
_DISTANCE: Final = 0.75
"""Metres from the camera to the head, as at a laptop."""
_LIGHTS: Final = ((np.array([-0.35, 0.45, 0.85]), 0.80), (np.array([0.7, 0.1, 0.5]), 0.30))
_AMBIENT: Final = 0.35
_BACKGROUND: Final = (92, 98, 106)
_CUT: Final = 0.35
"""Alpha below which a strand of hair is not there."""
_SIZES: Final = (4, 8, 16, 32, 64, 128, 256)
"""Triangles are drawn in groups by the side of the square of pixels that holds them."""
_PIXELS_AT_ONCE: Final = 2_000_000
_NEIGHBOURS: Final = 4
_PARENTS: Final = {"root": None, "neck": "root", "jaw": "neck", "left_eye": "neck", "right_eye": "neck"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody else in a character's place, in another light.

    identity: [S] coefficients, added to the character's own. skin: [3] factors of the colours. lights: where
    each comes from [3] and how strong it is.
    """

    identity: Float32
    skin: NDArray[np.float64]
    lights: Sequence[tuple[NDArray[np.float64], float]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One mesh: rest vertices [V,3], targets [T,V,3] by name, skinning, triangles and its colours."""

    rest: Float32
    targets: Float32
    names: tuple[str, ...]
    joints: NDArray[np.int64]
    weights: Float32
    faces: NDArray[np.int64]
    tint: Float32
    uv: Float32
    texture: NDArray[np.float32] | None
    """[H,W,4] linear colour and alpha; None: the tint alone."""
    see_through: bool
    two_sided: bool


class FaceCamera:
    """Takes pictures of one character's avatar.

    width, height: pixels. frame: metres that the picture shows from bottom to top at the face. without: names
    of meshes to leave out, such as BARE, which cost most of the time. person: who stands there in the
    character's place. Raises NotFoundError for a character that does not exist.
    """

    def __init__(
        self,
        character: str = "plain",
        width: int = 320,
        height: int = 320,
        *,
        frame: float = 0.28,
        without: Collection[str] = (),
        person: Person | None = None,
    ) -> None:
        who = load_character(character)
        head = load_head(who.head)
        self._rig = head.rig
        assert who.avatar is not None
        glb = read_glb(_plainest(who.avatar))
        self._width, self._height = width, height
        self._focal = height * _DISTANCE / frame
        skin = glb.list("skins")[0]
        nodes = glb.list("nodes")
        self._joint_names = [str(nodes[k]["name"]) for k in skin["joints"]]
        self._offsets = {str(n["name"]): np.array(n.get("translation", (0, 0, 0)), float) for n in nodes}
        self._unbind = glb.accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1).copy()
        self._components = texts_of(_said(nodes, "components"))
        unseen = {"lid_shadow", *without}
        self._parts = [_part(glb, mesh) for mesh in glb.list("meshes") if mesh.get("name") not in unseen]
        self._still: dict[int, tuple[bytes, _Drawn]] = {}
        self._lights = _LIGHTS if person is None else person.lights
        if person is not None:
            self._become(person, head.model, who.identity)

    def see(
        self,
        controls: Float32,
        turn: Iterable[float] = (0.0, 0.0, 0.0),
        *,
        offset: Iterable[float] = (0.0, 0.0, 0.0),
        light: float = 1.0,
    ) -> Picture:
        """A picture [H,W,3] of the face with controls [52], its head turned by `turn` (axis-angle, rad).

        offset: metres that the head is moved by, + x to the person's left, + y up, + z to the camera. light:
        how bright the room is, 1 = an office.
        """
        face = self._rig.apply(np.asarray(controls, np.float32)[None])
        weights = dict(zip(self._components, face.expression[0].tolist(), strict=True))
        weights |= {"eyelidLeft": float(face.eyelids[0, 0]), "eyelidRight": float(face.eyelids[0, 1])}
        turns = {
            "neck": np.array([*turn], float),
            "jaw": face.jaw[0],
            "left_eye": face.eyes[0, 0],
            "right_eye": face.eyes[0, 1],
        }
        matrices = self._joints(turns)
        shift = np.array([*offset], float)
        pixels: list[NDArray[np.int64]] = []
        depths: list[NDArray[np.float64]] = []
        colours: list[NDArray[np.float64]] = []
        for number, part in enumerate(self._parts):
            where, depth, colour = self._drawn(number, part, weights, matrices, shift)
            pixels.append(where)
            depths.append(depth)
            colours.append(colour)
        all_pixels, all_colours = np.concatenate(pixels), np.concatenate(colours)
        # What is nearest is written last.
        order = np.argsort(-np.concatenate(depths), kind="stable")
        picture = np.tile((np.array(_BACKGROUND) / 255) ** 2.2, (self._width * self._height, 1))
        picture[all_pixels[order]] = all_colours[order]
        picture = np.clip(light * picture, 0, 1) ** (1 / 2.2)
        return np.round(255 * picture).astype(np.uint8).reshape(self._height, self._width, 3)

    def _become(self, person: Person, model: HeadModel, identity: Float32) -> None:
        """Move the avatar's vertices as the identity moves the head's nearest ones, and its joints."""
        moved = model.identity_dirs @ person.identity
        joints = model.joint_regressor @ moved
        tree = KDTree(model.shaped(identity))
        for number, part in enumerate(self._parts):
            far, near = tree.query(part.rest, _NEIGHBOURS)
            share = 1 / (far + 1e-4)
            share /= share.sum(1, keepdims=True)
            rest = part.rest + (moved[near] * share[:, :, None]).sum(1)
            tint = np.clip(part.tint * person.skin, 0, 1.2)
            self._parts[number] = replace(part, rest=rest.astype(np.float32), tint=tint.astype(np.float32))
        for joint, (name, parent) in enumerate(_PARENTS.items()):
            above = 0.0 if parent is None else joints[JOINT_NAMES.index(parent)]
            self._offsets[name] = self._offsets[name] + joints[joint] - above
            self._unbind[self._joint_names.index(name), :3, 3] -= joints[joint]

    def _joints(self, turns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Skinning matrices [J,4,4]."""
        world: dict[str | None, NDArray[np.float64]] = {None: np.eye(4)}
        for name, parent in _PARENTS.items():
            local = np.eye(4)
            if name in turns:
                local[:3, :3] = rotation_matrices(np.asarray(turns[name], np.float64)[None])[0]
            local[:3, 3] = self._offsets[name]
            world[name] = world[parent] @ local
        return np.stack([world[name] for name in self._joint_names]) @ self._unbind

    def _drawn(
        self,
        number: int,
        part: _Part,
        weights: dict[str, float],
        matrices: NDArray[np.float64],
        shift: NDArray[Any],
    ) -> _Drawn:
        """As `_draw`; hair and clothes, which cost most, are kept for as long as the head is still."""
        if part.names:
            return self._draw(part, weights, matrices, shift)
        held = np.unique(part.joints[part.weights > 0])
        place = matrices[held].tobytes() + shift.tobytes()
        if number not in self._still or self._still[number][0] != place:
            self._still[number] = place, self._draw(part, weights, matrices, shift)
        return self._still[number][1]

    def _draw(
        self, part: _Part, weights: dict[str, float], matrices: NDArray[np.float64], shift: NDArray[Any]
    ) -> _Drawn:
        """Pixel [N], distance [N] and linear colour [N,3] of everything that the part shows."""
        amounts = np.array([weights.get(name, 0.0) for name in part.names])
        moved = part.rest + np.tensordot(amounts, part.targets, 1) if len(amounts) else part.rest
        skin = (matrices[part.joints] * part.weights[:, :, None, None]).sum(1)
        vertices = (skin[:, :3, :3] @ moved[:, :, None])[:, :, 0] + skin[:, :3, 3] + shift
        away = _DISTANCE - vertices[:, 2]
        place = np.stack(
            [
                self._width / 2 + self._focal * vertices[:, 0] / away,
                self._height / 2 - self._focal * (vertices[:, 1] + 0.02) / away,
            ],
            1,
        )
        normals = vertex_normals(vertices, part.faces)
        if part.two_sided:
            normals = normals * np.where(normals[:, 2:] < 0, -1.0, 1.0)
        shade = _AMBIENT + sum(
            power * np.clip(normals @ (way / np.linalg.norm(way)), 0, None) for way, power in self._lights
        )
        values: NDArray[np.float64] = np.column_stack(
            [1 / away, np.asarray(shade)[:, None] * part.tint, part.uv]
        ).astype(np.float64)
        pixel, found = _fill(place, values, part.faces, self._width, self._height, part.two_sided)
        colour = found[:, 1:4]
        if part.texture is not None:
            rows, columns = part.texture.shape[:2]
            u = np.clip((found[:, 4] % 1) * columns, 0, columns - 1).astype(int)
            v = np.clip((found[:, 5] % 1) * rows, 0, rows - 1).astype(int)
            texel = part.texture[v, u]
            colour = colour * texel[:, :3]
            if part.see_through:
                kept = texel[:, 3] > _CUT
                pixel, found, colour = pixel[kept], found[kept], colour[kept]
        return pixel, 1 / found[:, 0], colour


def _fill(
    place: NDArray[np.float64],
    values: NDArray[np.float64],
    faces: NDArray[np.int64],
    width: int,
    height: int,
    two_sided: bool,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every pixel centre within a triangle: its number [N] and the values [N,K] there."""
    corners = place[faces]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    low, high = np.floor(corners.min(1)).astype(int), np.ceil(corners.max(1)).astype(int)
    # The picture's y points down: a triangle that faces the camera has a negative area.
    seen = (np.abs(area) > 1e-9) if two_sided else (area < -1e-9)
    seen &= (high >= 0).all(1) & (low[:, 0] < width) & (low[:, 1] < height)
    side = (high - low).max(1) + 1
    pixels: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    found: list[NDArray[np.float64]] = [np.zeros((0, values.shape[1]))]
    # Barycentric coordinates are affine in the pixel: offset, per column, per row.
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.stack([c[:, 1] - a[:, 1], a[:, 0] - c[:, 0], a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], 1)
        slope = (slope / area[:, None]).astype(np.float32)
    start = (low + 0.5 - a).astype(np.float32)
    smallest = 0
    for size in _SIZES:
        group = np.flatnonzero(seen & (side > smallest) & (side <= size))
        smallest = size
        steps = np.arange(size, dtype=np.float32)
        grid = np.stack([np.ones(size * size), np.tile(steps, size), np.repeat(steps, size)]).astype(
            np.float32
        )
        for begin in range(0, len(group), _PIXELS_AT_ONCE // (size * size) + 1):
            some = group[begin : begin + _PIXELS_AT_ONCE // (size * size) + 1]
            vx, vy, wx, wy = slope[some].T
            x, y = start[some].T
            v = np.stack([vx * x + vy * y, vx, vy], 1) @ grid
            w = np.stack([wx * x + wy * y, wx, wy], 1) @ grid
            which, cell = np.nonzero((v >= 0) & (w >= 0) & (v + w <= 1))
            column, row = low[some[which], 0] + cell % size, low[some[which], 1] + cell // size
            kept = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            which, cell = which[kept], cell[kept]
            v, w = v[which, cell], w[which, cell]
            corner = values[faces[some[which]]]
            pixels.append(row[kept] * width + column[kept])
            found.append(
                (1 - v - w)[:, None] * corner[:, 0] + v[:, None] * corner[:, 1] + w[:, None] * corner[:, 2]
            )
    return np.concatenate(pixels), np.concatenate(found)


def _plainest(avatar: Path) -> Path:
    """The avatar's coarser file where it has one: far fewer triangles, the same face."""
    coarse = avatar.with_suffix(".lod1.glb")
    return coarse if coarse.is_file() else avatar


def _said(nodes: list[Document], key: str) -> object:
    for node in nodes:
        said = object_of(object_of(node.get("extras")).get("likeness"))
        if key in said:
            return said[key]
    return []


def _part(glb: Glb, mesh: Document) -> _Part:
    (primitive,) = mesh["primitives"]
    attributes = primitive["attributes"]
    material = glb.list("materials")[primitive["material"]]
    rest = glb.accessor(attributes["POSITION"]).astype(np.float32)
    targets = [glb.accessor(target["POSITION"]) for target in primitive.get("targets", [])]
    tint = np.ones((len(rest), 3), np.float32)
    if "COLOR_0" in attributes:
        tint = glb.accessor(attributes["COLOR_0"])[:, :3].astype(np.float32)
    uv = np.zeros((len(rest), 2), np.float32)
    if "TEXCOORD_0" in attributes:
        uv = glb.accessor(attributes["TEXCOORD_0"]).astype(np.float32)
    colour = object_of(material.get("pbrMetallicRoughness"))
    tint = tint * np.array(colour.get("baseColorFactor", (1, 1, 1, 1))[:3], np.float32)
    return _Part(
        rest=rest,
        targets=np.stack(targets).astype(np.float32) if targets else np.zeros((0, *rest.shape), np.float32),
        names=tuple(texts_of(object_of(mesh.get("extras")).get("targetNames"))),
        joints=glb.accessor(attributes["JOINTS_0"]).astype(np.int64),
        weights=glb.accessor(attributes["WEIGHTS_0"]).astype(np.float32),
        faces=glb.accessor(primitive["indices"]).reshape(-1, 3).astype(np.int64),
        tint=tint,
        uv=uv,
        texture=_texture(glb, colour.get("baseColorTexture")),
        see_through="alphaMode" in material,
        two_sided=bool(material.get("doubleSided")),
    )


def _texture(glb: Glb, named: object) -> NDArray[np.float32] | None:
    if not isinstance(named, dict):
        return None
    source = glb.list("textures")[object_of(named)["index"]]["source"]  # pyright: ignore[reportUnknownArgumentType]
    view = glb.list("bufferViews")[glb.list("images")[source]["bufferView"]]
    start = int(view.get("byteOffset", 0))
    picture = Image.open(io.BytesIO(glb.binary[start : start + int(view["byteLength"])])).convert("RGBA")
    values = np.asarray(picture, np.float32) / 255
    values = values.copy()
    values[..., :3] **= 2.2
    return values.astype(np.float32)

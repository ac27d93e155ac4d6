"""One character: the open head with an identity, skin, eyes, hair and clothes, written as avatar.glb."""

import tomllib
from dataclasses import replace
from pathlib import Path

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.head import jaw
from tools.head.cards import Hair, joined_hair, no_ribbon, part_of
from tools.head.clothes import GARMENTS, Cloth
from tools.head.detail import above, blended, filled, simplified, smaller_images, thinned
from tools.head.ear import root
from tools.head.eye_texture import drawn_eye_texture, eye_texture
from tools.head.facial_hair import BEARDS, brow_mask, brows
from tools.head.falloff import Array, smoothstep
from tools.head.figure import Figure, shape_figure
from tools.head.gltf import Material, Mesh, Morph, write_glb
from tools.head.hair_growth import Scalp
from tools.head.hairstyle import STYLES
from tools.head.identity import FIELDS, Place
from tools.head.lashes import LidRibbon, build_lid_shadow, build_tear_line
from tools.head.look import Look, read_look
from tools.head.occlusion import ambient_occlusion
from tools.head.open_head import JOINTS, PARENTS, OpenHead
from tools.head.part import Part, joined
from tools.head.skin_texture import Patterns, paint_skin
from tools.head.strand_atlas import is_fine, lash_uv, strand_atlas
from tools.head.surface import Surface
from tools.head.topology import Faces, edges, vertex_normals
from tools.head.unwrap import Unwrap, unwrap


def build_character(
    head: OpenHead, folder: Path, patterns: Patterns, texture_size: int = 1024
) -> dict[str, float]:
    """Writes folder/avatar.glb from its character.toml and look.toml, and avatar.lod1.glb for far views;
    returns their figures. One `patterns` serves all characters of a head."""
    about = tomllib.loads((folder / "character.toml").read_text(encoding="utf-8"))
    look = read_look(folder / "look.toml")
    coefficients = {k: float(v) for k, v in about.get("identity", {}).items()}
    for name in coefficients:
        if name not in FIELDS:
            raise ValueError(
                f"{folder / 'character.toml'}: [identity] has no {name!r}; it has {', '.join(FIELDS)}."
            )
    figure = shape_figure(head, coefficients)
    dresser = _Dresser(figure, look, texture_size, patterns)
    extras: dict[str, object] = {
        "generated": True,
        "head": "open",
        "character": folder.name,
        "portrays": about["name"],
        "rights": about["rights"],
        "components": list(head.expressions),
        "eyelids": ["eyelidLeft", "eyelidRight"],
        "joints": list(JOINTS),
        "made_by": "likeness tools/head, from code; no scan or photograph of the person portrayed",
    }
    made: dict[str, float] = {}
    for name, meshes in (("avatar", dresser.meshes()), ("avatar.lod1", dresser.far_meshes())):
        path = folder / f"{name}.glb"
        write_glb(path, meshes, figure.joints / 1000, JOINTS, PARENTS, extras)
        made |= {
            f"{name} triangles": sum(len(m.faces) for m in meshes),
            f"{name} MB": round(path.stat().st_size / 1e6, 2),
        }
    return made


FAR_TRIANGLES = 14_500
"""What a far view is made of, at most."""


class _Dresser:
    """Turns a figure and a look into meshes."""

    def __init__(self, figure: Figure, look: Look, size: int, patterns: Patterns) -> None:
        self.figure, self.look, self.size = figure, look, size
        head = figure.head
        self.rng = np.random.default_rng(look.hair.seed)
        outer = (head.masks.inner < 0.05) & (head.dense[:, 1] > -296)
        self.surface = Surface(figure.dense, head.cage.dense_faces, head.cage.fine_faces, head.dense, outer)
        self.style = STYLES.get(look.hair.style)
        skin = head.masks.inner < 0.05
        self.scalp = Scalp(np.zeros(len(head.dense)), np.full(len(head.dense), -99.0))
        if self.style:
            line = self.style.hairline
            self.scalp = Scalp(line.mask(head.dense) * skin, np.where(skin, line.inside(head.dense), -99.0))
        edge, _, _ = edges(head.cage.fine_faces)
        self.edge = edge
        self.skin_weights = head.weights[: head.cage.fine_count]
        atlas = strand_atlas()
        kind: dict[str, object] = {"likeness": {"kind": "hair"}}
        landmarks = figure.dense[:468]
        tint = brow_mask(figure.dense, landmarks, look.brows) * (head.masks.inner < 0.05)
        # under the hair the skin is darker, and a little beyond, where stubble grows
        shaded = smoothstep(-6, 5, self.scalp.inside)
        self.textures = paint_skin(
            head.cage,
            head.masks,
            head.unwrap,
            figure.dense,
            head.dense,
            _left_ear(head),
            look.skin,
            shaded,
            _roots(look.hair.colour, look.skin.tone),
            tint,
            _scaled(look.brows.colour, 0.8),
            look.brows.lash_length,
            size,
            patterns,
        )
        self.grown_brows = brows(self.surface, landmarks, look.brows, self.rng)
        bearded = look.beard.style != "none"
        self.grown_beard = BEARDS[look.beard.style](self.surface, look.beard, self.rng) if bearded else None
        self.grown_hair = self.fringe = None
        if self.style:
            grown = blended(self.style.grow(self.surface, self.scalp, look.hair, self.rng), self.surface)
            fine = is_fine(grown.uv)
            self.grown_hair = part_of(grown, ~fine)
            self.fringe = part_of(grown, fine) if fine.any() and not look.skin.drawn else None
        self.far_beard = (
            BEARDS[look.beard.style](self.surface, look.beard, self.rng, 0.3) if bearded else None
        )
        self.eye_image = (drawn_eye_texture if look.skin.drawn else eye_texture)(look.eyes)
        self.strands = Material(
            "strands",
            base=atlas,
            roughness=0.72,
            specular=0.35,
            alpha="MASK",
            cutoff=0.35,
            double_sided=True,
            extras=kind,
        )
        # closed: nothing shines through, and what lies behind need not be drawn
        self.weave = Material(
            "weave", base=atlas, roughness=0.72, specular=0.35, double_sided=True, extras=kind
        )
        # so fine that a cut-off would eat them: blended
        self.fine_strands = Material(
            "fine_strands",
            base=atlas,
            roughness=0.8,
            specular=0.05,
            alpha="BLEND",
            double_sided=True,
            extras=kind,
        )

    def drawn(self, meshes: list[Mesh]) -> list[Mesh]:
        """The meshes with materials that ask for toon shading, where the look is a drawing."""
        if not self.look.skin.drawn:
            return meshes
        fresh: dict[int, Material] = {}
        for mesh in meshes:
            m = mesh.material
            if id(m) not in fresh:
                told = dict(m.extras.get("likeness", {}))  # pyright: ignore[reportArgumentType, reportCallIssue]
                fresh[id(m)] = replace(
                    m,
                    normal=None,
                    rough=None,
                    wrinkles=None,
                    roughness=max(m.roughness, 0.7),
                    extras=m.extras | {"likeness": told | {"style": "toon"}},
                )
        kept = [m for m in meshes if m.name != "tear"]  # a film of tears is too fine for a drawing
        return [replace(mesh, material=fresh[id(mesh.material)]) for mesh in kept]

    def dense_of(self, fine: Array) -> Array:
        """Values on fine vertices, carried to the dense ones."""
        return np.concatenate([fine, (fine[self.edge[:, 0]] + fine[self.edge[:, 1]]) / 2])

    def meshes(self) -> list[Mesh]:
        """Everything, in full detail."""
        clothes = self.clothes()
        skin = self.skin(clothes, self.figure.head.unwrap, *self.ears())
        out = [
            skin,
            self.eyes(),
            self.mouth(),
            self.lid_shadow(),
            self.tear_line(),
            self._moving("brows", *self.brows_and_lashes(self.fringe)),
        ]
        if self.grown_beard:
            out.append(self._moving("beard", self.grown_beard, self.strands, None, 0.2))
        if self.grown_hair:
            out.append(self._still("hair", self.grown_hair))
        return self.drawn([*out, *clothes])

    def far_meshes(self) -> list[Mesh]:
        """Everything, at most 15,000 triangles and small textures."""
        head = self.figure.head
        clothes = self.clothes()
        coarse = unwrap(head.cage, head.parts[0].vertices[: len(head.cage.vertices)], head.cage.faces)
        fringe = thinned(self.fringe, 3, 1.6) if self.fringe else None
        brows, material, lashes = self.brows_and_lashes(fringe, thinned(self.grown_brows, 2, 1.5))
        ears, roots = self.ears()
        few = [_fewer(p, 0.17) for p in ears]
        kept = [w[cKDTree(p.vertices).query(f.vertices)[1]] for p, f, w in zip(ears, few, roots, strict=True)]
        out = [
            self.skin(clothes, coarse, few, kept),
            simplified(self.eyes(), 0.4),
            simplified(self.mouth(), 0.22),
            self.lid_shadow(),
            self._moving("brows", brows, material, lashes, 0.3),
        ]
        if self.far_beard:
            out.append(self._moving("beard", self.far_beard, self.strands, None, 0.4))
        if self.grown_hair:
            solid = self.grown_hair.ribbon < 0
            base = part_of(filled(self.grown_hair, self.surface), solid)
            loose = part_of(self.grown_hair, ~solid)
            out += [simplified(c, 0.3) for c in clothes]
            room = FAR_TRIANGLES - sum(len(m.faces) for m in out)
            rest = replace(self._still("hair_base", base), material=self.weave)
            share = min(
                len(rest.faces), int(room * len(rest.faces) / (len(rest.faces) + 0.4 * len(loose.faces)))
            )
            out.append(simplified(rest, share / len(rest.faces)))
            if len(loose.faces):
                step = 1 + int(0.55 * len(loose.faces) / (room - share))
                out.append(self._still("hair", above(thinned(loose, step, step**0.55), base)))
        else:
            out += [simplified(c, 0.3) for c in clothes]
        done: dict[int, bytes] = {}
        fresh: dict[int, Material] = {}
        for mesh in out:
            if id(mesh.material) not in fresh:
                fresh[id(mesh.material)] = smaller_images(mesh.material, 512, done)
        return self.drawn([replace(mesh, material=fresh[id(mesh.material)]) for mesh in out])

    def ears(self) -> tuple[list[Part], list[Array]]:
        """The character's ears, and how far each vertex belongs to the head (0..1); there they lie as high
        over this head's skin as the open head's ears over its own."""
        head = self.figure.head
        normals = vertex_normals(head.dense, head.cage.dense_faces)
        outer = np.flatnonzero(self.surface.outer)
        tree = cKDTree(head.dense[outer])
        out, roots = [], []
        for rest, mine in zip(head.parts, self.figure.parts, strict=True):
            if not rest.name.startswith("ear_"):
                continue
            w = root(rest)
            k = outer[tree.query(rest.vertices)[1]]
            height = ((rest.vertices - head.dense[k]) * normals[k]).sum(1)
            now = ((mine.vertices - self.surface.vertices[k]) * self.surface.normals[k]).sum(1)
            moved = mine.vertices + self.surface.normals[k] * ((height - now) * w)[:, None]
            out.append(replace(mine, vertices=moved))
            roots.append(w)
        return out, roots

    def clothes(self) -> list[Mesh]:
        """Garments, following the identity's neck and shoulders; the body carries them."""
        if self.look.clothes.style == "none":
            return []
        pieces: list[Cloth] = GARMENTS[self.look.clothes.style](self.look.clothes)
        v = np.concatenate([p.vertices for p in pieces])
        start = np.cumsum([0, *(len(p.vertices) for p in pieces)])
        f = np.concatenate([p.faces + s for p, s in zip(pieces, start, strict=False)])
        colour = np.concatenate([p.colour for p in pieces])
        place = Place(v, np.zeros_like(v), np.zeros(len(v)))
        v = v + sum((c * FIELDS[n](place) for n, c in self.figure.coefficients.items()), np.zeros_like(v))
        n = vertex_normals(v, f)
        w = np.zeros((len(v), 5))
        w[:, 1] = smoothstep(-205, -110, v[:, 1])
        w[:, 0] = 1 - w[:, 1]
        material = Material("cloth", roughness=0.95, double_sided=True)
        return [Mesh("clothes", v / 1000, n, f, np.zeros((len(v), 2)), colour, w, material)]

    def skin(self, clothes: list[Mesh], wrap: Unwrap, ears: list[Part], roots: list[Array]) -> Mesh:
        """Skin and ears as one mesh, at the detail of the unwrapped faces; `roots` says how far each ear's
        vertices belong to the head."""
        fig, head = self.figure, self.figure.head
        n = int(wrap.source.max()) + 1
        fine = vertex_normals(fig.skin, head.cage.fine_faces)
        faces, v, normal = head.cage.fine_faces, fig.skin[:n], fine[:n]
        ear_normals = [vertex_normals(p.vertices, p.faces) for p in ears]
        for p, en, w in zip(ears, ear_normals, roots, strict=True):  # the ear's root takes the head's shading
            mixed = en * (1 - w[:, None]) + self.surface.normal_at(p.vertices) * w[:, None]
            en[:] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        occluders = [fig.skin, *(p.vertices for p in fig.parts if p.name.startswith(("ear_", "eye_")))]
        hidden = (head.masks.bag[faces].max(1) > 0.5) | (
            (head.masks.socket_left + head.masks.socket_right)[faces].max(1) > 0.6
        )
        occluder_faces = [faces[~hidden]]
        start = len(fig.skin)
        for p in fig.parts:
            if p.name.startswith(("ear_", "eye_")):
                occluder_faces.append(p.faces + start)
                start += len(p.vertices)
        points = np.concatenate([v, *(p.vertices for p in ears)])
        normals = np.concatenate([normal, *ear_normals])
        light = ambient_occlusion(
            np.concatenate(occluders), np.concatenate(occluder_faces), points, normals, rays=32
        )
        light = np.clip(light, 0, 1) ** 1.1
        # lips hide each other at rest only: they must not stay dark when they part
        lips = np.r_[np.clip(head.masks.lips[:n] * 1.6 - 0.5, 0, 1), np.zeros(len(points) - n)]
        light = np.maximum(light, 0.80 * lips)
        if self.look.skin.drawn:
            light = 0.75 + 0.25 * light
        bag = np.r_[np.clip(head.masks.bag[:n], 0, 1), np.zeros(len(points) - n)]
        light = np.where(bag > 0.3, 0.8, light)
        colour = np.stack([light**0.80, light**0.95, light**1.0], 1)
        deep = smoothstep(8, -18, points[:, 2]) * (bag > 0.5)
        colour *= (1 - 0.55 * bag)[:, None] * (1 - 0.80 * deep)[:, None]
        socket = np.r_[
            np.clip((head.masks.socket_left + head.masks.socket_right)[:n], 0, 1), np.zeros(len(points) - n)
        ]
        colour *= (1 - 0.30 * socket)[:, None]
        # texture vertices
        source = np.r_[wrap.source, np.arange(n, len(points))]
        uv = np.concatenate([wrap.uv, *(p.uv for p in ears)])
        base = len(wrap.uv)
        out_faces = [_uncovered(wrap.faces, wrap.source, v, clothes)]
        for p in ears:
            out_faces.append(p.faces + base)
            base += len(p.vertices)
        morphs = []
        weights = np.concatenate([self.skin_weights[:n], *(_upright(p.vertices) for p in ears)])
        for name, d in fig.targets.items():
            if np.abs(d[:n]).max() < 1e-6:
                continue
            dn = self._normal_change(name, d[: len(fine)], fine)[:n]
            pad = np.zeros((len(points) - n, 3))
            morphs.append(
                Morph(name, np.concatenate([d[:n], pad])[source] / 1000, np.concatenate([dn, pad])[source])
            )
        material = Material(
            "skin",
            base=self.textures.albedo,
            normal=self.textures.normal,
            rough=self.textures.rough,
            wrinkles=self.textures.wrinkles,
            specular=0.55,
            extras={"likeness": {"kind": "skin"}},
        )
        return _compact(
            Mesh(
                "skin",
                points[source] / 1000,
                normals[source],
                np.concatenate(out_faces),
                uv,
                colour[source],
                weights[source],
                material,
                tuple(morphs),
            )
        )

    def _normal_change(self, name: str, d: Array, normal: Array) -> Array:
        fig = self.figure
        faces = fig.head.cage.fine_faces
        if name.startswith("mouthClose"):  # only ever used with the jaw open: shade it as it is seen
            w = fig.head.closure.jaw_weights
            if name != "mouthClose":
                return np.zeros_like(d)
            whole = d + fig.targets["mouthCloseJawOpen"][: len(d)]
            posed = vertex_normals(jaw.opened(fig.skin + whole, w, jaw.OPEN_ANGLE, fig.joints[2]), faces)
            a = -w * jaw.OPEN_ANGLE
            c, s = np.cos(a), np.sin(a)
            back = np.c_[posed[:, 0], posed[:, 1] * c - posed[:, 2] * s, posed[:, 1] * s + posed[:, 2] * c]
            moved = np.abs(whole).max(1) > 1e-6
            return np.where(moved[:, None], back - normal, 0)
        dn = vertex_normals(fig.skin + d, faces) - normal
        dn[np.abs(dn).max(1) < 0.006] = 0
        return dn

    def eyes(self) -> Mesh:
        fig = self.figure
        pair = [p for p in fig.parts if p.name.startswith("eye_")]
        both = joined("eyes", pair)
        weights = np.concatenate([fig.head.weights[fig.head.slice(p.name)] for p in pair])
        material = Material(
            "eyes", base=self.eye_image, roughness=0.06, extras={"likeness": {"kind": "eyes"}}
        )
        return Mesh(
            "eyes",
            both.vertices / 1000,
            vertex_normals(both.vertices, both.faces),
            both.faces,
            both.uv,
            np.ones((len(both.vertices), 3)),
            weights,
            material,
        )

    def mouth(self) -> Mesh:
        fig = self.figure
        chosen = [p for p in fig.parts if p.name in ("teeth_upper", "teeth_lower", "tongue")]
        both = joined("mouth", chosen)
        rows = np.concatenate(
            [np.arange(fig.head.slice(p.name).start, fig.head.slice(p.name).stop) for p in chosen]
        )
        tongue_start = len(chosen[0].vertices) + len(chosen[1].vertices)
        index = np.arange(len(both.vertices))
        rest = fig.head.vertices[rows]
        depth = smoothstep(-22, 18, rest[:, 2])
        tooth = (both.uv[:, 0] < 0.5) & (index < tongue_start)
        colour = np.where(tooth[:, None], [0.72, 0.66, 0.55], [0.38, 0.12, 0.11])
        colour = np.where((index >= tongue_start)[:, None], [0.50, 0.17, 0.155], colour)
        colour = colour * (0.08 + 0.82 * depth**1.3)[:, None]
        normal = vertex_normals(both.vertices, both.faces)
        morphs = []
        for name in ("jawForward", "tongueOut"):
            d = fig.head.expressions[name][rows]
            morphs.append(Morph(name, d / 1000, vertex_normals(both.vertices + d, both.faces) - normal))
        material = Material("mouth", roughness=0.38, specular=0.4, extras={"likeness": {"kind": "mouth"}})
        return Mesh(
            "mouth",
            both.vertices / 1000,
            normal,
            both.faces,
            both.uv,
            colour,
            fig.head.weights[rows],
            material,
            tuple(morphs),
        )

    def lid_shadow(self) -> Mesh:
        fig = self.figure
        ribbon, opacity = build_lid_shadow(fig.head.cage, fig.skin, fig.centres, fig.radius)
        p = ribbon.part
        morphs = []
        n = fig.head.cage.fine_count
        for name, d in fig.targets.items():
            if name.startswith("eye"):
                follow = ribbon.follow(fig.skin, d[:n], True)
                if np.abs(follow).max() > 0.02:
                    morphs.append(Morph(name, follow / 1000, np.zeros_like(follow)))
        colour = np.c_[np.tile([0.10, 0.035, 0.03], (len(opacity), 1)), opacity]
        weights = self.skin_weights[ribbon.root]
        material = Material(
            "lid_shadow", roughness=1.0, alpha="BLEND", specular=0.0, extras={"likeness": {"kind": "shadow"}}
        )
        return Mesh(
            "lid_shadow",
            p.vertices / 1000,
            vertex_normals(p.vertices, p.faces),
            p.faces,
            p.uv,
            colour,
            weights,
            material,
            tuple(morphs),
        )

    def tear_line(self) -> Mesh:
        """Tears along the lower lids."""
        fig = self.figure
        ribbon = build_tear_line(fig.head.cage, fig.skin, fig.centres, fig.radius)
        p = ribbon.part
        n = fig.head.cage.fine_count
        morphs = []
        for name, d in fig.targets.items():
            if name.startswith("eye"):
                follow = ribbon.follow(fig.skin, d[:n], True)
                if np.abs(follow).max() > 0.02:
                    morphs.append(Morph(name, follow / 1000, np.zeros_like(follow)))
        material = Material(
            "tear",
            colour=(0.9, 0.88, 0.86, 0.20),
            roughness=0.08,
            alpha="BLEND",
            extras={"likeness": {"kind": "tear"}},
        )
        return Mesh(
            "tear",
            p.vertices / 1000,
            vertex_normals(p.vertices, p.faces),
            p.faces,
            p.uv,
            np.ones((len(p.vertices), 3)),
            self.skin_weights[ribbon.root],
            material,
            tuple(morphs),
        )

    def brows_and_lashes(
        self, fringe: Hair | None, brows: Hair | None = None
    ) -> tuple[Hair, Material, LidRibbon]:
        """Lashes (first), brows and the fine hairs of the hairline, what they are made of, and how the lashes
        follow the lids."""
        fig, look = self.figure, self.look
        lash = fig.parts[-1]
        ribbon = fig.head.lashes
        root = fig.skin[ribbon.root]
        v = root + (lash.vertices - root) * [0.9, 0.62, 0.95] * look.brows.lash_length
        lashes = LidRibbon(Part("lashes", v, lash.faces, lash.uv), ribbon.root, ribbon.side)
        normal = np.tile([0, 0.3, 0.95], (len(v), 1))
        colour = np.tile(look.brows.lash_colour, (len(v), 1))
        uv = lash_uv(lash.uv[:, 0], 1 - lash.uv[:, 1])
        hair = Hair(v, normal, lash.faces, uv, colour, ribbon.root, no_ribbon(len(v)))
        if look.skin.drawn:  # drawn brows are painted
            return hair, self.fine_strands, lashes
        grown = joined_hair([hair, brows or self.grown_brows, *([fringe] if fringe else [])])
        return grown, self.fine_strands, lashes

    def _moving(
        self, name: str, hair: Hair, material: Material, lashes: LidRibbon | None, least: float = 0.12
    ) -> Mesh:
        """Hair that moves with the skin it grows on, where that moves `least` mm; the first vertices may be
        lashes, which also turn with the lids."""
        fig = self.figure
        n = fig.head.cage.fine_count
        first = len(lashes.root) if lashes else 0
        morphs = []
        for target, d in fig.targets.items():
            follow = self.dense_of(d[:n])[hair.root]
            if lashes:
                follow[:first] = lashes.follow(fig.skin, d[:n], target.startswith("eye"))
            follow[np.abs(follow).max(1) < least] = 0
            if np.abs(follow).max() > 0:
                morphs.append(Morph(target, follow / 1000, np.zeros_like(follow)))
        weights = self.dense_of(self.skin_weights)[hair.root]
        return Mesh(
            name,
            hair.vertices / 1000,
            hair.normals,
            hair.faces,
            hair.uv,
            hair.colour,
            weights,
            material,
            tuple(morphs),
        )

    def _still(self, name: str, h: Hair) -> Mesh:
        """Hair that goes with the skull."""
        return Mesh(
            name, h.vertices / 1000, h.normals, h.faces, h.uv, h.colour, _upright(h.vertices), self.strands
        )


def _upright(v: Array) -> Array:
    """Weights of what goes with the skull, and below the neck with the body."""
    w = np.zeros((len(v), 5))
    w[:, 1] = smoothstep(-215, -125, v[:, 1])
    w[:, 0] = 1 - w[:, 1]
    return w


def _fewer(part: Part, share: float) -> Part:
    """A part with about `share` of its triangles."""
    v, f = fast_simplification.simplify(
        part.vertices.astype(np.float32),
        part.faces.astype(np.int32),
        target_count=int(share * len(part.faces)),
    )
    _, near = cKDTree(part.vertices).query(v)
    return Part(part.name, np.asarray(v, float), np.asarray(f, np.int64), part.uv[near])


def _scaled(colour: tuple[float, float, float], by: float) -> tuple[float, float, float]:
    return colour[0] * by, colour[1] * by, colour[2] * by


def _roots(hair: tuple[float, float, float], tone: tuple[float, float, float]) -> tuple[float, float, float]:
    """The scalp's colour where hair grows: the hair's shade, or the skin's under fair hair."""
    r, g, b = (min(0.5 * h, 0.72 * t) for h, t in zip(hair, tone, strict=True))
    return r, g, b


def _left_ear(head: OpenHead) -> Part:
    return next(p for p in head.parts if p.name == "ear_left")


def _uncovered(faces: Faces, source: NDArray[np.int64], v: Array, clothes: list[Mesh]) -> Faces:
    """The skin's faces without those that clothes hide."""
    if not clothes:
        return faces
    low = np.full(len(v), -1e9)
    cloth = clothes[0].vertices * 1000
    angle = np.arctan2(cloth[:, 0], cloth[:, 2] + 104)
    mine = np.arctan2(v[:, 0], v[:, 2] + 104)
    for k in range(len(v)):
        if v[k, 1] < -130:
            near = np.abs(np.angle(np.exp(1j * (angle - mine[k])))) < 0.12
            low[k] = cloth[near, 1].max() - 30 if near.any() else -1e9
    covered = v[:, 1] < low
    return faces[~covered[source[faces]].all(1)]


def _compact(mesh: Mesh) -> Mesh:
    """The mesh without vertices that no face uses."""
    used, packed = np.unique(mesh.faces, return_inverse=True)
    morphs = tuple(Morph(m.name, m.position[used], m.normal[used]) for m in mesh.morphs)
    return Mesh(
        mesh.name,
        mesh.vertices[used],
        mesh.normals[used],
        packed.reshape(-1, 3),
        mesh.uv[used],
        mesh.colour[used],
        mesh.weights[used],
        mesh.material,
        morphs,
    )

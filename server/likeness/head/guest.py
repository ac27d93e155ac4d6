"""What a third-party .glb or VRM brings: joints, morph targets, and the controls that it can play."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from likeness.head.controls import CONTROLS
from likeness.head.glb import Document, Glb, object_of, read_glb, texts_of, whole

JOINTS: Final = {
    "neck": ("neck",),
    "head": ("head",),
    "jaw": ("jaw",),
    "left_eye": ("lefteye", "eyeleft", "leye", "eyel", "lefteyebone"),
    "right_eye": ("righteye", "eyeright", "reye", "eyer", "righteyebone"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A morph target: number in its mesh, mesh number, name."""

    mesh: int
    index: int
    name: str


@dataclass(frozen=True, slots=True)
class GuestReport:
    """What was found in a file."""

    where: str
    size: int
    """Bytes."""
    triangles: int
    joints: dict[str, str]
    """Our name of a joint (neck, head, jaw, left_eye, right_eye) -> the file's node."""
    targets: tuple[Target, ...]
    controls: dict[str, tuple[Target, ...]]
    """Control -> the targets that play it, in ARKit's order."""
    generator: str
    rights: str
    """What the file says of its author and licence; empty if nothing."""
    likeness: Document
    """`extras.likeness` of an avatar of ours; empty otherwise."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Controls that no target plays."""
        return tuple(c for c in CONTROLS if c not in self.controls)

    @property
    def missing_joints(self) -> tuple[str, ...]:
        """Joints of ours that the file has no node for."""
        return tuple(j for j in JOINTS if j not in self.joints)

    def lines(self) -> list[str]:
        """The report in words, one line each."""
        out = [
            f"{self.where}: {self.size / 1e6:.1f} MB, {self.triangles:,} triangles, "
            f"{len(self.targets)} morph targets" + (f", made by {self.generator}" if self.generator else ""),
            f"controls: {len(self.controls)} of {len(CONTROLS)} found",
        ]
        if self.missing:
            out.append(f"  missing: {', '.join(self.missing)}")
        out.append(f"joints: {', '.join(f'{k} = {v}' for k, v in self.joints.items()) or 'none'}")
        if self.missing_joints:
            out.append(f"  missing: {', '.join(self.missing_joints)} (these will not turn)")
        out.append(f"rights: {self.rights or 'the file says nothing'}")
        return out


def inspect_glb(path: Path) -> GuestReport:
    """Look through a .glb or .vrm.

    Raises:
        NotFoundError, InputError: see `read_glb`.
    """
    return inspect(read_glb(path), path.stat().st_size)


def inspect(glb: Glb, size: int) -> GuestReport:
    """Look through a file that was read."""
    targets = _targets(glb)
    asset = object_of(glb.document.get("asset"))
    return GuestReport(
        where=glb.where,
        size=size,
        triangles=_triangles(glb),
        joints=_joints(glb),
        targets=targets,
        controls=_controls(glb, targets),
        generator=str(asset.get("generator", ""))[:100],
        rights=_rights(glb, asset),
        likeness=object_of(object_of(asset.get("extras")).get("likeness")),
    )


def control_of(name: str) -> str | None:
    """The control that a name means (`eyeBlinkLeft`, `EyeBlink_L`, `Head.eye_blink_left`, ...), or None."""
    for candidate in (name, re.split(r"[.:|/]", name)[-1]):
        found = _BY_KEY.get(_key(candidate))
        if found:
            return found
    return None


def _key(name: str) -> str:
    sided = re.sub(r"[_. -]([LlRr])$", lambda m: "left" if m[1] in "Ll" else "right", name)
    return re.sub(r"[^a-z0-9]", "", sided.lower())


_BY_KEY: Final = {_key(name): name for name in CONTROLS}


def _targets(glb: Glb) -> tuple[Target, ...]:
    found: list[Target] = []
    for m, mesh in enumerate(glb.list("meshes")):
        primitives = mesh.get("primitives")
        if not isinstance(primitives, list) or not primitives:
            continue
        first = object_of(primitives[0])
        shapes = first.get("targets")
        count = len(shapes) if isinstance(shapes, list) else 0
        # The usual place is mesh.extras; some exporters (VRM 0) write the names on the primitive.
        names = texts_of(object_of(mesh.get("extras")).get("targetNames")) or texts_of(
            object_of(first.get("extras")).get("targetNames")
        )
        found += [Target(m, i, names[i] if i < len(names) else f"target{i}") for i in range(count)]
    return tuple(found)


def _controls(glb: Glb, targets: tuple[Target, ...]) -> dict[str, tuple[Target, ...]]:
    found: dict[str, list[Target]] = {}
    for target in targets:
        control = control_of(target.name)
        if control:
            found.setdefault(control, []).append(target)
    places = {(t.mesh, t.index): t for t in targets}
    for name, binds in _vrm_expressions(glb):
        control = control_of(name)
        bound = [places[b] for b in binds if b in places]
        if control and bound and control not in found:
            found[control] = bound
    return {c: tuple(found[c]) for c in CONTROLS if c in found}


def _vrm_expressions(glb: Glb) -> list[tuple[str, list[tuple[int, int]]]]:
    """Named expressions of VRM 0 and 1, each with the (mesh, target) pairs that it moves."""
    extensions = object_of(glb.document.get("extensions"))
    out: list[tuple[str, list[tuple[int, int]]]] = []
    groups = object_of(object_of(extensions.get("VRM")).get("blendShapeMaster")).get("blendShapeGroups")
    for group in _list(groups):
        binds = [(b.get("mesh"), b.get("index")) for b in _list(group.get("binds"))]
        out.append(
            (
                str(group.get("name", "")),
                [(m, i) for m, i in binds if isinstance(m, int) and isinstance(i, int)],
            )
        )
    nodes = glb.list("nodes")
    for kind in ("preset", "custom"):
        expressions = object_of(object_of(object_of(extensions.get("VRMC_vrm")).get("expressions")).get(kind))
        for name, expression in expressions.items():
            pairs: list[tuple[int, int]] = []
            for bind in _list(object_of(expression).get("morphTargetBinds")):
                node, index = bind.get("node"), bind.get("index")
                if isinstance(node, int) and 0 <= node < len(nodes) and isinstance(index, int):
                    mesh = nodes[node].get("mesh")
                    if isinstance(mesh, int):
                        pairs.append((mesh, index))
            out.append((name, pairs))
    return out


def _joints(glb: Glb) -> dict[str, str]:
    nodes = glb.list("nodes")
    names = [str(n.get("name", ""))[:200] for n in nodes]
    bones = _vrm_bones(glb)
    found: dict[str, str] = {}
    for ours, spellings in JOINTS.items():
        index = bones.get(ours)
        if index is not None and 0 <= index < len(names):
            found[ours] = names[index]
            continue
        for name in names:
            # Exporters put a prefix before the bone's name: "mixamorig:Neck", "Bip01_Head".
            if _key(re.split(r"[:|/]", name)[-1]) in spellings:
                found[ours] = name
                break
    return found


def _vrm_bones(glb: Glb) -> dict[str, int]:
    extensions = object_of(glb.document.get("extensions"))
    ours = {"neck": "neck", "head": "head", "jaw": "jaw", "leftEye": "left_eye", "rightEye": "right_eye"}
    out: dict[str, int] = {}
    for bone in _list(object_of(object_of(extensions.get("VRM")).get("humanoid")).get("humanBones")):
        if bone.get("bone") in ours and isinstance(bone.get("node"), int):
            out[ours[str(bone["bone"])]] = bone["node"]
    human = object_of(object_of(object_of(extensions.get("VRMC_vrm")).get("humanoid")).get("humanBones"))
    for bone, value in human.items():
        node = object_of(value).get("node")
        if bone in ours and isinstance(node, int):
            out[ours[bone]] = node
    return out


def _rights(glb: Glb, asset: Document) -> str:
    extensions = object_of(glb.document.get("extensions"))
    parts = [str(asset["copyright"])] if asset.get("copyright") else []
    old = object_of(object_of(extensions.get("VRM")).get("meta"))
    new = object_of(object_of(extensions.get("VRMC_vrm")).get("meta"))
    for meta, keys in (
        (old, ("author", "licenseName", "otherLicenseUrl", "allowedUserName", "commercialUssageName")),
        (
            new,
            ("copyrightInformation", "licenseUrl", "avatarPermission", "commercialUsage", "creditNotation"),
        ),
    ):
        parts += [f"{key}: {meta[key]}" for key in keys if meta.get(key)]
        parts += [f"by {', '.join(texts_of(meta.get('authors')))}"] if meta.get("authors") else []
    return "; ".join(parts)[:1000]


def _triangles(glb: Glb) -> int:
    accessors = glb.list("accessors")
    total = 0
    for mesh in glb.list("meshes"):
        for primitive in _list(mesh.get("primitives")):
            attributes = object_of(primitive.get("attributes"))
            index = primitive.get("indices", attributes.get("POSITION"))
            if isinstance(index, int) and 0 <= index < len(accessors):
                total += whole(accessors[index], "count", glb.where) // 3
    return total


def _list(value: object) -> list[Document]:
    return [object_of(v) for v in value] if isinstance(value, list) else []

"""Importing a guest character: a third-party .glb, VRM or folder of shapes, fed the 52 controls."""

import io
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from likeness.errors import InputError, LikenessError, MachineError
from likeness.head.character import CHARACTER_ID, read_character
from likeness.head.glb import Document, Glb, glb_bytes, object_of, read_glb
from likeness.head.guest import GuestReport, inspect
from likeness.head.mesh_folder import read_mesh_folder
from likeness.head.places import avatars_root, data_dir
from likeness.head.raster import portray

SKIN = (0.62, 0.47, 0.40)


@dataclass(frozen=True, slots=True)
class CharacterReport:
    """What an import did, in words."""

    id: str
    folder: Path
    guest: GuestReport
    lines: list[str]


def import_character(
    path: Path, identifier: str | None = None, name: str | None = None, rights: str | None = None
) -> CharacterReport:
    """Install a .glb or .vrm, or a folder of .obj shapes, as a character that is fed controls.

    Its morph targets are renamed to the controls that they play, and the generated tag is written into it.
    The character's folder appears complete or not at all.

    Args:
        path: the file, or the folder (see `read_mesh_folder`).
        identifier: id of the character; the file's name if None.
        name: who is portrayed; the file's name if None.
        rights: what allows the portrayal; what the file says if None.

    Raises:
        NotFoundError, InputError: the file is missing, not a .glb, has no morph that any control plays, says
            nothing of rights and none were given, or the id is taken or malformed.
        MachineError: the data folder cannot be written.
    """
    glb = read_mesh_folder(path) if path.is_dir() else read_glb(path)
    guest = inspect(glb, len(glb.binary))
    if not guest.controls:
        found = ", ".join(sorted({t.name for t in guest.targets})[:12]) or "none"
        raise InputError(
            f"{path} has no morph target that a control plays (its targets: {found}). Likeness moves guests "
            "by morphs with ARKit's names: eyeBlinkLeft, jawOpen ... Add them where it was modelled."
        )
    chosen = _identifier(identifier, path)
    allowed = rights or guest.rights
    if not allowed:
        raise InputError(
            f"{path} says nothing of its author or licence; say what allows you to use it with --rights."
        )
    shown = name or path.stem
    folder = data_dir() / "characters" / chosen
    lines = guest.lines()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{chosen}.") as temporary:
            made = Path(temporary) / chosen
            made.mkdir()
            (made / "avatar.glb").write_bytes(_tagged(glb, guest, shown, allowed))
            (made / "character.toml").write_text(_toml(shown, allowed, guest), encoding="utf-8")
            picture = _portrait(glb)
            if picture is None:
                lines.append(
                    "portrait: none (its geometry could not be drawn here; put a portrait.png there)"
                )
            else:
                (made / "portrait.png").write_bytes(picture)
            read_character(made)  # what is installed can be loaded
            shutil.move(made, folder)
    except OSError as error:
        raise MachineError(f"{folder} cannot be written: {error.strerror or error}.") from None
    lines += [f"character: {chosen} ({shown})", f"folder: {folder}"]
    return CharacterReport(chosen, folder, guest, lines)


def _identifier(identifier: str | None, path: Path) -> str:
    chosen = (
        identifier
        if identifier is not None
        else re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:64]
    )
    if not CHARACTER_ID.fullmatch(chosen):
        raise InputError(f"{chosen[:80]!r} cannot be an id: use small letters, digits, - and _ (--id rosa).")
    for root in (data_dir(), avatars_root()):
        if (root / "characters" / chosen).exists():
            raise InputError(
                f"there is a character {chosen!r} already ({root}); choose another id with --id."
            )
    return chosen


def _tagged(glb: Glb, guest: GuestReport, name: str, rights: str) -> bytes:
    """The file with targets named like the controls that they play, and the generated tag."""
    document: Document = json.loads(json.dumps(glb.document))
    renamed = {(t.mesh, t.index): control for control, targets in guest.controls.items() for t in targets}
    all_names: dict[int, list[str]] = {}
    for target in guest.targets:
        all_names.setdefault(target.mesh, []).append(renamed.get((target.mesh, target.index), target.name))
    for number, names in all_names.items():
        mesh = document["meshes"][number]
        mesh["extras"] = {**object_of(mesh.get("extras")), "targetNames": names}
    tag: Document = {
        "generated": True,
        "portrays": name,
        "rights": rights,
        "controlsOnly": True,
        "controls": list(guest.controls),
        "joints": guest.joints,
    }
    scenes = document.get("scenes")
    for holder in (document["asset"], *(object_of(s) for s in (scenes if isinstance(scenes, list) else []))):
        holder["extras"] = {**object_of(holder.get("extras")), "likeness": tag}
    return glb_bytes(document, glb.binary)


def _toml(name: str, rights: str, guest: GuestReport) -> str:
    summary = f"A guest: {len(guest.controls)} of the 52 controls."
    texts = {"name": name[:200], "summary": summary, "rights": rights[:10_000], "head": "open"}
    # JSON's string escapes are TOML's, save for the delete character.
    rows = [f"{k} = {json.dumps(v, ensure_ascii=False)}".replace("\x7f", "") for k, v in texts.items()]
    return "\n".join([*rows, "controls_only = true", ""])


def _portrait(glb: Glb) -> bytes | None:
    """A front view of the upper part of the model as PNG; None if another reader cannot make sense of it."""
    try:
        scene: Any = trimesh.load(
            io.BytesIO(glb_bytes(glb.document, glb.binary)), file_type="glb", force="scene"
        )
        mesh: Any = scene.to_geometry() if hasattr(scene, "to_geometry") else scene.dump(concatenate=True)
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    except (LikenessError, ValueError, KeyError, TypeError, IndexError, AttributeError, ImportError):
        return None
    if not len(faces) or not np.isfinite(vertices).all():
        return None
    low, high = vertices.min(0), vertices.max(0)
    if float((high - low).max()) <= 0:
        return None
    # A whole figure shows head and shoulders; a head alone fills the picture.
    height = float(high[1] - low[1])
    shown = height * 1.1 if height < 1.5 * float(high[0] - low[0]) else max(height * 0.24, 1e-6)
    top = vertices[vertices[:, 1] > high[1] - shown]
    centre = np.array([np.median(top[:, 0]), high[1] + 0.04 * shown - shown / 2])
    colours = np.tile(np.array(SKIN), (len(vertices), 1))
    picture = Image.fromarray(portray(vertices, faces, colours, centre, shown, (384, 480)))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()

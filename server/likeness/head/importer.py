"""Importing a guest head: a FLAME-format file becomes a head that the 52 controls can drive."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from likeness.errors import InputError
from likeness.head.adopt import CharacterReport, import_character
from likeness.head.array_file import Array
from likeness.head.character import CHARACTER_ID
from likeness.head.contact_sheet import face_colours, face_frame, write_contact_sheet
from likeness.head.controls import CONTROLS
from likeness.head.gltf import avatar_glb
from likeness.head.head_file import read_head_arrays
from likeness.head.load import load_head
from likeness.head.model import HeadModel
from likeness.head.places import avatars_root, data_dir
from likeness.head.raster import portray
from likeness.head.replace import replace_file
from likeness.head.transfer import Derived, derive_rig

__all__ = ["CharacterReport", "HeadReport", "import_character", "import_head"]

FLAME_VERTICES, FLAME_FACES = 5023, 9976
FLAME_LICENCE = (
    "FLAME model licence of the Max-Planck-Gesellschaft (non-commercial scientific research, no "
    "redistribution; https://flame.is.tue.mpg.de/modellicense.html)"
)
OPEN_LICENCE = "Creative Commons Attribution 4.0 (CC BY 4.0): name the authors where you show it"


@dataclass(frozen=True, slots=True)
class HeadReport:
    """What an import did, in words, and where its files lie."""

    name: str
    head: Path
    character: Path
    sheet: Path
    derived: Derived
    lines: list[str]


def import_head(
    path: Path,
    name: str | None = None,
    sheet: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> HeadReport:
    """Check a FLAME-format file, derive its rig from the open head and install it in the data folder.

    Writes heads/<name>.npz (the file's arrays, the rig, eyelids), characters/<name>/ (so that it can be met
    in the page at once) and the contact sheet of the 52 controls (heads/<name>.png unless `sheet` says
    otherwise). Importing again replaces the head and its avatar, and leaves its character.toml as it is.

    Raises:
        NotFoundError, InputError: the file is missing, or not a head in FLAME's format; says what is wrong.
        MachineError: the data folder cannot be written.
    """
    arrays = read_head_arrays(path)
    chosen = _name(name, path)
    model = HeadModel.from_arrays(arrays, str(path), chosen)
    licence = _licence(model, path)
    derived = derive_rig(load_head("open"), model, lambda share: progress(0.85 * share))
    folder = data_dir() / "heads"
    out = HeadReport(
        name=chosen,
        head=folder / f"{chosen}.npz",
        character=data_dir() / "characters" / chosen,
        sheet=sheet or folder / f"{chosen}.png",
        derived=derived,
        lines=[],
    )
    content = _installed(arrays, model, derived, chosen, licence)
    installed = HeadModel.from_arrays(content, str(path), chosen)
    replace_file(out.head, lambda to: np.savez(to, allow_pickle=False, **content))
    glb = avatar_glb(installed, extras={"rights": licence})
    replace_file(out.character / "avatar.glb", lambda to: to.write(glb))
    replace_file(out.character / "portrait.png", lambda to: to.write(_portrait(installed)))
    if not (out.character / "character.toml").exists():
        replace_file(out.character / "character.toml", lambda to: to.write(_toml(chosen, licence)))
    write_contact_sheet(out.sheet, installed, derived.rig, None, lambda share: progress(0.85 + 0.15 * share))
    out.lines.extend(_lines(path, out, model, licence, derived))
    return out


def _name(name: str | None, path: Path) -> str:
    chosen = name if name is not None else re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:64]
    if not CHARACTER_ID.fullmatch(chosen):
        raise InputError(
            f"{chosen[:80]!r} cannot name a head: use small letters, digits, - and _ (--name flame2023)."
        )
    if (avatars_root() / "heads" / f"{chosen}.npz").exists():
        raise InputError(
            f"{chosen!r} is the name of a head that comes with Likeness; take another with --name."
        )
    if (avatars_root() / "characters" / chosen).exists():
        raise InputError(f"{chosen!r} is the id of a character of the cast; take another name with --name.")
    return chosen


def _installed(
    arrays: dict[str, Array], model: HeadModel, derived: Derived, name: str, licence: str
) -> dict[str, Array]:
    """The arrays of the installed file: the guest's own geometry, our names, eyelids and rig."""
    kept = {k: v for k, v in arrays.items() if not k.startswith("rig_")}
    return {
        **kept,
        "v_template": model.v_template,
        "f": model.faces,
        "shapedirs": model.shapedirs,
        "posedirs": model.posedirs,
        "J_regressor": model.joint_regressor,
        "weights": model.weights,
        "name": np.array(name),
        "licence": np.array(licence),
        "identity_names": np.array(model.identity_names, dtype=np.str_),
        "expression_names": np.array(model.expression_names, dtype=np.str_),
        "eyelid_dirs": derived.eyelid_dirs,
        "lip_pair": np.array(derived.lip_pair),
        **derived.rig.arrays(),
    }


def _portrait(model: HeadModel) -> bytes:
    centre, height = face_frame(model)
    neutral = model.v_template.astype(np.float64)
    picture = portray(neutral, model.faces, face_colours(model), centre, 1.25 * height, (384, 480))
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", optimize=True)
    return out.getvalue()


def _toml(name: str, licence: str) -> bytes:
    texts = {
        "name": name,
        "summary": "An imported head, mean identity.",
        "rights": f"Portrays no real person. Licence of the head: {licence}.",
        "head": name,
    }
    return "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in texts.items()).encode()


def _licence(model: HeadModel, path: Path) -> str:
    if model.licence:
        return model.licence
    if (model.vertex_count, len(model.faces)) != (FLAME_VERTICES, FLAME_FACES):
        return "not stated in the file: ask its publisher"
    words = path.stem.lower()
    if "open" in words:
        return f"by its name FLAME 2023 Open: {OPEN_LICENCE}"
    return (
        f"FLAME's mesh. FLAME 2017, 2019, 2020 and 2023: {FLAME_LICENCE}. FLAME 2023 Open: {OPEN_LICENCE}. "
        "The file does not say which it is; you know where you got it"
    )


def _lines(path: Path, report: HeadReport, model: HeadModel, licence: str, derived: Derived) -> list[str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    lines = [
        f"{path}: {model.vertex_count} vertices, {len(model.faces)} triangles, "
        f"{model.identity_count} identity and {model.expression_count} expression components",
        f"sha256 {digest} (no publisher's checksum is known to compare with)",
        f"licence: {licence}",
        f"{100 * derived.matched:.0f} % of its surface was matched with the open head",
        f"jawOpen: {100 * derived.jaw_share:.0f} % is played by the jaw's joint",
        "round trip of each control (size: mean movement of what moves; error: share of it that is missed):",
    ]
    order = np.argsort(-derived.error)
    rows = [
        f"{CONTROLS[k]:<20}{1e3 * derived.size[k]:6.2f} mm {100 * derived.error[k]:6.1f} %" for k in order
    ]
    still = [CONTROLS[k] for k in range(len(CONTROLS)) if derived.size[k] == 0 and not _by_joint(derived, k)]
    lines += [f"  {row}" for k, row in zip(order, rows, strict=True) if derived.size[k] > 0]
    if still:
        lines.append(f"without effect on this head: {', '.join(still)}")
    lines += [
        f"head: {report.head}",
        f"character: {report.character}",
        f"contact sheet: {report.sheet}",
        f'from now on: likeness say "Good morning." --head {report.name} -o take.npz',
    ]
    return lines


def _by_joint(derived: Derived, control: int) -> bool:
    rig = derived.rig
    return bool(np.abs(rig.eyes[:, :, control]).max() > 0 or np.abs(rig.jaw[:, control]).max() > 0)

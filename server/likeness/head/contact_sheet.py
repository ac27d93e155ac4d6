"""The contact sheet: a picture of the neutral face and of each of the 52 controls."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from likeness.head.controls import CONTROL_INDEX, CONTROLS
from likeness.head.flame_numpy import BakedHead
from likeness.head.mesh import Floats
from likeness.head.model import LEFT_EYE, RIGHT_EYE, HeadModel
from likeness.head.raster import portray
from likeness.head.rig import Rig
from likeness.head.transfer import play, play_one

COLUMNS = 9
PANEL = (170, 190)
LABEL = 16
PART_COLOURS = {"teeth": (0.85, 0.82, 0.72), "tongue": (0.55, 0.18, 0.18), "lashes": (0.05, 0.04, 0.04)}


def write_contact_sheet(
    path: Path,
    model: HeadModel,
    rig: Rig,
    eyelid_dirs: Floats | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Draw all controls, fully on, and write them as one PNG."""
    lids = None if eyelid_dirs is None else eyelid_dirs.astype(np.float32)
    moves = play(model, rig, lids)
    panels = [("neutral", np.zeros_like(moves[0])), *zip(CONTROLS, moves, strict=True)]
    # ARKit defines mouthClose as lips that meet while the jaw is open: alone it is no face.
    both = np.zeros(len(CONTROLS), np.float32)
    both[[CONTROL_INDEX["mouthClose"], CONTROL_INDEX["jawOpen"]]] = 1
    panels[1 + CONTROL_INDEX["mouthClose"]] = (
        "mouthClose + jawOpen",
        play_one(BakedHead(model), rig, both, lids),
    )
    rows = -(-len(panels) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * PANEL[0], rows * (PANEL[1] + LABEL)), (238, 238, 235))
    draw = ImageDraw.Draw(sheet)
    colours = face_colours(model)
    centre, height = face_frame(model)
    neutral = model.v_template.astype(np.float64)
    for k, (name, move) in enumerate(panels):
        picture = portray(neutral + move, model.faces, colours, centre, height, PANEL)
        x, y = (k % COLUMNS) * PANEL[0], (k // COLUMNS) * (PANEL[1] + LABEL)
        sheet.paste(Image.fromarray(picture), (x, y))
        draw.text((x + 6, y + PANEL[1] + 2), name, fill=(30, 30, 30))
        progress((k + 1) / len(panels))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "PNG", optimize=True)


def face_colours(model: HeadModel) -> Floats:
    """[V,3] linear: skin, and what is needed to see where the eyes look: white eyeballs with dark irises."""
    colours = np.tile(np.array([0.75, 0.52, 0.42]), (model.vertex_count, 1))
    for name, (start, stop) in model.parts.items():
        for part, colour in PART_COLOURS.items():
            if name.startswith(part):
                colours[start:stop] = colour
    joints = model.joint_regressor @ model.v_template
    for joint in (LEFT_EYE, RIGHT_EYE):
        ball = model.weights[:, joint] > 0.5
        if ball.any():
            out = model.v_template[ball] - joints[joint]
            forward = out[:, 2] / np.maximum(np.linalg.norm(out, axis=1), 1e-9)
            iris, pupil = forward > np.cos(np.radians(28)), forward > np.cos(np.radians(12))
            colours[ball] = np.where(pupil[:, None], 0.01, np.where(iris[:, None], (0.10, 0.16, 0.20), 0.85))
    return colours


def face_frame(model: HeadModel) -> tuple[Floats, float]:
    """Middle and height (m) of a view that shows the face, from the distance between the eyes."""
    joints = (model.joint_regressor @ model.v_template)[[LEFT_EYE, RIGHT_EYE]].astype(np.float64)
    apart = float(np.linalg.norm(joints[0] - joints[1]))
    middle = joints.mean(0)
    middle[1] -= 0.55 * apart
    return middle, 3.6 * apart

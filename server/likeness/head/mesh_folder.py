"""A folder of meshes as a guest: one .obj per shape, as ICT-FaceKit and modelling programs export them."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.controls import CONTROLS
from likeness.head.glb import Document, Glb
from likeness.head.gltf import FLOAT, SMALLEST_MOVE, SMALLEST_TURN, UNSIGNED_INT, GlbWriter
from likeness.head.guest import control_of
from likeness.head.mesh import Floats, vertex_normals

MAX_OBJ_BYTES: Final = 64 << 20
MAX_FILES: Final = 2000
NEUTRAL_NAMES: Final = ("generic_neutral_mesh", "neutral", "basis", "base")
SKIN: Final = (0.78, 0.60, 0.50, 1.0)


def read_mesh_folder(folder: Path) -> Glb:
    """The neutral mesh and its shapes as a guest whose morph targets are named like the controls.

    The neutral is called `generic_neutral_mesh.obj`, `neutral.obj`, `basis.obj` or `base.obj`; a shape like
    a control (`jawOpen.obj`, `eyeBlink_L.obj`) or like half of one (`browInnerUp_L.obj`), with the same
    vertices in the same order. Other files are left out. Centimetres and millimetres are taken to metres.

    Raises:
        InputError: there is no neutral, no shape, or a file is no .obj or of another topology.
    """
    files = {p.stem: p for p in sorted(folder.glob("*.obj"))[:MAX_FILES]}
    lower = {name.lower(): path for name, path in files.items()}
    neutral_path = next((lower[n] for n in NEUTRAL_NAMES if n in lower), None)
    if neutral_path is None:
        raise InputError(
            f"{folder} holds no neutral mesh, called {', '.join(n + '.obj' for n in NEUTRAL_NAMES)}."
        )
    neutral, faces = _read_obj(neutral_path)
    if not len(faces):
        raise InputError(f"{neutral_path} holds no faces.")
    scale = _to_metres(neutral, neutral_path)
    moves: dict[str, Floats] = {}
    for name, path in files.items():
        control = _control(name)
        if control is not None:
            shape, _ = _read_obj(path)
            if shape.shape != neutral.shape:
                raise InputError(
                    f"{path} has {len(shape)} vertices; they should match the neutral's {len(neutral)}."
                )
            # Left and right halves of one control add up.
            moves[control] = moves.get(control, np.zeros_like(neutral)) + scale * (shape - neutral)
    if not moves:
        raise InputError(f"{folder} holds no shape named like a control (jawOpen.obj, eyeBlink_L.obj, ...).")
    return _as_glb(scale * neutral, faces, moves, str(folder))


def _control(name: str) -> str | None:
    whole = control_of(name)
    if whole is not None:
        return whole
    half = control_of(name[:-2]) if name[-2:].lower() in ("_l", "_r") else None
    return half if half in CONTROLS else None


def _to_metres(vertices: Floats, path: Path) -> float:
    size = float(np.ptp(vertices, axis=0).max())
    for scale in (1.0, 0.01, 0.001):
        if 0.1 <= size * scale <= 3:
            return scale
    raise InputError(
        f"{path}: the mesh measures {size:.3g}; it should be a head in metres, centimetres or millimetres."
    )


def _read_obj(path: Path) -> tuple[Floats, NDArray[np.int64]]:
    """Vertices [V,3] and triangles [F,3] of a Wavefront .obj; larger faces are cut into fans."""
    try:
        if path.stat().st_size > MAX_OBJ_BYTES:
            raise InputError(f"{path} is larger than 64 MiB.")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        vertices = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float64)
        polygons = [
            [int(c.split("/")[0]) for c in line.split()[1:]] for line in lines if line.startswith("f ")
        ]
    except ValueError:
        raise InputError(f"{path} is not a readable .obj file.") from None
    if vertices.ndim != 2 or vertices.shape[1] != 3 or not np.isfinite(vertices).all():
        raise InputError(
            f"{path} is not a readable .obj file: it holds no vertices, or some that are no numbers."
        )
    fans = [(p[0], p[k], p[k + 1]) for p in polygons for k in range(1, len(p) - 1)]
    faces = np.array(fans, np.int64).reshape(-1, 3)
    faces = np.where(faces < 0, faces + len(vertices), faces - 1)
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise InputError(f"{path} names vertices that it does not hold.")
    return vertices, faces


def _as_glb(neutral: Floats, faces: NDArray[np.int64], moves: dict[str, Floats], where: str) -> Glb:
    out = GlbWriter()
    normals = vertex_normals(neutral, faces)
    position = neutral.astype(np.float32)
    bounds: dict[str, Any] = {"min": position.min(0).tolist(), "max": position.max(0).tolist()}
    attributes = {
        "POSITION": out.add(position, FLOAT, "VEC3", **bounds),
        "NORMAL": out.add(normals.astype(np.float32), FLOAT, "VEC3"),
    }
    indices = out.add(faces.astype(np.uint32).ravel(), UNSIGNED_INT, "SCALAR")
    targets: list[Document] = []
    for move in moves.values():
        turn = vertex_normals(neutral + move, faces) - normals
        targets.append(
            {
                "POSITION": out.sparse(move.astype(np.float32), SMALLEST_MOVE),
                "NORMAL": out.sparse(turn.astype(np.float32), SMALLEST_TURN),
            }
        )
    primitive: Document = {"attributes": attributes, "indices": indices, "material": 0, "targets": targets}
    document: Document = {
        "asset": {"version": "2.0", "generator": "likeness"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "head", "mesh": 0}],
        "meshes": [
            {
                "name": "head",
                "primitives": [primitive],
                "weights": [0.0] * len(moves),
                "extras": {"targetNames": list(moves)},
            }
        ],
        "materials": [
            {
                "name": "skin",
                "pbrMetallicRoughness": {
                    "baseColorFactor": list(SKIN),
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.6,
                },
            }
        ],
        "accessors": out.accessors,
        "bufferViews": out.views,
        "buffers": [{"byteLength": len(out.blob)}],
    }
    return Glb(document, bytes(out.blob), where)

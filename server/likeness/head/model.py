"""HeadModel: a head's geometry in FLAME's file format, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.head.array_file import Array, numbers, texts, whole_numbers
from likeness.head.frame import Float32
from likeness.head.head_file import (
    FLAME_KEYS,
    SPARSE_KEYS,
    component_names,
    joint_regressor,
    read_head_arrays,
)

Int32 = NDArray[np.int32]
A = TypeVar("A", bound=NDArray[Any])

JOINT_NAMES: Final = ("root", "neck", "jaw", "left_eye", "right_eye")
ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)
PARENTS: Final = (-1, 0, 1, 1, 1)
POSE_FEATURES: Final = 36
"""9 values of R - I for each joint but the root."""
MAX_VERTICES: Final = 200_000


@dataclass(frozen=True, slots=True)
class HeadModel:
    """Geometry of one head. Metres, y up, the face towards +z, the person's left at +x.

    Joints are root, neck, jaw, left eye, right eye, in FLAME's order. Arrays are float32 and C-contiguous.
    """

    v_template: Float32
    """[V,3]"""
    faces: Int32
    """[F,3]"""
    shapedirs: Float32
    """[V,3,S+E]: identity, then expression."""
    posedirs: Float32
    """[V,3,36]: per joint but the root the 9 values of R - I, row by row."""
    joint_regressor: Float32
    """[5,V]"""
    weights: Float32
    """[V,5], rows sum to 1."""
    identity_names: tuple[str, ...]
    expression_names: tuple[str, ...]
    name: str = ""
    licence: str = ""
    eyelid_dirs: Float32 | None = None
    """[V,3,2] left, right; weight 1 closes."""
    lip_pair: tuple[int, int] | None = None
    """Vertices in the middle of the inner upper and lower lip."""
    parts: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Name -> first vertex and one past the last."""
    regions: Mapping[str, Int32] = field(default_factory=dict[str, Int32])
    """Name -> vertex numbers."""
    mediapipe: tuple[Int32, Float32] | None = None
    """Face number [468] and barycentric coordinates [468,3] of MediaPipe's landmarks."""
    uv: Float32 | None = None
    """[V,2]"""

    @classmethod
    def load(cls, path: Path | str) -> "HeadModel":
        """Read an .npz or a published .pkl (without running anything in it).

        Raises:
            NotFoundError: there is no such file.
            InputError: it is not a head model; says what is wrong with which key.
        """
        return cls.from_arrays(read_head_arrays(Path(path)), str(path), Path(path).stem)

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], where: str, name: str = "") -> "HeadModel":
        """Check and convert arrays by the keys of a head file; `where` names the source in messages."""
        return _checked(arrays, where, name)

    @property
    def vertex_count(self) -> int:
        """V"""
        return self.v_template.shape[0]

    @property
    def identity_count(self) -> int:
        """S"""
        return len(self.identity_names)

    @property
    def expression_count(self) -> int:
        """E"""
        return len(self.expression_names)

    @property
    def identity_dirs(self) -> Float32:
        """[V,3,S]"""
        return self.shapedirs[:, :, : self.identity_count]

    @property
    def expression_dirs(self) -> Float32:
        """[V,3,E]"""
        return self.shapedirs[:, :, self.identity_count :]

    def shaped(self, identity: Float32 | None) -> Float32:
        """Neutral vertices [V,3] of an identity [S]; None is the mean.

        Raises:
            InputError: the identity has another length.
        """
        if identity is None or not len(identity):
            return self.v_template
        if identity.shape != (self.identity_count,):
            raise InputError(
                f"head {self.name!r} has {self.identity_count} identity components; got {identity.shape[0]}."
            )
        return (self.v_template + self.identity_dirs @ identity).astype(np.float32)


def _checked(arrays: dict[str, Array], where: str, name: str) -> HeadModel:
    missing = [
        k for k in FLAME_KEYS if k not in arrays and not (k == "J_regressor" and SPARSE_KEYS[0] in arrays)
    ]
    if missing:
        raise InputError(
            f"{where} is not a FLAME-format head: it lacks {', '.join(missing)} "
            f"(a head file holds {', '.join(FLAME_KEYS)})."
        )
    template = numbers(arrays, "v_template", where)
    if template.ndim != 2 or template.shape[1] != 3 or not 4 <= len(template) <= MAX_VERTICES:
        raise _wrong_shape(where, "v_template", template.shape, f"[V,3] with 4 to {MAX_VERTICES} vertices")
    v = len(template)
    size = float(np.ptp(template, axis=0).max())
    if not 0.05 <= size <= 3:
        raise InputError(
            f"{where}: the head measures {size:.3g} m; v_template should be in metres. Scale it and "
            "save again."
        )
    shapedirs = numbers(arrays, "shapedirs", where)
    if shapedirs.ndim != 3 or shapedirs.shape[:2] != (v, 3):
        raise _wrong_shape(
            where, "shapedirs", shapedirs.shape, f"[{v},3,S+E], as v_template has {v} vertices"
        )
    identity, expression = component_names(
        shapedirs.shape[2],
        texts(arrays, "identity_names", where) if "identity_names" in arrays else None,
        texts(arrays, "expression_names", where) if "expression_names" in arrays else None,
        where,
    )
    faces = whole_numbers(arrays, "f", where)
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise _wrong_shape(where, "f", faces.shape, "[F,3]")
    if len(faces) and not 0 <= faces.min() <= faces.max() < v:
        raise InputError(f"{where}: f names vertices outside 0..{v - 1}; it belongs to another mesh.")
    posedirs = _exactly(numbers(arrays, "posedirs", where), (v, 3, POSE_FEATURES), where, "posedirs")
    weights = _exactly(numbers(arrays, "weights", where), (v, 5), where, "weights")
    if weights.min() < -1e-4 or np.abs(weights.sum(1) - 1).max() > 1e-3:
        raise InputError(
            f"{where}: weights should be >= 0 and sum to 1 for every vertex; the file is damaged."
        )
    regressor = _exactly(joint_regressor(arrays, v, where), (5, v), where, "J_regressor")
    _check_tree(whole_numbers(arrays, "kintree_table", where), where)
    return HeadModel(
        v_template=_float32(template),
        faces=faces.astype(np.int32),
        shapedirs=_float32(shapedirs),
        posedirs=_float32(posedirs),
        joint_regressor=_float32(regressor),
        weights=_float32(weights),
        identity_names=identity,
        expression_names=expression,
        name=_text(arrays, "name", where) or name,
        licence=_text(arrays, "licence", where),
        eyelid_dirs=_optional(arrays, "eyelid_dirs", (v, 3, 2), where),
        lip_pair=_lip_pair(arrays, v, where),
        parts=_parts(arrays, v, where),
        regions=_regions(arrays, v, where),
        mediapipe=_mediapipe(arrays, len(faces), where),
        uv=_optional(arrays, "uv", (v, 2), where),
    )


def _check_tree(tree: NDArray[np.int64], where: str) -> None:
    if tree.shape != (2, 5):
        raise _wrong_shape(
            where, "kintree_table", tree.shape, "[2,5]: FLAME's joints root, neck, jaw, left eye, right eye"
        )
    # The root's parent is written as -1 or as 2^32 - 1 (an unsigned -1).
    if tuple(tree[0, 1:].tolist()) != PARENTS[1:] or int(tree[0, 0]) not in (-1, 2**32 - 1, 0):
        raise InputError(
            f"{where}: kintree_table joins {tree[0].tolist()}; FLAME's is -1, 0, 1, 1, 1 (root, neck, "
            "jaw, eyes)."
        )


def _lip_pair(arrays: dict[str, Array], v: int, where: str) -> tuple[int, int] | None:
    if "lip_pair" not in arrays:
        return None
    pair = _exactly(whole_numbers(arrays, "lip_pair", where), (2,), where, "lip_pair")
    _check_range(pair, v, where, "lip_pair")
    return int(pair[0]), int(pair[1])


def _parts(arrays: dict[str, Array], v: int, where: str) -> dict[str, tuple[int, int]]:
    if "part_names" not in arrays:
        return {}
    names, ranges = texts(arrays, "part_names", where), whole_numbers(arrays, "part_ranges", where)
    _exactly(ranges, (len(names), 2), where, "part_ranges")
    _check_range(ranges, v + 1, where, "part_ranges")
    return {n: (int(a), int(b)) for n, (a, b) in zip(names, ranges, strict=True)}


def _regions(arrays: dict[str, Array], v: int, where: str) -> dict[str, Int32]:
    if "region_names" not in arrays:
        return {}
    names = texts(arrays, "region_names", where)
    starts, vertices = (whole_numbers(arrays, f"region_{k}", where) for k in ("starts", "vertices"))
    _exactly(starts, (len(names) + 1,), where, "region_starts")
    if starts[0] != 0 or starts[-1] != len(vertices) or np.diff(starts).min(initial=0) < 0:
        raise InputError(f"{where}: region_starts and region_vertices do not fit together.")
    _check_range(vertices, v, where, "region_vertices")
    return {n: vertices[starts[i] : starts[i + 1]].astype(np.int32) for i, n in enumerate(names)}


def _mediapipe(arrays: dict[str, Array], faces: int, where: str) -> tuple[Int32, Float32] | None:
    if "mediapipe_face" not in arrays:
        return None
    index = whole_numbers(arrays, "mediapipe_face", where)
    bary = _exactly(numbers(arrays, "mediapipe_bary", where), (len(index), 3), where, "mediapipe_bary")
    _check_range(index, faces, where, "mediapipe_face")
    return index.astype(np.int32), _float32(bary)


def _optional(arrays: dict[str, Array], key: str, shape: tuple[int, ...], where: str) -> Float32 | None:
    return _float32(_exactly(numbers(arrays, key, where), shape, where, key)) if key in arrays else None


def _text(arrays: dict[str, Array], key: str, where: str) -> str:
    return texts(arrays, key, where)[0] if key in arrays and arrays[key].size else ""


def _exactly(value: A, shape: tuple[int, ...], where: str, key: str) -> A:
    if value.shape != shape:
        raise _wrong_shape(where, key, value.shape, str(list(shape)))
    return value


def _check_range(value: NDArray[np.int64], stop: int, where: str, key: str) -> None:
    if value.size and not 0 <= value.min() <= value.max() < stop:
        raise InputError(f"{where}: {key} holds numbers outside 0..{stop - 1}.")


def _wrong_shape(where: str, key: str, shape: tuple[int, ...], wanted: str) -> InputError:
    return InputError(f"{where}: {key} has shape {list(shape)}; it should be {wanted}.")


def _float32(value: NDArray[Any]) -> Float32:
    return np.ascontiguousarray(value, np.float32)

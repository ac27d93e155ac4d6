"""Head files: where they lie, how they are read: FLAME's arrays from .npz or the published .pkl."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, NotFoundError
from likeness.head.array_file import Array, numbers, read_arrays, texts, whole_numbers
from likeness.head.pickle_file import read_pickled_arrays
from likeness.head.places import asset_roots

FLAME_KEYS: Final = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "kintree_table", "weights")
OWN_KEYS: Final = (
    "name", "licence", "identity_names", "expression_names", "eyelid_dirs", "lip_pair",
    "part_names", "part_ranges",
    "region_names", "region_starts", "region_vertices", "mediapipe_face", "mediapipe_bary", "uv",
)  # fmt: skip
SPARSE_KEYS: Final = tuple(f"J_regressor_{part}" for part in ("data", "indices", "indptr"))
RIG_KEYS: Final = (
    "rig_expression", "rig_corrective", "rig_pairs", "rig_jaw", "rig_eyelids", "rig_eyes", "rig_error",
)  # fmt: skip
HEAD_KEYS: Final = frozenset(FLAME_KEYS + SPARSE_KEYS + OWN_KEYS + RIG_KEYS)


def head_path(name_or_path: str) -> Path:
    """The file of a head: an installed or imported head's name, or a path.

    Raises:
        NotFoundError: neither exists; names the heads that do.
    """
    heads = installed_heads()
    if name_or_path in heads:
        return heads[name_or_path]
    path = Path(name_or_path).expanduser()
    if path.suffix in (".npz", ".pkl") and path.is_file():
        return path
    known = ", ".join(heads) or "none is installed"
    raise NotFoundError(
        f"no head {name_or_path[:200]!r}: it is neither an installed head ({known}) nor a .npz or .pkl file. "
        "Bring your own with `likeness heads import PATH`."
    )


def installed_heads() -> dict[str, Path]:
    """Name -> file of every installed head, the person's own before the ones that come with Likeness."""
    found: dict[str, Path] = {}
    for root in asset_roots():
        for path in sorted((root / "heads").glob("*.npz")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def read_head_arrays(path: Path) -> dict[str, Array]:
    """All arrays of a head file that Likeness knows, by key.

    Raises:
        NotFoundError, InputError: see `read_arrays` and `read_pickled_arrays`.
    """
    start = _starts_with(path)
    if start in (b"PK\x03\x04", b"PK\x05\x06"):
        return read_arrays(path, HEAD_KEYS)
    # A pickled dict starts with a protocol mark, or in the oldest protocols with "(" or "}".
    if start[:1] in (b"\x80", b"(", b"}"):
        return read_pickled_arrays(path, HEAD_KEYS)
    raise InputError(f"{path} is neither an .npz nor a .pkl file. Give a head model in FLAME's format.")


def read_identity_names(path: Path) -> tuple[str, ...]:
    """Names of a head's identity components, without reading its geometry; numbered if it has none."""
    arrays = read_arrays(path, frozenset({"identity_names"})) if path.suffix == ".npz" else {}
    if "identity_names" in arrays:
        return texts(arrays, "identity_names", str(path))
    directions = read_head_arrays(path).get("shapedirs")
    width = directions.shape[2] if directions is not None and directions.ndim == 3 else 0
    return component_names(width, None, None, str(path))[0]


def component_names(
    width: int, identity: tuple[str, ...] | None, expression: tuple[str, ...] | None, where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split shapedirs' components into identity and expression: by names, or as FLAME publishes them.

    Raises:
        InputError: the counts do not add up, or there is nothing to tell identity from expression.
    """
    # FLAME 2019/2020/2023 hold 300 + 100; cut-down copies in circulation 100 + 50 and 10 + 10.
    published = {400: 300, 150: 100, 20: 10}
    if identity is not None:
        first = len(identity)
    elif expression is not None:
        first = width - len(expression)
    elif width in published:
        first = published[width]
    else:
        raise InputError(
            f"{where}: shapedirs has {width} components, and nothing tells identity from expression. "
            "Published FLAME files have 400 (300 + 100); for another file add the keys "
            "identity_names and expression_names."
        )
    last = width - first
    if first < 0 or not 1 <= last <= 100 or (expression is not None and len(expression) != last):
        raise InputError(
            f"{where}: {width} components are not {first} of identity and "
            f"{last if expression is None else len(expression)} of expression (1 to 100)."
        )
    return (
        identity or tuple(f"identity{i:03d}" for i in range(first)),
        expression or tuple(f"expression{i:03d}" for i in range(last)),
    )


def joint_regressor(arrays: dict[str, Array], vertices: int, where: str) -> NDArray[Any]:
    """The joint regressor [5,V], dense, from J_regressor or its CSR parts."""
    if "J_regressor" in arrays or SPARSE_KEYS[0] not in arrays:
        return numbers(arrays, "J_regressor", where)
    data = numbers(arrays, SPARSE_KEYS[0], where)
    indices, starts = (whole_numbers(arrays, key, where) for key in SPARSE_KEYS[1:])
    counts = np.diff(starts)
    if len(starts) != 6 or counts.min(initial=0) < 0 or not counts.sum() == len(data) == len(indices):
        raise InputError(f"{where}: the parts of J_regressor do not fit together.")
    if len(indices) and not 0 <= indices.min() <= indices.max() < vertices:
        raise InputError(f"{where}: J_regressor names vertices that do not exist.")
    out = np.zeros((5, vertices), np.float64)
    np.add.at(out, (np.repeat(np.arange(5), counts), indices), data)
    return out


def _starts_with(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give the .npz or .pkl file in it.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None

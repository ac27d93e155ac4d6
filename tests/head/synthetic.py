"""FLAME-shaped heads made of formulas: the published files' sizes, keys and pickles, none of their data."""

import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.spatial import ConvexHull

JOINTS = np.array(
    [[0, -0.13, -0.05], [0, -0.07, -0.03], [0, -0.02, -0.01], [0.032, 0.02, 0.06], [-0.032, 0.02, 0.06]]
)


def flame_arrays(
    vertices: int = 5023, identity: int = 300, expression: int = 100, seed: int = 0
) -> dict[str, Any]:
    """An egg of `vertices` points with smooth random blend shapes, in FLAME's keys, dtypes and units."""
    rng = np.random.default_rng(seed)
    golden = np.pi * (3 - 5**0.5)
    y = np.linspace(1, -1, vertices)
    ring = np.sqrt(1 - y * y)
    turn = golden * np.arange(vertices)
    unit = np.stack([np.cos(turn) * ring, y, np.sin(turn) * ring], 1)
    template = unit * [0.08, 0.13, 0.1]
    faces = ConvexHull(unit).simplices
    n = np.cross(unit[faces[:, 1]] - unit[faces[:, 0]], unit[faces[:, 2]] - unit[faces[:, 0]])
    inward = (n * unit[faces[:, 0]]).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    shapedirs = smooth_fields(template, identity + expression, rng) * 0.004
    posedirs = smooth_fields(template, 36, rng) * 0.003
    near = np.exp(-((np.linalg.norm(template[:, None] - JOINTS, axis=2) / 0.05) ** 2)) + 1e-4
    regressor = np.zeros((5, vertices))
    for j in range(5):
        closest = np.argsort(np.linalg.norm(template - JOINTS[j], axis=1))[:12]
        regressor[j, closest] = rng.dirichlet(np.ones(12))
    return {
        "v_template": template,
        "f": faces.astype(np.uint32),
        "shapedirs": shapedirs,
        "posedirs": posedirs,
        "J_regressor": regressor,
        "J": regressor @ template,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int64),
        "weights": near / near.sum(1, keepdims=True),
        "bs_type": "lrotmin",
        "bs_style": "lbs",
    }


def smooth_fields(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """[V,3,count] random displacement fields of unit deviation that vary over centimetres."""
    waves = rng.normal(0, 25, (3, count))
    phase = rng.uniform(0, 2 * np.pi, (3, count))
    return np.stack([np.sqrt(2) * np.sin(points @ waves + phase[c]) for c in range(3)], 1)


def own_keys(arrays: dict[str, Any], identity: int, expression: int) -> dict[str, Any]:
    """What our head files add: names, eyelids, lips, parts, regions and a rig that uses all of it."""
    rng = np.random.default_rng(7)
    v = len(arrays["v_template"])
    front = np.argsort(-arrays["v_template"][:, 2])
    pairs = np.array([[17, 23], [0, 1]])
    moves = (expression, 52)
    return {
        "name": np.array("egg"),
        "licence": np.array("Apache-2.0"),
        "identity_names": np.array([f"shape{i}" for i in range(identity)]),
        "expression_names": np.array([f"move{i}" for i in range(expression)]),
        "eyelid_dirs": smooth_fields(arrays["v_template"], 2, rng).astype(np.float32) * 0.003,
        "lip_pair": front[:2].astype(np.int32),
        "part_names": np.array(["skin", "teeth"]),
        "part_ranges": np.array([[0, v - 10], [v - 10, v]]),
        "region_names": np.array(["lips", "brows"]),
        "region_starts": np.array([0, 5, 8]),
        "region_vertices": np.arange(8),
        "rig_expression": np.where(rng.random(moves) < 0.1, rng.normal(0, 1, moves), 0).astype(np.float32),
        "rig_corrective": rng.normal(0, 0.3, (expression, 2)).astype(np.float32),
        "rig_pairs": pairs,
        "rig_jaw": np.pad(np.array([[0.3]], np.float32), ((0, 2), (17, 34))),
        "rig_eyelids": np.eye(2, 52, dtype=np.float32),
        "rig_eyes": (rng.normal(0, 0.1, (2, 3, 52))).astype(np.float32),
    }


def own_head(path: Path, vertices: int = 600, identity: int = 6, expression: int = 12) -> Path:
    """A small head with everything that a head of ours has, written to `path` (.npz)."""
    arrays = flame_arrays(vertices, identity, expression)
    plain = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}
    np.savez_compressed(path, **{**plain, **own_keys(arrays, identity, expression)})
    return path


def published_pickle(path: Path, arrays: dict[str, Any], protocol: int = 2, numpy1: bool = True) -> Path:
    """The published layout: chumpy variables for the large arrays, a scipy.sparse joint regressor."""
    with chumpy_stand_in() as chumpy:
        wrapped = dict(arrays)
        for key in ("v_template", "shapedirs", "posedirs", "weights"):
            wrapped[key] = chumpy.Ch(arrays[key])
        wrapped["J_regressor"] = sp.csc_matrix(arrays["J_regressor"])
        data = pickle.dumps(wrapped, protocol)
    if numpy1 and protocol < 4:
        data = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
        data = data.replace(b"cscipy.sparse._csc\n", b"cscipy.sparse.csc\n")
    path.write_bytes(data)
    return path


@contextmanager
def chumpy_stand_in() -> Iterator[Any]:
    """A module `chumpy.ch` whose Ch pickles as chumpy's does: an instance with its values in `x`."""

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x
            self._dirty_vars = ["x"]
            self._itr = None

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    package, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")
    module.Ch = package.Ch = Ch  # type: ignore[attr-defined]
    package.ch = module  # type: ignore[attr-defined]
    sys.modules.update({"chumpy": package, "chumpy.ch": module})
    try:
        yield module
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]

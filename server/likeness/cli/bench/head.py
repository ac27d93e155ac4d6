"""`likeness bench head`: one face's evaluation, side by side with the smplx package and with plain numpy."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import click
import numpy as np
from numpy.typing import NDArray

from likeness.cli.bench.figure import Figure, at_most, print_figures
from likeness.errors import MachineError
from likeness.head import BakedHead, HeadModel, Rig
from likeness.head.frame import Float32

VERTICES: Final = 5023
IDENTITY: Final = 300
EXPRESSION: Final = 100
THREAD_LIMITS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@click.command("head")
@click.option("--repeats", default=2000, show_default=True, help="Timed evaluations of the live path.")
def head(repeats: int) -> None:
    """FLAME evaluation at 5,023 vertices, one thread, next to smplx in the same run."""
    if not _one_thread():
        _again_with_one_thread()
    if not print_figures("head", run(repeats)):
        raise SystemExit(1)


def run(repeats: int = 2000) -> list[Figure]:
    """Time the live evaluation, smplx (if installed) and plain numpy on the same random FLAME-sized head.

    Numpy's threads are whatever the process was started with; the command starts itself with one.
    """
    rng = np.random.default_rng(0)
    model = _random_head(rng)
    face = _random_face(rng)
    baked = BakedHead(model, rng.normal(0, 1, IDENTITY).astype(np.float32))
    ours = _milliseconds(lambda: baked.vertices(**face), repeats)
    plain = _milliseconds(_plain_numpy(model, face), max(repeats // 20, 20))
    note = f"p99 {np.percentile(ours, 99):.3f} ms"
    median = float(np.median(ours))
    figures = [
        at_most(f"live path, {VERTICES} vertices, {EXPRESSION} components, median", median, 0.35, "ms", note),
        Figure("plain numpy, same face, median", float(np.median(plain)), "ms"),
        Figure("  ratio to the live path", float(np.median(plain)) / median, "x"),
    ]
    reference = _smplx(model, face)
    if reference is not None:
        evaluate, difference = reference
        theirs = _milliseconds(evaluate, max(repeats // 40, 20))
        agreement = f"vertices agree within {difference(baked):.1e} m"
        figures += [
            Figure("smplx.lbs, batch 1, one thread, median", float(np.median(theirs)), "ms", note=agreement),
            Figure("  ratio to the live path", float(np.median(theirs)) / median, "x"),
        ]
    return [*figures, *_rig_figures(rng, repeats)]


def _rig_figures(rng: np.random.Generator, repeats: int) -> list[Figure]:
    def draw(*shape: int) -> Float32:
        return rng.normal(0, 1, shape).astype(np.float32)

    pairs = rng.integers(0, 52, (20, 2))
    rig = Rig(draw(50, 52), draw(50, 20), pairs, draw(3, 52), draw(2, 52), draw(2, 3, 52))
    controls = rng.random((50, 52)).astype(np.float32)
    taken = float(np.median(_milliseconds(lambda: rig.apply(controls), repeats)))
    return [at_most("rig, 50 faces of 50 components, median", taken, 0.2, "ms")]


def _random_head(rng: np.random.Generator) -> HeadModel:
    def draw(deviation: float, *shape: int) -> Float32:
        return rng.normal(0, deviation, shape).astype(np.float32)

    weights = rng.dirichlet(np.ones(5), VERTICES)
    regressor = np.zeros((5, VERTICES))
    regressor[np.arange(5)[:, None], rng.integers(0, VERTICES, (5, 20))] = 0.05
    return HeadModel.from_arrays(
        {
            "v_template": draw(0.1, VERTICES, 3),
            "f": rng.integers(0, VERTICES, (9976, 3)),
            "shapedirs": draw(0.002, VERTICES, 3, IDENTITY + EXPRESSION),
            "posedirs": draw(0.002, VERTICES, 3, 36),
            "J_regressor": regressor,
            "kintree_table": np.array([[-1, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
            "weights": weights / weights.sum(1, keepdims=True),
        },
        "random head",
    )


def _random_face(rng: np.random.Generator) -> dict[str, Float32]:
    def draw(deviation: float, *shape: int) -> Float32:
        return rng.normal(0, deviation, shape).astype(np.float32)

    return {
        "expression": draw(1, EXPRESSION),
        "eyelids": np.zeros(2, np.float32),
        "jaw": draw(0.1, 3),
        "neck": draw(0.1, 3),
        "eyes": draw(0.1, 2, 3),
        "head_rotation": draw(0.3, 3),
        "head_translation": draw(0.3, 3),
    }


def _pose(face: dict[str, Float32]) -> Float32:
    return np.concatenate([face["head_rotation"], face["neck"], face["jaw"], face["eyes"].ravel()])


def _plain_numpy(model: HeadModel, face: dict[str, Float32]) -> Callable[[], NDArray[Any]]:
    """The formula as it is usually written, one einsum a term, identity summed every frame."""
    from likeness.head.flame_numpy import rotation_matrices

    coefficients = np.concatenate([np.ones(IDENTITY, np.float32), face["expression"]])
    parents = (-1, 0, 1, 1, 1)

    def evaluate() -> NDArray[Any]:
        shaped = model.v_template + np.einsum("vck,k->vc", model.shapedirs, coefficients)
        joints = model.joint_regressor @ shaped
        rotations = rotation_matrices(_pose(face).reshape(5, 3))
        features = (rotations[1:] - np.eye(3)).ravel()
        posed = shaped + np.einsum("vck,k->vc", model.posedirs, features)
        chain: list[NDArray[Any]] = []
        for j, parent in enumerate(parents):
            local = np.eye(4)
            local[:3, :3], local[:3, 3] = rotations[j], joints[j] - (joints[parent] if j else 0)
            chain.append(chain[parent] @ local if j else local)
        relative = np.stack(chain)
        relative[:, :3, 3] -= np.einsum("jab,jb->ja", relative[:, :3, :3], joints)
        blended = np.einsum("vj,jab->vab", model.weights, relative)
        homogeneous = np.concatenate([posed, np.ones((len(posed), 1))], 1)
        return np.einsum("vab,vb->va", blended, homogeneous)[:, :3] + face["head_translation"]

    return evaluate


def _smplx(
    model: HeadModel, face: dict[str, Float32]
) -> tuple[Callable[[], object], Callable[[BakedHead], float]] | None:
    """smplx's linear blend skinning on the same head, and how far the live path differs from it."""
    try:
        import smplx.lbs as reference  # pyright: ignore[reportMissingImports]
        import torch
    except ImportError:
        return None
    lbs: Any = reference.lbs
    torch.set_num_threads(1)
    arguments = [
        np.concatenate([np.zeros(IDENTITY, np.float32), face["expression"]])[None],
        _pose(face)[None],
        model.v_template[None],
        model.shapedirs,
        np.ascontiguousarray(model.posedirs.reshape(-1, 36).T),
        model.joint_regressor,
        np.array([-1, 0, 1, 1, 1]),
        model.weights,
    ]
    tensors = [torch.from_numpy(a) for a in arguments]

    def evaluate() -> object:
        with torch.no_grad():
            return lbs(*tensors)[0]

    def difference(baked: BakedHead) -> float:
        theirs = np.asarray(evaluate())[0] + face["head_translation"]
        return float(np.abs(BakedHead(baked.model).vertices(**face) - theirs).max())

    return evaluate, difference


def _milliseconds(work: Callable[[], object], repeats: int) -> NDArray[np.float64]:
    for _ in range(max(repeats // 20, 3)):
        work()
    taken = np.empty(repeats)
    for i in range(repeats):
        start = time.perf_counter()
        work()
        taken[i] = time.perf_counter() - start
    return taken * 1e3


def _one_thread() -> bool:
    return all(os.environ.get(name) == "1" for name in THREAD_LIMITS)


def _again_with_one_thread() -> None:
    """Numpy reads its number of threads when it is loaded: run again in a fresh process with one."""
    environment = {**os.environ, **dict.fromkeys(THREAD_LIMITS, "1")}
    code = "from likeness.cli.bench.head import head; head()"
    try:
        done = subprocess.run([sys.executable, "-c", code, *_arguments()], env=environment, check=False)
    except OSError as error:
        raise MachineError(f"the benchmark could not start itself again: {error}.") from None
    raise SystemExit(done.returncode)


def _arguments() -> list[str]:
    context = click.get_current_context()
    return [f"--{name}={value}" for name, value in context.params.items()]


if __name__ == "__main__":
    head()

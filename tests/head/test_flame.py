"""BakedHead, TorchFlame and the smplx package agree on a FLAME-shaped file of 5,023 vertices."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smplx
import torch
from smplx.lbs import lbs

from likeness.errors import InputError
from likeness.head import BakedHead, HeadModel
from likeness.head.flame_numpy import rotation_matrices
from likeness.head.flame_torch import TorchFlame
from tests.head.synthetic import flame_arrays, own_head

AGREE = 1e-5  # metres


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    return flame_arrays()


@pytest.fixture(scope="module")
def model(arrays: dict[str, Any]) -> HeadModel:
    return HeadModel.from_arrays({k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}, "flame")


def face(seed: int, model: HeadModel) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def draw(deviation: float, *shape: int) -> np.ndarray:
        return rng.normal(0, deviation, shape).astype(np.float32)

    return {
        "identity": draw(1, model.identity_count),
        "expression": draw(1, model.expression_count),
        "jaw": draw(0.3, 3),
        "neck": draw(0.3, 3),
        "eyes": draw(0.3, 2, 3),
        "head_rotation": draw(0.8, 3),
        "head_translation": draw(0.5, 3),
        "eyelids": rng.random(2).astype(np.float32),
    }


def baked(model: HeadModel, given: dict[str, np.ndarray]) -> np.ndarray:
    return BakedHead(model, given["identity"]).vertices(**{k: v for k, v in given.items() if k != "identity"})


@pytest.mark.parametrize("seed", range(4))
def test_numpy_and_torch_agree(model: HeadModel, seed: int) -> None:
    given = face(seed, model)
    batched, _ = TorchFlame(model)(**{k: torch.tensor(v)[None] for k, v in given.items()})
    assert np.abs(batched[0].numpy() - baked(model, given)).max() < AGREE


def test_numpy_and_torch_agree_on_eyelids(egg: Path) -> None:
    model = HeadModel.load(egg)
    given = face(1, model)
    batched, _ = TorchFlame(model)(**{k: torch.tensor(v)[None] for k, v in given.items()})
    assert np.abs(batched[0].numpy() - baked(model, given)).max() < AGREE
    assert (
        np.abs(baked(model, {**given, "eyelids": np.zeros(2, np.float32)}) - baked(model, given)).max() > 1e-4
    )


@pytest.mark.parametrize("seed", range(4))
def test_both_agree_with_smplx_lbs(model: HeadModel, arrays: dict[str, Any], seed: int) -> None:
    given = face(seed, model)
    pose = np.concatenate([given["head_rotation"], given["neck"], given["jaw"], given["eyes"].ravel()])

    def double(value: np.ndarray) -> torch.Tensor:
        return torch.tensor(np.asarray(value, np.float64))

    vertices, _ = lbs(
        double(np.concatenate([given["identity"], given["expression"]]))[None],
        double(pose)[None],
        double(arrays["v_template"])[None],
        double(arrays["shapedirs"]),
        double(arrays["posedirs"]).reshape(-1, 36).T,
        double(arrays["J_regressor"]),
        torch.tensor([-1, 0, 1, 1, 1]),
        double(arrays["weights"]),
    )
    expected = vertices[0].numpy() + given["head_translation"]
    assert np.abs(baked(model, given) - expected).max() < AGREE


def test_both_agree_with_the_smplx_flame_class(
    model: HeadModel, arrays: dict[str, Any], tmp_path: Path
) -> None:
    """The class has its own joint order, neck index and landmark code around the same file."""
    (tmp_path / "FLAME_NEUTRAL.pkl").write_bytes(pickle.dumps(arrays))
    landmarks = {"lmk_face_idx": np.arange(51), "lmk_b_coords": np.full((51, 3), 1 / 3)}
    (tmp_path / "flame_static_embedding.pkl").write_bytes(pickle.dumps(landmarks))
    reference = smplx.FLAME(str(tmp_path), num_betas=300, num_expression_coeffs=100)
    given = face(9, model)
    named = {
        "betas": given["identity"],
        "expression": given["expression"],
        "global_orient": given["head_rotation"],
        "neck_pose": given["neck"],
        "jaw_pose": given["jaw"],
        "leye_pose": given["eyes"][0],
        "reye_pose": given["eyes"][1],
        "transl": given["head_translation"],
    }
    with torch.no_grad():
        out = reference(**{k: torch.tensor(v)[None] for k, v in named.items()})
    assert np.abs(baked(model, given) - out.vertices[0].numpy()).max() < AGREE
    _, joints = TorchFlame(model)(**{k: torch.tensor(v)[None] for k, v in given.items()})
    assert np.abs(joints[0].numpy() - out.joints[0, :5].numpy()).max() < AGREE


def test_each_joint_turns_what_it_is_named_for(model: HeadModel) -> None:
    """A swap of jaw, neck or eyes in the pose vector would move another part of the mesh."""
    rest = {k: np.zeros_like(v) for k, v in face(0, model).items()}
    stiff = HeadModel(**{f: getattr(model, f) for f in model.__slots__} | {"posedirs": model.posedirs * 0})
    neutral = baked(stiff, rest)
    for column, (key, index) in enumerate([("neck", ...), ("jaw", ...), ("eyes", 0), ("eyes", 1)], 1):
        turned = {k: v.copy() for k, v in rest.items()}
        turned[key][index] = [0.2, 0, 0]
        moved = np.linalg.norm(baked(stiff, turned) - neutral, axis=1)
        weight = stiff.weights[:, 1:].sum(1) if column == 1 else stiff.weights[:, column]
        arm = np.linalg.norm((neutral - BakedHead(stiff).joints[column])[:, 1:], axis=1)
        expected = weight * 2 * np.sin(0.1) * arm
        assert np.abs(moved - expected).max() < 1e-5, key


def test_gradients_reach_every_parameter_at_rest(egg: Path) -> None:
    model = HeadModel.load(egg)
    flame = TorchFlame(model, torch.float64)
    given = {
        k: torch.zeros(1, *v.shape, dtype=torch.float64, requires_grad=True)
        for k, v in face(0, model).items()
    }
    vertices, _ = flame(**given)
    (vertices * torch.randn_like(vertices)).sum().backward()
    for key, value in given.items():
        assert value.grad is not None, key
        assert torch.isfinite(value.grad).all(), key
        assert value.grad.abs().max() > 0, key


def test_torch_shares_single_arguments_across_the_batch(egg: Path) -> None:
    model = HeadModel.load(egg)
    flame = TorchFlame(model)
    identity = torch.randn(1, model.identity_count)
    jaws = torch.randn(3, 3) * 0.2
    together, _ = flame(identity=identity, jaw=jaws)
    for i in range(3):
        alone, _ = flame(identity=identity, jaw=jaws[i : i + 1])
        assert torch.allclose(together[i], alone[0], atol=1e-6)


def test_lip_gap_is_the_distance_on_the_whole_mesh(egg: Path) -> None:
    model = HeadModel.load(egg)
    head = BakedHead(model, np.linspace(-1, 1, model.identity_count).astype(np.float32))
    faces = [face(seed, model) for seed in range(8)]
    stacked = {k: np.stack([f[k] for f in faces]) for k in ("expression", "eyelids", "jaw")}
    gaps = head.lip_gap(**stacked)
    upper, lower = model.lip_pair or (0, 0)
    still = {"neck": np.zeros(3, np.float32), "eyes": np.zeros((2, 3), np.float32)}
    for gap, f in zip(gaps, faces, strict=True):
        moving = {k: f[k] for k in ("expression", "eyelids", "jaw", "head_rotation", "head_translation")}
        v = head.vertices(**moving, **still)
        assert gap == pytest.approx(np.linalg.norm(v[upper] - v[lower]), abs=1e-6)


def test_vertices_are_a_new_array_each_time(egg: Path) -> None:
    model = HeadModel.load(egg)
    head = BakedHead(model)
    given = {k: v for k, v in face(3, model).items() if k != "identity"}
    first = head.vertices(**given)
    kept = first.copy()
    head.vertices(**{**given, "jaw": np.array([0.4, 0, 0], np.float32)})
    assert np.array_equal(first, kept)


def test_a_head_without_lip_pair_says_so(model: HeadModel) -> None:
    with pytest.raises(InputError, match="lip_pair"):
        BakedHead(model).lip_gap(*(np.zeros((1, n), np.float32) for n in (100, 2, 3)))


def test_an_identity_of_another_length_is_refused(tmp_path: Path) -> None:
    model = HeadModel.load(own_head(tmp_path / "egg.npz"))
    with pytest.raises(InputError, match="6 identity components; got 5"):
        BakedHead(model, np.zeros(5, np.float32))


def test_rotations_are_rotations_even_near_zero_and_pi() -> None:
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(50, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    for angle in (0.0, 1e-12, 1e-5, 0.7, np.pi, 3.5):
        r = rotation_matrices(axes * angle)
        assert np.abs(r @ r.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
        assert np.abs(np.linalg.det(r) - 1).max() < 1e-12
        assert np.abs(np.einsum("naa->n", r) - 1 - 2 * np.cos(angle)).max() < 1e-12

"""What is read from a face keeps its promises by construction, whatever was learned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError
from likeness.head import CONTROL_INDEX, CONTROLS, mirrored
from likeness.tracking.face_reader import (
    ACROSS,
    PARTNERS,
    TERMS_ACROSS,
    FaceReader,
    ReaderWeights,
    turn_terms,
)
from likeness.tracking.landmarks import COUNT

SEEDS = st.integers(0, 10_000)


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader()


def movement(seed: int, millimetres: float = 2.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, millimetres, (1, COUNT, 3)).astype(np.float32)


def turned(seed: int) -> np.ndarray:
    return turn_terms(np.random.default_rng([1, seed]).uniform(-0.4, 0.4, (1, 3)).astype(np.float32))


def test_rest_is_rest(reader: FaceReader) -> None:
    still = np.zeros((1, COUNT, 3), np.float32)
    assert not reader.read(still, turn_terms(np.zeros((1, 3), np.float32))).any()


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_more_of_a_movement_never_gives_less(reader: FaceReader, seed: int) -> None:
    amounts = np.linspace(0, 1.5, 7, dtype=np.float32)[:, None, None]
    moved = amounts * movement(seed)
    controls = reader.read(moved, np.zeros((len(moved), 5), np.float32))
    assert (np.diff(controls, axis=0) > -1e-4).all()


@settings(max_examples=50, deadline=None)
@given(SEEDS)
def test_a_mirrored_face_reads_as_the_mirrored_controls(reader: FaceReader, seed: int) -> None:
    moved, terms = movement(seed), turned(seed)
    swapped = [CONTROL_INDEX[mirrored(name)] for name in CONTROLS]
    there = reader.read(moved, terms)
    back = reader.read((moved[:, PARTNERS] * ACROSS).astype(np.float32), terms * TERMS_ACROSS)
    np.testing.assert_allclose(back, there[:, swapped], atol=1e-4)


def test_the_gaze_and_the_tongue_are_not_read(reader: FaceReader) -> None:
    controls = reader.read(
        np.concatenate([movement(seed) for seed in range(50)]), np.zeros((50, 5), np.float32)
    )
    silent = [CONTROL_INDEX[name] for name in CONTROLS if name.startswith("eyeLook") or name == "tongueOut"]
    assert not controls[:, silent].any()
    assert controls[:, CONTROL_INDEX["jawOpen"]].any()


def test_weights_of_another_shape_are_refused_in_words(tmp_path) -> None:
    weights = ReaderWeights.load()
    arrays = {name: getattr(weights, name) for name in ReaderWeights.__slots__}
    np.savez(tmp_path / "short.npz", **(arrays | {"leak": weights.leak[:, :-1]}))
    with pytest.raises(InputError, match=r"short\.npz: leak is"):
        ReaderWeights.load(tmp_path / "short.npz")
    del arrays["last"]
    np.savez(tmp_path / "gone.npz", **arrays)
    with pytest.raises(InputError, match=r"gone\.npz lacks last"):
        ReaderWeights.load(tmp_path / "gone.npz")

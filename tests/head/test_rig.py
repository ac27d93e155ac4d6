"""Rig.apply is affine plus products, batched, and what goes on the wire covers what it reaches."""

from pathlib import Path

import numpy as np
import pytest

from likeness.head import Head, load_head
from likeness.head.rig import WIRE_STEPS


@pytest.fixture(scope="module")
def head(egg: Path) -> Head:
    return load_head(str(egg))


def test_apply_equals_the_formula_face_by_face(head: Head) -> None:
    rig = head.rig
    controls = np.random.default_rng(0).random((50, 52)).astype(np.float32)
    out = rig.apply(controls)
    for i, c in enumerate(controls.astype(np.float64)):
        products = np.array([c[a] * c[b] for a, b in rig.pairs])
        assert np.allclose(out.expression[i], rig.expression @ c + rig.corrective @ products, atol=1e-5)
        assert np.allclose(out.jaw[i], rig.jaw @ c, atol=1e-6)
        assert np.allclose(out.eyelids[i], np.clip(rig.eyelids @ c, 0, 1), atol=1e-6)
        assert np.allclose(out.eyes[i], rig.eyes @ c, atol=1e-5)


def test_eyelids_stay_within_closed_and_open(head: Head) -> None:
    out = head.rig.apply(np.array([[3.0] * 52, [-1.0] * 52], np.float32))
    assert out.eyelids.tolist() == [[1, 1], [0, 0]]


def test_no_controls_is_the_neutral_face(head: Head) -> None:
    out = head.rig.apply(np.zeros((1, 52), np.float32))
    assert not any(v.any() for v in (out.expression, out.eyelids, out.jaw, out.eyes))


def test_no_faces_give_empty_arrays(head: Head) -> None:
    out = head.rig.apply(np.zeros((0, 52), np.float32))
    assert out.expression.shape == (0, head.model.expression_count)
    assert out.eyes.shape == (0, 2, 3)


def test_the_wire_carries_every_reachable_expression(head: Head) -> None:
    rng = np.random.default_rng(1)
    corners = (rng.random((4000, 52)) < 0.5).astype(np.float32)
    reached = np.abs(head.rig.apply(corners).expression).max(0)
    assert (reached <= head.rig.scales * WIRE_STEPS / 1.9).all()
    assert (head.rig.scales * WIRE_STEPS >= 4 * 0.999).all()


def test_a_rig_survives_its_own_file_format(head: Head) -> None:
    again = type(head.rig).from_arrays(head.rig.arrays(), head.model.expression_count, "again")
    controls = np.random.default_rng(2).random((3, 52)).astype(np.float32)
    assert np.array_equal(again.apply(controls).expression, head.rig.apply(controls).expression)

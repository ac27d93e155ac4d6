"""The shipped open head keeps its promises: shapes, contact, symmetry, and every control does something."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from likeness.head.controls import CONTROL_INDEX, CONTROLS, mirrored

ROOT = Path(__file__).resolve().parents[3]
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def head() -> Arrays:
    with np.load(ROOT / "avatars" / "heads" / "open.npz") as file:
        return {k: file[k] for k in file.files}


def rotation(axis_angle: np.ndarray) -> np.ndarray:
    """Rodrigues' formula."""
    angle = float(np.linalg.norm(axis_angle))
    if angle == 0:
        return np.eye(3)
    x, y, z = axis_angle / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def posed(head: Arrays, controls: dict[str, float]) -> np.ndarray:
    """Vertices in millimetres under controls: the head format's own formula, written out."""
    c = np.zeros(52)
    for name, value in controls.items():
        c[CONTROL_INDEX[name]] = value
    pairs = head["rig_pairs"]
    psi = head["rig_expression"] @ c + head["rig_corrective"] @ (c[pairs[:, 0]] * c[pairs[:, 1]])
    lids = np.clip(head["rig_eyelids"] @ c, 0, 1)
    identities = len(head["identity_names"])
    v = head["v_template"].astype(float)
    v = v + head["shapedirs"][..., identities:].astype(float) @ psi + head["eyelid_dirs"].astype(float) @ lids
    joints = head["J_regressor"].astype(float) @ head["v_template"]
    turns = [
        np.eye(3),
        np.eye(3),
        rotation(head["rig_jaw"] @ c),
        *(rotation(e @ c) for e in head["rig_eyes"]),
    ]
    out = np.zeros_like(v)
    for j, turn in enumerate(turns):  # root and neck are at rest, so each joint turns about its own place
        out += head["weights"][:, j : j + 1] * ((v - joints[j]) @ turn.T + joints[j])
    return out * 1000


def part(head: Arrays, name: str) -> slice:
    start, stop = head["part_ranges"][head["part_names"].tolist().index(name)]
    return slice(int(start), int(stop))


def region(head: Arrays, name: str) -> np.ndarray:
    k = head["region_names"].tolist().index(name)
    starts = [*head["region_starts"], len(head["region_vertices"])]
    return head["region_vertices"][starts[k] : starts[k + 1]]


def seam(head: Arrays) -> np.ndarray:
    """Pairs of upper and lower seam vertices, found by their coincidence at rest."""
    v = head["v_template"].astype(float) * 1000
    upper, lower = region(head, "lips_upper"), region(head, "lips_lower")
    gap = np.linalg.norm(v[upper][:, None] - v[lower][None], axis=2)
    i, j = np.nonzero(gap < 1e-3)
    return np.c_[upper[i], lower[j]]


def test_shapes_are_flames(head: Arrays) -> None:
    v = len(head["v_template"])
    s, e = len(head["identity_names"]), len(head["expression_names"])
    assert head["v_template"].shape == (v, 3)
    assert head["shapedirs"].shape == (v, 3, s + e)
    assert head["posedirs"].shape == (v, 3, 36)
    assert head["J_regressor"].shape == (5, v)
    assert head["weights"].shape == (v, 5)
    assert head["eyelid_dirs"].shape == (v, 3, 2)
    assert head["f"].min() == 0
    assert head["f"].max() == v - 1
    assert s >= 30
    assert e <= 50
    assert head["kintree_table"][0].tolist() == [-1, 0, 1, 1, 1]
    assert all(
        np.isfinite(head[k].astype(float)).all()
        for k in ("v_template", "shapedirs", "weights", "J_regressor")
    )


def test_weights_and_regressor_are_convex(head: Arrays) -> None:
    assert head["weights"].min() >= 0
    np.testing.assert_allclose(head["weights"].sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(head["J_regressor"].sum(1), 1, atol=1e-5)


def test_file_is_small() -> None:
    assert (ROOT / "avatars" / "heads" / "open.npz").stat().st_size < 8e6


def test_parts_cover_all_vertices_in_order(head: Arrays) -> None:
    ends = [(int(a), int(b)) for a, b in head["part_ranges"]]
    assert ends[0][0] == 0
    assert ends[-1][1] == len(head["v_template"])
    assert all(a[1] == b[0] for a, b in pairwise(ends))
    assert {"skin", "eye_left", "eye_right", "teeth_upper", "teeth_lower", "tongue", "lashes"} <= set(
        head["part_names"].tolist()
    )


def test_joints_lie_where_they_belong(head: Arrays) -> None:
    joints = head["J_regressor"].astype(float) @ head["v_template"] * 1000
    assert abs(joints[:3, 0]).max() < 0.01
    assert joints[3, 0] == pytest.approx(-joints[4, 0], abs=0.01)
    assert 60 < joints[3, 0] - joints[4, 0] < 68  # distance between the pupils of adults


@pytest.mark.parametrize("opening", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_lips_stay_sealed_when_close_follows_open(head: Arrays, opening: float) -> None:
    pairs = seam(head)
    v = posed(head, {"jawOpen": opening, "mouthClose": opening})
    assert len(pairs) >= 15
    assert np.ptp(v[pairs[:, 0], 0]) > 35  # over the whole width
    assert np.linalg.norm(v[pairs[:, 0]] - v[pairs[:, 1]], axis=1).max() < 0.3


def test_lips_part_cleanly(head: Arrays) -> None:
    pairs = seam(head)
    previous = 0.0
    for opening in (0.25, 0.5, 0.75, 1.0):
        v = posed(head, {"jawOpen": opening})
        gap = v[pairs[:, 0], 1] - v[pairs[:, 1], 1]
        assert gap.min() > -0.3  # nowhere does the lower lip pass the upper
        assert gap.max() > previous + 3
        previous = gap.max()


@pytest.mark.parametrize("control", ["mouthSmile", "mouthFrown", "mouthStretch", "mouthDimple"])
def test_lips_stay_sealed_when_corners_move(head: Arrays, control: str) -> None:
    pairs = seam(head)
    v = posed(head, {f"{control}Left": 1.0, f"{control}Right": 1.0})
    assert np.linalg.norm(v[pairs[:, 0]] - v[pairs[:, 1]], axis=1).max() < 0.3


def test_lip_pair_is_the_middle_of_the_seam(head: Arrays) -> None:
    v = head["v_template"] * 1000
    assert np.linalg.norm(v[head["lip_pair"][0]] - v[head["lip_pair"][1]]) < 1e-3
    assert np.abs(v[head["lip_pair"], 0]).max() < 0.01
    opened = posed(head, {"jawOpen": 1.0})
    assert 15 < np.linalg.norm(opened[head["lip_pair"][0]] - opened[head["lip_pair"][1]]) < 45


def lid_edges(head: Arrays, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the upper and lower lid margin by MediaPipe's numbers, outer to inner."""
    face, bary = head["mediapipe_face"], head["mediapipe_bary"]
    vertex = head["f"][face][np.arange(468), bary.argmax(1)]
    upper, lower = ([246, 161, 160, 159, 158, 157, 173], [7, 163, 144, 145, 153, 154, 155])
    if side == "left":
        upper, lower = ([466, 388, 387, 386, 385, 384, 398], [249, 390, 373, 374, 380, 381, 382])
    return vertex[upper], vertex[lower]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("gaze", [None, "eyeLookDown", "eyeLookUp", "eyeSquint", "eyeWide"])
def test_lids_close_on_the_eyeball_whatever_the_gaze(head: Arrays, side: str, gaze: str | None) -> None:
    label = side.capitalize()
    v = posed(head, {f"eyeBlink{label}": 1.0} | ({f"{gaze}{label}": 1.0} if gaze else {}))
    upper, lower = lid_edges(head, side)
    assert np.linalg.norm(v[upper] - v[lower], axis=1).max() < 0.3
    eye = head["v_template"][part(head, f"eye_{side}")] * 1000
    centre = (eye.min(0) + eye.max(0))[:2] / 2
    radius = np.ptp(eye[:, 0]) / 2
    depth = np.linalg.norm(v[upper] - [*centre, eye[:, 2].min() + radius], axis=1)
    assert depth.min() > radius + 0.3  # in front of the eyeball
    assert np.median(depth) < radius + 2.0  # and on it, but for the lid's thickness


def test_open_lids_show_the_eye(head: Arrays) -> None:
    v = head["v_template"] * 1000
    for side in ("left", "right"):
        upper, lower = lid_edges(head, side)
        assert 7 < (v[upper, 1] - v[lower, 1]).max() < 13


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_moves_something(head: Arrays, name: str) -> None:
    move = np.linalg.norm(posed(head, {name: 1.0}) - head["v_template"] * 1000.0, axis=1)
    assert move.max() > 1.0
    assert move.max() < 60


@pytest.mark.parametrize("name", [n for n in CONTROLS if n.endswith("Left")])
def test_left_mirrors_right(head: Arrays, name: str) -> None:
    """Landmarks move alike on both sides, mirrored."""
    face, bary = head["mediapipe_face"], head["mediapipe_bary"]
    vertex = head["f"][face][np.arange(468), bary.argmax(1)]
    rest = head["v_template"][vertex] * 1000.0
    left = posed(head, {name: 1.0})[vertex] - rest
    right = (posed(head, {mirrored(name): 1.0})[vertex] - rest) * [-1, 1, 1]
    distance = np.linalg.norm(rest[:, None] - (rest * [-1, 1, 1])[None], axis=2)
    assert distance.min(1).max() < 0.6
    # upper and lower lip touch at rest: of all that lie opposite, the one that moves alike is the partner
    difference = np.abs(left[:, None] - right[None]).max(2)
    difference[distance > distance.min(1, keepdims=True) + 0.05] = np.inf
    size = np.linalg.norm(left, axis=1).max()
    assert difference.min(1).max() < 0.06 * max(size, 1.0) + 0.1


def test_one_sided_controls_leave_the_other_side_alone(head: Arrays) -> None:
    rest = head["v_template"] * 1000.0
    for name in ("eyeBlinkLeft", "browDownLeft", "cheekSquintLeft", "mouthSmileLeft", "eyeSquintLeft"):
        move = np.linalg.norm(posed(head, {name: 1.0}) - rest, axis=1)
        assert move[rest[:, 0] < -15].max() < 0.25 * move.max()


def test_jaw_carries_the_lower_teeth_and_not_the_upper(head: Arrays) -> None:
    move = np.linalg.norm(posed(head, {"jawOpen": 1.0}) - head["v_template"] * 1000.0, axis=1)
    assert move[part(head, "teeth_upper")].max() < 1e-4
    assert move[part(head, "teeth_lower")].min() > 5
    assert move[part(head, "eye_left")].max() < 1e-4


def test_tongue_reaches_past_the_teeth(head: Arrays) -> None:
    v = posed(head, {"jawOpen": 0.7, "tongueOut": 1.0})
    assert v[part(head, "tongue"), 2].max() > v[part(head, "teeth_upper"), 2].max() + 8


def test_identities_keep_lips_sealed_and_move_something(head: Arrays) -> None:
    pairs = seam(head)
    for k, name in enumerate(head["identity_names"]):
        d = head["shapedirs"][..., k].astype(float) * 1000
        assert np.abs(d).max() > 0.3, name
        assert np.abs(d[pairs[:, 0]] - d[pairs[:, 1]]).max() < 0.01, name


def test_landmarks_lie_on_their_faces(head: Arrays) -> None:
    assert head["mediapipe_face"].shape == (468,)
    np.testing.assert_allclose(head["mediapipe_bary"].sum(1), 1, atol=1e-6)
    p = (head["v_template"][head["f"][head["mediapipe_face"]]] * head["mediapipe_bary"][..., None]).sum(
        1
    ) * 1000
    nose, chin, right_eye, left_eye = p[1], p[152], p[33], p[263]
    assert nose[2] == p[:, 2].max() or nose[2] > p[:, 2].max() - 5
    assert chin[1] == pytest.approx(p[:, 1].min(), abs=3)
    assert right_eye[0] < 0 < left_eye[0]


def test_texture_coordinates_fit(head: Arrays) -> None:
    assert head["uv"].shape == (len(head["v_template"]), 2)
    assert head["ft"].shape == head["f"].shape
    assert head["ft"].max() == len(head["vt"]) - 1
    assert head["uv"].min() >= 0
    assert head["uv"].max() <= 1

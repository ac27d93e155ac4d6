"""HeadModel.load takes FLAME-format files as they are published and refuses what is not one, in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likeness.errors import InputError, NotFoundError
from likeness.head import HeadModel, load_head
from tests.head.synthetic import flame_arrays, own_head, own_keys, published_pickle


@pytest.mark.parametrize(("identity", "expression"), [(300, 100), (100, 50), (10, 10)])
def test_published_layouts_split_without_names(tmp_path: Path, identity: int, expression: int) -> None:
    arrays = flame_arrays(60, identity, expression)
    np.savez(tmp_path / "m.npz", **arrays)
    model = HeadModel.load(tmp_path / "m.npz")
    assert (model.identity_count, model.expression_count) == (identity, expression)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_pickles_of_every_protocol_give_the_same_head(tmp_path: Path, protocol: int) -> None:
    arrays = flame_arrays(200, 10, 10)
    model = HeadModel.load(published_pickle(tmp_path / "m.pkl", arrays, protocol))
    assert np.allclose(model.v_template, arrays["v_template"], atol=1e-7)
    assert np.allclose(model.shapedirs, arrays["shapedirs"], atol=1e-7)
    assert np.allclose(model.joint_regressor, arrays["J_regressor"], atol=1e-7)
    assert np.array_equal(model.faces, arrays["f"])


def test_a_pickle_of_todays_numpy_and_scipy_loads_too(tmp_path: Path) -> None:
    arrays = flame_arrays(200, 10, 10)
    model = HeadModel.load(published_pickle(tmp_path / "m.pkl", arrays, 2, numpy1=False))
    assert np.allclose(model.joint_regressor, arrays["J_regressor"], atol=1e-7)


def test_a_sparse_regressor_in_parts_equals_the_dense_one(tmp_path: Path) -> None:
    import scipy.sparse as sp

    arrays = flame_arrays(100, 10, 10)
    sparse = sp.csr_matrix(arrays.pop("J_regressor"))
    parts = {f"J_regressor_{k}": getattr(sparse, k) for k in ("data", "indices", "indptr")}
    np.savez(tmp_path / "m.npz", **arrays, **parts)
    assert np.allclose(HeadModel.load(tmp_path / "m.npz").joint_regressor, sparse.toarray(), atol=1e-7)


def test_own_keys_are_read(tmp_path: Path) -> None:
    head = load_head(str(own_head(tmp_path / "egg.npz")))
    model = head.model
    assert head.name == "egg"
    assert head.licence == "Apache-2.0"
    assert model.identity_names[:2] == ("shape0", "shape1")
    assert model.parts["teeth"] == (590, 600)
    assert model.regions["brows"].tolist() == [5, 6, 7]
    assert model.eyelid_dirs is not None
    assert model.eyelid_dirs.shape == (600, 3, 2)


def _without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda a: a.pop(key)


def _with(key: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], object]:
    return lambda a: a.update({key: change(a[key])})


def _nan(value: np.ndarray) -> np.ndarray:
    out = value.astype(float)
    out.flat[3] = np.nan
    return out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_without("posedirs"), "lacks posedirs"),
        (_without("J_regressor"), "lacks J_regressor"),
        (_with("v_template", lambda v: v[:, :2]), r"v_template has shape \[100, 2\]"),
        (_with("v_template", lambda v: v * 1000), "should be in metres"),
        (_with("v_template", _nan), "v_template holds 1 values that are NaN"),
        (_with("shapedirs", lambda v: v[:50]), r"shapedirs has shape \[50, 3, 18\]"),
        (_with("shapedirs", lambda v: v[:, :, :7]), "components are not 6 of identity and 12"),
        (_with("shapedirs", lambda v: v * np.inf), "shapedirs holds .* infinite"),
        (_with("posedirs", lambda v: v[:, :, :27]), "posedirs has shape"),
        (_with("weights", lambda v: v * 2), "weights should be >= 0 and sum to 1"),
        (_with("weights", lambda v: v[:, :4]), "weights has shape"),
        (_with("f", lambda v: v + 50), "f names vertices outside 0..99"),
        (_with("f", lambda v: v + 0.5), "f should hold whole numbers"),
        (_with("f", lambda v: v[:, :2]), r"f has shape"),
        (_with("kintree_table", lambda v: v[:, ::-1]), "kintree_table joins"),
        (_with("kintree_table", lambda v: v[:, :4]), "kintree_table has shape"),
        (_with("J_regressor", lambda v: v[:4]), "J_regressor has shape"),
        (_with("identity_names", lambda v: v[:2]), "components are not 2 of identity"),
        (_with("eyelid_dirs", lambda v: v[:, :, :1]), "eyelid_dirs has shape"),
        (_with("lip_pair", lambda v: v + 100), "lip_pair holds numbers outside"),
        (_with("region_starts", lambda v: v + 1), "do not fit together"),
        (_with("rig_pairs", lambda v: v + 50), "rig_pairs names controls outside"),
        (_with("rig_jaw", lambda v: v[:2]), "rig_jaw has shape"),
        (_with("weights", lambda v: v.astype(str)), "weights holds .* not numbers"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], words: str
) -> None:
    arrays = {k: v for k, v in flame_arrays(100, 6, 12).items() if isinstance(v, np.ndarray)}
    arrays |= own_keys(arrays, 6, 12)
    damage(arrays)
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(InputError, match=words):
        load_head(str(tmp_path / "m.npz"))


def test_an_object_array_is_refused_without_unpickling(tmp_path: Path) -> None:
    arrays = flame_arrays(100, 10, 10)
    arrays["weights"] = arrays["weights"].astype(object)
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(InputError, match=r"weights is an object array"):
        HeadModel.load(tmp_path / "m.npz")


def test_unknown_widths_ask_for_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **flame_arrays(60, 20, 17))
    with pytest.raises(InputError, match="identity_names"):
        HeadModel.load(tmp_path / "m.npz")


def test_a_head_without_a_rig_points_to_the_import(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **flame_arrays(60, 10, 10))
    with pytest.raises(InputError, match="likeness heads import"):
        load_head(str(tmp_path / "m.npz"))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not a zip", b"\x00" * 64, b"hello world\n", b"\x80\x04."]
)
def test_files_that_are_no_heads_give_a_sentence(tmp_path: Path, content: bytes) -> None:
    for name in ("m.npz", "m.pkl"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError):
            HeadModel.load(tmp_path / name)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        HeadModel.load(tmp_path / "nowhere.npz")
    with pytest.raises(InputError):
        HeadModel.load(tmp_path)


def test_a_cut_short_file_is_refused(tmp_path: Path) -> None:
    whole = own_head(tmp_path / "egg.npz").read_bytes()
    for part in (10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.npz").write_bytes(whole[:part])
        with pytest.raises(InputError):
            HeadModel.load(tmp_path / "cut.npz")

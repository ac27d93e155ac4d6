import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.provenance.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks,
    range_hash,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots of certificate-transparency's reference tests (RFC 6962 trees of 1..8 leaves).
LEAVES = [bytes.fromhex(x) for x in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class _Tree:
    def __init__(self, leaves: list[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.roots = [EMPTY_ROOT]
        frontier = Frontier()
        for data in leaves:
            for level, place, digest in frontier.append(leaf_hash(data)):
                self.nodes[level, place] = digest
            self.roots.append(frontier.root)

    def node(self, level: int, place: int) -> bytes:
        return self.nodes[level, place]


def _recursive(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + _recursive(leaves[:k]) + _recursive(leaves[k:])).digest()


def test_the_reference_roots() -> None:
    tree = _Tree(LEAVES)
    assert [root.hex() for root in tree.roots[1:]] == ROOTS


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 31, 64, 65, 100])
def test_the_root_is_the_rfcs_definition(size: int) -> None:
    leaves = [bytes([k]) for k in range(size)]
    tree = _Tree(leaves)
    assert tree.roots[-1] == _recursive(leaves) == range_hash(tree.node, 0, size)


def test_every_inclusion_proof_up_to_forty_leaves() -> None:
    leaves = [bytes([k]) for k in range(40)]
    tree = _Tree(leaves)
    for size in range(1, 41):
        for index in range(size):
            path = inclusion_proof(tree.node, index, size)
            assert verify_inclusion(leaf_hash(leaves[index]), index, size, path, tree.roots[size])
            assert not verify_inclusion(leaf_hash(b"other"), index, size, path, tree.roots[size])
            assert not verify_inclusion(
                leaf_hash(leaves[index]), index, size, [*path, path[0] if path else b""], tree.roots[size]
            )
            if size > 1:
                assert not verify_inclusion(
                    leaf_hash(leaves[index]), (index + 1) % size, size, path, tree.roots[size]
                )


def test_every_consistency_proof_up_to_forty_leaves() -> None:
    tree = _Tree([bytes([k]) for k in range(40)])
    for new in range(1, 41):
        for old in range(1, new + 1):
            path = consistency_proof(tree.node, old, new)
            assert verify_consistency(old, new, tree.roots[old], tree.roots[new], path)
            assert not verify_consistency(old, new, bytes(32), tree.roots[new], path)
            if old < new:
                assert not verify_consistency(old, new, tree.roots[old], bytes(32), path)
                assert not verify_consistency(old, new, tree.roots[old], tree.roots[new], path[:-1])


@given(st.lists(st.binary(max_size=5), min_size=2, max_size=60), st.data())
@settings(max_examples=40, deadline=None)
def test_a_changed_past_has_no_consistency_proof(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    changed = data.draw(st.integers(0, old - 1))
    honest = _Tree(leaves)
    forged = _Tree([*leaves[:changed], leaves[changed] + b"!", *leaves[changed + 1 :]])
    path = consistency_proof(forged.node, old, len(leaves))
    assert not verify_consistency(old, len(leaves), honest.roots[old], forged.roots[-1], path)


@given(st.integers(0, 70), st.integers(0, 70), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_random_proofs_are_refused(index: int, size: int, path: list[bytes]) -> None:
    assert not verify_inclusion(bytes(32), index, size, path, bytes(31) + b"\1")
    assert not verify_consistency(index, size, bytes(31) + b"\1", bytes(31) + b"\2", path)


def test_a_frontier_goes_on_from_its_peaks() -> None:
    tree = _Tree([bytes([k]) for k in range(13)])
    frontier = Frontier(13, [tree.node(level, place) for level, place in peaks(13)])
    assert frontier.root == tree.roots[13]
    frontier.append(leaf_hash(b"next"))
    assert frontier.root == _recursive([*(bytes([k]) for k in range(13)), b"next"])
    with pytest.raises(ValueError, match="peaks"):
        Frontier(3, [bytes(32)])


def test_leaves_and_nodes_cannot_be_mistaken() -> None:
    assert leaf_hash(bytes(32) + bytes(32)) != node_hash(bytes(32), bytes(32))

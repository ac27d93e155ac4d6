import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import LikenessError, VerificationError
from likeness.provenance.canonical import certificate_bytes, seal_bytes
from likeness.provenance.keys import ServerKey, SessionKey, verify_certificate
from likeness.provenance.seal import SealChain, Sealer, frame_digest, verify_seal
from likeness.v1 import stream_pb2

VECTORS = json.loads((Path(__file__).parents[2] / "protos" / "vectors" / "seal.json").read_text())


def _certificate(message: dict[str, Any]) -> stream_pb2.SessionCertificate:
    return json_format.ParseDict(message, stream_pb2.SessionCertificate())


def _seal(message: dict[str, Any]) -> stream_pb2.Seal:
    return json_format.ParseDict(message, stream_pb2.Seal())


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[stream_pb2.SessionCertificate, SessionKey]:
    key = SessionKey.generate()
    server = ServerKey.load_or_create(tmp_path_factory.mktemp("key"))
    return server.certify("S", key.public_bytes), key


def test_the_golden_bytes_are_ours() -> None:
    certificate = _certificate(VECTORS["certificate"]["message"])
    assert certificate_bytes(certificate).hex() == VECTORS["certificate"]["signedBytes"]
    verify_certificate(certificate, bytes.fromhex(VECTORS["serverKey"]))
    for golden in VECTORS["seals"]:
        assert seal_bytes(_seal(golden["message"])).hex() == golden["signedBytes"]
    for frame in VECTORS["frames"]:
        assert frame_digest(bytes.fromhex(frame["bytes"])).hex() == frame["digest"]


def test_the_golden_file_is_what_its_tool_writes() -> None:
    from tools.seal_vectors import PATH, vectors

    assert json.loads(PATH.read_text()) == json.loads(json.dumps(vectors()))


@pytest.mark.parametrize("stream", VECTORS["streams"], ids=lambda s: s["name"].replace(" ", "-"))
def test_golden_streams_are_judged_as_they_should(stream: dict[str, Any]) -> None:
    def run() -> SealChain:
        chain = SealChain(_certificate(stream["certificate"]), 7, bytes.fromhex(VECTORS["serverKey"]))
        for event in stream["events"]:
            if "frame" in event:
                chain.frame(event["frame"]["sequence"], bytes.fromhex(event["frame"]["bytes"]))
            else:
                chain.seal(_seal(event["seal"]))
        return chain

    if stream["ok"]:
        chain = run()
        assert (chain.verified, chain.lost, chain.missing) == (
            stream["verified"], stream["lost"], stream["missing"],
        )  # fmt: skip
    else:
        with pytest.raises(VerificationError):
            run()


def test_a_seal_covers_at_most_a_tenth_of_a_second(signed: tuple[Any, SessionKey]) -> None:
    sealer = Sealer("S", 1, signed[1])
    seals = [sealer.add(k, bytes([k])) for k in range(13)]
    assert [k for k, seal in enumerate(seals) if seal] == [5, 11]
    last = sealer.flush()
    assert last is not None
    assert len(last.digests) == 8
    assert sealer.flush() is None


def test_a_gap_in_the_sequence_ends_a_chunk(signed: tuple[Any, SessionKey]) -> None:
    sealer = Sealer("S", 1, signed[1])
    assert [sealer.add(k, b"x") for k in (0, 1, 2)] == [None] * 3
    early = sealer.add(10, b"y")
    assert early is not None
    assert (early.first_sequence, len(early.digests)) == (0, 24)
    late = sealer.flush()
    assert late is not None
    assert (late.first_sequence, late.chunk) == (10, 1)
    assert verify_seal(late, signed[0], {10: b"y", 0: b"not of this seal"}) == 1


@given(lost=st.sets(st.integers(0, 59)), order=st.randoms())
@settings(max_examples=50, deadline=None)
def test_any_loss_and_any_order_still_verifies(lost: set[int], order: Any) -> None:
    certificate, key = _made()
    chain, sealer = SealChain(certificate, 3), Sealer("S", 3, key)
    for start in range(0, 60, 6):
        frames = [(s, bytes([s, s])) for s in range(start, start + 6)]
        seals = [seal for s, data in frames if (seal := sealer.add(s, data)) is not None]
        order.shuffle(frames)
        for s, data in frames:
            if s not in lost:
                chain.frame(s, data)
        for seal in seals:
            chain.seal(seal)
    assert (chain.verified, chain.lost, chain.pending) == (60 - len(lost), len(lost), 0)


@given(frame=st.integers(0, 5), bit=st.integers(0, 175 * 8))
@settings(max_examples=50, deadline=None)
def test_any_changed_bit_of_any_frame_is_found(frame: int, bit: int) -> None:
    certificate, key = _made()
    sealer = Sealer("S", 3, key)
    packets = {s: bytes([s] * 176) for s in range(6)}
    seal = [sealer.add(s, data) for s, data in packets.items()][-1]
    assert seal is not None
    assert verify_seal(seal, certificate, packets) == 6
    changed = bytearray(packets[frame])
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationError, match=f"Frame {frame} "):
        verify_seal(seal, certificate, {**packets, frame: bytes(changed)})


@given(
    session=st.text(max_size=10), digests=st.binary(max_size=60), previous=st.binary(max_size=20),
    signature=st.binary(max_size=70), chunk=st.integers(0, 2**32 - 1),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_random_seals_are_refused_in_words(
    session: str, digests: bytes, previous: bytes, signature: bytes, chunk: int
) -> None:
    certificate, _ = _made()
    chain = SealChain(certificate, 3)
    seal = stream_pb2.Seal(
        session=session, avatar=3, chunk=chunk, digests=digests, previous=previous, signature=signature
    )
    with pytest.raises(LikenessError):
        chain.seal(seal)


def test_waiting_frames_are_bounded(signed: tuple[Any, SessionKey]) -> None:
    chain = SealChain(signed[0], 1)
    for sequence in range(10_000):
        chain.frame(sequence, b"x")
    assert chain.pending <= 600


_MADE: list[tuple[stream_pb2.SessionCertificate, SessionKey]] = []


def _made() -> tuple[stream_pb2.SessionCertificate, SessionKey]:
    if not _MADE:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = SessionKey.generate()
        _MADE.append((ServerKey(Ed25519PrivateKey.generate()).certify("S", key.public_bytes), key))
    return _MADE[0]

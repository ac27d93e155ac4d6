"""Write protos/vectors/seal.json: certificates, seals and streams that every language must judge alike.

Usage: python -m tools.seal_vectors [--check]     (--check: write nothing, fail when the file would change)
"""

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format

from likeness.provenance.canonical import certificate_bytes, seal_bytes
from likeness.provenance.keys import ServerKey, SessionKey
from likeness.provenance.seal import Sealer, frame_digest
from likeness.v1 import stream_pb2

PATH = Path(__file__).parents[1] / "protos" / "vectors" / "seal.json"
Json = dict[str, Any]
# Keys for this file alone: whoever reads this knows them.
SERVER_SECRET = hashlib.sha256(b"likeness test vector: server key").digest()
SESSION_SECRET = hashlib.sha256(b"likeness test vector: session key").digest()
SESSION = "01JD3QZX5T0000000000000000"
AVATAR = 7
FIRST = 0xFFFFFFFB
"""The sequence wraps within the first chunk."""


def vectors() -> Json:
    """The whole file."""
    server = ServerKey(Ed25519PrivateKey.from_private_bytes(SERVER_SECRET))
    session = SessionKey(SESSION_SECRET)
    now = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    certificate = server.certify(SESSION, session.public_bytes, 24.0, now)
    sequences = [(FIRST + k) % (1 << 32) for k in range(14)]
    packets = {s: _packet(k) for k, s in enumerate(sequences)}
    sealer = Sealer(SESSION, AVATAR, session)
    seals = [seal for s in sequences if (seal := sealer.add(s, packets[s])) is not None]
    last = sealer.flush()
    assert last is not None
    seals.append(last)
    return {
        "about": "docs/provenance.md. Bytes are hex, messages proto3 JSON. Never trust these keys.",
        "serverKey": server.public_bytes.hex(),
        "sessionKey": session.public_bytes.hex(),
        "certificate": {
            "message": _json(certificate),
            "signedBytes": certificate_bytes(certificate).hex(),
            "signature": certificate.signature.hex(),
        },
        "frames": [
            {"sequence": s, "bytes": packets[s].hex(), "digest": frame_digest(packets[s]).hex()}
            for s in sequences
        ],
        "seals": [
            {"message": _json(s), "signedBytes": seal_bytes(s).hex(), "signature": s.signature.hex()}
            for s in seals
        ],
        "streams": _streams(certificate, packets, seals),
    }


def _streams(
    certificate: stream_pb2.SessionCertificate, packets: dict[int, bytes], seals: list[Any]
) -> list[Json]:
    frames = [{"frame": {"sequence": s, "bytes": p.hex()}} for s, p in packets.items()]
    groups = [frames[:6], frames[6:12], frames[12:]]
    whole = [
        event for group, seal in zip(groups, seals, strict=True) for event in (*group, {"seal": _json(seal)})
    ]

    def stream(name: str, ok: bool, events: list[Json], **more: Any) -> Json:
        return {"name": name, "ok": ok, "certificate": _json(certificate), "events": events} | more

    def changed(seal: Any, **fields: Any) -> Json:
        copy = type(seal)()
        copy.CopyFrom(seal)
        for field, value in fields.items():
            setattr(copy, field, value)
        return {"seal": _json(copy)}

    def forged(**fields: Any) -> Json:
        copy = stream_pb2.SessionCertificate()
        copy.CopyFrom(certificate)
        for field, value in fields.items():
            setattr(copy, field, value)
        return _json(copy)

    flipped = bytearray(packets[FIRST])
    flipped[60] ^= 1
    tampered = [{"frame": {"sequence": FIRST, "bytes": flipped.hex()}}, *whole[1:]]
    shuffled = [*reversed(groups[0]), {"seal": _json(seals[0])}]
    lossy = [
        groups[0][0],
        groups[0][4],
        {"seal": _json(seals[0])},
        {"seal": _json(seals[1])},
        *groups[2],
        {"seal": _json(seals[2])},
    ]
    foreign = Sealer(SESSION, AVATAR, SessionKey(hashlib.sha256(b"another session key").digest()))
    fakes = [seal for s, p in packets.items() if (seal := foreign.add(s, p)) is not None]
    own = Sealer(SESSION, AVATAR, SessionKey(SESSION_SECRET))
    restarted = next(seal for s, p in list(packets.items())[6:12] if (seal := own.add(s, p)) is not None)
    restarted.chunk = 1
    restarted.signature = SessionKey(SESSION_SECRET).sign(seal_bytes(restarted))
    first, second, third = ({"seal": _json(seal)} for seal in seals)
    unlinked = {"seal": _json(restarted)}
    other_session = forged(session="01JD3QZX5T0000000000000001")
    prolonged = forged(not_after="2099-01-01T00:00:00.000Z")
    return [
        stream("everything arrives", True, whole, verified=14, lost=0, missing=0),
        stream("frames out of order", True, shuffled, verified=6, lost=0, missing=0),
        stream("frames lost", True, lossy, verified=4, lost=10, missing=0),
        stream("joined late", True, [*groups[1], second], verified=6, lost=0, missing=0),
        stream("a seal lost", True, [*groups[0], first, *groups[2], third], verified=8, lost=0, missing=1),
        stream(
            "a frame after its seal",
            True,
            [*groups[0][1:], first, groups[0][0]],
            verified=6,
            lost=0,
            missing=0,
        ),
        stream("a frame twice", True, [groups[0][0], *groups[0], first], verified=6, lost=0, missing=0),
        stream("a bit of a frame changed", False, tampered),
        stream("a frame changed that comes after its seal", False, [*groups[0][1:], first, tampered[0]]),
        stream("a frame twice, the first one changed", False, [tampered[0], *groups[0], first]),
        stream("a digest changed", False, [*groups[0], changed(seals[0], digests=bytes(48))]),
        stream("another avatar", False, [*groups[0], changed(seals[0], avatar=8)]),
        stream("the signature changed", False, [*groups[0], changed(seals[0], signature=bytes(64))]),
        stream("another key", False, [*groups[0], {"seal": _json(fakes[0])}]),
        stream("a seal that does not follow", False, [*groups[0], first, unlinked]),
        stream("a seal again", False, [*whole[:7], first]),
        stream("a certificate for another session", False, whole, certificate=other_session),
        stream("a certificate prolonged", False, whole, certificate=prolonged),
    ]


def _packet(number: int) -> bytes:
    """176 bytes that only look like a frame: seals do not read them."""
    return b"".join(hashlib.sha256(bytes((number, part))).digest() for part in range(6))[:176]


def _json(message: Any) -> Json:
    return json_format.MessageToDict(message)


def main() -> None:
    """Write the file, or compare it."""
    text = json.dumps(vectors(), indent=1) + "\n"
    if "--check" in sys.argv[1:]:
        if not PATH.is_file() or PATH.read_text() != text:
            sys.exit(f"{PATH} is not what tools/seal_vectors.py writes.")
        return
    PATH.write_text(text)


if __name__ == "__main__":
    main()

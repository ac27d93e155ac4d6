"""The byte strings that are signed (docs/provenance.md). Every language must build exactly these."""

import struct
from typing import Final

from likeness.errors import InputError
from likeness.v1 import stream_pb2

CERTIFICATE_DOMAIN: Final = b"likeness/certificate/1\n"
SEAL_DOMAIN: Final = b"likeness/seal/1\n"
TAKE_DOMAIN: Final = b"likeness/take/1\n"

DIGEST_SIZE: Final = 8
"""Bytes kept of a frame's SHA-256."""
LINK_SIZE: Final = 16
"""Bytes kept of the SHA-256 that ties a seal to the one before."""


def text(value: str) -> bytes:
    """u16 length, UTF-8. InputError when longer than 65,535 bytes."""
    data = value.encode("utf-8", "replace")
    if len(data) > 0xFFFF:
        raise InputError(f"A text of {len(data):,} bytes cannot be signed; the limit is 65,535.")
    return struct.pack("<H", len(data)) + data


def certificate_bytes(certificate: stream_pb2.SessionCertificate) -> bytes:
    """What the server's key signs: domain, session, session key, server key, not before, not after."""
    _check_length("public_key", certificate.public_key, 32)
    _check_length("server_key", certificate.server_key, 32)
    return b"".join(
        (
            CERTIFICATE_DOMAIN,
            text(certificate.session),
            certificate.public_key,
            certificate.server_key,
            text(certificate.not_before),
            text(certificate.not_after),
        )
    )


def seal_bytes(seal: stream_pb2.Seal) -> bytes:
    """What the session's key signs: domain, session, avatar, chunk, first sequence, digests, previous."""
    if len(seal.digests) % DIGEST_SIZE or len(seal.digests) > DIGEST_SIZE * 0xFFFF:
        raise InputError(
            f"A seal's digests must be whole ({DIGEST_SIZE} bytes each), not {len(seal.digests)}."
        )
    if len(seal.previous) not in (0, LINK_SIZE):
        raise InputError(f"A seal's link must have 0 or {LINK_SIZE} bytes, not {len(seal.previous)}.")
    return b"".join(
        (
            SEAL_DOMAIN,
            text(seal.session),
            struct.pack(
                "<IIIH", seal.avatar, seal.chunk, seal.first_sequence, len(seal.digests) // DIGEST_SIZE
            ),
            seal.digests,
            bytes((len(seal.previous),)),
            seal.previous,
        )
    )


def _check_length(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise InputError(f"A certificate's {name} must have {length} bytes, not {len(value)}.")

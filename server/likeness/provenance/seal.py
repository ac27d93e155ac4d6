"""Sealer and SealChain: signatures over at most 100 ms of frames, and their verification."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from likeness.errors import InputError, SealError, VerificationError
from likeness.provenance.canonical import DIGEST_SIZE, LINK_SIZE, seal_bytes
from likeness.provenance.keys import SessionKey, verify_certificate, verify_signature
from likeness.v1 import stream_pb2

FRAMES_PER_SEAL: Final = 6
"""100 ms at 60 Hz."""
_WRAP: Final = 1 << 32


class Sealer:
    """Signs the frames of one avatar, chunk by chunk; each chunk is tied to the one before."""

    def __init__(self, session: str, avatar: int, key: SessionKey, frames: int = FRAMES_PER_SEAL) -> None:
        self._session = session
        self._avatar = avatar
        self._key = key
        self._frames = frames
        self._chunk = 0
        self._first = 0
        self._digests: list[bytes] = []
        self._previous = b""

    def add(self, sequence: int, packet: bytes) -> stream_pb2.Seal | None:
        """Take in one frame's bytes; gives the seal of a chunk that is complete.

        A gap in the sequence completes the chunk before it. Raises SealError when signing fails.
        """
        done = None
        if self._digests and sequence != (self._first + len(self._digests)) % _WRAP:
            done = self.flush()
        if not self._digests:
            self._first = sequence % _WRAP
        self._digests.append(frame_digest(packet))
        return done or (self.flush() if len(self._digests) >= self._frames else None)

    def flush(self) -> stream_pb2.Seal | None:
        """The seal of the frames that are not sealed yet; None when there are none."""
        if not self._digests:
            return None
        seal = stream_pb2.Seal(
            session=self._session,
            avatar=self._avatar,
            chunk=self._chunk,
            first_sequence=self._first,
            digests=b"".join(self._digests),
            previous=self._previous,
        )
        try:
            message = seal_bytes(seal)
            seal.signature = self._key.sign(message)
        except Exception as problem:
            raise SealError(
                f"Session {self._session} could not be sealed: {problem}. Its stream stops."
            ) from problem
        self._previous = link(message)
        self._digests = []
        self._chunk += 1
        return seal


def frame_digest(packet: bytes) -> bytes:
    """The first 8 bytes of the SHA-256 of a frame's bytes."""
    return hashlib.sha256(packet).digest()[:DIGEST_SIZE]


def link(message: bytes) -> bytes:
    """What the next seal says of this one: the first 16 bytes of the SHA-256 of its signed bytes."""
    return hashlib.sha256(message).digest()[:LINK_SIZE]


def verify_seal(
    seal: stream_pb2.Seal,
    certificate: stream_pb2.SessionCertificate,
    packets: Mapping[int, bytes] | None = None,
) -> int:
    """Check one seal on its own; the number of `packets` (bytes by sequence) that it covers and that fit.

    Packets that the seal does not list are left alone, and so are listed ones that were lost. Raises
    VerificationError: wrong session, wrong signature, or a packet that is not what was sealed. The
    certificate itself is the business of `verify_certificate`.
    """
    _check_signature(seal, certificate, _message(seal))
    fitting = 0
    for sequence, packet in (packets or {}).items():
        place = (sequence - seal.first_sequence) % _WRAP
        if place * DIGEST_SIZE >= len(seal.digests):
            continue
        if frame_digest(packet) != digest_at(seal, place):
            raise VerificationError(f"Frame {sequence} is not the one that seal {seal.chunk} signed.")
        fitting += 1
    return fitting


class SealChain:
    """Verifies one avatar's stream as it comes: frames in any order, some lost; seals in order, some lost.

    One may join late: the first seal seen is where the chain begins.
    """

    def __init__(
        self, certificate: stream_pb2.SessionCertificate, avatar: int, server_key: bytes | None = None
    ) -> None:
        """Raises VerificationError when the certificate does not hold."""
        verify_certificate(certificate, server_key)
        self._certificate = certificate
        self._avatar = avatar
        self._waiting: OrderedDict[int, bytes] = OrderedDict()
        self._sealed: OrderedDict[int, bytes] = OrderedDict()
        self._came: set[int] = set()
        self._next = -1
        self._link = b""
        self.verified = 0
        """Frames that are sealed and unchanged."""
        self.lost = 0
        """Sealed frames that never came."""
        self.missing = 0
        """Seals that never came."""

    def frame(self, sequence: int, packet: bytes) -> None:
        """A frame came. At most ten seconds of frames wait for their seal.

        Raises VerificationError when it is not the one that was sealed, or that came before.
        """
        digest = frame_digest(packet)
        known = self._sealed.get(sequence) or self._waiting.get(sequence)
        if known is not None and known != digest:
            raise VerificationError(f"Frame {sequence} came twice, or is not the one that was sealed.")
        if sequence not in self._sealed:
            self._waiting[sequence] = digest
            _keep_newest(self._waiting)
        elif sequence not in self._came:  # overtaken by its own seal
            self._came.add(sequence)
            self.verified += 1
            self.lost -= 1

    @property
    def pending(self) -> int:
        """Frames that wait for their seal."""
        return len(self._waiting)

    def seal(self, seal: stream_pb2.Seal) -> None:
        """A seal came. Raises VerificationError when it, a frame of it, or the chain does not hold."""
        if seal.avatar != self._avatar:
            raise VerificationError(f"The seal is of avatar {seal.avatar}, not {self._avatar}.")
        if self._next >= 0 and seal.chunk < self._next:
            raise VerificationError(f"Seal {seal.chunk} came again, or out of order.")
        message = _message(seal)
        _check_signature(seal, self._certificate, message)
        if self._next >= 0 and seal.chunk == self._next and seal.previous != self._link:
            raise VerificationError(f"Seal {seal.chunk} does not follow the one before it.")
        if seal.chunk == 0 and seal.previous:
            raise VerificationError("The first seal follows another one.")
        if self._next >= 0:
            self.missing += seal.chunk - self._next
        for place in range(len(seal.digests) // DIGEST_SIZE):
            self._match((seal.first_sequence + place) % _WRAP, digest_at(seal, place))
        self._next = seal.chunk + 1
        self._link = link(message)

    def _match(self, sequence: int, listed: bytes) -> None:
        self._sealed[sequence] = listed
        for old in _keep_newest(self._sealed):
            self._came.discard(old)
        own = self._waiting.pop(sequence, None)
        if own is None:
            self.lost += 1
        elif own != listed:
            raise VerificationError(f"Frame {sequence} is not the one that was sealed.")
        else:
            self._came.add(sequence)
            self.verified += 1


_MEMORY: Final = 600
"""Ten seconds of frames."""


def _keep_newest(frames: "OrderedDict[int, bytes]") -> list[int]:
    """Forget the oldest beyond ten seconds; what was forgotten."""
    gone: list[int] = []
    while len(frames) > _MEMORY:
        gone.append(frames.popitem(last=False)[0])
    return gone


def digest_at(seal: stream_pb2.Seal, place: int) -> bytes:
    """The digest of a seal's frame number `place`."""
    return seal.digests[place * DIGEST_SIZE : (place + 1) * DIGEST_SIZE]


def _check_signature(
    seal: stream_pb2.Seal, certificate: stream_pb2.SessionCertificate, message: bytes
) -> None:
    if seal.session != certificate.session:
        raise VerificationError(f"The seal is of session {seal.session!r}, not {certificate.session!r}.")
    if not verify_signature(certificate.public_key, message, seal.signature):
        raise VerificationError(f"Seal {seal.chunk} is not signed by the session's key.")


def _message(seal: stream_pb2.Seal) -> bytes:
    try:
        return seal_bytes(seal)
    except InputError as problem:
        raise VerificationError(f"Seal {seal.chunk} is not whole: {problem}") from None

"""ServerKey and SessionKey: Ed25519 keys, and the certificate that ties one to the other."""

import hashlib
import os
import secrets
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from likeness.errors import InputError, SealError, VerificationError
from likeness.provenance.canonical import certificate_bytes
from likeness.v1 import stream_pb2

KEY_FILE: Final = "server.key"


class SessionKey:
    """The Ed25519 key of one session. It lives in memory only."""

    def __init__(self, secret: bytes) -> None:
        """From the 32 secret bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public_bytes: Final = self._key.public_key().public_bytes_raw()

    @staticmethod
    def generate() -> "SessionKey":
        """A new key."""
        return SessionKey(secrets.token_bytes(32))

    def sign(self, message: bytes) -> bytes:
        """Signature, 64 bytes."""
        return self._key.sign(message)


class ServerKey:
    """The Ed25519 key that stands for this server: it certifies session keys and signs the ledger."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_bytes: Final = key.public_key().public_bytes_raw()

    @staticmethod
    def load_or_create(data_dir: Path) -> "ServerKey":
        """The key in `data_dir`/server.key, made there on first use (mode 0600, whole or not at all).

        Raises SealError when the file cannot be made or read, is no key, or may be read by others.
        """
        path = data_dir / KEY_FILE
        if data_dir.exists() and not data_dir.is_dir():
            raise SealError(
                f"The data folder {data_dir} is a file; nothing may be generated without a place for the key "
                "and the ledger. Set LIKENESS_DATA to a folder."
            )
        try:
            if not path.exists():
                _create(path)
            return ServerKey(_load(path))
        except OSError as problem:
            raise SealError(
                f"The server key {path} cannot be made or read: {problem.strerror or problem}. "
                "Without it nothing may be generated. Make the folder writable, or set LIKENESS_DATA."
            ) from None

    def sign(self, message: bytes) -> bytes:
        """Signature, 64 bytes."""
        return self._key.sign(message)

    def certify(
        self, session: str, session_public: bytes, hours: float = 24.0, now: datetime | None = None
    ) -> stream_pb2.SessionCertificate:
        """The statement that `session_public` seals `session`, valid from a minute ago for `hours`."""
        start = (now or datetime.now(UTC)) - timedelta(minutes=1)
        certificate = stream_pb2.SessionCertificate(
            session=session,
            public_key=session_public,
            server_key=self.public_bytes,
            not_before=timestamp(start),
            not_after=timestamp(start + timedelta(hours=hours)),
        )
        certificate.signature = self.sign(certificate_bytes(certificate))
        return certificate

    def blind(self, value: str) -> str:
        """A stable pseudonym (16 hex digits) that only this key can make: for addresses in the log."""
        secret = self._key.private_bytes_raw()
        return hashlib.blake2b(value.encode(), key=secret, person=b"likeness peer", digest_size=8).hexdigest()


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature holds. Anything malformed does not."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_certificate(
    certificate: stream_pb2.SessionCertificate,
    server_key: bytes | None = None,
    at: datetime | None = None,
) -> None:
    """Raise VerificationError unless the server's key signed the certificate.

    server_key: the key it must be; at: the moment at which it must be valid.
    """
    if server_key is not None and certificate.server_key != server_key:
        raise VerificationError("The certificate is from another server.")
    try:
        message = certificate_bytes(certificate)
    except InputError as problem:
        raise VerificationError(f"The certificate is not whole: {problem}") from None
    if not verify_signature(certificate.server_key, message, certificate.signature):
        raise VerificationError("The certificate is not signed by the server's key.")
    try:
        start, end = parse_timestamp(certificate.not_before), parse_timestamp(certificate.not_after)
    except ValueError:
        raise VerificationError("The certificate's times cannot be read.") from None
    if at is not None and not start <= at <= end:
        raise VerificationError(
            f"The certificate is valid from {certificate.not_before} to {certificate.not_after} only."
        )


def fingerprint(public: bytes) -> str:
    """A key for people: 16 hex digits of its SHA-256, in groups of four."""
    digits = hashlib.sha256(public).hexdigest()[:16]
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-21T10:00:00.000Z."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"


def parse_timestamp(value: str) -> datetime:
    """Inverse of `timestamp`; ValueError otherwise."""
    return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # unlike a rename it never replaces a key that another process just made
        except FileExistsError:
            return
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _load(path: Path) -> Ed25519PrivateKey:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise SealError(
            f"The server key {path} may be read by others (mode {mode:04o}). Run: chmod 600 '{path}'"
        )
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealError(
            f"{path} is not an Ed25519 key. Restore it from a backup; removing it makes a new one, and what "
            "was sealed before is then signed by an unknown key."
        )
    return key

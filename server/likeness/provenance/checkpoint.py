"""Checkpoints: a ledger's size and root, signed, as a note that other tools can check.

The text is a checkpoint of c2sp.org/tlog-checkpoint in a signed note of c2sp.org/signed-note:

    likeness-ledger-1a2b3c4d
    42
    <root, base64>

    — likeness-ledger-1a2b3c4d <key id and signature, base64>
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from likeness.errors import VerificationError
from likeness.provenance.keys import ServerKey, verify_signature


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree of `size` leaves with hash `root` (32 bytes)."""

    size: int
    root: bytes


def origin(server_key: bytes) -> str:
    """The ledger's name, by its server's key."""
    return f"likeness-ledger-{hashlib.sha256(server_key).hexdigest()[:8]}"


def sign_checkpoint(checkpoint: Checkpoint, key: ServerKey) -> str:
    """The signed note."""
    name = origin(key.public_bytes)
    body = _body(name, checkpoint)
    signature = _key_id(name, key.public_bytes) + key.sign(body.encode())
    return _note(body, name, signature)


def read_checkpoint(note: str, server_key: bytes) -> Checkpoint:
    """What a note says. Raises VerificationError unless the server's key signed exactly that."""
    name = origin(server_key)
    try:
        body, _, signatures = note.partition("\n\n")
        written_name, size_text, root_text = body.split("\n")
        size, root = int(size_text), base64.b64decode(root_text, validate=True)
        dash, signer, encoded = signatures.rstrip("\n").split(" ")
        signature = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise VerificationError("A checkpoint is not a signed note.") from None
    if (dash, signer, written_name) != ("—", name, name) or signature[:4] != _key_id(name, server_key):
        raise VerificationError(f"A checkpoint is of another ledger ({written_name[:60]!r}, not {name!r}).")
    checkpoint = Checkpoint(size, root)
    text = _body(name, checkpoint)
    if size < 0 or len(root) != 32 or note != _note(text, name, signature):
        raise VerificationError("A checkpoint is not written as it should be.")
    if not verify_signature(server_key, text.encode(), signature[4:]):
        raise VerificationError(f"The checkpoint of {size} entries is not signed by the server's key.")
    return checkpoint


def _body(name: str, checkpoint: Checkpoint) -> str:
    return f"{name}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def _note(body: str, name: str, signature: bytes) -> str:
    return f"{body}\n— {name} {base64.b64encode(signature).decode()}\n"


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]

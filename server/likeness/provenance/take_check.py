"""Verification of a take: what it is, who vouches for it, and whether anything in it was changed."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format

from likeness.errors import InputError, LikenessError, VerificationError
from likeness.head.places import data_dir as default_data_dir
from likeness.provenance.canonical import DIGEST_SIZE, LINK_SIZE, TAKE_DOMAIN, seal_bytes
from likeness.provenance.keys import (
    KEY_FILE,
    ServerKey,
    fingerprint,
    parse_timestamp,
    verify_certificate,
    verify_signature,
)
from likeness.provenance.ledger import LEDGER_FILE
from likeness.provenance.report import Report
from likeness.provenance.seal import FRAMES_PER_SEAL, link
from likeness.provenance.session_log import read_session
from likeness.provenance.take_digest import digest_take, frame_count
from likeness.provenance.take_file import TakeFile, open_take
from likeness.provenance.take_seal import UNSIGNED, take_seal
from likeness.v1 import stream_pb2

_FRAME_SECONDS: Final = 1 / 60


def verify_take(
    path: str | Path,
    *,
    server_key: bytes | None = None,
    data_dir: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Check a take's statement, certificate, seals and every number in it; say in words what it is.

    server_key: the key that must have certified it; without it any key is accepted and named, and compared
    with the one in `data_dir` (default: this machine's). Raises NotFoundError or InputError for a file that
    is no take at all.
    """
    with open_take(Path(path)) as take:
        try:
            return _verify(Path(path), take, server_key, data_dir or default_data_dir(), progress)
        except VerificationError as problem:
            lines = (
                *_claims(Path(path), take.meta),
                str(problem),
                "NOT VERIFIED: do not trust what it says.",
            )
            return Report(False, lines)


def _verify(
    path: Path,
    take: TakeFile,
    server_key: bytes | None,
    folder: Path,
    progress: Callable[[float], None] | None,
) -> Report:
    meta = take.meta
    if not meta.get("statement"):
        raise VerificationError("It carries no seal: nothing proves who made it or that it is unchanged.")
    certificate = _certificate(meta)
    statement = _statement(meta, certificate, server_key)
    lines = list(_claims(path, statement))
    lines.append(_whose(certificate.server_key, folder, server_key))
    problems = _meta_changes(meta, statement)
    problems += _content_changes(take, meta, statement, certificate, progress)
    lines += problems
    lines.append(_logged(str(statement["session"]), str(meta["statement"]), folder))
    if problems:
        return Report(False, (*lines, "NOT VERIFIED: it was changed after it was sealed."))
    seals = len(meta["seals"])
    lines.append(
        f"{frame_count(take.shapes)} frames in {seals} seals and {len(take.shapes)} arrays are unchanged."
    )
    return Report(True, (*lines, "VERIFIED."))


def _claims(path: Path, meta: dict[str, Any]) -> tuple[str, ...]:
    """What a take says of itself, in words."""

    def word(name: str) -> str:
        value = meta.get(name)
        return str(value)[:200] if isinstance(value, str) and value else "unknown"

    generated = "generated, synthetic media" if meta.get("generated") is True else "NOT marked as generated"
    return (
        f"{path}: {generated}.",
        f"It portrays {word('portrays')} (character {word('character')}, head {word('head')}).",
        f"Driven by: {word('driver')}. "
        f"Made by {word('software')}, {word('created')}, session {word('session')}.",
        f'Wherever it is shown it must carry the mark "{word("mark")}".',
    )


def _certificate(meta: dict[str, Any]) -> stream_pb2.SessionCertificate:
    certificate = stream_pb2.SessionCertificate()
    try:
        json_format.ParseDict(meta.get("certificate"), certificate)  # pyright: ignore[reportArgumentType]
    except (json_format.ParseError, TypeError, AttributeError, ValueError):
        raise VerificationError("Its certificate cannot be read.") from None
    return certificate


def _statement(
    meta: dict[str, Any], certificate: stream_pb2.SessionCertificate, server_key: bytes | None
) -> dict[str, Any]:
    """What the session's key signed. Raises VerificationError unless certificate and signature hold."""
    try:
        text = str(meta["statement"])
        signature = base64.b64decode(str(meta.get("signature")), validate=True)
        message = TAKE_DOMAIN + text.encode()
    except (ValueError, binascii.Error):
        raise VerificationError("Its signature cannot be read.") from None
    verify_certificate(certificate, server_key)
    if not verify_signature(certificate.public_key, message, signature):
        raise VerificationError("Its statement is not what the session's key signed: the tag was changed.")
    try:
        statement = json.loads(text)
        created = parse_timestamp(statement["created"])
        if statement["session"] != certificate.session or statement["generated"] is not True:
            raise ValueError
        if not isinstance(statement["arrays"], dict) or not isinstance(statement["sealed"], dict):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise VerificationError("Its statement is signed, but not one of a take of this session.") from None
    verify_certificate(certificate, server_key, created)
    return statement


def _whose(key: bytes, folder: Path, expected: bytes | None) -> str:
    name = fingerprint(key)
    if expected is not None:
        return f"Certified by the expected server key {name}."
    try:
        own = ServerKey.load_or_create(folder).public_bytes if (folder / KEY_FILE).is_file() else b""
    except LikenessError:
        own = b""
    if own == key:
        return f"Certified by this machine's own server key {name}."
    return f"Certified by the server key {name}, which is not this machine's: compare it with the maker's."


def _meta_changes(meta: dict[str, Any], statement: dict[str, Any]) -> list[str]:
    names = sorted((set(meta) | set(statement)) - UNSIGNED)
    return [
        f"`{name}` in the meta was changed: it was sealed as {json.dumps(statement.get(name))[:120]}."
        for name in names
        if meta.get(name) != statement.get(name)
    ]


def _content_changes(
    take: TakeFile,
    meta: dict[str, Any],
    statement: dict[str, Any],
    certificate: stream_pb2.SessionCertificate,
    progress: Callable[[float], None] | None,
) -> list[str]:
    signed: dict[str, Any] = statement["arrays"]
    problems = [f"`{name}` was sealed and is missing." for name in sorted(set(signed) - set(take.shapes))]
    problems += [f"`{name}` was added after sealing." for name in sorted(set(take.shapes) - set(signed))]
    sealed_digests, seal_problem = _sealed_digests(meta, statement, certificate)
    if seal_problem:
        problems.append(seal_problem)
    whole, digests = digest_take(take.shapes, take.read, progress)
    changed: list[int] = []
    frame = -1
    try:
        for frame, digest in enumerate(digests):
            if digest != sealed_digests[frame * DIGEST_SIZE : (frame + 1) * DIGEST_SIZE]:
                changed.append(frame)
    except InputError as damage:
        return [*problems, str(damage)]
    arrays = [name for name in sorted(whole) if name in signed and whole[name] != signed[name]]
    if arrays:
        where = f" in {_spans(changed)}" if changed and not seal_problem else ""
        problems.append(f"Changed after sealing: {', '.join(f'`{name}`' for name in arrays)}{where}.")
    elif changed and not problems:
        problems.append(f"The frames do not fit their seals: {_spans(changed)}.")
    if frame + 1 != statement["sealed"].get("frames") and not problems:
        problems.append(f"{statement['sealed'].get('frames')} frames were sealed; {frame + 1} are there.")
    return problems


def _sealed_digests(
    meta: dict[str, Any], statement: dict[str, Any], certificate: stream_pb2.SessionCertificate
) -> tuple[bytes, str]:
    """The frames' digests as the seals hold them, and what is wrong with the seals."""
    seals = meta.get("seals")
    if not isinstance(seals, list) or len(seals) != statement["sealed"].get("chunks"):
        return b"", "Seals were removed or added."
    found: list[bytes] = []
    previous = b""
    for number, encoded in enumerate(seals):  # pyright: ignore[reportUnknownArgumentType]
        try:
            data = base64.b64decode(str(encoded), validate=True)
            message = seal_bytes(take_seal(certificate.session, number, data[:-64], previous))
        except (ValueError, binascii.Error, InputError):
            return b"".join(found), f"Seal {number} cannot be read."
        if len(data) > FRAMES_PER_SEAL * DIGEST_SIZE + 64 or not verify_signature(
            certificate.public_key, message, data[-64:]
        ):
            return b"".join(found), f"Seal {number} is not what the session's key signed."
        found.append(data[:-64])
        previous = link(message)
    assert len(previous) in (0, LINK_SIZE)
    if previous.hex() != statement["sealed"].get("link"):
        return b"".join(found), "The seals are not those that the statement names."
    return b"".join(found), ""


def _spans(frames: list[int]) -> str:
    """Frames for people: the first few runs, with their times."""
    runs: list[tuple[int, int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    words = [
        f"frames {a}-{b} ({a * _FRAME_SECONDS:.2f}-{(b + 1) * _FRAME_SECONDS:.2f} s)" if b > a
        else f"frame {a} ({a * _FRAME_SECONDS:.2f} s)"
        for a, b in runs[:3]
    ]  # fmt: skip
    more = f" and {len(runs) - 3} more places" if len(runs) > 3 else ""
    return ", ".join(words) + more


def _logged(session: str, statement: str, folder: Path) -> str:
    """Whether this machine's ledger knows the take: only its maker's does."""
    if not (folder / LEDGER_FILE).is_file():
        return "This machine has no ledger to look it up in."
    try:
        history = read_session(folder, session)
    except LikenessError:
        return "It is not in this machine's ledger; the maker's ledger has it."
    digest = hashlib.sha256(statement.encode()).hexdigest()
    fits = any(entry.data.get("statement_sha256") == digest for entry in history.entries)
    if fits and all(history.proven):
        return f"It is in this machine's ledger, session {session}, proven."
    return "This machine's ledger knows its session, but another statement of it."

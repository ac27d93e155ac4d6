"""Sealing takes: a signed statement of what a take is, and a seal over every 100 ms of it."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from google.protobuf import json_format
from numpy.typing import NDArray

from likeness.errors import InputError
from likeness.provenance.canonical import DIGEST_SIZE, TAKE_DOMAIN, seal_bytes
from likeness.provenance.keys import SessionKey, timestamp
from likeness.provenance.seal import FRAMES_PER_SEAL, link
from likeness.provenance.session_log import SessionLog, new_session_id
from likeness.provenance.tag import SOFTWARE, driver_number, tag_of
from likeness.provenance.take_digest import ArrayShape, digest_take, frame_count
from likeness.v1 import stream_pb2

UNSIGNED: Final = frozenset({"seals", "statement", "signature", "certificate"})
"""Keys of a take's meta that the statement does not repeat: they prove it."""


class SealableTake(Protocol):
    """A frozen dataclass with a take's meta and arrays (likeness.performance.take.Take)."""

    @property
    def meta(self) -> Mapping[str, Any]: ...

    def arrays(self) -> dict[str, NDArray[Any]]: ...


TakeT = TypeVar("TakeT", bound=SealableTake)


def seal_take(
    take: TakeT,
    *,
    data_dir: Path | None = None,
    log: SessionLog | None = None,
    now: datetime | None = None,
    progress: Callable[[float], None] | None = None,
) -> TakeT:
    """The take, tagged, sealed by a session key that this server certifies, and logged as a session.

    log: the open log to use; else the one in `data_dir` is opened. Raises SealError: nothing may be
    written then. InputError when the take lacks what must be signed.
    """
    if log is None:
        if data_dir is None:
            raise InputError("A take is sealed with a log or with the data folder that holds one.")
        log = SessionLog.open(data_dir)
        try:
            return seal_take(take, log=log, now=now, progress=progress)
        finally:
            log.close()
    session, key = new_session_id(now), SessionKey.generate()
    certificate = log.key.certify(session, key.public_bytes, now=now)
    meta = _tagged(take.meta, session, now or datetime.now(UTC))
    arrays = {name: _plain(array) for name, array in take.arrays().items()}
    shapes = {name: ArrayShape(a.dtype.str, a.dtype.itemsize, a.shape) for name, a in arrays.items()}
    if not frame_count(shapes):
        raise InputError("A take without frames cannot be sealed.")

    def rows(name: str, start: int, stop: int) -> bytes:
        array = arrays[name]
        return array.tobytes() if not array.shape else np.ascontiguousarray(array[start:stop]).tobytes()

    whole, digests = digest_take(shapes, rows, progress)
    seals: list[str] = []
    chunk: list[bytes] = []
    previous = b""
    for digest in digests:
        chunk.append(digest)
        if len(chunk) == FRAMES_PER_SEAL:
            previous = _seal(session, key, chunk, previous, seals)
            chunk = []
    if chunk:
        previous = _seal(session, key, chunk, previous, seals)
    meta["arrays"] = whole
    meta["sealed"] = {"chunks": len(seals), "frames": frame_count(shapes), "link": previous.hex()}
    statement = json.dumps(meta, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    proof: dict[str, Any] = {
        "certificate": json_format.MessageToDict(certificate),
        "statement": statement,
        "signature": base64.b64encode(key.sign(TAKE_DOMAIN + statement.encode())).decode(),
        "seals": seals,
    }
    logged = {
        "frames": frame_count(shapes),
        "statement_sha256": hashlib.sha256(statement.encode()).hexdigest(),
        "seals_link": previous.hex(),
    }
    log.log_take(session, meta["character"], meta["portrays"], meta["driver"], key.public_bytes, logged)
    return replace(take, meta={**meta, **proof})  # pyright: ignore[reportArgumentType, reportReturnType, reportCallIssue]


def take_seal(session: str, chunk: int, digests: bytes, previous: bytes) -> stream_pb2.Seal:
    """The unsigned seal of one chunk of a take: as on the wire, of avatar 0, frames counted from 0."""
    return stream_pb2.Seal(
        session=session,
        avatar=0,
        chunk=chunk,
        first_sequence=chunk * FRAMES_PER_SEAL,
        digests=digests,
        previous=previous,
    )


def _seal(session: str, key: SessionKey, digests: list[bytes], previous: bytes, seals: list[str]) -> bytes:
    """Sign a chunk, add it to `seals`, and give the link for the next."""
    joined = b"".join(digests)
    assert len(joined) % DIGEST_SIZE == 0
    message = seal_bytes(take_seal(session, len(seals), joined, previous))
    seals.append(base64.b64encode(joined + key.sign(message)).decode())
    return link(message)


def _tagged(old: Mapping[str, Any], session: str, now: datetime) -> dict[str, Any]:
    for name in ("character", "driver"):
        if not isinstance(old.get(name), str):
            raise InputError(f"A take's meta must name its {name}.")
    meta = {name: value for name, value in old.items() if name not in UNSIGNED}
    portrays = str(old.get("portrays") or old["character"])
    tag = tag_of(
        str(old["character"]), portrays, str(old["driver"]), session, driver_number(str(old["driver"])), now
    )
    meta.update(
        generated=True,
        portrays=portrays,
        session=session,
        mark=tag.mark,
        software=SOFTWARE,
        created=timestamp(now),
        tag=json_format.MessageToDict(tag),
    )
    return meta


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Little-endian, as the file holds it."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False)

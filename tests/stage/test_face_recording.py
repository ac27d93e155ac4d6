"""A person's face is kept only while they allow it, and is gone when they no longer do."""

import stat
from pathlib import Path

import numpy as np
import pytest

from likeness.errors import InputError
from likeness.performance.client_packets import ControlsIn, encode_client
from likeness.provenance import read_session
from likeness.stage.face_recording import FOLDER, FaceRecording, read_face_recording
from likeness.stage.session import Session
from likeness.stage.stage import Stage
from likeness.tracking.face import TrackedFace, full_confidence
from likeness.v1.room_pb2 import ClientMessage, Consent
from tests.stage.conftest import enter


def faces(data: Path) -> list[Path]:
    return sorted((data / FOLDER).glob("*")) if (data / FOLDER).is_dir() else []


def weights(k: int) -> bytes:
    return encode_client(ControlsIn(k, np.full(52, 0.5, np.float32), np.zeros(3, np.float32), np.zeros(2)))


async def allow(session: Session, face: bool, recording: bool) -> None:
    await session.handle(ClientMessage(consent=Consent(face_capture=face, recording=recording)))


@pytest.mark.asyncio(loop_scope="package")
async def test_nothing_is_kept_unless_it_is_allowed(stage: Stage, data: Path) -> None:
    session, _, _ = await enter(stage)
    before = faces(data)
    await allow(session, True, False)
    for k in range(5):
        session.handle_datagram(weights(k))
    await stage.end(session, "done")
    assert faces(data) == before


@pytest.mark.asyncio(loop_scope="package")
async def test_what_is_allowed_is_kept_with_the_session_and_nothing_before_it(
    stage: Stage, data: Path
) -> None:
    session, _, _ = await enter(stage)
    await allow(session, True, False)
    session.handle_datagram(weights(0))
    await allow(session, True, True)
    for k in range(1, 6):
        session.handle_datagram(weights(k))
    session.drive_face(TrackedFace(np.zeros(52, np.float32), full_confidence(head=False, gaze=False)))
    await allow(session, False, True)
    session.handle_datagram(weights(6))
    await stage.end(session, "done")
    path = data / FOLDER / f"{session.id}.face"
    kept = list(read_face_recording(path))
    assert [datagram for _, datagram in kept[:5]] == [weights(k) for k in range(1, 6)]
    assert len(kept) == 6, (
        "the tracker's face came last; what came without permission to capture is not there"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "face_recording" in [e.kind for e in read_session(data, session.id).entries]


@pytest.mark.asyncio(loop_scope="package")
async def test_permission_taken_back_deletes_it_at_once(stage: Stage, data: Path) -> None:
    session, _, _ = await enter(stage)
    before = faces(data)
    await allow(session, True, True)
    session.handle_datagram(weights(1))
    assert len(faces(data)) == len(before) + 1
    await allow(session, True, False)
    assert faces(data) == before
    session.handle_datagram(weights(2))
    assert faces(data) == before
    await stage.end(session, "done")
    kept = [e.data["kept"] for e in read_session(data, session.id).entries if e.kind == "face_recording"]
    assert kept == [True, False]


def test_a_recording_that_a_crash_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    recording = FaceRecording(tmp_path, "S")
    recording.add(1.0, b"one")
    recording.add(2.0, b"two")
    recording.close()
    recording.path.write_bytes(recording.path.read_bytes()[:-2])
    assert list(read_face_recording(recording.path)) == [(1.0, b"one")]
    recording.path.write_bytes(b"something else")
    with pytest.raises(InputError, match="no recording"):
        list(read_face_recording(recording.path))
